"""Largest gaps between the values of features, and units of distances inside of them."""

import numpy as np
import torch

from aeanomaly.scoring.covariance import is_on_accelerator

#: Number of gaps of a feature, with those below its minimum and above its maximum.
_GAPS = 8
#: Share of the rows in an interval whose half-width is the unit of a feature.
_MASS = 0.2
#: Lower bound of this unit, as a share of the standard deviation.
_LEAST_UNIT = 0.01
#: Bound of the outer gaps, so far beyond all encoded values that their inner end is nearer.
_FAR = 5e12
#: Number of cells that an accelerator sorts at once.
_AT_ONCE = 1 << 24

#: Lower and upper ends of the gaps of features, each (G, D), and units of distances (D,), in float64.
Gaps = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def find_gaps(encoded: np.ndarray | torch.Tensor) -> Gaps:
    """Find the largest gaps of the features of encoded rows (N, D), on their device."""
    if is_on_accelerator(encoded):
        blocks = encoded.split(max(1, _AT_ONCE // len(encoded)), dim=1)
        lowers, uppers, units = zip(*(_gaps_on_device(block.double()) for block in blocks), strict=True)
        return torch.cat(lowers, dim=1), torch.cat(uppers, dim=1), torch.cat(units)
    found = [_gaps_of(feature[~np.isnan(feature)].astype(np.float64)) for feature in np.asarray(encoded).T]
    lower, upper, unit = (torch.from_numpy(np.stack(values, axis=-1)) for values in zip(*found, strict=True))
    return lower, upper, unit


def _gaps_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the lower and upper ends of the gaps of some values (N,), each (G,), and the unit of distances, ()."""
    if len(values) == 0:  # in a part of the rows
        return np.zeros(_GAPS), np.zeros(_GAPS), np.array(1.0)
    values = np.sort(values)
    widest = np.argsort(-np.diff(values), kind="stable")[: _GAPS - 2]
    lower, upper = np.full(_GAPS, values[0]), np.full(_GAPS, values[0])  # empty unless there are enough values
    lower[:2], upper[:2] = [-_FAR, values[-1]], [values[0], _FAR]
    lower[2 : 2 + len(widest)], upper[2 : 2 + len(widest)] = values[widest], values[widest + 1]
    size = min(len(values), max(2, int(_MASS * len(values))))
    radius = 0.5 * np.median(values[size - 1 :] - values[: len(values) - size + 1])
    least = _LEAST_UNIT * (values.std() or 1.0)
    return lower, upper, np.array(max(radius, least))


def _gaps_on_device(rows: torch.Tensor) -> Gaps:
    """Find the gaps of all features at once, without waiting for the device."""
    rows = rows.masked_fill(rows.isnan(), torch.nan)  # CUDA sorts NaN with a negative sign before all numbers
    values, count = rows.sort(dim=0).values, (~rows.isnan()).sum(dim=0)  # missing values are the last
    low, high = values[:1], values.gather(0, (count - 1).clamp(min=0)[None])
    widest = values.diff(dim=0).nan_to_num(-torch.inf).argsort(dim=0, descending=True, stable=True)[: _GAPS - 2]
    exists = torch.arange(len(widest), device=rows.device)[:, None] < count - 1
    empty = low.expand(_GAPS - 2 - len(widest), -1)
    starts = torch.where(exists, values.gather(0, widest), low)
    ends = torch.where(exists, values.gather(0, widest + 1), low)
    lower = torch.cat([torch.full_like(low, -_FAR), high, starts, empty])
    upper = torch.cat([low, torch.full_like(low, _FAR), ends, empty])
    unit = torch.maximum(_radius(values, count), _LEAST_UNIT * _deviation(rows, count))
    return lower.masked_fill(count == 0, 0), upper.masked_fill(count == 0, 0), unit.masked_fill(count == 0, 1)


def _radius(values: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Return half of the median width of intervals with a share of the ascending values (N, D), (D,)."""
    size = torch.minimum(count, (_MASS * count.double()).long().clamp(min=2)).clamp(min=1)
    end = torch.arange(len(values), device=values.device)[:, None] + size - 1
    widths = values.gather(0, end.clamp(max=len(values) - 1)) - values
    widths = widths.masked_fill(end >= count, torch.inf).sort(dim=0).values
    n_widths = (count - size + 1).clamp(min=1)
    middle = torch.stack([(n_widths - 1) // 2, n_widths // 2])
    return 0.5 * widths.gather(0, middle).mean(dim=0)


def _deviation(rows: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Return the standard deviation of each feature of rows (N, D), 1 if it is constant."""
    deviation = ((rows - rows.nansum(dim=0) / count).square().nansum(dim=0) / count).sqrt()
    return torch.where(deviation > 0, deviation, 1.0)
