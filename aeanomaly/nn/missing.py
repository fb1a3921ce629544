"""Missing values in encoded rows, marked by NaN."""

import torch

from aeanomaly.nn.selection import mean_of

#: Squared distances below this count as 0, and so do sums of weights.
_SMALLEST = 1e-12


def split_missing(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows with 0 for missing values, and a mask with 1 for missing values, both shaped as `rows`."""
    missing = rows.isnan()
    return rows.masked_fill(missing, 0), missing.to(rows.dtype)


def impute(rows: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    """Replace the missing values of rows (N, D) by weighted means of other rows (K, D).

    Weights are a normal kernel of the distance in the observed columns, as wide as the mean distance between
    neighbors (Nadaraya 1964, Theory of Probability & Its Applications 9). A value that is missing in the other row
    contributes the average squared distance of its column. Row i of `among` gets no weight in row i of `rows`.
    """
    # On an accelerator, the host would wait for the check.
    if rows.device.type == "cpu" and not bool(rows.isnan().any()):
        return rows
    (x, lacks), (y, misses) = split_missing(rows), split_missing(among)
    has, there = 1 - lacks, 1 - misses
    known = there.sum(dim=0).clamp(min=1)
    mean = y.sum(dim=0) / known
    variance = ((y - mean).square() * there).sum(dim=0) / known
    squares = x.square() @ there.T - 2 * x @ y.T + has @ y.square().T
    squares = squares.clamp(min=0) + (has * ((x - mean).square() + variance)) @ misses.T
    squares.fill_diagonal_(torch.inf)
    nearest = (squares / has.sum(dim=1, keepdim=True)).masked_fill(squares <= _SMALLEST, torch.inf).amin(dim=1)
    width = mean_of(nearest, nearest.isfinite()).nan_to_num(1.0)
    weights = torch.softmax(-0.5 * squares / width, dim=1).nan_to_num(0)
    # With many columns a single row may get all the weight, and its value may be missing too.
    heavy = weights @ there
    filled = torch.where(heavy > _SMALLEST, weights @ y / heavy.clamp(min=_SMALLEST), mean)
    return torch.where(lacks > 0, filled, x)
