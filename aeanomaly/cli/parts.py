"""Reading and writing of tables in parts."""

import contextlib
import gzip
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from aeanomaly.cli.cells import check_missing, declared_kinds, is_parquet, parse_columns
from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.outputs import check_output
from aeanomaly.cli.tables import arrow, read_csv_parts, read_table, select_columns
from aeanomaly.detectors import BaseDetector
from aeanomaly.persistence import FileKind, replace_file
from aeanomaly.preprocessing import DEFAULT_KIND, infer_cell_type
from aeanomaly.streaming import Part, Source, as_source, fingerprint_of

#: Minimum size in bytes of files that are read in parts.
LARGE = 64 << 20


def _is_scored(path: Path) -> bool:
    """Return whether a table has the three columns of `score`, with any prefix."""
    try:
        names = set(arrow("parquet").read_schema(path).names if is_parquet(path.name) else pd.read_csv(path, nrows=0))
    except Exception:  # readers raise many kinds of errors for a file that is not a table
        return False
    prefixes = [str(name).removesuffix("score") for name in names if str(name).endswith("score")]
    return any({f"{prefix}decision", f"{prefix}anomaly"} <= names for prefix in prefixes)


#: The kind of file that `table_writer` writes.
SCORED_TABLE = FileKind("a table of scored rows", (".csv", ".csv.gz", ".parquet", ".pq"), _is_scored)


def check_table_output(target: str, inputs: Iterable[str | Path], *, force: bool) -> None:
    """Reject an output that cannot be written or that would replace a file of another kind."""
    if not target.lower().endswith(SCORED_TABLE.suffixes):
        raise CommandError(f"{target}: the suffix must be .csv, .csv.gz or .parquet; choose another name, or - for CSV")
    check_output(target, SCORED_TABLE, inputs, force=force)


def is_large(source: str) -> bool:
    """Return whether a table is read in parts."""
    path = Path(source)
    return path.is_file() and path.stat().st_size >= LARGE


def frames_of(source: str) -> Callable[[], Iterable[pd.DataFrame]]:
    """Return a function that yields the frames of a table; cells of a CSV are text.

    A small table is read once and yields one frame.
    """
    if is_large(source):
        return lambda: _frames(source)
    frame = read_table(source)
    return lambda: [frame]


def _frames(source: str) -> Iterator[pd.DataFrame]:
    """Yield the frames of a large table with a consecutive row index."""
    first = 0
    parts = (part.rows for part in as_source(source).parts()) if is_parquet(source) else read_csv_parts(source)
    for frame in parts:
        yield frame.set_axis(range(first, first + len(frame)))
        first += len(frame)


def training_source(source: str, columns: Callable[[list[str]], list[str]], detector: BaseDetector) -> Source:
    """Return the training rows of a large table; the first part of a CSV determines the types of columns."""

    def read(skip: int) -> Iterator[Part]:
        first, kinds = 0, declared_kinds(detector)
        for number, frame in enumerate(_frames(source)):
            rows = parse_columns(select_columns(frame, columns(list(frame.columns)), source), kinds, source)
            if number == 0:
                kinds = {name: DEFAULT_KIND.get(infer_cell_type(rows[name])) for name in rows.columns} | kinds
            check_missing(rows, detector)
            left, first = rows.iloc[max(0, skip - first) :], first + len(rows)
            yield Part(left, f"{source}, part {number}")

    return Source(read, fingerprint=fingerprint_of([Path(source)]))


@contextlib.contextmanager
def table_writer(target: str | None) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that appends frames to a file or to standard output.

    The file appears only after all frames are written. Each frame is written when the next one arrives, so that a table
    of a single frame is written only if no error occurs.
    """
    if target is None:
        yield lambda frame: None
        return
    with _appending(target) as append:
        waiting: list[pd.DataFrame] = []

        def take(frame: pd.DataFrame) -> None:
            waiting.append(frame)
            if len(waiting) == 2:
                append(waiting.pop(0))

        yield take
        for frame in waiting:
            append(frame)


@contextlib.contextmanager
def _appending(target: str) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that appends frames in the format of the suffix; ``-`` is CSV on standard output."""
    if target == "-":
        yield _csv_appender(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    elif is_parquet(target):
        pa, pq = arrow(), arrow("parquet")
        with replace_file(target) as file, contextlib.ExitStack() as stack:
            writer: Any = None

            def append(frame: pd.DataFrame) -> None:
                nonlocal writer
                schema = None if writer is None else writer.schema
                table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
                writer = writer or stack.enter_context(pq.ParquetWriter(file, table.schema))
                writer.write_table(table)

            yield append
    else:
        with replace_file(target) as raw, contextlib.ExitStack() as stack:
            packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if target.lower().endswith(".gz") else None
            yield _csv_appender(stack.enter_context(packed) if packed else raw)


def _csv_appender(file: Any) -> Callable[[pd.DataFrame], None]:
    started = False

    def append(frame: pd.DataFrame) -> None:
        nonlocal started
        file.write(frame.to_csv(index=False, header=not started, lineterminator="\n").encode())
        started = True

    return append
