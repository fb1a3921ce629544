"""What the decoder's output means: a distribution over each column."""

from aeanomaly.likelihoods.base import Likelihood
from aeanomaly.likelihoods.bernoulli import Bernoulli
from aeanomaly.likelihoods.gaussian import Gaussian
from aeanomaly.likelihoods.product import Product

__all__ = ["Bernoulli", "Gaussian", "Likelihood", "Product"]
