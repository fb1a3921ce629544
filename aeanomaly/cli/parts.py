"""Tables that are larger than memory, part by part: what `tables` does at once."""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from aeanomaly.cli.cells import check_holes, is_parquet, of_kinds, of_training
from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.tables import picked, read_csv_parts, read_table, write_table
from aeanomaly.persistence import replacing
from aeanomaly.preprocessing import family_of
from aeanomaly.streaming import Part, Source, as_source

#: Files from this size on are read in parts.
LARGE = 64 << 20
_KINDS = {"numbers": "numeric", "text": "categorical", "times": "datetime", "durations": "duration"}


def is_large(source: str) -> bool:
    """Whether a table is to be read in parts."""
    path = Path(source)
    return path.is_file() and path.stat().st_size >= LARGE


def frames_of(source: str) -> Callable[[], Iterable[pd.DataFrame]]:
    """A function for a table in frames: one, read once, unless it is large; cells of a CSV are text."""
    if is_large(source):
        return lambda: _frames(source)
    frame = read_table(source)
    return lambda: [frame]


def _frames(source: str) -> Iterator[pd.DataFrame]:
    """Frames of a large table, numbered on from one to the next."""
    first = 0
    parts = (part.rows for part in as_source(source).parts()) if is_parquet(source) else read_csv_parts(source)
    for frame in parts:
        yield frame.set_axis(range(first, first + len(frame)))
        first += len(frame)


def training_source(source: str, columns: Callable[[list[str]], list[str]], detector: Any) -> Source:
    """The rows of a large table to learn from: in a CSV a column is what its cells in the first part are."""

    def read(skip: int) -> Iterator[Part]:
        first, kinds = 0, None
        for number, frame in enumerate(_frames(source)):
            chosen = picked(frame, columns(list(frame.columns)), source)
            if kinds is None:
                types = dict(detector.column_types or {})
                rows = of_training(chosen, types, source)
                kinds = types | {n: _KINDS.get(family_of(rows[n])) for n in rows.columns if n not in types}
            else:
                rows = of_kinds(chosen, kinds, source)
            check_holes(rows, detector)
            left, first = rows.iloc[max(0, skip - first) :], first + len(rows)
            yield Part(left, f"{source}, part {number}")

    state = Path(source).stat()
    return Source(read, fingerprint=[[os.path.abspath(source), state.st_size, state.st_mtime_ns]])  # noqa: PTH100


@contextlib.contextmanager
def table_writer(target: str | None) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that takes frames one after another for a file, which is there when all were, or standard output.

    It writes one frame behind, so that a table that came in one is written at once, and only if all went well.
    """
    waiting: list[pd.DataFrame] = []
    with contextlib.ExitStack() as stack:
        append: Callable[[pd.DataFrame], None] | None = None

        def take(frame: pd.DataFrame) -> None:
            nonlocal append
            if target is None:
                return
            waiting.append(frame)
            if len(waiting) == 2:
                append = append or stack.enter_context(_appending(target))
                append(waiting.pop(0))

        yield take
        if target is None or not waiting:
            return
        if append is None:
            write_table(waiting[0], target)
        else:
            append(waiting[0])


@contextlib.contextmanager
def _appending(target: str) -> Iterator[Callable[[pd.DataFrame], None]]:
    if target == "-":
        yield _csv_appender(sys.stdout.buffer)
    elif is_parquet(target):
        import pyarrow as pa
        import pyarrow.parquet as pq

        with replacing(target) as file, contextlib.ExitStack() as stack:
            writer: Any = None

            def append(frame: pd.DataFrame) -> None:
                nonlocal writer
                schema = None if writer is None else writer.schema
                table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
                writer = writer or stack.enter_context(pq.ParquetWriter(file, table.schema))
                writer.write_table(table)

            yield append
    elif target.endswith((".csv", ".csv.gz")):
        import gzip

        with replacing(target) as raw, contextlib.ExitStack() as stack:
            packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if target.endswith(".gz") else None
            yield _csv_appender(stack.enter_context(packed) if packed else raw)
    else:
        raise CommandError(f"{target}: the suffix must be .csv, .csv.gz or .parquet; choose another name, or - ")


def _csv_appender(file: Any) -> Callable[[pd.DataFrame], None]:
    started = False

    def append(frame: pd.DataFrame) -> None:
        nonlocal started
        buffer = io.StringIO()
        frame.to_csv(buffer, index=False, header=not started, lineterminator="\n")
        file.write(buffer.getvalue().encode())
        started = True

    return append
