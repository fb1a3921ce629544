"""Reading of tables; cells of a CSV are text, so that `score` copies them exactly."""

import contextlib
import gzip
import io
import reprlib
import sys
import warnings
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.cli.cells import check_missing, is_parquet, parse_for_model
from aeanomaly.cli.errors import CommandError
from aeanomaly.detectors import BaseDetector
from aeanomaly.streaming import arrow as imported_arrow

_OTHER_SEPARATORS = (";", "\t", "|")
#: Arguments of `read_csv` that keep every cell as text.
_AS_TEXT: dict[str, Any] = {
    "encoding": "utf-8-sig",
    "header": None,
    "index_col": False,
    "dtype": str,
    "na_filter": False,
    "skip_blank_lines": False,
}
#: Number of rows in a part of a large table.
_ROWS = 1 << 16
#: Function that imports pyarrow, or a module of it.
arrow = partial(imported_arrow, wanted="Parquet needs")


def read_table(source: str) -> pd.DataFrame:
    """Read a table in the format of its suffix; the cells of a CSV are text."""
    if is_parquet(source):
        Path(source).stat()  # raises a clear error if the file is not accessible
        arrow()
        frame = pd.read_parquet(source)
        return frame if frame.index.names == [None] else frame.reset_index()
    if source != "-" and not source.lower().endswith((".csv", ".csv.gz")):
        raise CommandError(
            f"{source}: the suffix must be .csv, .csv.gz or .parquet; rename the file, or pass - for CSV"
        )
    data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    with _parsing(source):
        text = gzip.decompress(data) if source.lower().endswith(".gz") else data
        # Blank lines at the end are ignored; other blank lines are rows of missing values.
        cells = pd.read_csv(io.BytesIO(text.rstrip(b"\r\n")), **_AS_TEXT)
    return cells.iloc[1:].reset_index(drop=True).set_axis(_names(cells, source), axis=1)


def read_csv_parts(source: str) -> Iterator[pd.DataFrame]:
    """Yield the rows of a CSV in frames of text, equal to the result of `read_table`."""
    names: list[str] | None = None
    with _parsing(source), pd.read_csv(source, chunksize=_ROWS, **_AS_TEXT) as parts:
        waiting: pd.DataFrame | None = None
        for cells in parts:
            if names is None:
                names, cells = _names(cells, source), cells.iloc[1:]
            if waiting is not None:
                yield waiting
            waiting = cells.set_axis(names, axis=1)
        if waiting is not None:
            there = np.flatnonzero((waiting != "").any(axis=1))
            yield waiting.iloc[: there[-1] + 1 if len(there) else 0]


@contextlib.contextmanager
def _parsing(source: str) -> Iterator[None]:
    """Convert errors of the CSV parser to a CommandError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield
    except pd.errors.EmptyDataError:
        raise CommandError(f"{source}: the file is empty; its first line must contain the column names") from None
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
            f"{source}: not a CSV table in UTF-8: {reason}; the first line must contain the column names, and all "
            "lines must have the same number of comma-separated fields"
        ) from None


def _names(cells: pd.DataFrame, source: str) -> list[str]:
    """Return the column names in the first line."""
    names = cells.iloc[0].tolist()
    if len(names) == 1 and (found := [mark for mark in _OTHER_SEPARATORS if mark in names[0].strip()]):
        raise CommandError(
            f"{source}: the first line, {reprlib.repr(names[0])}, has a single field and seems to use the separator "
            f"{found[0]!r}; separate fields by commas"
        )
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise CommandError(f"{source}: duplicate column names: {', '.join(map(repr, duplicates))}; rename them")
    return names


def select_columns(frame: pd.DataFrame, columns: Sequence[str], source: str) -> pd.DataFrame:
    """Select columns by name; raise a CommandError if a column is missing."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise CommandError(
            f"{source}: column(s) {', '.join(map(repr, missing))} of the model are missing; add them to the table"
        )
    return frame[list(columns)]


def rows_for(detector: BaseDetector, frame: pd.DataFrame, source: str, label: str | None = None) -> pd.DataFrame:
    """Select and parse the columns of a fitted detector; without column names, all columns except `label`."""
    names = getattr(detector, "feature_names_in_", None)
    if names is not None:
        rows = parse_for_model(select_columns(frame, list(names), source), detector, source)
    else:
        columns = [name for name in frame.columns if name != label]
        if len(columns) != detector.n_features_in_:
            raise CommandError(
                f"{source}: the model was fitted on {detector.n_features_in_} columns without names, "
                f"but the table has {len(columns)}; keep only the columns of the model, in the same order"
            )
        rows = parse_for_model(frame[columns], detector, source).set_axis(range(len(columns)), axis=1)
    check_missing(rows, detector)
    return rows
