"""Tables in and out. Cells of a CSV stay text, so that a copy of them is exact."""

import contextlib
import gzip
import importlib
import io
import reprlib
import sys
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.cli.cells import check_holes, is_parquet, of_model
from aeanomaly.cli.errors import CommandError

_OTHER_SEPARATORS = (";", "\t", "|")
#: How a CSV is read: every cell is text, as it stands.
_AS_TEXT: dict[str, Any] = {
    "encoding": "utf-8-sig",
    "header": None,
    "index_col": False,
    "dtype": str,
    "na_filter": False,
    "skip_blank_lines": False,
}
#: Rows in a part of a large table.
_ROWS = 1 << 16


def read_table(source: str) -> pd.DataFrame:
    """Read a table by its suffix; the columns of a CSV are text."""
    if is_parquet(source):
        Path(source).stat()  # an error that says why, where the file cannot be reached
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
        # A blank line at the end is no row; one in between is a row of holes.
        cells = pd.read_csv(io.BytesIO(text.rstrip(b"\r\n")), **_AS_TEXT)
    return cells.iloc[1:].reset_index(drop=True).set_axis(_names(cells, source), axis=1)


def read_csv_parts(source: str) -> Iterator[pd.DataFrame]:
    """A CSV in frames of text, as `read_table` would read it at once."""
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
    """Say what is wrong with a CSV."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield
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


def _names(cells: pd.DataFrame, source: str) -> list[str]:
    """Names of the columns, from the first line."""
    names = cells.iloc[0].tolist()
    if len(names) == 1 and (found := [mark for mark in _OTHER_SEPARATORS if mark in names[0].strip()]):
        raise CommandError(
            f"{source}: the first line, {reprlib.repr(names[0])}, names one column, and seems to separate fields by "
            f"{found[0]!r}; separate them by commas"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CommandError(f"{source}: column names appear more than once: {', '.join(map(repr, twice))}; rename them")
    return names


def picked(frame: pd.DataFrame, columns: Sequence[str], source: str) -> pd.DataFrame:
    """The named columns; an error for those that are missing."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise CommandError(f"{source}: column(s) {', '.join(map(repr, missing))} that the model needs are missing")
    return frame[list(columns)]


def rows_for(detector: Any, frame: pd.DataFrame, source: str, label: str | None = None) -> pd.DataFrame:
    """The columns that a fitted detector knows, as it knows them; where it knows no names, all but `label`."""
    names = getattr(detector, "feature_names_in_", None)
    if names is not None:
        rows = of_model(picked(frame, list(names), source), detector, source)
    else:
        columns = [name for name in frame.columns if name != label]
        if len(columns) != detector.n_features_in_:
            raise CommandError(
                f"{source}: the model was fitted without column names on {detector.n_features_in_} columns, "
                f"and this table has {len(columns)}; pass these columns alone, in that order"
            )
        rows = of_model(frame[columns], detector, source).set_axis(range(len(columns)), axis=1)
    check_holes(rows, detector)
    return rows


def arrow(module: str | None = None) -> Any:
    """Arrow, or a module of it, on first use."""
    try:
        return importlib.import_module("pyarrow" if module is None else f"pyarrow.{module}")
    except ImportError:
        raise CommandError("Parquet needs pyarrow; install it with: pip install 'aeanomaly[parquet]'") from None
