"""Text of a CSV -> the cells that a detector takes. Tables of Parquet have dtypes, which are kept."""

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.cli.errors import CommandError

_TRUTH = {"true": "1", "false": "0"}
_HOLES = {"", "na", "n/a", "nan", "null", "none", "<na>"}
_TIME = re.compile(
    r"\d{4}-\d{2}(-\d{2}([T ]\d{2}(:\d{2}(:\d{2}([.,]\d+)?)?)?)?)?(?P<zone>Z|[+-]\d{2}(:?\d{2})?)?", re.ASCII
)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
#: Columns that a message names.
_NAMED = 10


def of_training(frame: pd.DataFrame, column_types: Any, source: str) -> pd.DataFrame:
    """What cells of text are, by themselves or as `column_types` says: numbers, times, durations or levels."""
    return of_kinds(frame, column_types if isinstance(column_types, Mapping) else {}, source)


def of_kinds(frame: pd.DataFrame, kinds: Mapping[Any, Any], source: str) -> pd.DataFrame:
    """Cells of text, read as what their columns are said to be; those of which nothing is said, by themselves."""
    return _each(frame, source, lambda name, cells: _read(cells, kinds.get(name), source))


def of_model(frame: pd.DataFrame, detector: Any, source: str) -> pd.DataFrame:
    """Cells of text, read as what the detector's columns were in training."""
    columns = dict(zip(frame.columns, detector._model.schema.columns, strict=True))
    return _each(frame, source, lambda name, cells: _read(cells, _type_of(columns[name]), source))


def numbers(cells: pd.Series, source: str) -> pd.Series:
    """Text -> numbers; true and false are 1 and 0."""
    parsed = [_number(text) for text in _stripped(cells)]
    if None in parsed:
        row = parsed.index(None)
        comma = _DECIMAL_COMMA.fullmatch(str(cells.iloc[row]).strip())
        _refuse(cells, row, source, "and only numbers are taken" + (", with a decimal point" if comma else ""))
    exact = all(isinstance(number, int) for number in parsed)
    # Whole numbers stay objects, so that the detector can see which are too large to be exact.
    return pd.Series(parsed, index=cells.index, dtype=object if exact and parsed else np.float64, name=cells.name)


def check_holes(frame: pd.DataFrame, detector: Any) -> None:
    """Refuse holes that the detector would refuse, and say what to do on the command line."""
    if detector.missing != "error":
        return
    counts = frame.isna().sum()
    holes = [f"{name!r} ({count})" for name, count in counts[counts > 0].items()]
    if holes:
        shown = ", ".join(holes[:_NAMED]) + (f" and {len(holes) - _NAMED} more" if len(holes) > _NAMED else "")
        raise CommandError(
            f"X contains NaN in column(s) {shown}; fit with --missing model, fill the cells in, or drop the rows"
        )


def _each(frame: pd.DataFrame, source: str, read: Callable[[Any, pd.Series], pd.Series]) -> pd.DataFrame:
    is_text = not is_parquet(source)
    columns = {name: read(name, frame[name]) if is_text else frame[name] for name in frame.columns}
    return pd.DataFrame(columns, index=frame.index)


def is_parquet(source: str) -> bool:
    """Whether a name is that of a Parquet file."""
    return source.endswith((".parquet", ".pq"))


def _type_of(column: Any) -> Any:
    """What to read as: levels are text, unless all of them are numbers."""
    if column.kind in ("categorical", "ordinal"):
        return list(column.levels)
    return column.kind


def _read(cells: pd.Series, asked: Any, source: str) -> pd.Series:
    if isinstance(asked, (list, tuple)):
        return _levels(cells) if any(isinstance(level, str) for level in asked) else numbers(cells, source)
    match asked:
        case None:
            return _guessed(cells, source)
        case "categorical":
            return _levels(cells)
        case "datetime":
            return _times(cells, source)
        case "duration":
            return _durations(cells, source)
    return numbers(cells, source)


def _guessed(cells: pd.Series, source: str) -> pd.Series:
    """Numbers where any cell is one; else times where all are, else levels."""
    there = [text for text in _stripped(cells) if text.lower() not in _HOLES]
    are_truth = all(text.lower() in _TRUTH for text in there)
    if are_truth or any(text.lower() not in _TRUTH and _number(text) is not None for text in there):
        return numbers(cells, source)
    return _times(cells, source) if all(map(_TIME.fullmatch, there)) else _levels(cells)


def _stripped(cells: pd.Series) -> list[str]:
    return [str(cell).strip() for cell in cells]


def _number(text: str) -> int | float | None:
    """The number that a text is, NaN of a hole, None of anything else."""
    if text.lower() in _HOLES:
        return float("nan")
    text = _TRUTH.get(text.lower(), text)
    if "_" in text:  # Python's own notation, and nobody else's
        return None
    try:
        return int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return None


def _as_levels(name: str) -> str:
    return "--set " + shlex.quote(f"column_types={{{name!r}: 'categorical'}}")


def _levels(cells: pd.Series) -> pd.Series:
    levels = [None if text.lower() in _HOLES else text for text in _stripped(cells)]
    return pd.Series(levels, index=cells.index, dtype=object, name=cells.name)


def _times(cells: pd.Series, source: str) -> pd.Series:
    """ISO 8601; where there are several time zones, on the clock of UTC."""
    texts = _levels(cells)
    found = [None if text is None else _TIME.fullmatch(text) for text in texts]
    times = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    there = texts.notna()
    wrong = np.flatnonzero(there & (times.isna() | np.array([match is None for match in found], dtype=bool)))
    if len(wrong):
        _refuse(cells, int(wrong[0]), source, "which is no time such as 2024-05-31 or 2024-05-31T12:30:00")
    zones = [match["zone"] for match in found if match]
    if not any(zones):
        return times.dt.tz_localize(None)
    if None in zones:
        row = next(row for row, match in enumerate(found) if match and match["zone"] is None)
        _refuse(cells, row, source, "a time without a time zone, and other rows have one")
    return times if len(set(zones)) > 1 else pd.to_datetime(texts, format="ISO8601")


def _durations(cells: pd.Series, source: str) -> pd.Series:
    texts = _levels(cells)
    spans = pd.to_timedelta(texts, errors="coerce")
    wrong = np.flatnonzero(texts.notna() & spans.isna())
    if len(wrong):
        _refuse(cells, int(wrong[0]), source, "which is no duration such as 01:30:00 or '2 days 01:30:00'")
    return spans


def _refuse(cells: pd.Series, row: int, source: str, what: str) -> None:
    text, name = str(cells.iloc[row]).strip(), str(cells.name)
    raise CommandError(
        f"{source}: column {name!r} holds {text!r} in row {row + 1}, {what}; correct it, or fit "
        f"with --drop {shlex.quote(name)} to leave the column out, or with {_as_levels(name)} to read it as levels"
    )
