"""What ``latent_dim="auto"`` means."""

import math


def bottleneck(n_columns: int) -> int:
    """Root of the columns plus one, narrower than the row where the row has two columns or more."""
    return max(1, min(round(math.sqrt(n_columns)) + 1, n_columns - 1))


def overcomplete(n_columns: int) -> int:
    """At least as wide as the row."""
    return max(64, n_columns)
