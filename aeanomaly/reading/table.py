"""Reading of tables from files, folders and patterns of file names."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import pandas as pd

from aeanomaly._warnings import warn
from aeanomaly.exceptions import SourceError
from aeanomaly.reading.columns import Hints, Reading, read_column
from aeanomaly.reading.containers import opened
from aeanomaly.reading.delimited import TextFile, open_text
from aeanomaly.reading.dialect import SHORT_LINES
from aeanomaly.reading.formats import ATTRIBUTE, ColumnFormat, ReadOptions, TableFormat, list_some, name_columns
from aeanomaly.reading.numbers import decimal_of, is_number
from aeanomaly.reading.paths import FoundFile, find_files
from aeanomaly.reading.typed import parse_json, read_typed

#: Kinds of files whose text cells are left as they are, because the writer chose the types of the columns.
_WITH_SCHEMA = ("parquet", "feather", "arrow stream", "stata")


@dataclass(frozen=True)
class RawTable:
    """Cells of a table as they are in the file.

    Attributes
    ----------
    frame : DataFrame (N, F)
        Cells; those of a text file are text.
    format : TableFormat
        Format of the file; `columns` is complete after `typed`.
    remarks : list of str
        Remarks for the user.
    is_text : bool
        True if all cells are text.
    """

    frame: pd.DataFrame
    format: TableFormat
    remarks: list[str] = field(default_factory=list)
    is_text: bool = False
    options: ReadOptions = field(default_factory=ReadOptions)

    def select(self, columns: Sequence[str]) -> "RawTable":
        """Return the table with some of its columns."""
        return replace(self, frame=self.frame[list(columns)])

    def typed(self, known: TableFormat | None = None) -> "TypedTable":
        """Convert text cells to numbers, times and other types; `known` holds the formats of training."""
        return convert(self.frame, self.format, self.options, known, self.remarks)


@dataclass(frozen=True)
class TypedTable:
    """Rows of a table with types, how they were read, and remarks for the user.

    Attributes
    ----------
    frame : DataFrame (N, F)
    format : TableFormat
    remarks : list of str
    misfits : dict of str to list of int
        Rows of each column whose cells do not fit its kind, and are missing.
    """

    frame: pd.DataFrame
    format: TableFormat
    remarks: list[str]
    misfits: dict[Any, list[int]] = field(default_factory=dict)


def read_table(
    path: str | os.PathLike[str],
    *,
    sep: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    table: str | None = None,
    header: bool | None = None,
    na_values: Sequence[str] = (),
    day_first: bool | None = None,
    column_types: Mapping[str, Any] | None = None,
    like: Any = None,
) -> pd.DataFrame:
    """Read a table from a file, a folder or a pattern of file names, and infer its format.

    Supported are delimited text (any common separator, decimal mark, encoding and compression), JSON, JSON lines,
    Parquet, Feather, Excel workbooks, SQLite databases and Stata files. A column is what at least 90% of its cells
    are; other cells become missing values, and a warning names them. Codes with leading zeros remain text.

    Parameters
    ----------
    path : path-like
        File; folder of files with equal columns, partitioned or not (``year=2024/``); or pattern such as
        ``"logs/*.csv"``. The suffix does not matter for a file.
    sep : str, optional
        Separator of fields; one blank stands for any number of blanks. Inferred by default, as are the next three.
    decimal : {".", ","}, optional
        Decimal mark.
    encoding : str, optional
        Encoding of a text file. By default UTF-8 or UTF-16; other text is taken for Windows-1252.
    header : bool, optional
        True if the first line holds column names. Without one, columns are named column_1, column_2 and so on.
    sheet : str, optional
        Sheet of a workbook; by default the first one with a table.
    table : str, optional
        Table of a database, or file of a zip archive; needed if there are several.
    na_values : sequence of str, default=()
        Texts that mark missing values, in addition to the usual ones such as NA, ``#N/A`` and empty cells, and to
        ``-`` and ``?`` among numbers.
    day_first : bool, optional
        Order of day and month in dates such as 05/06/2024 if no date of the column decides it; a warning names columns
        whose order is a guess.
    column_types : mapping of name to type, optional
        Types of some columns: "numeric", "categorical", "datetime" or "duration".
    like : detector, optional
        Fitted detector whose training table came from this function. Its format is used again for decimal marks, orders
        of dates, units and missing values, so that a file of a single row is read as the training file was.

    Returns
    -------
    frame : DataFrame (N, F)
        Rows with inferred types. A detector that is fitted on it stores the format, so that ``aeanomaly score``
        reads later files alike.

    Raises
    ------
    SourceError
        If the file is not a table, is damaged, or needs a choice, which the message names.
    FileNotFoundError
        If the file does not exist.
    ImportError
        If the format needs an extra that is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "export.csv"
    >>> _ = path.write_text("size;color;date\\n1.234,5;red;31.05.2024\\n17,25;blue;01.06.2024\\n")
    >>> read_table(path)
          size color       date
    0  1234.50   red 2024-05-31
    1    17.25  blue 2024-06-01
    """
    if isinstance(na_values, str):
        na_values = (na_values,)
    options = ReadOptions(
        sep, decimal, encoding, sheet, table, header, tuple(na_values), day_first, dict(column_types or {})
    )
    found = read_typed_table(path, options, None if like is None else like.state_.table_format)
    if found.remarks:
        warn(f"{path}: {'; '.join(found.remarks)}")
    frame = found.frame
    frame.attrs[ATTRIBUTE] = found.format.to_json()
    return frame


def read_typed_table(
    path: str | os.PathLike[str], options: ReadOptions, known: TableFormat | None = None
) -> TypedTable:
    """Read a table with types; the parser of pandas converts plain numbers, so that this is faster than `RawTable`."""
    files = find_files(path)
    if len(files) > 1 or files[0].partition:
        return read_raw_table(path, options, known).typed(known)
    with opened(files[0].path, str(path), options.table) as (file, kind, member):
        raw = _read_file(file, kind, str(path), options, known, member, as_text=False)
    return raw.typed(known)


def read_raw_table(
    path: str | os.PathLike[str] | IO[bytes] | Sequence[FoundFile],
    options: ReadOptions,
    known: TableFormat | None = None,
) -> RawTable:
    """Read the cells of a table as they are in its files; a binary file object is read as a file."""
    if not isinstance(path, (str, os.PathLike, Sequence)):
        with opened(path, "standard input", options.table) as (file, kind, member):
            return _read_file(file, kind, "standard input", options, known, member, as_text=True)
    tables, names = [], []
    for found in find_files(path) if isinstance(path, (str, os.PathLike)) else path:
        with opened(found.path, str(found.path), options.table) as (file, kind, member):
            raw = _read_file(file, kind, str(found.path), options, known, member, as_text=True)
        known = known or raw.format
        names.append(str(found.path))
        format_ = replace(raw.format, partition=tuple(found.partition))
        tables.append(replace(raw, frame=raw.frame.assign(**found.partition), format=format_))
    return tables[0] if len(tables) == 1 else _joined(tables, names)


def read_raw_parts(
    path: str | os.PathLike[str], options: ReadOptions, known: TableFormat | None = None
) -> Iterator[RawTable]:
    """Yield the cells of a file in parts, equal to those of `read_raw_table`; only text is really read in parts."""
    with opened(Path(path), str(path), options.table) as (file, kind, member):
        if kind != "text" or _may_be_json(file):
            yield _read_file(file, kind, str(path), options, known, member, as_text=True)
            return
        text = TextFile.infer(file, str(path), options, known)
        format_, remarks = text.table_format(options, member), text.remarks
        for frame in text.parts(file):
            yield RawTable(_without_empty(frame), format_, remarks, is_text=True, options=options)
            remarks = []


def _joined(tables: Sequence[RawTable], names: Sequence[str]) -> RawTable:
    """Join the tables of several files, whose columns must be equal."""
    first = tables[0]
    for name, other in zip(names, tables, strict=True):
        if differing := sorted(map(str, set(other.frame.columns) ^ set(first.frame.columns))):
            raise SourceError(
                f"{name}: the columns differ from those of {names[0]} in {list_some(list(map(repr, differing)))}; pass "
                "files with the same columns"
            )
    frame = pd.concat([table.frame[first.frame.columns] for table in tables], ignore_index=True)
    remarks = list(dict.fromkeys(remark for table in tables for remark in table.remarks))
    return replace(first, frame=frame, remarks=remarks, is_text=all(table.is_text for table in tables))


def _read_file(
    file: IO[bytes],
    kind: str,
    where: str,
    options: ReadOptions,
    known: TableFormat | None,
    member: str | None,
    *,
    as_text: bool,
) -> RawTable:
    if kind != "text":
        frame, remarks, chosen = read_typed(file, kind, where, options, known)
        format_ = TableFormat(
            kind, na_values=options.na_values, sheet=chosen.get("sheet"), table=chosen.get("table", member)
        )
        return RawTable(_with_text_names(frame), format_, remarks, options=options)
    if _may_be_json(file) and (json := parse_json(_decoded(file.read(), options), where)) is not None:
        frame, remarks = json
        return RawTable(_with_text_names(frame), TableFormat("json", table=member), remarks, options=options)
    file.seek(0)
    text, rows = open_text(file, where, options, known)
    frame, remarks = text.read(rows, as_text=as_text), text.remarks
    if text.lacks_fields(rows, frame):
        remarks.append(SHORT_LINES)
    format_ = text.table_format(options, member)
    return RawTable(_without_empty(frame), format_, list(dict.fromkeys(remarks)), is_text=as_text, options=options)


def _without_empty(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns without a name and without cells, which separators at the ends of lines make."""
    nameless = [name for name in frame.columns if str(name).startswith("Unnamed: ")]
    return frame.drop(columns=[name for name in nameless if frame[name].isna().all() or (frame[name] == "").all()])


def _may_be_json(file: IO[bytes]) -> bool:
    head = file.read(64).lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")
    file.seek(0)
    return head.startswith((b"{", b"["))


def _decoded(data: bytes, options: ReadOptions) -> str:
    for encoding in (options.encoding or "utf-8-sig", "utf-16", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", errors="replace")


def _with_text_names(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis([str(name) for name in frame.columns], axis=1)


def convert(
    frame: pd.DataFrame,
    format_: TableFormat,
    options: ReadOptions,
    known: TableFormat | None = None,
    remarks: Sequence[str] = (),
) -> TypedTable:
    """Convert the text columns of a frame; columns of other types are left as they are."""
    has_schema = format_.kind in _WITH_SCHEMA
    texts = [name for name in frame.columns if _is_text(frame[name]) and (not has_schema or name in format_.partition)]
    if options.decimal is not None:
        inferred = [name for name in texts if name not in options.column_types]
        _check_decimal(frame, inferred if known is None else texts, options.decimal)
    decimal = options.decimal or _decimal_of(frame, texts, format_)
    if known is not None:
        options = replace(options, na_values=(*options.na_values, *known.na_values))
    hints = Hints(decimal, options)
    formats = dict.fromkeys(frame.columns, ColumnFormat("typed"))
    found: dict[Any, Reading] = {}
    converted = frame.copy(deep=False)
    for name in texts:
        of_training = None if known is None else known.columns.get(name)
        of_training = None if of_training is not None and of_training.kind == "typed" else of_training
        reading = read_column(frame[name], hints, of_training, options.column_types.get(name))
        found[name], formats[name], converted[name] = reading, reading.format, reading.cells
    said = [*remarks, *(remark for reading in found.values() for remark in reading.remarks)]
    said += _remarks_on_marks(frame, found) if known is None else []
    misfits = {name: reading.misfits.tolist() for name, reading in found.items() if len(reading.misfits)}
    return TypedTable(converted, replace(format_, decimal=decimal or ".", columns=formats), said, misfits)


def _remarks_on_marks(frame: pd.DataFrame, found: Mapping[Any, Reading]) -> list[str]:
    """Name the categories that are missing values in other columns, such as NR among numbers."""
    marks = {text for name, reading in found.items() for text in frame[name].iloc[reading.misfits].str.strip()}
    places: dict[str, list[str]] = {}
    for name in (name for name, reading in found.items() if reading.format.kind == "text" and marks):
        for mark in sorted(marks.intersection(frame[name].dropna().str.strip())):
            places.setdefault(mark, []).append(repr(name))
    return [
        f"{mark!r} is a category in {name_columns(names)}, but a missing value in others; if it marks missing values "
        f"there as well, pass na_values=[{mark!r}] in aeanomaly.read_table"
        for mark, names in places.items()
    ]


def _is_text(cells: pd.Series) -> bool:
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return False
    if cells.dtype == object:
        return pd.api.types.infer_dtype(cells, skipna=True) in ("string", "empty")
    return pd.api.types.is_string_dtype(cells.dtype)


def _decimal_of(frame: pd.DataFrame, texts: Sequence[Any], format_: TableFormat) -> str | None:
    """Return the decimal mark that the cells of some column prove, or that of plain numbers in the file."""
    if format_.kind == "text" and (format_.decimal == "," or format_.sep == ","):
        return format_.decimal
    if any(frame[name].dtype.kind == "f" for name in frame.columns if name not in texts):
        return format_.decimal
    marks = set(_decimal_marks(frame, texts).values())
    return marks.pop() if len(marks) == 1 else None


def _decimal_marks(frame: pd.DataFrame, texts: Sequence[Any]) -> dict[Any, str]:
    """Return the decimal marks that the cells of columns prove."""
    found = {name: decimal_of(frame[name].dropna().astype(str).str.strip().iloc[:1000].tolist()) for name in texts}
    return {name: mark for name, mark in found.items() if mark is not None}


def _are_mostly_numbers(texts: pd.Series) -> bool:
    there = texts.dropna().astype(str).str.strip().iloc[:1000]
    return 2 * sum(map(is_number, there)) > len(there)


def _check_decimal(frame: pd.DataFrame, texts: Sequence[Any], given: str) -> None:
    """Raise a SourceError if all columns that prove a decimal mark prove another one than the given one."""
    marks = _decimal_marks(frame, [name for name in texts if _are_mostly_numbers(frame[name])])
    if marks and given not in marks.values() and not any(frame[name].dtype.kind == "f" for name in frame.columns):
        name, mark = next(iter(marks.items()))
        raise SourceError(
            f"column {name!r} has the decimal mark {mark!r}, and not {given!r}; pass decimal={mark!r}, or no mark"
        )
