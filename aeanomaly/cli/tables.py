"""Tables in and out. Cells of a CSV stay text, so that a copy of them is exact."""

import gzip
import io
import reprlib
import sys
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.cli.errors import CommandError
from aeanomaly.persistence import write_atomically

_TRUTH = {"true": "1", "false": "0"}
_OTHER_SEPARATORS = (";", "\t", "|")
_HOLES = {"", "na", "n/a", "nan", "null", "none", "<na>"}


def read_table(source: str) -> pd.DataFrame:
    """Read a table by its suffix; the columns of a CSV are text."""
    if _is_parquet(source):
        frame = _with_pyarrow(pd.read_parquet, source)
        return frame if frame.index.names == [None] else frame.reset_index()
    if source != "-" and not source.endswith((".csv", ".csv.gz")):
        raise CommandError(
            f"{source}: the suffix must be .csv, .csv.gz or .parquet; rename the file, or pass - for CSV"
        )
    data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            cells = pd.read_csv(
                io.BytesIO(data),
                encoding="utf-8-sig",
                compression="gzip" if source.endswith(".gz") else None,
                header=None,
                index_col=False,
                dtype=str,
                na_filter=False,
                skip_blank_lines=False,
            )
    except pd.errors.EmptyDataError:
        raise CommandError(f"{source}: the file is empty; its first line must name the columns") from None
    except (
        pd.errors.ParserError,
        pd.errors.ParserWarning,
        UnicodeDecodeError,
        EOFError,
        gzip.BadGzipFile,
        zlib.error,
    ) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise CommandError(
            f"{source}: not a CSV table in UTF-8: {reason}; the first line must name the columns, and every line have "
            "as many fields, with commas between"
        ) from None
    while len(cells) > 1 and cells.iloc[-1].isin(["", np.nan]).all():
        cells = cells.iloc[:-1]  # a blank line at the end is no row; one in between is a row of holes
    names = cells.iloc[0].tolist()
    if len(names) == 1 and (found := [mark for mark in _OTHER_SEPARATORS if mark in names[0].strip()]):
        raise CommandError(
            f"{source}: the first line, {reprlib.repr(names[0])}, names one column, and seems to separate fields by "
            f"{found[0]!r}; separate them by commas"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CommandError(f"{source}: column names appear more than once: {', '.join(map(repr, twice))}; rename them")
    return cells.iloc[1:].reset_index(drop=True).set_axis(names, axis=1)


def write_table(frame: pd.DataFrame, target: str) -> None:
    """Write a table by its suffix, in one step; ``-`` is CSV on standard output."""
    if _is_parquet(target):
        buffer = io.BytesIO()
        _with_pyarrow(lambda place: frame.to_parquet(place, index=False), buffer)
        write_atomically(target, buffer.getvalue())
        return
    if target == "-":
        frame.to_csv(sys.stdout, index=False, lineterminator="\n")
        return
    if not target.endswith((".csv", ".csv.gz")):
        raise CommandError(f"{target}: the suffix must be .csv, .csv.gz or .parquet; choose another name, or - ")
    buffer = io.BytesIO()
    compression = {"method": "gzip", "mtime": 0} if target.endswith(".gz") else None
    frame.to_csv(buffer, index=False, lineterminator="\n", compression=compression)
    write_atomically(target, buffer.getvalue())


def numbers(frame: pd.DataFrame, columns: Sequence[str], source: str) -> pd.DataFrame:
    """The named columns as numbers; what is not text already is left to the detector's own checks."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise CommandError(f"{source}: column(s) {', '.join(map(repr, missing))} that the model needs are missing")
    picked = {name: frame[name] for name in columns}
    return pd.DataFrame({n: _parsed(c, source) if pd.api.types.is_string_dtype(c) else c for n, c in picked.items()})


def _parsed(column: pd.Series, source: str) -> pd.Series:
    numbers = [_number(str(cell).strip(), row, column.name, source) for row, cell in enumerate(column, start=1)]
    exact = all(isinstance(number, int) for number in numbers)
    # Whole numbers stay objects, so that the detector can see which are too large to be exact.
    return pd.Series(numbers, dtype=object if exact and numbers else np.float64, name=column.name)


def _number(text: str, row: int, column: Any, source: str) -> int | float:
    if text.lower() in _HOLES:
        return float("nan")
    text = _TRUTH.get(text.lower(), text)
    try:
        if "_" in text:  # Python's own notation, and nobody else's
            raise ValueError
        return int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        raise CommandError(
            f"{source}: column {column!r} holds {text!r} in row {row}, and only numbers are taken; "
            f"correct it, or leave the column out of the model with fit --drop {column}"
        ) from None


def _is_parquet(name: str) -> bool:
    return name.endswith((".parquet", ".pq"))


def _with_pyarrow(function, place):
    try:
        return function(place)
    except ImportError:
        raise CommandError("Parquet needs pyarrow; install it with: pip install 'aeanomaly[parquet]'") from None
