"""From the table's numbers to score, decision and label, in torch: what becomes the graph."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from aeanomaly.detectors import BaseDetector, VariationalAutoencoder
from aeanomaly.detectors._model import Model
from aeanomaly.preprocessing import Schema
from aeanomaly.preprocessing.columns import MONDAY, PERIODS, Categorical, Column, Datetime
from aeanomaly.scoring import deviance_terms, elbo_terms

_CPU = torch.device("cpu")


class Scorer(nn.Module):
    """What a detector makes of rows, by the networks, likelihoods and scores of the detector itself.

    Rows with cells that the detector refuses get the score NaN and the label -1.

    Shape: the table's numbers (B, F), NaN for holes -> score (B,), decision (B,) float32, label (B,) int64.

    Parameters
    ----------
    detector : BaseDetector
    dtype : torch.dtype, default=torch.float32
        That the networks compute in, which is float32 in the detector.
    """

    def __init__(self, detector: BaseDetector, dtype: torch.dtype = torch.float32):
        super().__init__()
        models = [detector._model, *([] if detector._kernel is None else [detector._kernel])]
        self.encoder = Encoder(detector._model.schema)
        self.parts = nn.ModuleList(_Errors(model.copy(device=_CPU), _draws(detector)) for model in models).to(dtype)
        self.dtype = dtype
        self.takes_holes = detector._takes_holes
        self.offset = _exact(float(detector.offset_))

    def forward(self, table: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        score = self.exact(table)
        decision = (score - self.offset).float()
        return score.float(), decision, torch.where(decision >= 0, 1, -1)

    def exact(self, table: torch.Tensor) -> torch.Tensor:
        """The score in float64."""
        rows = self.encoder(table).to(self.dtype)
        errors = sum(part(rows, table) for part in self.parts)
        refused = table.isinf() if self.takes_holes else table.isinf() | table.isnan()
        return torch.where(refused.double().sum(dim=1) > 0, torch.nan, -errors)


def _draws(detector: BaseDetector) -> torch.Tensor | None:
    if isinstance(detector, VariationalAutoencoder):
        return detector._draws(detector.n_draws).to(_CPU)
    return None


class _Errors(nn.Module):
    """Minus the score by one model.

    Shape: rows (B, D) and their table (B, F) -> (B,) float64.
    """

    weights: torch.Tensor
    draws: torch.Tensor | None

    def __init__(self, model: Model, draws: torch.Tensor | None):
        super().__init__()
        self.network = model.network
        self.likelihood = model.likelihood
        self.register_buffer("draws", draws)
        self.n_members, self.holes, self.usual = model.spec.n_members, model.spec.allow_nan, _exact(model.usual)
        self.register_buffer("weights", torch.from_numpy(1 / model.scales).float().view(-1, 1, 1))

    def forward(self, rows: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        rows = rows.expand(self.n_members, -1, -1)
        if self.draws is None:
            terms = deviance_terms(self.network, self.likelihood, rows) * self.weights
            return self._of_whole_rows(terms.mean(dim=0).double().sum(dim=1), table)
        terms = -elbo_terms(self.network, self.likelihood, rows, self.draws).mean(dim=0).double()
        return self._of_whole_rows(terms[:, :-1].sum(dim=1), table) + terms[:, -1]

    def _of_whole_rows(self, errors: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        """The sum of what `Model.of_whole_rows` says of columns."""
        if not self.holes:
            return errors
        present = (~table.isnan()).double().sum(dim=1)
        guesses = (table.shape[1] - present) / (present + 1)
        return errors * (1 + guesses) + guesses * self.usual


class Encoder(nn.Module):
    """Numbers of a table -> encoded rows, as `TableEncoder` has them: in float64 until they are scaled.

    Shape: (B, F), NaN for holes -> (B, D) float32.
    """

    units: torch.Tensor
    places: torch.Tensor
    offset: torch.Tensor
    scale: torch.Tensor
    limit: torch.Tensor

    def __init__(self, schema: Schema):
        super().__init__()
        columns = schema.columns
        self.shows_holes = schema.has_missing_indicators
        self.blocks = {j: block for j, column in enumerate(columns) if (block := _block_of(column)) is not None}
        units = np.array([getattr(column, "unit", np.nan) for column in columns])
        self.has_units = not np.isnan(units).all()
        constants = {
            "units": units,
            "places": _places(schema),
            # By halves: the difference of two floats may exceed the largest.
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
        # Runtimes do not agree on the smaller of NaN and a number.
        return rows.masked_fill(features.isnan(), torch.nan)

    def _features(self, table: torch.Tensor) -> torch.Tensor:
        """Numbers (B, F) -> features (B, D), in their encoded order."""
        parts = [torch.where(self.units.isnan(), table, _asinh(0.5 * table / self.units)) if self.has_units else table]
        if self.shows_holes:
            parts.append(table.isnan().double())
        parts += [block(table[:, j : j + 1]) for j, block in self.blocks.items()]
        return torch.cat(parts, dim=1).index_select(1, self.places)


#: Numbers of a column (B, 1) -> its features (B, n).
_Block = Callable[[torch.Tensor], torch.Tensor]


def _block_of(column: Column) -> _Block | None:
    """What makes the features of a column; None where that is done for all columns at once."""
    if isinstance(column, Categorical):
        return _one_hot(column)
    if isinstance(column, Datetime):
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
    rates = [_exact(2 * math.pi / PERIODS[name]) for name in column.periods]

    def features(numbers: torch.Tensor) -> torch.Tensor:
        inside = torch.minimum(torch.maximum(numbers, start), end)
        beyond = numbers - inside
        shown = [inside + beyond.sign() * span * torch.log(one + beyond.abs() / span)]
        for rate in rates:
            angle = rate * (numbers - monday)
            shown += [torch.cos(angle), torch.sin(angle)]
        return torch.cat(shown, dim=1)

    return features


def _exact(number: float) -> torch.Tensor:
    """A constant in float64: of a plain number the exporter keeps what float32 does."""
    return torch.tensor(number, dtype=torch.float64, device=_CPU)


def _places(schema: Schema) -> np.ndarray:
    """Where the encoder has the features that are encoded, (D,): numbers first, then marks of holes, then blocks."""
    n_columns, places = len(schema.columns), []
    end = n_columns * (1 + schema.has_missing_indicators)
    for j, column in enumerate(schema.columns):
        if _block_of(column) is None:
            places.append(j)
        else:
            places += range(end, end + column.n_features)
            end += column.n_features
        if schema.has_missing_indicators:
            places.append(n_columns + j)
    return np.array(places)[schema.order]


def _asinh(x: torch.Tensor) -> torch.Tensor:
    """As runtimes lack it in float64; squares of numbers up to 1 only, which cannot overflow."""
    size = x.abs()
    most = size.clamp(min=1)
    return x.sign() * (most.log() + (size / most + ((size / most).square() + most.reciprocal().square()).sqrt()).log())
