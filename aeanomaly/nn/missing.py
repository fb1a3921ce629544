"""Cells that nobody observed, NaN in encoded rows."""

import torch

#: Squared distances below this are those of equal rows, and weights those of nobody.
_SMALLEST = 1e-12


def split_missing(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows with 0 in place of holes, and 1 where there was one, both of the shape of `rows`."""
    missing = rows.isnan()
    return rows.masked_fill(missing, 0), missing.to(rows.dtype)


def impute(rows: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    """Rows (N, D) whose holes hold the mean of other rows (K, D), the more like them the heavier.

    Likeness is by the columns that a row has, with a normal kernel as wide as neighbours are apart (Nadaraya 1964,
    Theory of Probability & Its Applications 9); what another row lacks is as far away as its column's values are
    on the average. A row that is among the others, at its own number, has no say in itself.
    """
    if not bool(rows.isnan().any()):
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
    width = nearest[nearest.isfinite()].mean().nan_to_num(1.0)
    weights = torch.softmax(-0.5 * squares / width, dim=1).nan_to_num(0)
    # In many columns all weights but one vanish, and that row may have no value either.
    heavy = weights @ there
    filled = torch.where(heavy > _SMALLEST, weights @ y / heavy.clamp(min=_SMALLEST), mean)
    return torch.where(lacks > 0, filled, x)
