"""Conversion of CSV text to typed cells; Parquet tables keep their dtypes."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from aeanomaly.cli.errors import CommandError, quote
from aeanomaly.detectors import BaseDetector
from aeanomaly.preprocessing import Categorical, Column, GroupedCategorical, InferenceOptions, Ordinal, text

#: Maximum number of columns in a message.
_MAX_NAMES = 10


def declared_kinds(detector: BaseDetector) -> dict[Any, Any]:
    """Return the types of columns that the parameters of a detector declare."""
    groups = InferenceOptions.from_parameters(detector).groups
    kinds = detector.column_types if isinstance(detector.column_types, Mapping) else {}
    return {**kinds, **dict.fromkeys(groups, "group")}


def parse_columns(frame: pd.DataFrame, kinds: Mapping[Any, Any], source: str) -> pd.DataFrame:
    """Parse cells by the given types of columns, and infer the types of other columns."""
    return _each(frame, source, lambda name, cells: _reader(kinds.get(name))(cells))


def parse_for_model(frame: pd.DataFrame, detector: BaseDetector, source: str) -> pd.DataFrame:
    """Parse cells by the types of the columns in training."""
    columns = dict(zip(frame.columns, detector.state_.model.columns, strict=True))
    return _each(frame, source, lambda name, cells: _read_as(columns[name], cells, source))


def _read_as(column: Column, cells: pd.Series, source: str) -> pd.Series:
    if not isinstance(column, (Categorical, GroupedCategorical, Ordinal)):
        return _reader(column.kind)(cells)
    levels = list(column.categories)
    there = [cell for cell in cells if cell not in text.MISSING]
    if there and all(map(text.is_number, there)) and not any(text.is_number(str(level)) for level in levels):
        raise CommandError(
            f"{source}: column {cells.name!r} contains numbers ({there[0]}), but it contained text ({levels[0]!r}) "
            "in training; correct the column or fit the model again"
        )
    return _reader(levels)(cells)


def check_missing(frame: pd.DataFrame, detector: BaseDetector) -> None:
    """Reject missing values if the detector does, with a remedy for the command line."""
    if detector.missing != "error":
        return
    counts = frame.loc[:, _are_scored(frame, detector)].isna().sum()
    counted = [f"{name!r} ({count})" for name, count in counts[counts > 0].items()]
    if counted:
        listed = ", ".join(counted[:_MAX_NAMES]) + (
            f" and {len(counted) - _MAX_NAMES} more" if len(counted) > _MAX_NAMES else ""
        )
        raise CommandError(
            f"X contains NaN in column(s) {listed}; fit with --missing model, impute the cells, or drop the rows"
        )


def _are_scored(frame: pd.DataFrame, detector: BaseDetector) -> list[bool]:
    """Return False for columns that the model, if there is one, leaves out of the score."""
    if not detector.__sklearn_is_fitted__():
        return [True] * frame.shape[1]
    return [column.is_scored for column in detector.state_.model.columns]


def _each(frame: pd.DataFrame, source: str, read: Callable[[Any, pd.Series], pd.Series]) -> pd.DataFrame:
    """Parse each column of a CSV; return a Parquet table unchanged."""
    if is_parquet(source):
        return frame
    columns = {}
    for name in frame.columns:
        try:
            columns[name] = read(name, frame[name])
        except text.CellError as error:
            categorical = quote(f"column_types={{{name!r}: 'categorical'}}")
            raise CommandError(
                f"{source}: column {name!r} holds {error.text!r} in row {error.row + 1}, {error.reason}; correct it, "
                f"or fit with --drop {quote(str(name))} to exclude the column, or with --set {categorical} to "
                "treat it as categorical"
            ) from None
    return pd.DataFrame(columns, index=frame.index)


def is_parquet(source: str) -> bool:
    """Return whether a file name has a suffix of Parquet."""
    return source.lower().endswith((".parquet", ".pq"))


def _reader(column_type: Any) -> Callable[[pd.Series], pd.Series]:
    """Return the function that parses a column by `column_type`: a type, a list of categories, or None."""
    if isinstance(column_type, (list, tuple)):
        return text.categories if any(isinstance(level, str) for level in column_type) else text.numbers
    readers = {
        "categorical": text.categories_or_codes,
        "datetime": text.times,
        "duration": text.durations,
        "ignored": lambda cells: cells,
        "group": text.categories,
        None: text.guess,
    }
    return readers.get(column_type, text.numbers)
