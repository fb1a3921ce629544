"""Gaps of columns: the terms of a row are the distances of its values from the training values of their columns."""

import numpy as np
import torch

from aeanomaly.scoring.scorer import ClosedFormScorer

#: Number of gaps of a feature, with those below its minimum and above its maximum.
_GAPS = 8
#: Share of the rows in an interval whose half-width is the unit of a feature.
_MASS = 0.2
#: Lower bound of this unit, as a share of the standard deviation.
_LEAST_UNIT = 0.01
#: Bound of the outer gaps, so far beyond all encoded values that their inner end is nearer.
_FAR = 5e12


class MarginalScorer(ClosedFormScorer):
    """Scorer whose terms are log-distances of values inside the largest gaps of their features.

    The term of feature j is log(1 + d^2 / u^2), where d is the distance from the nearer end of the gap that contains
    the value, and 0 outside of gaps. A reconstruction averages similar rows, and may lie where no row is, such as
    between two clusters. Rows there have small reconstruction errors, but values in gaps.

    Parameters
    ----------
    lower, upper : Tensor (G, D)
        Ends of G gaps of each feature, which do not overlap.
    unit : Tensor (D,)
        Unit u of the distances in each feature, above 0.
    scales, typical_error
        See `Scorer`.
    allow_nan : bool, default=False
        Accept missing values; their terms are 0.
    """

    arrays = ("lower", "upper", "unit")
    lower: torch.Tensor
    upper: torch.Tensor
    unit: torch.Tensor

    def __init__(
        self,
        lower: torch.Tensor,
        upper: torch.Tensor,
        unit: torch.Tensor,
        scales: np.ndarray | None = None,
        typical_error: float = 0.0,
        *,
        allow_nan: bool = False,
    ):
        super().__init__(1, len(unit), scales, typical_error, allow_nan=allow_nan, device=unit.device)
        for name, values in (("lower", lower), ("upper", upper), ("unit", unit)):
            self.register_buffer(name, values, persistent=False)

    @classmethod
    def fit(cls, encoded: np.ndarray, *, allow_nan: bool = False) -> "MarginalScorer":
        """Find the largest gaps of encoded rows (N, D), on the CPU.

        The unit of a feature is half of the median width of the intervals that hold a fifth of its values.
        """
        found = [_largest_gaps(feature[~np.isnan(feature)].astype(np.float64)) for feature in encoded.T]
        stacked = (np.stack(values, axis=-1) for values in zip(*found, strict=True))
        lower, upper, unit = (torch.from_numpy(values).float() for values in stacked)
        return cls(lower, upper, unit, allow_nan=allow_nan)

    def raw_terms(self, rows: torch.Tensor) -> torch.Tensor:
        encoded = rows[0].unsqueeze(1)
        depth = torch.minimum(encoded - self.lower, self.upper - encoded).amax(dim=1).clamp_(min=0)
        return depth.div_(self.unit).square_().log1p_().masked_fill_(rows[0].isnan(), 0)[None]

    @property
    def width(self) -> int:
        return len(self.lower) * self.n_encoded


def _largest_gaps(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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
