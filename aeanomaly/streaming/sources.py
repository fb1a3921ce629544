"""Sources of the parts of a table: files, Arrow objects, frames, arrays and generators."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly._warnings import warn
from aeanomaly.exceptions import SourceError
from aeanomaly.reading import (
    ATTRIBUTE,
    FoundFile,
    ReadOptions,
    TableFormat,
    find_files,
    flatten,
    import_extra,
    name_columns,
    read_raw_parts,
)

#: Maximum number of rows and of cells in a part, if this module splits the table.
PART, _CELLS = 1 << 18, 1 << 22
_PARQUET, _ARROW = (".parquet", ".pq"), (".arrow", ".feather", ".ipc")


class Part(NamedTuple):
    """Rows of a table, a frame or an array, with their location for error messages."""

    rows: Any
    where: str


@dataclass(frozen=True)
class Source:
    """Table that is read in parts.

    Parameters
    ----------
    read : callable(skip) -> iterator of Part
        Function that yields the parts from row index `skip`.
    n_rows : int or None
        Total number of rows; None if unknown.
    fingerprint : list or None
        Fingerprint of the files (see `fingerprint_of`); None for other sources.
    """

    read: Callable[[int], Iterator[Part]]
    n_rows: int | None = None
    fingerprint: list[Any] | None = None

    def parts(self, skip: int = 0) -> Iterator[Part]:
        """Return an iterator of the nonempty parts from row index `skip`, read ahead in a thread."""
        return _ahead(part for part in self.read(skip) if len(part.rows))


def as_source(source: Any, columns: Sequence[str] | None = None, known: TableFormat | None = None) -> Source:
    """Convert an object to a `Source`.

    Parameters
    ----------
    source : path, sequence of paths, frame, array, Arrow object, iterable of frames, arrays or record batches, Source
        A path is a file, a folder or a pattern, as for `aeanomaly.read_table`. An iterator is read once; a function is
        called to get an iterator.
    columns : sequence of str, optional
        Columns to read from files and frames; all by default.
    known : TableFormat, optional
        Format of the text cells of files; that of the first part by default.

    Raises
    ------
    TypeError
        If the type of the object is not supported.
    SourceError
        If a folder has no table.
    OSError
        If a file does not exist.
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _of_files(find_files(source), columns, known)
    if isinstance(source, (list, tuple)) and source and all(isinstance(item, (str, os.PathLike)) for item in source):
        return _of_files([file for item in source for file in find_files(item)], columns, known)
    if isinstance(source, (pd.DataFrame, np.ndarray)):
        return _of_rows(source, columns)
    if callable(getattr(source, "iter_slices", None)):  # polars
        return _of_iterable(source.iter_slices(_rows_of_part(source.shape[1])), columns)
    if callable(getattr(source, "collect_batches", None)):  # query of polars
        return _of_iterable(source.collect_batches(maintain_order=True), columns)
    if callable(getattr(source, "to_arrow_reader", None)):  # relation of DuckDB
        return _of_iterable(source.to_arrow_reader(PART), columns)
    if callable(getattr(source, "to_batches", None)):  # Arrow table or dataset
        return _of_iterable(source.to_batches(), columns)
    if callable(source):
        return _of_iterable(source(), columns)
    if isinstance(source, Iterable):
        return _of_iterable(source, columns)
    raise TypeError(
        f"a table in parts must be a path, a frame, an array or an iterable of frames; got {type(source).__name__}"
    )


def _rows_of_part(n_columns: int) -> int:
    return max(1, min(PART, _CELLS // max(1, n_columns)))


def _of_rows(table: Any, columns: Sequence[str] | None) -> Source:
    rows = _chosen(table, columns)

    def read(skip: int) -> Iterator[Part]:
        size = _rows_of_part(rows.shape[1])
        for first in range(skip, len(rows), size):
            yield Part(_slice(rows, first, first + size), f"rows {first:,} to {min(first + size, len(rows)) - 1:,}")

    return Source(read, n_rows=len(rows))


def _of_iterable(batches: Iterable[Any], columns: Sequence[str] | None) -> Source:
    def read(skip: int) -> Iterator[Part]:
        first = 0
        for number, batch in enumerate(batches):
            rows = _chosen(_as_rows(batch, f"batch {number}"), columns)
            left = _slice(rows, max(0, skip - first), len(rows))
            first += len(rows)
            yield Part(left, f"batch {number}")

    return Source(read)


def _slice(rows: Any, start: int, stop: int) -> Any:
    return rows.iloc[start:stop] if isinstance(rows, pd.DataFrame) else rows[start:stop]


def _as_rows(batch: Any, where: str) -> Any:
    """Convert a batch to a pandas frame or an array (n, F)."""
    if isinstance(batch, (pd.DataFrame, np.ndarray)):
        rows = batch
    elif callable(getattr(batch, "to_pandas", None)):
        rows = batch.to_pandas()
    else:
        rows = np.asarray(batch)
    if rows.ndim != 2:
        raise SourceError(f"{where}: a part of a table must have two dimensions; got shape {rows.shape}")
    return rows


def _chosen(rows: Any, columns: Sequence[str] | None) -> Any:
    if columns is None or not isinstance(rows, pd.DataFrame):
        return rows
    _check_names(rows.columns, columns)
    return rows[list(columns)]


def _of_files(files: Sequence[FoundFile], columns: Sequence[str] | None, known: TableFormat | None) -> Source:
    reader, paths = _TextReader(known), [file.path for file in files]
    fingerprint = fingerprint_of(paths)

    def read(skip: int) -> Iterator[Part]:
        first = 0
        for file in files:
            of_file = None if columns is None else [name for name in columns if name not in file.partition]
            try:
                for n_rows, part in _read_of(file.path, reader)(file.path, of_file, skip - first):
                    first += n_rows
                    if part is not None:
                        yield part._replace(rows=part.rows.assign(**file.partition)) if file.partition else part
            except arrow().lib.ArrowException as error:
                raise SourceError(f"{file.path}: {' '.join(str(error).split())}") from None

    counts = [_n_rows(path) for path in paths]
    return Source(read, None if None in counts else sum(count or 0 for count in counts), fingerprint)


def fingerprint_of(paths: Sequence[Path]) -> list[Any]:
    """Return the path, size and modification time of each file."""
    states = [(path, path.stat()) for path in paths]
    return [[str(path.absolute()), state.st_size, state.st_mtime_ns] for path, state in states]


#: (path, columns, rows to skip) -> number of rows read, and the part unless it is skipped.
_Reader = Callable[[Path, Sequence[str] | None, int], Iterator[tuple[int, Part | None]]]


def _read_of(path: Path, reader: "_TextReader") -> _Reader:
    name = path.name.lower()
    return _parquet if name.endswith(_PARQUET) else _ipc if name.endswith(_ARROW) else reader.read


class _TextReader:
    """Reader of files without dtypes; the first part determines the formats of the columns."""

    def __init__(self, known: TableFormat | None):
        self._known = known

    def read(self, path: Path, columns: Sequence[str] | None, skip: int) -> Iterator[tuple[int, Part | None]]:
        for number, raw in enumerate(read_raw_parts(path, ReadOptions(), self._known)):
            if columns is not None:
                _check_names(raw.frame.columns, columns, path)
                raw = raw.select(columns)
            table = raw.typed(self._known)
            self._known = table.format if self._known is None else self._known.completed(table.format)
            where, n_rows = f"{path}, part {number}", len(table.frame)
            if table.remarks:
                warn(f"{where}: {'; '.join(table.remarks)}")
            rows = table.frame.iloc[max(0, skip) :]
            rows.attrs[ATTRIBUTE] = self._known.to_json()
            yield n_rows, Part(rows, where) if n_rows > skip else None
            skip -= n_rows


def _n_rows(path: Path) -> int | None:
    if not path.name.lower().endswith(_PARQUET):
        return None
    try:
        return int(arrow("parquet").read_metadata(path).num_rows)
    except arrow().lib.ArrowException as error:
        raise SourceError(f"{path}: the file is not a Parquet file: {' '.join(str(error).split())}") from None


def _parquet(path: Path, columns: Sequence[str] | None, skip: int) -> Iterator[tuple[int, Part | None]]:
    """Read row groups one by one; prebuffering would load the whole file."""
    with arrow("parquet").ParquetFile(path, pre_buffer=False) as file:
        _check_names(file.schema_arrow.names, columns, path)
        size = _rows_of_part(len(columns or file.schema_arrow.names))
        for group in range(file.num_row_groups):
            n_rows, where = file.metadata.row_group(group).num_rows, f"{path}, row group {group}"
            if n_rows <= skip:
                skip -= n_rows
                yield n_rows, None
                continue
            try:
                for batch in file.iter_batches(size, row_groups=[group], columns=columns, use_threads=False):
                    yield _part(batch, skip, where)
                    skip = max(0, skip - batch.num_rows)
            except (arrow().lib.ArrowException, OSError) as error:
                raise SourceError(f"{where}: the rows cannot be read: {' '.join(str(error).split())}") from None


def _ipc(path: Path, columns: Sequence[str] | None, skip: int) -> Iterator[tuple[int, Part | None]]:
    ipc = arrow("ipc")
    with arrow().OSFile(str(path)) as raw:
        try:
            file = ipc.open_file(raw)
            batches = (file.get_batch(number) for number in range(file.num_record_batches))
        except arrow().lib.ArrowInvalid:
            raw.seek(0)
            file = batches = ipc.open_stream(raw)
        _check_names(file.schema.names, columns, path)
        yield from _batches(batches, columns, skip, path)


def _batches(
    batches: Iterable[Any], columns: Sequence[str] | None, skip: int, path: Path
) -> Iterator[tuple[int, Part | None]]:
    for number, batch in enumerate(batches):
        chosen = batch if columns is None else batch.select(list(columns))
        yield _part(chosen, skip, f"{path}, block {number}")
        skip = max(0, skip - batch.num_rows)


def _part(batch: Any, skip: int, where: str) -> tuple[int, Part | None]:
    """Return a record batch without its first `skip` rows."""
    n_rows = batch.num_rows
    if n_rows <= skip:
        return n_rows, None
    return n_rows, Part(flatten(arrow().Table.from_batches([batch.slice(max(0, skip))]))[0], where)


def _check_names(names: Any, columns: Sequence[str] | None, path: Path | None = None) -> None:
    missing = [name for name in columns or () if name not in names]
    if missing:
        where = "" if path is None else f"{path}: "
        listed = name_columns(list(map(repr, missing)), ("is", "are"))
        raise SourceError(f"{where}{listed} missing; choose other columns")


def arrow(module: str | None = None, wanted: str = "reading files in parts requires") -> Any:
    """Import pyarrow, or a module of it, on first use; `wanted` starts the message if it is not installed."""
    return import_extra("pyarrow" if module is None else f"pyarrow.{module}", "parquet", wanted)


def _ahead(parts: Iterator[Part]) -> Iterator[Part]:
    """Yield the parts, and read the next part in another thread meanwhile."""
    with ThreadPoolExecutor(1, "aeanomaly reads ahead") as reader:
        ahead = reader.submit(next, parts, None)
        while (part := ahead.result()) is not None:
            ahead = reader.submit(next, parts, None)
            yield part
