"""What ``latent_dim="auto"`` means. The docstrings are phrases that the detectors' own quote."""

import math


def bottleneck(n_columns: int) -> int:
    """the root of the number of columns, plus one, but narrower than the row"""
    return max(1, min(round(math.sqrt(n_columns)) + 1, n_columns - 1))


def prototypes(n_columns: int) -> int:
    """512"""
    return 512


def many_prototypes(n_columns: int) -> int:
    """1,024"""
    return 1024


def overcomplete(n_columns: int) -> int:
    """64, or as wide as the row if that is wider"""
    return max(64, n_columns)
