"""Torch modules from the numbers of a table to encoded rows and to errors, for accelerators and for export."""

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from aeanomaly.preprocessing import Schema
from aeanomaly.preprocessing.columns import JUMP, MONDAY, PERIODS, Categorical, Column, Datetime
from aeanomaly.scoring import Scorer

_CPU = torch.device("cpu")


class DeviceEncoder(nn.Module):
    """Encoder of a numeric table, equal to `TableEncoder`; it computes in float64 until the values are scaled.

    Shape: (B, F) of any real dtype, NaN = missing -> (B, D) float32.

    Parameters
    ----------
    schema : Schema
        Schema without groups.
    """

    scored: torch.Tensor
    units: torch.Tensor
    places: torch.Tensor
    offset: torch.Tensor
    scale: torch.Tensor
    limit: torch.Tensor

    def __init__(self, schema: Schema):
        super().__init__()
        columns = schema.columns
        blocks = {j: block for j, column in enumerate(columns) if (block := _block_of(column)) is not None}
        self.blocks, self.columns_of_blocks = nn.ModuleList(blocks.values()), list(blocks)
        units = np.array([getattr(column, "unit", np.nan) for column in columns])
        constants = {
            "scored": np.flatnonzero(schema.layout.is_scored),
            "units": units,
            "places": _places(schema),
            # Halved, because the difference of two floats may overflow.
            "offset": 0.5 * schema.offset,
            "scale": 0.5 * schema.scale,
            "limit": schema.limit,
        }
        for name, values in constants.items():
            self.register_buffer(name, torch.from_numpy(np.array(values)))
        self.has_units = not np.isnan(units).all()
        self.has_missing_indicators = schema.has_missing_indicators
        self.scores_all = len(constants["scored"]) == len(columns)
        self.is_in_order = schema.layout.is_plain and np.array_equal(constants["places"], np.arange(len(columns)))

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        features = self._features(table.double())
        scaled = (0.5 * features - self.offset) / self.scale
        rows = torch.maximum(torch.minimum(scaled, self.limit), -self.limit).float()
        # Runtimes differ in the minimum of NaN and a number.
        return rows.masked_fill(features.isnan(), torch.nan)

    @property
    def width(self) -> int:
        """Number of elements per row in the widest tensor."""
        n_columns, n_encoded = len(self.units), len(self.places)
        return n_encoded if self.is_in_order else n_columns * (1 + self.has_missing_indicators) + n_encoded

    def cells(self, table: torch.Tensor) -> torch.Tensor:
        """Return the cells that are scored, those of columns with features."""
        return table if self.scores_all else table.index_select(1, self.scored)

    def _features(self, table: torch.Tensor) -> torch.Tensor:
        """Convert a numeric table (B, F) to features (B, D) in the order of the encoder."""
        if self.is_in_order:
            return table
        parts = [torch.where(self.units.isnan(), table, _asinh(0.5 * table / self.units)) if self.has_units else table]
        if self.has_missing_indicators:
            parts.append(table.isnan().double())
        pairs = zip(self.columns_of_blocks, self.blocks, strict=True)
        parts += [block(table[:, j : j + 1]) for j, block in pairs]
        return torch.cat(parts, dim=1).index_select(1, self.places)


class ErrorModule(nn.Module):
    """Encoder and scorers as one module, which computes minus the score of each row.

    Shape: (B, F) of any real dtype, NaN = missing -> (B,) float64.

    Parameters
    ----------
    schema : Schema
        Schema without groups.
    scorers : iterable of Scorer
    dtype : torch.dtype, default=torch.float32
        Precision of the scorers.
    """

    def __init__(self, schema: Schema, scorers: Iterable[Scorer], dtype: torch.dtype = torch.float32):
        super().__init__()
        self.encoder = DeviceEncoder(schema)
        self.scorers = nn.ModuleList(scorers)
        self.dtype = dtype

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        rows, observed = self.encoder(table).to(self.dtype), ~self.encoder.cells(table).isnan()
        errors: torch.Tensor = sum(scorer(rows, observed) for scorer in self.scorers)
        return errors


def _block_of(column: Column) -> nn.Module | None:
    """Return the module that computes the features of a column, or None if it needs no separate one.

    Shape: values of the column (B, 1) -> its features (B, n).
    """
    if isinstance(column, Categorical):
        return _OneHot(column)
    if isinstance(column, Datetime) and column.is_scored:
        return _Times(column)
    return None


class _OneHot(nn.Module):
    levels: torch.Tensor

    def __init__(self, column: Categorical):
        super().__init__()
        self.register_buffer("levels", torch.arange(column.n_features, dtype=torch.float64, device=_CPU))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return torch.where(numbers.isnan(), torch.nan, (numbers == self.levels).double())


class _Times(nn.Module):
    """Features of times; constants are buffers in float64, because the exporter converts Python numbers to float32."""

    start: torch.Tensor
    end: torch.Tensor
    span: torch.Tensor
    monday: torch.Tensor
    one: torch.Tensor
    jump: torch.Tensor
    year: torch.Tensor
    first: torch.Tensor
    last: torch.Tensor
    rates: torch.Tensor

    def __init__(self, column: Datetime):
        super().__init__()
        self.has_trend = column.trend
        self.has_limits = not column.trend and column.first is not None
        constants = {
            "start": column.start,
            "end": column.end,
            "span": max(column.end - column.start, PERIODS["day"]),
            "monday": MONDAY,
            "one": 1.0,
            "jump": JUMP,
            "year": PERIODS["year"],
            "first": column.first or 0.0,
            "last": column.last or 0.0,
            "rates": [2 * math.pi / PERIODS[name] for name in column.periods],
        }
        for name, number in constants.items():
            self.register_buffer(name, torch.tensor(number, dtype=torch.float64, device=_CPU))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        shown = []
        if self.has_trend:
            inside = torch.minimum(torch.maximum(numbers, self.start), self.end)
            beyond = numbers - inside
            shown = [inside + beyond.sign() * self.span * torch.log(self.one + beyond.abs() / self.span)]
        elif self.has_limits:
            beyond = numbers - torch.minimum(torch.maximum(numbers, self.first), self.last)
            shown = [beyond.sign() * (self.jump + torch.log(self.one + beyond.abs() / self.year))]
        for rate in self.rates.unbind():
            angle = rate * (numbers - self.monday)
            shown += [torch.cos(angle), torch.sin(angle)]
        return torch.cat(shown, dim=1)


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
