"""Torch module from a numeric table to score, decision and label, which is exported as the graph."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from aeanomaly.detectors import BaseDetector
from aeanomaly.preprocessing import Schema
from aeanomaly.preprocessing.columns import JUMP, MONDAY, PERIODS, Categorical, Column, Datetime

_CPU = torch.device("cpu")


class DetectorModule(nn.Module):
    """A fitted detector as one module: the encoder, and the scorers of the detector itself.

    Rows with cells that the detector rejects get the score NaN and the label -1.

    Shape: numeric table (B, F), NaN = missing -> score (B,) float32, decision (B,) float32, label (B,) int64.

    Parameters
    ----------
    detector : BaseDetector
    dtype : torch.dtype, default=torch.float32
        Precision of the networks, which is float32 in the detector.
    """

    def __init__(self, detector: BaseDetector, dtype: torch.dtype = torch.float32):
        super().__init__()
        model = detector.state_.model
        self.encoder = Encoder(model.schema)
        self.scorers = nn.ModuleList(scorer.copied(_CPU) for scorer in model.scorers).to(dtype)
        self.dtype = dtype
        self.allow_nan = model.allow_nan
        self.offset = _exact(float(detector.offset_))
        scored = np.flatnonzero(model.encoder.is_scored)
        self.scored = None if len(scored) == len(model.columns) else torch.from_numpy(scored)

    def forward(self, table: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        score = self.exact(table)
        decision = (score - self.offset).float()
        return score.float(), decision, torch.where(decision >= 0, 1, -1)

    def exact(self, table: torch.Tensor) -> torch.Tensor:
        """Return the score in float64."""
        cells = table if self.scored is None else table.index_select(1, self.scored)
        rows, observed = self.encoder(table).to(self.dtype), ~cells.isnan()
        errors = sum(scorer(rows, observed) for scorer in self.scorers)
        refused = cells.isinf() if self.allow_nan else cells.isinf() | cells.isnan()
        return torch.where(refused.double().sum(dim=1) > 0, torch.nan, -errors)


class Encoder(nn.Module):
    """Encoder of a numeric table, equal to `TableEncoder`; it computes in float64 until the values are scaled.

    Shape: (B, F), NaN = missing -> (B, D) float32.
    """

    units: torch.Tensor
    places: torch.Tensor
    offset: torch.Tensor
    scale: torch.Tensor
    limit: torch.Tensor

    def __init__(self, schema: Schema):
        super().__init__()
        columns = schema.columns
        self.has_missing_indicators = schema.has_missing_indicators
        self.blocks = {j: block for j, column in enumerate(columns) if (block := _block_of(column)) is not None}
        units = np.array([getattr(column, "unit", np.nan) for column in columns])
        self.has_units = not np.isnan(units).all()
        constants = {
            "units": units,
            "places": _places(schema),
            # Halved, because the difference of two floats may overflow.
            "offset": 0.5 * schema.offset,
            "scale": 0.5 * schema.scale,
            "limit": schema.limit,
        }
        for name, values in constants.items():
            self.register_buffer(name, torch.from_numpy(values))

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        features = self._features(table.double())
        scaled = (0.5 * features - self.offset) / self.scale
        rows = torch.maximum(torch.minimum(scaled, self.limit), -self.limit).float()
        # Runtimes differ in the minimum of NaN and a number.
        return rows.masked_fill(features.isnan(), torch.nan)

    def _features(self, table: torch.Tensor) -> torch.Tensor:
        """Convert a numeric table (B, F) to features (B, D) in the order of the encoder."""
        parts = [torch.where(self.units.isnan(), table, _asinh(0.5 * table / self.units)) if self.has_units else table]
        if self.has_missing_indicators:
            parts.append(table.isnan().double())
        parts += [block(table[:, j : j + 1]) for j, block in self.blocks.items()]
        return torch.cat(parts, dim=1).index_select(1, self.places)


#: Values of a column (B, 1) -> its features (B, n).
_Block = Callable[[torch.Tensor], torch.Tensor]


def _block_of(column: Column) -> _Block | None:
    """Return the function that computes the features of a column, or None if it needs no separate one."""
    if isinstance(column, Categorical):
        return _one_hot(column)
    if isinstance(column, Datetime) and column.is_scored:
        return _times(column)
    return None


def _one_hot(column: Categorical) -> _Block:
    levels = torch.arange(column.n_features, dtype=torch.float64, device=_CPU)

    def features(numbers: torch.Tensor) -> torch.Tensor:
        return torch.where(numbers.isnan(), torch.nan, (numbers == levels).double())

    return features


def _times(column: Datetime) -> _Block:
    start, end = _exact(column.start), _exact(column.end)
    span, monday, one = _exact(max(column.end - column.start, PERIODS["day"])), _exact(MONDAY), _exact(1.0)
    limits = None if column.trend or column.first is None else (_exact(column.first), _exact(column.last or 0.0))
    jump, year = _exact(JUMP), _exact(PERIODS["year"])
    rates = [_exact(2 * math.pi / PERIODS[name]) for name in column.periods]

    def features(numbers: torch.Tensor) -> torch.Tensor:
        inside = torch.minimum(torch.maximum(numbers, start), end)
        beyond = numbers - inside
        shown = [inside + beyond.sign() * span * torch.log(one + beyond.abs() / span)] if column.trend else []
        if limits is not None:
            beyond = numbers - torch.minimum(torch.maximum(numbers, limits[0]), limits[1])
            shown = [beyond.sign() * (jump + torch.log(one + beyond.abs() / year))]
        for rate in rates:
            angle = rate * (numbers - monday)
            shown += [torch.cos(angle), torch.sin(angle)]
        return torch.cat(shown, dim=1)

    return features


def _exact(number: float) -> torch.Tensor:
    """Return a constant in float64, because the exporter converts Python numbers to float32."""
    return torch.tensor(number, dtype=torch.float64, device=_CPU)


def _places(schema: Schema) -> np.ndarray:
    """Return the positions of encoded features (D,) among numbers, missing-value indicators and blocks."""
    n_columns, places = len(schema.columns), []
    end = n_columns * (1 + schema.has_missing_indicators)
    for j, column in enumerate(schema.columns):
        if not column.is_scored:
            continue
        if _block_of(column) is None:
            places.append(j)
        else:
            places += range(end, end + column.n_features)
            end += column.n_features
        if schema.has_missing_indicators:
            places.append(n_columns + j)
    return np.array(places)[schema.order]


def _asinh(x: torch.Tensor) -> torch.Tensor:
    """Compute the inverse hyperbolic sine without overflow; runtimes do not support it in float64."""
    size = x.abs()
    most = size.clamp(min=1)
    return x.sign() * (most.log() + (size / most + ((size / most).square() + most.reciprocal().square()).sqrt()).log())
