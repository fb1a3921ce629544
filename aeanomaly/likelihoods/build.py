"""The likelihood of encoded rows from the kinds of their columns."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from aeanomaly.likelihoods.base import Likelihood
from aeanomaly.likelihoods.bernoulli import Bernoulli
from aeanomaly.likelihoods.binary import Binary
from aeanomaly.likelihoods.categorical import Categorical
from aeanomaly.likelihoods.gaussian import Gaussian
from aeanomaly.likelihoods.observed import Observed
from aeanomaly.likelihoods.poisson import Poisson
from aeanomaly.likelihoods.product import Product

#: Likelihoods that a user may choose for a numeric column.
NumericLikelihood = Literal["gaussian", "bernoulli", "poisson"]
#: Likelihood of each kind of column, in the order of the encoded features.
LIKELIHOODS: dict[str, type[Likelihood]] = {
    cls.kind: cls for cls in (Gaussian, Binary, Bernoulli, Poisson, Categorical)
}


def build_likelihood(
    blocks: Sequence[tuple[str, int]], mean: np.ndarray, scale: np.ndarray, *, allow_missing: bool
) -> Likelihood:
    """Build the likelihood of rows that consist of blocks of columns.

    Parameters
    ----------
    blocks : sequence of (str, int)
        Kind and number of encoded features of each block, from left to right.
    mean, scale : ndarray (D,)
        Mean of the encoded training rows, and units of a column per unit of its encoding.
    allow_missing : bool
        Accept missing values in rows; they contribute 0.
    """
    ends = np.cumsum([width for _, width in blocks])[:-1]
    parts = [
        (LIKELIHOODS[kind].from_training(*constants), width)
        for (kind, width), *constants in zip(blocks, np.split(mean, ends), np.split(scale, ends), strict=True)
    ]
    likelihood = parts[0][0] if len(parts) == 1 else Product(tuple(parts))
    return Observed(likelihood) if allow_missing else likelihood
