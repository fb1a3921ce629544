"""Two-valued columns: squared error."""

from aeanomaly.likelihoods.gaussian import Gaussian


class Binary(Gaussian):
    """Squared error of a two-valued column, which is encoded with a variance of sqrt(q (1 - q)), not of 1.

    Here q is the share of one of the values. This is halfway between equal distances of the two values in all columns,
    which drown rare values, and equal variances, which let rare values dominate.
    """

    kind = "binary"
