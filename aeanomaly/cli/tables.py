"""Tables in and out. Cells of a CSV stay text, so that a copy of them is exact."""

import csv
import io
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from aeanomaly.cli.errors import CommandError
from aeanomaly.persistence import write_atomically

_TRUTH = {"true": "1", "false": "0"}
_HOLES = {"", "na", "n/a", "nan", "null", "none", "<na>"}


def read_table(source: str) -> pd.DataFrame:
    """Read a table by its suffix; the columns of a CSV are text."""
    if _is_parquet(source):
        return _with_pyarrow(pd.read_parquet, source)
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
            )
    except pd.errors.EmptyDataError:
        raise CommandError(f"{source}: the file is empty; its first line must name the columns") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError, EOFError) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise CommandError(f"{source}: not a CSV table in UTF-8: {reason}") from None
    names = cells.iloc[0].tolist()
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
    frame.to_csv(buffer, index=False, lineterminator="\n", quoting=csv.QUOTE_MINIMAL, compression=compression)
    write_atomically(target, buffer.getvalue())


def numbers(frame: pd.DataFrame, columns: Sequence[str], source: str) -> pd.DataFrame:
    """The named columns as numbers; what is not text already is left to the detector's own checks."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise CommandError(f"{source}: column(s) {', '.join(map(repr, missing))} that the model needs are missing")
    picked = {name: frame[name] for name in columns}
    return pd.DataFrame({n: _parsed(c, source) if pd.api.types.is_string_dtype(c) else c for n, c in picked.items()})


def _parsed(column: pd.Series, source: str) -> np.ndarray:
    values = np.empty(len(column))
    for row, cell in enumerate(column):
        text = str(cell).strip()
        try:
            values[row] = np.nan if text.lower() in _HOLES else float(_TRUTH.get(text.lower(), text))
        except ValueError:
            raise CommandError(
                f"{source}: column {column.name!r} holds {text!r} in row {row + 1}, and only numbers are taken; "
                f"correct it, or leave the column out of the model with fit --drop {column.name}"
            ) from None
    return values


def _is_parquet(name: str) -> bool:
    return name.endswith((".parquet", ".pq"))


def _with_pyarrow(function, place):
    try:
        return function(place)
    except ImportError:
        raise CommandError("Parquet needs pyarrow; install it with: pip install 'aeanomaly[parquet]'") from None
