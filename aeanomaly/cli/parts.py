"""Reading and writing of tables in parts."""

import contextlib
import gzip
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.notes import note
from aeanomaly.cli.outputs import check_output
from aeanomaly.cli.tables import InputTable, check_missing, select_columns
from aeanomaly.detectors import BaseDetector
from aeanomaly.persistence import FileKind, replace_file
from aeanomaly.reading import ATTRIBUTE, ReadOptions, TableFormat, read_raw_parts
from aeanomaly.streaming import Part, Source, fingerprint_of
from aeanomaly.streaming import arrow as imported_arrow

#: Function that imports pyarrow, or a module of it.
arrow = partial(imported_arrow, wanted="Parquet needs")


def is_parquet(target: str) -> bool:
    """Return whether a file name has a suffix of Parquet."""
    return target.lower().endswith((".parquet", ".pq"))


def _is_scored(path: Path) -> bool:
    """Return whether a table has the three columns of `score`, with any prefix."""
    try:
        names = set(arrow("parquet").read_schema(path).names if is_parquet(path.name) else _names_in(path))
    except Exception:  # readers raise many kinds of errors for a file that is not a table
        return False
    prefixes = [str(name).removesuffix("score") for name in names if str(name).endswith("score")]
    return any({f"{prefix}decision", f"{prefix}anomaly"} <= names for prefix in prefixes)


def _names_in(path: Path) -> list[str]:
    return next(read_raw_parts(path, ReadOptions())).frame.columns.tolist()


#: The kind of file that `table_writer` writes.
SCORED_TABLE = FileKind("a table of scored rows", (".csv", ".csv.gz", ".tsv", ".parquet", ".pq"), _is_scored)


def check_table_output(target: str, inputs: Iterable[str | Path], *, force: bool) -> None:
    """Reject an output that cannot be written or that would replace a file of another kind."""
    if not target.lower().endswith(SCORED_TABLE.suffixes):
        raise CommandError(
            f"{target}: the suffix must be .csv, .csv.gz, .tsv or .parquet; choose another name, or - for CSV"
        )
    check_output(target, SCORED_TABLE, inputs, force=force)


def training_source(
    table: InputTable, columns: Callable[[list[str]], list[str]], detector: BaseDetector, id_column: str | None
) -> tuple[Source, Counter[str]]:
    """Return the training rows of a large table, and the number of missing cells by column, counted on the way."""
    missing: Counter[str] = Counter()

    def read(skip: int) -> Iterator[Part]:
        first = 0
        for number, frame in enumerate(table.parts()):
            rows = table.rows_for_fit(select_columns(frame, columns(list(frame.columns)), table.source), detector)
            check_missing(rows, detector)
            missing.update({str(name): int(count) for name, count in rows.isna().sum().items() if count})
            left, first = rows.iloc[max(0, skip - first) :], first + len(rows)
            left.attrs[ATTRIBUTE] = replace(table.known, id_column=id_column).to_json()
            yield Part(left, f"{table.source}, part {number}")

    return Source(read, fingerprint=fingerprint_of(table.paths)), missing


@contextlib.contextmanager
def table_writer(target: str | None, table: InputTable) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that appends frames to a file or to standard output, text in the format of the input.

    The file appears only after all frames are written. Each frame is written when the next one arrives, so that a table
    of a single frame is written only if no error occurs.
    """
    if target is None:
        yield lambda frame: None
        return
    with _appending(target, table) as append:
        waiting: list[pd.DataFrame] = []

        def take(frame: pd.DataFrame) -> None:
            waiting.append(frame)
            if len(waiting) == 2:
                append(waiting.pop(0))

        yield take
        for frame in waiting:
            append(frame)


@contextlib.contextmanager
def _appending(target: str, table: InputTable) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that appends frames in the format of the suffix; ``-`` is CSV on standard output."""
    if target == "-":
        yield _text_appender(sys.stdout.buffer, table, target)
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
            yield _text_appender(stack.enter_context(packed) if packed else raw, table, target)


def _text_appender(file: Any, table: InputTable, target: str) -> Callable[[pd.DataFrame], None]:
    encoding: str | None = None

    def append(frame: pd.DataFrame) -> None:
        nonlocal encoding
        text = frame.to_csv(
            index=False,
            header=encoding is None,
            lineterminator="\n",
            sep="\t" if target.endswith(".tsv") else _separator_of(table.table_format),
            decimal=table.decimal,
        )
        encoding = encoding or _encoding_for(text, table)
        file.write(text.encode(encoding, errors="replace"))

    return append


def _encoding_for(text: str, table: InputTable) -> str:
    """Return the encoding of the input, or UTF-8 with a note if the encoding cannot hold the text."""
    encoding = table.table_format.encoding or "utf-8"
    if not encoding.startswith(("utf-16", "utf-32")):  # each part would start with a mark of the order of bytes
        with contextlib.suppress(UnicodeEncodeError):
            text.encode(encoding)
            return encoding
    note(f"note: the scored rows are written in UTF-8, and not in {encoding} as {table.name}")
    return "utf-8"


def _separator_of(format_: TableFormat) -> str:
    return format_.sep if format_.sep is not None and format_.sep.strip(" ") else ","
