"""Gaps of columns: the terms of a row are the distances of its values from the training values of their columns."""

import numpy as np
import torch

from aeanomaly.scoring.gaps import find_gaps
from aeanomaly.scoring.scorer import ClosedFormScorer


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
    def fit(cls, encoded: np.ndarray | torch.Tensor, *, allow_nan: bool = False) -> "MarginalScorer":
        """Find the largest gaps of encoded rows (N, D), on their device.

        The unit of a feature is half of the median width of the intervals that hold a fifth of its values.
        """
        lower, upper, unit = (values.float() for values in find_gaps(encoded))
        return cls(lower, upper, unit, allow_nan=allow_nan)

    def raw_terms(self, rows: torch.Tensor) -> torch.Tensor:
        encoded = rows[0].unsqueeze(1)
        depth = torch.minimum(encoded - self.lower, self.upper - encoded).amax(dim=1).clamp_(min=0)
        return depth.div_(self.unit).square_().log1p_().masked_fill_(rows[0].isnan(), 0)[None]

    @property
    def width(self) -> int:
        return len(self.lower) * self.n_encoded
