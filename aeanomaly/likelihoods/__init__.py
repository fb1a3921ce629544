"""Distributions of the columns of a row, given the decoder's output."""

from aeanomaly.likelihoods.base import Likelihood
from aeanomaly.likelihoods.bernoulli import Bernoulli
from aeanomaly.likelihoods.build import LIKELIHOODS, NumericLikelihood, build_likelihood
from aeanomaly.likelihoods.categorical import Categorical
from aeanomaly.likelihoods.gaussian import Gaussian
from aeanomaly.likelihoods.observed import Observed
from aeanomaly.likelihoods.poisson import Poisson
from aeanomaly.likelihoods.product import Product

__all__ = [
    "LIKELIHOODS",
    "Bernoulli",
    "Categorical",
    "Gaussian",
    "Likelihood",
    "NumericLikelihood",
    "Observed",
    "Poisson",
    "Product",
    "build_likelihood",
]
