"""Cells that nobody observed, NaN in encoded rows."""

import torch

#: Columns of no width, and rows that are all alike, have no distance to go by.
_SMALLEST = 1e-12


def without_holes(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows with 0 in place of holes, and 1 where there was one, both of the shape of `rows`."""
    holes = rows.isnan()
    return rows.masked_fill(holes, 0), holes.to(rows.dtype)


def completed(rows: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    """Rows (N, D) whose holes hold the mean of other rows (K, D), the more like them the heavier.

    Likeness is by the columns that both rows have, with a normal kernel as wide as neighbours are apart
    (Nadaraya 1964, Theory of Probability & Its Applications 9). A row that is among the others, at its own number,
    has no say in itself.
    """
    if not bool(rows.isnan().any()):
        return rows
    (x, lacks), (y, misses) = without_holes(rows), without_holes(among)
    has, there = 1 - lacks, 1 - misses
    shared = has @ there.T
    squares = x.square() @ there.T - 2 * x @ y.T + has @ y.square().T
    distances = (squares / shared).clamp(min=0).masked_fill(shared == 0, torch.inf)
    distances.fill_diagonal_(torch.inf)
    nearest = distances.masked_fill(distances <= _SMALLEST, torch.inf).amin(dim=1)
    width = nearest[nearest.isfinite()].mean().nan_to_num(1.0)
    weights = torch.softmax(-0.5 * rows.shape[1] * distances / width, dim=1).nan_to_num(0)
    known = weights @ there
    # In many columns all weights but one vanish, and that row may have no value either.
    usual = y.sum(dim=0) / there.sum(dim=0).clamp(min=1)
    filled = torch.where(known > _SMALLEST, weights @ y / known.clamp(min=_SMALLEST), usual)
    return torch.where(lacks > 0, filled, x)
