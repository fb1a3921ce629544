"""Column types: conversion of cells to numbers, of numbers to features of the network, and back."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from aeanomaly.preprocessing.cells import (
    CellType,
    cell_texts,
    column_label,
    duration_seconds,
    format_cell,
    infer_cell_type,
    numbers,
    seconds,
)

_DAY = 86_400.0
#: Periods in seconds: time of day, day of the week and day of the year.
PERIODS = {"day": _DAY, "week": 7 * _DAY, "year": 365.2425 * _DAY}
#: Feature of a time just outside the plausible range.
JUMP = 5.0
#: Seconds that a duration of pandas can hold.
_LONGEST = 9.2e9
#: The first Monday after 1970-01-01, at which weeks start.
MONDAY = 4 * _DAY
#: Keys of model files that differ from the names of the fields.
_FILE_KEYS = {"categories": "levels"}


@dataclass(frozen=True)
class Column(ABC):
    """Type of a column of a table.

    Its numbers are float64 with NaN for missing values; its features are the inputs of the network.
    """

    kind: ClassVar[str]
    #: The accepted cell types.
    _cell_types: ClassVar[tuple[CellType, ...]]
    #: True if the feature is the number itself.
    is_plain: ClassVar[bool] = False

    @property
    def n_features(self) -> int:
        """Number of features."""
        return 1

    def numbers(self, cells: pd.Series) -> np.ndarray:
        """Convert cells to numbers (N,); raise a ValueError if their type differs from that in training."""
        if cells.isna().all():  # of any dtype
            return np.full(len(cells), np.nan)
        cell_type = infer_cell_type(cells)
        if cell_type not in self._cell_types or self._is_mismatch(cells):
            example = format_cell(cells.dropna().iloc[0])
            raise ValueError(
                f"column {column_label(cells)} holds {cell_type} ({example}), but held {self._expected_type} "
                "in training; correct it, or fit the detector again on this column, "
                f"with column_types={{{column_label(cells)}: 'categorical'}} to encode it as categories"
            )
        return self._numbers(cells)

    def _is_mismatch(self, cells: pd.Series) -> bool:
        """Return True if cells of an accepted type do not fit the column."""
        return isinstance(cells.dtype, pd.CategoricalDtype)

    @property
    def _expected_type(self) -> str:
        return self._cell_types[0]

    @abstractmethod
    def _numbers(self, cells: pd.Series) -> np.ndarray: ...

    @abstractmethod
    def cells(self, numbers: np.ndarray) -> pd.Series:
        """Convert numbers (N,) to cells."""

    @property
    def is_scored(self) -> bool:
        """True if the column has features, and hence contributes to the score."""
        return self.n_features > 0

    def features(self, numbers: np.ndarray) -> np.ndarray:
        """Convert numbers (N,) to features (N, n_features), with NaN for missing values."""
        return numbers[:, None]

    def from_features(self, features: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
        """Convert expected features (N, n_features) to numbers (N,), nearest to the `given` ones (N,) if ambiguous."""
        return features[:, 0]

    def to_json(self) -> dict[str, Any]:
        """Return plain data for a model file."""
        values = {_FILE_KEYS.get(field.name, field.name): getattr(self, field.name) for field in fields(self)}
        return {"kind": self.kind, **{n: list(v) if isinstance(v, tuple) else v for n, v in values.items()}}


@dataclass(frozen=True)
class _Numbers(Column):
    """Column of numbers and booleans."""

    _cell_types = ("numbers",)

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        return numbers(cells)

    def cells(self, numbers: np.ndarray) -> pd.Series:
        return pd.Series(numbers)


@dataclass(frozen=True)
class Numeric(_Numbers):
    """Numbers as they are."""

    kind = "numeric"
    is_plain = True


@dataclass(frozen=True)
class Logarithmic(_Numbers):
    """Numbers on a logarithmic scale: asinh(x / 2 unit), which is logarithmic beyond the unit."""

    unit: float
    kind = "logarithmic"

    def features(self, numbers: np.ndarray) -> np.ndarray:
        # Halves, because twice the unit may overflow.
        return np.arcsinh(0.5 * numbers.astype(np.float64) / self.unit)[:, None]

    def from_features(self, features: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
        return 2 * self.unit * np.sinh(np.clip(features[:, 0], -700, 700))


@dataclass(frozen=True)
class Duration(Column):
    """Durations, in seconds."""

    kind = "duration"
    _cell_types = ("durations",)
    is_plain = True

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        return duration_seconds(cells)

    def cells(self, numbers: np.ndarray) -> pd.Series:
        return pd.to_timedelta(pd.Series(np.clip(numbers, -_LONGEST, _LONGEST)).round(6), unit="s")


@dataclass(frozen=True)
class _Categories(Column):
    """Column with a fixed set of categories; the number of a cell is the index of its category."""

    categories: tuple[Any, ...]
    _cell_types = ("text", "numbers")

    @property
    def unknown(self) -> int:
        """Number of a cell with an unknown category."""
        return len(self.categories)

    def _is_mismatch(self, cells: pd.Series) -> bool:
        return infer_cell_type(cells) != self._expected_type

    @property
    def _expected_type(self) -> str:
        return "text" if any(isinstance(category, str) for category in self.categories) else "numbers"

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        codes, found = pd.factorize(cells)
        places = {category: float(place) for place, category in enumerate(self.categories)}
        known = [places.get(plain(value), float(self.unknown)) for value in found]
        return np.array([*known, np.nan])[codes]  # the code of a missing value is -1

    def cells(self, numbers: np.ndarray) -> pd.Series:
        places = np.where(np.isfinite(numbers), numbers, -1).round().astype(int)
        places[(places < 0) | (places >= len(self.categories))] = -1
        dtype = pd.CategoricalDtype(label_index(self.categories), ordered=self.kind == "ordinal")
        return pd.Series(pd.Categorical.from_codes(places, dtype=dtype))


def label_index(labels: Iterable[Any]) -> pd.Index:
    """Return categories or column names as an index, of objects if the text dtype cannot hold them."""
    labels = list(labels)
    try:
        return pd.Index(labels)
    except UnicodeEncodeError:  # an unpaired surrogate
        return pd.Index(labels, dtype=object)


@dataclass(frozen=True)
class Ordinal(_Categories):
    """Ordered categories with their index as feature; an unknown category gets twice the number of categories."""

    kind = "ordinal"
    is_plain = True

    @property
    def unknown(self) -> int:
        return 2 * len(self.categories)

    def from_features(self, features: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
        return np.clip(features[:, 0], 0, len(self.categories) - 1)


@dataclass(frozen=True)
class Categorical(_Categories):
    """Unordered categories, one-hot encoded, with another feature for unknown categories."""

    kind = "categorical"

    @property
    def n_features(self) -> int:
        return len(self.categories) + 1

    def features(self, numbers: np.ndarray) -> np.ndarray:
        features = (numbers[:, None] == np.arange(self.n_features)).astype(np.float64)
        features[np.isnan(numbers)] = np.nan
        return features

    def from_features(self, features: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
        return features.argmax(axis=1).astype(np.float64)


@dataclass(frozen=True)
class Datetime(Column):
    """Times, in seconds since 1970 in local time of `zone`.

    With a `trend`, the first feature is the time itself, compressed logarithmically beyond the range of training, so
    that next month is near and the year 1900 is far. Otherwise it is 0 for plausible times, from `first` to `last`, and
    far from 0 for others, such as the year 1900. For each of the `periods` (day, week, year) follow the cosine and the
    sine of the phase.
    """

    zone: str | None
    start: float
    end: float
    periods: tuple[str, ...]
    trend: bool = True
    first: float | None = None
    last: float | None = None
    kind = "datetime"
    _cell_types = ("times", "text")

    @property
    def n_features(self) -> int:
        return self.has_place + 2 * len(self.periods)

    @property
    def has_place(self) -> bool:
        """True if the first feature is the time itself, or its distance from the plausible range."""
        return self.trend or self.first is not None

    @property
    def _span(self) -> float:
        return max(self.end - self.start, _DAY)

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        return seconds(cells, self.zone)

    def cells(self, numbers: np.ndarray) -> pd.Series:
        wall = pd.Series(pd.to_datetime(np.round(numbers), unit="s", errors="coerce"))
        if self.zone is None:
            return wall
        return wall.dt.tz_localize(self.zone, ambiguous=np.zeros(len(wall), dtype=bool), nonexistent="shift_forward")

    def features(self, numbers: np.ndarray) -> np.ndarray:
        shown = [self._compressed(numbers)] if self.trend else [self._implausibility(numbers)] if self.has_place else []
        for name in self.periods:
            angle = 2 * np.pi / PERIODS[name] * (numbers - MONDAY)
            shown += [np.cos(angle), np.sin(angle)]
        return np.stack(shown, axis=1) if shown else np.empty((len(numbers), 0))

    def _implausibility(self, numbers: np.ndarray) -> np.ndarray:
        """Return 0 for plausible times, and for others a jump and the distance in years on a logarithmic scale."""
        beyond = numbers - np.clip(numbers, self.first, self.last)
        return np.sign(beyond) * (JUMP + np.log1p(np.abs(beyond) / PERIODS["year"]))

    def _compressed(self, numbers: np.ndarray) -> np.ndarray:
        inside, span = np.clip(numbers, self.start, self.end), self._span
        beyond = numbers - inside
        return inside + np.sign(beyond) * span * np.log1p(np.abs(beyond) / span)

    def from_features(self, features: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
        """Return the time with the expected phases that is nearest to the expected time.

        Without a trend, it is the time nearest to the `given` time, or else to the middle of the training rows.
        """
        if self.trend:
            inside, span = np.clip(features[:, 0], self.start, self.end), self._span
            beyond = features[:, 0] - inside
            time = inside + np.sign(beyond) * span * np.expm1(np.minimum(np.abs(beyond) / span, 5.0))
        else:
            time = np.full(len(features), 0.5 * self.start + 0.5 * self.end)
            time = time if given is None else np.where(np.isnan(given), time, given)
            if self.first is not None:  # an implausible time is replaced by one of the training rows
                time = np.where((time < self.first) | (time > self.last), np.clip(time, self.start, self.end), time)
        for place, name in reversed(list(enumerate(self.periods))):  # long periods first
            if name != "year" or not self.trend:  # the time itself is more accurate
                cosine = self.has_place + 2 * place
                wanted = np.arctan2(features[:, cosine + 1], features[:, cosine]) / (2 * np.pi)
                time += ((wanted - (time - MONDAY) / PERIODS[name] + 0.5) % 1 - 0.5) * PERIODS[name]
        return time


@dataclass(frozen=True)
class Ignored(Column):
    """Column without features, such as an identifier; its cells are neither checked nor scored.

    Attributes
    ----------
    reason : str
        Description of the column, such as "unique text".
    are_numbers : bool
        True if the cells are numbers.
    """

    reason: str
    are_numbers: bool
    kind = "ignored"
    _cell_types = ()

    @property
    def n_features(self) -> int:
        return 0

    def numbers(self, cells: pd.Series) -> np.ndarray:
        """Return 0 for each cell, of any type."""
        return self._numbers(cells)

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        return np.zeros(len(cells))

    def cells(self, numbers: np.ndarray) -> pd.Series:
        return pd.Series(np.full(len(numbers), np.nan) if self.are_numbers else [None] * len(numbers))

    def features(self, numbers: np.ndarray) -> np.ndarray:
        return np.empty((len(numbers), 0))

    def from_features(self, features: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
        return np.full(len(features), np.nan)


@dataclass(frozen=True)
class GroupKey(Ignored):
    """Column that identifies the group of a row; its number is that of a label, or that of an unknown label.

    Attributes
    ----------
    labels : tuple of str
        Cells of the training rows as text.
    """

    labels: tuple[str, ...] = ()
    kind = "group"

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        places = {label: float(place) for place, label in enumerate(self.labels)}
        codes, found = pd.factorize(cell_texts(cells))
        return np.array([places.get(label, float(len(places))) for label in found])[codes]


@dataclass(frozen=True)
class GroupedCategorical(_Categories):
    """Unordered categories in a table with groups: the feature is the surprise of the category in its group."""

    kind = "frequency"


_KINDS: dict[str, type[Column]] = {
    c.kind: c
    for c in (Numeric, Logarithmic, Duration, Ordinal, Categorical, Datetime, Ignored, GroupKey, GroupedCategorical)
}


def column_from_json(data: dict[str, Any]) -> Column:
    """Build a column from the output of `Column.to_json`; raise a ValueError for invalid data."""
    rest = dict(data)
    cls = _KINDS[rest.pop("kind")]
    names = {_FILE_KEYS.get(field.name, field.name): field.name for field in fields(cls)}
    column = cls(**{names[key]: tuple(value) if isinstance(value, list) else value for key, value in rest.items()})
    if isinstance(column, _Categories) and not (
        column.categories and all(_is_plain(level) for level in column.categories)
    ):
        raise ValueError("the categories of a column are not plain values")
    if isinstance(column, Logarithmic) and not (type(column.unit) is float and 0 < column.unit < np.inf):
        raise ValueError("the unit of a logarithmic column is not a number above 0")
    if isinstance(column, Datetime):
        if not (np.isfinite([column.start, column.end]).all() and column.start <= column.end):
            raise ValueError("the range of a column of times is invalid")
        if not set(column.periods) <= set(PERIODS) or not (column.zone is None or isinstance(column.zone, str)):
            raise ValueError("a column of times has unknown periods or an unknown zone")
        if type(column.trend) is not bool:
            raise ValueError("the trend of a column of times is not true or false")
        limits = (column.first, column.last)
        if limits != (None, None) and not all(type(limit) is float and np.isfinite(limit) for limit in limits):
            raise ValueError("the plausible range of a column of times is not two numbers")
    if isinstance(column, GroupKey) and not all(type(label) is str for label in column.labels):
        raise ValueError("the labels of groups are not text")
    if isinstance(column, Ignored) and not (type(column.reason) is str and type(column.are_numbers) is bool):
        raise ValueError("an ignored column is not described by a text and a boolean")
    return column


def plain(value: Any) -> Any:
    """Convert a category to text, a number or a boolean, which a file can hold."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if _is_plain(value) else str(value)


def _is_plain(value: Any) -> bool:
    return type(value) in (str, bool, int) or (type(value) is float and np.isfinite(value))


def check_names(parameter: str, names: Iterable[Any], labels: Sequence[Any]) -> None:
    """Raise a ValueError if a parameter names a column that is not among the labels of X."""
    for name in names:
        if name not in labels:
            known = ", ".join(map(repr, labels[:20]))
            raise ValueError(f"{parameter} names {name!r}, which is not a column of X; the columns are {known}")


def are_numeric(columns: Sequence[Column]) -> bool:
    """Return True if all columns hold numbers."""
    return all(isinstance(c, _Numbers) or (isinstance(c, Ignored) and c.are_numbers) for c in columns)
