"""Memory of training rows: the terms of a row are its squared differences from the nearest stored row."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from aeanomaly.nn import affine_map, in_float64
from aeanomaly.scoring.covariance import covariance_of, is_on_accelerator, with_ridge
from aeanomaly.scoring.nearest import NearestRows
from aeanomaly.scoring.scorer import ClosedFormScorer

#: Relative difference below which values are equal, so that a row is known after a conversion to float32, too.
_EQUAL = 1e-5
#: Bounds of the hyperbolic sine's argument and of values in linear units, whose squares fit into float32.
_LARGEST_ARGUMENT, _LARGEST_VALUE = 30.0, 1e12


class FeatureUnits(NamedTuple):
    """Encoded features that are compared in other units than those of their encoding.

    Attributes
    ----------
    logarithmic : ndarray of int (P,)
        Indices of logarithmic features: encoded = (arsinh(linear) - offset) / scale.
    offset, scale : ndarray (P,)
    two_valued : ndarray of int
        Indices of features with the values 0 and 1.
    """

    logarithmic: np.ndarray
    offset: np.ndarray
    scale: np.ndarray
    two_valued: np.ndarray


class MemoryScorer(ClosedFormScorer):
    """Scorer with two members, whose terms are the squared differences of a row from the nearest stored row.

    The first member compares rows with logarithmic features in linear units. The second compares encoded rows after ZCA
    whitening, which decorrelates the features but leaves each as similar as possible to itself (Kessy, Lewin &
    Strimmer 2018, The American Statistician 72), so that each term belongs to a column. In both, a two-valued feature
    is divided by the square root of its standard deviation, halfway between equal differences and equal variances.

    A row that is itself stored is compared with the nearest other row, at half of the distance: it is a known row, but
    would otherwise have no error at all. Missing values are imputed from the nearest stored row; their terms are 0.

    Parameters
    ----------
    stored : Tensor (K, D)
        Stored encoded rows without missing values, at least 2.
    whitening : Tensor (D, D)
        Symmetric matrix that whitens encoded rows.
    features : FeatureUnits
    scales, typical_error
        See `Scorer`.
    allow_nan : bool, default=False
        Accept missing values.
    known_share : float, default=0.25
        Factor of the squared differences of a row that is itself stored; 1 if all scored rows are training rows.
    """

    arrays = ("stored", "whitening")
    settings = ("features", "allow_nan", "known_share")
    stored: torch.Tensor
    whitening: torch.Tensor

    def __init__(
        self,
        stored: torch.Tensor,
        whitening: torch.Tensor,
        features: FeatureUnits,
        scales: np.ndarray | None = None,
        typical_error: float = 0.0,
        *,
        allow_nan: bool = False,
        known_share: float = 0.25,
    ):
        super().__init__(2, stored.shape[1], scales, typical_error, allow_nan=allow_nan, device=stored.device)
        self.features = features
        self.known_share = known_share
        self.register_buffer("stored", stored, persistent=False)
        self.register_buffer("whitening", whitening, persistent=False)
        self.units = _Units(stored, features)
        self.search = NearestRows(stored, allow_nan=True) if allow_nan else None
        self.linear_search = NearestRows(self.units.linear(stored))
        self.whitened_search = NearestRows(self._whiten(stored))

    def raw_terms(self, rows: torch.Tensor) -> torch.Tensor:
        encoded = rows[0]
        missing = encoded.isnan()
        if self.search is not None:
            nearest = self.search.nearest(encoded, 1)[:, 0]
            encoded = torch.where(missing, self.stored[nearest], encoded)
        found = [
            self._squares(self.linear_search, self.units.linear(encoded), encoded),
            self._squares(self.whitened_search, self._whiten(encoded), encoded),
        ]
        return torch.stack(found).masked_fill_(missing, 0)

    def _whiten(self, encoded: torch.Tensor) -> torch.Tensor:
        rows = encoded * self.units.factor
        return affine_map(self, rows.new_zeros(1, 1, rows.shape[1]), rows[None], self.whitening[None])[0]

    def _squares(self, search: NearestRows, coordinates: torch.Tensor, encoded: torch.Tensor) -> torch.Tensor:
        """Return the squared differences from the nearest row that is not the row itself, (B, D)."""
        on_cpu = encoded.device.type == "cpu"
        nearest, *next_nearest = search.nearest(coordinates, 1 if on_cpu else 2).unbind(1)
        stored = self.stored[nearest]
        is_stored = ((encoded - stored).abs() <= _EQUAL * (1 + stored.abs())).all(dim=1)
        # A graph has no branches, and on an accelerator a branch would wait.
        if not on_cpu or torch.compiler.is_exporting() or bool(is_stored.any()):
            (second,) = next_nearest or [search.nearest(coordinates, 2)[:, 1]]
            nearest = torch.where(is_stored, second, nearest)
        squares = (coordinates - search.rows[nearest]).square_()
        factor = 1 - (1 - self.known_share) * is_stored.to(squares.dtype)
        return squares.mul_(factor.unsqueeze(1))

    @property
    def width(self) -> int:
        return 2 * len(self.stored)

    @property
    def device_width(self) -> int:
        return max(self.linear_search.tile, 2 * self.linear_search.segments.shape[1])


class _Units(nn.Module):
    """Conversion of encoded rows (B, D) to the units in which they are compared, learned from the stored rows."""

    factor: torch.Tensor
    is_logarithmic: torch.Tensor
    offset: torch.Tensor
    scale: torch.Tensor
    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, stored: torch.Tensor, features: FeatureUnits):
        super().__init__()
        n_columns, places = stored.shape[1], features.logarithmic
        is_logarithmic, offset, scale = np.zeros(n_columns, dtype=bool), np.zeros(n_columns), np.ones(n_columns)
        is_logarithmic[places], offset[places], scale[places] = True, features.offset, features.scale
        rows = in_float64(stored)
        linear = _to_linear(rows, *(torch.from_numpy(values).to(rows.device) for values in (offset, scale)))
        deviation = linear.std(dim=0, correction=0)
        constants = {
            "factor": two_valued_factors(rows, features.two_valued),
            "offset": offset,
            "scale": scale,
            "mean": linear.mean(dim=0),
            "deviation": torch.where(deviation > 0, deviation, 1.0),
        }
        for name, values in constants.items():
            self.register_buffer(name, torch.as_tensor(values).float().to(stored.device), persistent=False)
        self.register_buffer("is_logarithmic", torch.from_numpy(is_logarithmic).to(stored.device), persistent=False)
        self.has_logarithmic = len(places) > 0

    def linear(self, rows: torch.Tensor) -> torch.Tensor:
        """Return rows with logarithmic features in linear units, standardized like the stored rows."""
        if not self.has_logarithmic:
            return rows * self.factor
        linear = (_to_linear(rows, self.offset, self.scale) - self.mean) / self.deviation
        return torch.where(self.is_logarithmic, linear.clamp(-_LARGEST_VALUE, _LARGEST_VALUE), rows * self.factor)


def _to_linear(rows: torch.Tensor, offset: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return torch.sinh((rows * scale + offset).clamp(-_LARGEST_ARGUMENT, _LARGEST_ARGUMENT))


def two_valued_factors(rows: np.ndarray | torch.Tensor, two_valued: np.ndarray) -> np.ndarray:
    """Return the factor of each feature of rows (K, D): for two-valued ones, the deviation to the power of -1/2."""
    factors = np.ones(rows.shape[1])
    if len(two_valued) == 0:
        return factors
    deviation = _deviation(rows)
    varying = two_valued[deviation[two_valued] > 0]
    factors[varying] = deviation[varying] ** -0.5
    return factors


def _deviation(rows: np.ndarray | torch.Tensor) -> np.ndarray:
    if is_on_accelerator(rows):
        return rows.double().std(dim=0, correction=0).cpu().numpy()
    return np.asarray(rows).std(axis=0, dtype=np.float64)


def whitening_matrix(rows: np.ndarray | torch.Tensor) -> np.ndarray:
    """Return the ZCA matrix (D, D) of rows (K, D) without missing values."""
    values, vectors = np.linalg.eigh(with_ridge(covariance_of(rows), len(rows)))
    return (vectors / np.sqrt(values)) @ vectors.T
