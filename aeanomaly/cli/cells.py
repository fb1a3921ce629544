"""Text of a CSV -> the cells that a detector takes. Tables of Parquet have dtypes, which are kept."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from aeanomaly.cli.errors import CommandError, quoted
from aeanomaly.preprocessing import text

#: Columns that a message names.
_NAMED = 10


def of_training(frame: pd.DataFrame, column_types: Any, source: str) -> pd.DataFrame:
    """Read cells of text by themselves, or as `column_types` says."""
    return of_kinds(frame, column_types if isinstance(column_types, Mapping) else {}, source)


def of_kinds(frame: pd.DataFrame, kinds: Mapping[Any, Any], source: str) -> pd.DataFrame:
    """Read cells of text as their columns are said to be; others by themselves."""
    return _each(frame, source, lambda name, cells: _reader(kinds.get(name))(cells))


def of_model(frame: pd.DataFrame, detector: Any, source: str) -> pd.DataFrame:
    """Read cells of text as the detector's columns were in training."""
    columns = dict(zip(frame.columns, detector._model.schema.columns, strict=True))
    return _each(frame, source, lambda name, cells: _read_as(columns[name], cells, source))


def _read_as(column: Any, cells: pd.Series, source: str) -> pd.Series:
    if column.kind not in ("categorical", "ordinal"):
        return _reader(column.kind)(cells)
    levels = list(column.categories)
    there = [cell for cell in cells if cell not in text.MISSING]
    if there and all(map(text.is_number, there)) and not any(text.is_number(str(level)) for level in levels):
        raise CommandError(
            f"{source}: column {cells.name!r} holds numbers ({there[0]}), and it held text ({levels[0]!r}) in "
            "training; correct it, or fit again on such rows"
        )
    return _reader(levels)(cells)


def numbers(cells: pd.Series, source: str) -> pd.Series:
    """Read text as numbers; true and false are 1 and 0."""
    return _each(cells.to_frame(), source, lambda _, cells: text.numbers(cells)).iloc[:, 0]


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
    """Read each column, unless the file has dtypes."""
    if is_parquet(source):
        return frame
    columns = {}
    for name in frame.columns:
        try:
            columns[name] = read(name, frame[name])
        except text.CellError as error:
            categorical = quoted(f"column_types={{{name!r}: 'categorical'}}")
            raise CommandError(
                f"{source}: column {name!r} holds {error.text!r} in row {error.row + 1}, {error.reason}; correct it, "
                f"or fit with --drop {quoted(str(name))} to leave the column out, or with --set {categorical} to "
                "read it as levels"
            ) from None
    return pd.DataFrame(columns, index=frame.index)


def is_parquet(source: str) -> bool:
    """Whether a name is that of a Parquet file."""
    return source.lower().endswith((".parquet", ".pq"))


def _reader(asked: Any) -> Callable[[pd.Series], pd.Series]:
    """Return the function that reads a column of text as `asked`: a kind, levels, or None."""
    if isinstance(asked, (list, tuple)):
        return text.categories if any(isinstance(level, str) for level in asked) else text.numbers
    readers = {"categorical": text.categories, "datetime": text.times, "duration": text.durations, None: text.guess}
    return readers.get(asked, text.numbers)
