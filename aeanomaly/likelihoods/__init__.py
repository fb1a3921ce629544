"""Distributions of the columns of a row, given the decoder's output: one module for each, and their product."""

from aeanomaly.likelihoods.base import Likelihood
from aeanomaly.likelihoods.build import LIKELIHOODS, NumericLikelihood, build_likelihood

__all__ = ["LIKELIHOODS", "Likelihood", "NumericLikelihood", "build_likelihood"]
