"""Scorers that resist anomalies among the training rows: neighborhoods by mass, and a trimmed linear model."""

import numpy as np
import torch

from aeanomaly.nn import affine_map
from aeanomaly.scoring.nearest import NearestRows
from aeanomaly.scoring.scorer import ClosedFormScorer

#: Share of the stored rows in a neighborhood, and maximum number of them in the mean.
_MASS, _AVERAGED = 0.1, 64


class NeighborhoodScorer(ClosedFormScorer):
    """Scorer whose terms are mean log-distances of a row from the nearest tenth of the stored rows.

    The term of feature j is the mean of log(1 + (x_j - c_j)^2 / H^2) over the stored rows c. A neighborhood by mass
    rather than by radius does not consist of anomalies alone, even if they are alike, and the logarithm bounds the
    influence of a single feature.

    Parameters
    ----------
    stored : Tensor (K, D)
        Stored encoded rows without missing values.
    bandwidth : float
        Scale H of a difference.
    scales, typical_error
        See `Scorer`.
    allow_nan : bool, default=False
        Accept missing values; their terms are 0.
    """

    arrays = ("stored",)
    settings = ("bandwidth", "allow_nan")
    stored: torch.Tensor
    ranks: torch.Tensor

    def __init__(
        self,
        stored: torch.Tensor,
        bandwidth: float,
        scales: np.ndarray | None = None,
        typical_error: float = 0.0,
        *,
        allow_nan: bool = False,
    ):
        super().__init__(1, stored.shape[1], scales, typical_error, allow_nan=allow_nan, device=stored.device)
        self.bandwidth = bandwidth
        self.register_buffer("stored", stored, persistent=False)
        self.search = NearestRows(stored, allow_nan=allow_nan)
        self.size = max(1, int(_MASS * len(stored)))
        ranks = np.unique(np.linspace(0, self.size - 1, min(self.size, _AVERAGED)).astype(int))
        self.register_buffer("ranks", torch.from_numpy(ranks).to(stored.device), persistent=False)

    def raw_terms(self, rows: torch.Tensor) -> torch.Tensor:
        encoded = rows[0]
        nearest = self.search.nearest(encoded, self.size)[:, self.ranks]
        squares = (encoded.unsqueeze(1) - self.stored[nearest]).square_().div_(self.bandwidth**2)
        return squares.log1p_().mean(dim=1).masked_fill_(encoded.isnan(), 0)[None]

    @property
    def width(self) -> int:
        return 2 * len(self.stored) + len(self.ranks) * self.n_encoded


class MaskedLinearScorer(ClosedFormScorer):
    """Scorer whose terms are squared errors of each feature predicted linearly from the others, in units of its spread.

    With precision matrix T and mean m, the term of feature j is (T (x - m))_j^2 / T_jj. A missing value counts as its
    mean, and its term is 0.

    Parameters
    ----------
    mean : Tensor (D,)
    precision : Tensor (D, D)
        Inverse covariance of encoded rows; 0 for features that are left out, whose terms are 0.
    scales, typical_error
        See `Scorer`.
    allow_nan : bool, default=False
        Accept missing values.
    """

    arrays = ("mean", "precision")
    mean: torch.Tensor
    precision: torch.Tensor

    def __init__(
        self,
        mean: torch.Tensor,
        precision: torch.Tensor,
        scales: np.ndarray | None = None,
        typical_error: float = 0.0,
        *,
        allow_nan: bool = False,
    ):
        super().__init__(1, len(mean), scales, typical_error, allow_nan=allow_nan, device=mean.device)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("precision", precision, persistent=False)

    def raw_terms(self, rows: torch.Tensor) -> torch.Tensor:
        missing = rows.isnan()
        centered = (rows - self.mean).masked_fill(missing, 0)
        predicted = affine_map(self, rows.new_zeros(1, 1, self.n_encoded), centered, self.precision[None])
        spread = self.precision.diagonal()
        return (predicted.square() / torch.where(spread > 0, spread, 1.0)).masked_fill_(missing, 0)

    @property
    def width(self) -> int:
        return self.n_encoded
