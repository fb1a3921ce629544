"""What a column is: how its cells become one number each, how that number is shown to a network, and back."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from aeanomaly.preprocessing.cells import (
    CellType,
    column_label,
    duration_seconds,
    example_cell,
    infer_cell_type,
    numbers,
    seconds,
)

_DAY = 86_400.0
#: Seconds after which what a date shows comes round: its time of day, day of the week, season.
PERIODS = {"day": _DAY, "week": 7 * _DAY, "year": 365.2425 * _DAY}
#: The first Monday after 1970-01-01, from which weeks are counted.
MONDAY = 4 * _DAY
#: Keys of model files that differ from the names of the fields.
_FILE_KEYS = {"categories": "levels"}


@dataclass(frozen=True)
class Column(ABC):
    """One column of a table. Its numbers are float64, NaN for holes; its features are what the network sees of them."""

    kind: ClassVar[str]
    #: The families of cells that it takes.
    _cell_types: ClassVar[tuple[CellType, ...]]

    @property
    def n_features(self) -> int:
        """Features, side by side."""
        return 1

    def numbers(self, cells: pd.Series) -> np.ndarray:
        """One number for each cell, (N,); a ValueError where cells are not what they were in training."""
        cell_type = infer_cell_type(cells)
        if cell_type == "nothing":
            return np.full(len(cells), np.nan)
        if cell_type not in self._cell_types or self._is_mismatch(cells):
            if cells.isna().all():  # missing values of any dtype
                return np.full(len(cells), np.nan)
            raise ValueError(
                f"column {column_label(cells)} holds {cell_type} ({example_cell(cells)}), and it held {self._expected_type} in training; "
                "correct it, or fit anew on such cells, "
                f"with column_types={{{column_label(cells)}: 'categorical'}} to encode them as levels"
            )
        return self._numbers(cells)

    def _is_mismatch(self, cells: pd.Series) -> bool:
        """Whether cells of the right family are something else."""
        return isinstance(cells.dtype, pd.CategoricalDtype)

    @property
    def _expected_type(self) -> str:
        return self._cell_types[0]

    @abstractmethod
    def _numbers(self, cells: pd.Series) -> np.ndarray: ...

    @abstractmethod
    def cells(self, numbers: np.ndarray) -> pd.Series:
        """Numbers (N,) as the column held them."""

    def features(self, numbers: np.ndarray) -> np.ndarray:
        """What the network sees: (N,) -> (N, n_features), NaN for holes."""
        return numbers[:, None]

    def from_features(self, features: np.ndarray) -> np.ndarray:
        """The inverse of `features`, for expected ones."""
        return features[:, 0]

    @property
    def is_plain(self) -> bool:
        """Whether the network sees the number itself."""
        return False

    def shift(self, numbers: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Numbers (N,) by so many units of the feature from where they were; those of levels and times stay."""
        return numbers

    def to_json(self) -> dict[str, Any]:
        """Plain data for a file."""
        values = {_FILE_KEYS.get(field.name, field.name): getattr(self, field.name) for field in fields(self)}
        return {"kind": self.kind, **{n: list(v) if isinstance(v, tuple) else v for n, v in values.items()}}


@dataclass(frozen=True)
class _Plain(Column):
    """Numbers that the network sees as they are."""

    @property
    def is_plain(self) -> bool:
        return True

    def shift(self, numbers: np.ndarray, steps: np.ndarray) -> np.ndarray:
        return numbers + steps


@dataclass(frozen=True)
class Numeric(_Plain):
    """Numbers and truth values."""

    kind = "numeric"
    _cell_types = ("numbers",)

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        return numbers(cells)

    def cells(self, numbers: np.ndarray) -> pd.Series:
        return pd.Series(numbers)


@dataclass(frozen=True)
class Logarithmic(Column):
    """Numbers of which ratios matter: asinh(x / 2 unit), a logarithm of what is large beside the unit."""

    unit: float
    kind = "logarithmic"
    _cell_types = ("numbers",)

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        return numbers(cells)

    def cells(self, numbers: np.ndarray) -> pd.Series:
        return pd.Series(numbers)

    def features(self, numbers: np.ndarray) -> np.ndarray:
        # By halves: twice the unit may exceed the largest float.
        return np.arcsinh(0.5 * numbers.astype(np.float64) / self.unit)[:, None]

    def from_features(self, features: np.ndarray) -> np.ndarray:
        return 2 * self.unit * np.sinh(np.clip(features[:, 0], -700, 700))

    def shift(self, numbers: np.ndarray, steps: np.ndarray) -> np.ndarray:
        return self.from_features(self.features(numbers) + steps[:, None])


@dataclass(frozen=True)
class Duration(_Plain):
    """Lengths of time, in seconds."""

    kind = "duration"
    _cell_types = ("durations",)

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        return duration_seconds(cells)

    def cells(self, numbers: np.ndarray) -> pd.Series:
        return pd.to_timedelta(pd.Series(numbers).round(6), unit="s")


@dataclass(frozen=True)
class _Categories(Column):
    """Cells that are one of a few levels; a cell's number is the place of its level."""

    categories: tuple[Any, ...]
    _cell_types = ("text", "numbers")

    @property
    def unknown(self) -> int:
        """The number of a cell that is none of the levels."""
        return len(self.categories)

    def _is_mismatch(self, cells: pd.Series) -> bool:
        return infer_cell_type(cells) != self._expected_type

    @property
    def _expected_type(self) -> str:
        return "text" if any(isinstance(level, str) for level in self.categories) else "numbers"

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        codes, found = pd.factorize(cells)
        places = {level: float(place) for place, level in enumerate(self.categories)}
        known = [places.get(plain(value), float(self.unknown)) for value in found]
        return np.array([*known, np.nan])[codes]  # the code of a hole is -1

    def cells(self, numbers: np.ndarray) -> pd.Series:
        places = np.where(np.isfinite(numbers), numbers, -1).round().astype(int)
        places[(places < 0) | (places >= len(self.categories))] = -1
        dtype = pd.CategoricalDtype(_index(self.categories), ordered=self.kind == "ordinal")
        return pd.Series(pd.Categorical.from_codes(places, dtype=dtype))


def _index(categories: tuple[Any, ...]) -> pd.Index:
    """Return levels as an index; as objects where the dtype of text cannot hold them."""
    try:
        return pd.Index(list(categories))
    except UnicodeEncodeError:  # an unpaired surrogate
        return pd.Index(list(categories), dtype=object)


@dataclass(frozen=True)
class Ordinal(_Categories):
    """Levels in an order, seen as numbers; what is none of them is as far beyond the last as that from the first."""

    kind = "ordinal"

    @property
    def is_plain(self) -> bool:
        return True

    @property
    def unknown(self) -> int:
        return 2 * len(self.categories)


@dataclass(frozen=True)
class Categorical(_Categories):
    """Levels without an order. The network sees a column of 0 and 1 for each, and one for all that is none of them."""

    kind = "categorical"

    @property
    def n_features(self) -> int:
        return len(self.categories) + 1

    def features(self, numbers: np.ndarray) -> np.ndarray:
        shown = (numbers[:, None] == np.arange(self.n_features)).astype(np.float64)
        shown[np.isnan(numbers)] = np.nan
        return shown

    def from_features(self, features: np.ndarray) -> np.ndarray:
        return features.argmax(axis=1).astype(np.float64)


@dataclass(frozen=True)
class Datetime(Column):
    """Points in time, in seconds since 1970 on the clock of `zone`.

    The first feature is the time itself, compressed beyond the range of training by a logarithm, so that next
    month is near and the year 1900 far. Then come cosine and sine of the time of day, of the day in the week and of
    the day in the year, those that `periods` names.
    """

    zone: str | None
    start: float
    end: float
    periods: tuple[str, ...]
    kind = "datetime"
    _cell_types = ("times", "text")

    @property
    def n_features(self) -> int:
        return 1 + 2 * len(self.periods)

    @property
    def _span(self) -> float:
        return max(self.end - self.start, _DAY)

    def _numbers(self, cells: pd.Series) -> np.ndarray:
        return seconds(cells, self.zone)

    def cells(self, numbers: np.ndarray) -> pd.Series:
        wall = pd.Series(pd.to_datetime(np.round(numbers), unit="s", errors="coerce"))
        return wall if self.zone is None else wall.dt.tz_localize(self.zone, ambiguous="NaT", nonexistent="NaT")

    def features(self, numbers: np.ndarray) -> np.ndarray:
        inside, span = np.clip(numbers, self.start, self.end), self._span
        beyond = numbers - inside
        shown = [inside + np.sign(beyond) * span * np.log1p(np.abs(beyond) / span)]
        for name in self.periods:
            angle = 2 * np.pi / PERIODS[name] * (numbers - MONDAY)
            shown += [np.cos(angle), np.sin(angle)]
        return np.stack(shown, axis=1)

    def from_features(self, features: np.ndarray) -> np.ndarray:
        """The time next to the expected one that has the expected day in the week and time of day."""
        inside, span = np.clip(features[:, 0], self.start, self.end), self._span
        beyond = features[:, 0] - inside
        time = inside + np.sign(beyond) * span * np.expm1(np.minimum(np.abs(beyond) / span, 5.0))
        for place, name in reversed(list(enumerate(self.periods))):  # the long ones first
            if name != "year":  # the time itself knows better
                wanted = np.arctan2(features[:, 2 + 2 * place], features[:, 1 + 2 * place]) / (2 * np.pi)
                time += ((wanted - (time - MONDAY) / PERIODS[name] + 0.5) % 1 - 0.5) * PERIODS[name]
        return time


_KINDS: dict[str, type[Column]] = {c.kind: c for c in (Numeric, Logarithmic, Duration, Ordinal, Categorical, Datetime)}


def column_from_json(data: dict[str, Any]) -> Column:
    """The inverse of `Column.to_json`; a ValueError for what it would not write."""
    rest = dict(data)
    cls = _KINDS[rest.pop("kind")]
    names = {_FILE_KEYS.get(field.name, field.name): field.name for field in fields(cls)}
    column = cls(**{names[key]: tuple(value) if isinstance(value, list) else value for key, value in rest.items()})
    if isinstance(column, _Categories) and not (
        column.categories and all(_is_plain(level) for level in column.categories)
    ):
        raise ValueError("the levels of a column are not plain values")
    if isinstance(column, Logarithmic) and not (type(column.unit) is float and 0 < column.unit < np.inf):
        raise ValueError("the unit of a logarithmic column is no number above 0")
    if isinstance(column, Datetime):
        if not (np.isfinite([column.start, column.end]).all() and column.start <= column.end):
            raise ValueError("the range of a column of times is none")
        if not set(column.periods) <= set(PERIODS) or not (column.zone is None or isinstance(column.zone, str)):
            raise ValueError("a column of times has periods or a zone that this version does not know")
    return column


def plain(value: Any) -> Any:
    """A level as text, number or truth value, which a file can hold."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if _is_plain(value) else str(value)


def _is_plain(value: Any) -> bool:
    return type(value) in (str, bool, int) or (type(value) is float and np.isfinite(value))


def are_numeric(columns: Sequence[Column]) -> bool:
    """Whether all cells are numbers."""
    return all(isinstance(column, (Numeric, Logarithmic)) for column in columns)
