"""Reading of files whose cells have types: JSON, Parquet, Feather, workbooks, databases and Stata files."""

import contextlib
import json
import sqlite3
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from aeanomaly.exceptions import SourceError
from aeanomaly.reading.containers import import_extra
from aeanomaly.reading.formats import ReadOptions, TableFormat, ignored_above, list_some, name_columns, unique_names

#: Maximum depth of nested objects whose fields become columns.
_DEPTH = 5


def read_typed(
    file: IO[bytes], kind: str, where: str, options: ReadOptions, known: TableFormat | None = None
) -> tuple[pd.DataFrame, list[str], dict[str, str | None]]:
    """Return the rows of a file with types, remarks for the user, and the chosen sheet or table."""
    chosen: dict[str, str | None] = {}
    if kind in ("parquet", "feather", "arrow stream"):
        frame, remarks = flatten(_read_arrow(file, kind, where))
    elif kind == "stata":
        with _damage_reported(where, "a Stata file"):
            frame, remarks = pd.read_stata(file), []
    elif kind == "sqlite":
        frame, remarks, chosen = _read_sqlite(file, where, options)
    else:
        frame, remarks, chosen = _read_workbook(file, where, options, known)
    return _with_plain_objects(frame), remarks, chosen


def _with_plain_objects(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert decimal numbers, dates and times of day to dtypes."""
    converters: dict[str, Callable[[pd.Series], Any]] = {
        "decimal": lambda cells: cells.astype(np.float64),
        "date": pd.to_datetime,
        "time": lambda cells: pd.to_timedelta(cells.map(str, na_action="ignore")),
    }
    frame = frame.copy(deep=False)
    for name in frame.columns[frame.dtypes == np.dtype(object)]:
        kind = pd.api.types.infer_dtype(frame[name], skipna=True)
        if kind in converters:
            frame[name] = converters[kind](frame[name])
    return frame


@contextlib.contextmanager
def _damage_reported(where: str, kind: str) -> Any:
    try:
        yield
    except ImportError:
        raise
    except Exception as error:  # readers raise many kinds of errors for damaged files
        raise SourceError(f"{where}: the file is not {kind}, or is damaged: {' '.join(str(error).split())}") from None


def _read_arrow(file: IO[bytes], kind: str, where: str) -> Any:
    module = {"parquet": "parquet", "feather": "feather", "arrow stream": "ipc"}[kind]
    reader = import_extra(f"pyarrow.{module}", "parquet", "Parquet and Arrow files need")
    with _damage_reported(where, "a Parquet file" if kind == "parquet" else "an Arrow file"):
        if kind == "arrow stream":
            return reader.open_stream(file).read_all()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the first version of Feather
            return reader.read_table(file)


def flatten(table: Any) -> tuple[pd.DataFrame, list[str]]:
    """Convert an Arrow table to pandas; nested fields become columns, and columns of lists are left out."""
    types = import_extra("pyarrow", "parquet", "Parquet and Arrow files need").types
    for _ in range(_DEPTH):
        if not any(types.is_struct(field.type) for field in table.schema):
            break
        table = table.flatten()
    nested = [field.name for field in table.schema if types.is_nested(field.type)]
    frame = table.drop_columns(nested).to_pandas(date_as_object=False)
    return (frame if frame.index.names == [None] else frame.reset_index()), _remarks_on_nested(nested)


def _remarks_on_nested(names: list[Any]) -> list[str]:
    if not names:
        return []
    verbs = ("holds lists or nested values and is", "hold lists or nested values and are")
    return [f"{name_columns(list(map(repr, names)), verbs)} left out"]


def parse_json(text: str, where: str) -> tuple[pd.DataFrame, list[str]] | None:
    """Return the rows of a JSON document or of JSON lines; None if the text is not JSON.

    Raises
    ------
    SourceError
        If the document is not a table.
    """
    if not text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return None
    try:
        data = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
        try:
            data = [json.loads(line) for line in lines]
        except json.JSONDecodeError:
            if len(lines) > 1 and _is_json(lines[0]):
                raise SourceError(
                    f"{where}: the file is not valid JSON lines: a line is not a JSON document; correct the line"
                ) from None
            if text.lstrip().startswith("{") or where.lower().endswith((".json", ".jsonl", ".ndjson")):
                raise SourceError(f"{where}: the file is not a JSON document: {error}; correct the file") from None
            return None
    return _frame_of_json(data, where)


def _is_json(text: str) -> bool:
    with contextlib.suppress(json.JSONDecodeError):
        return isinstance(json.loads(text), (dict, list))
    return False


def _frame_of_json(data: Any, where: str) -> tuple[pd.DataFrame, list[str]]:
    records = _records_in(data)
    if records is None:
        raise SourceError(
            f"{where}: the JSON document is not a table; it must be a list of objects, an object of columns, or an "
            "object with one list of objects"
        )
    frame = pd.json_normalize(records) if isinstance(records, list) else records
    nested = [name for name in frame.columns if frame[name].map(lambda cell: isinstance(cell, (list, dict))).any()]
    return frame.drop(columns=nested), _remarks_on_nested(nested)


def _records_in(data: Any) -> list[dict[str, Any]] | pd.DataFrame | None:
    """Return the records of a document, or a frame for a document of columns."""
    if isinstance(data, list):
        if data and all(isinstance(item, dict) for item in data):
            return data
        if len(data) > 1 and all(isinstance(item, list) for item in data) and len(set(map(len, data))) == 1:
            first, *rest = data
            if all(isinstance(name, str) for name in first):
                return pd.DataFrame(rest, columns=first)
            return pd.DataFrame(data, columns=[f"column_{place}" for place in range(1, len(first) + 1)])
        return None
    if not isinstance(data, dict) or not data:
        return None
    if {"columns", "data"} <= set(data) and isinstance(data["data"], list):
        return pd.DataFrame(data["data"], columns=data["columns"])
    values = list(data.values())
    if all(isinstance(value, dict) for value in values):
        keys = [set(value) for value in values]
        if (len(values) > 1 and all(key == keys[0] for key in keys)) or all(k.isdecimal() for k in keys[0]):
            is_by_column = all(key.isdecimal() for key in keys[0])
            rows = data if is_by_column else {name: {r: row[name] for r, row in data.items()} for name in values[0]}
            return pd.DataFrame({name: list(column.values()) for name, column in rows.items()})
    are_columns = all(isinstance(value, list) for value in values) and len(set(map(len, values))) == 1
    if are_columns and not all(isinstance(item, dict) for value in values for item in value):
        return pd.DataFrame(data)
    lists = [value for value in values if isinstance(value, list) and value and all(isinstance(i, dict) for i in value)]
    if len(lists) == 1:
        return lists[0]
    inner = [found for value in values if isinstance(value, dict) and (found := _records_in(value)) is not None]
    return inner[0] if len(inner) == 1 and not lists else None


def _read_sqlite(
    file: IO[bytes], where: str, options: ReadOptions
) -> tuple[pd.DataFrame, list[str], dict[str, str | None]]:
    """Read a table or view of a database."""
    with contextlib.ExitStack() as stack:
        path = getattr(file, "name", None)
        if not isinstance(path, str) or not Path(path).is_file() or not _is_plain(Path(path)):
            copy = stack.enter_context(tempfile.NamedTemporaryFile(suffix=".sqlite"))
            copy.write(file.read())
            copy.flush()
            path = copy.name
        connection = stack.enter_context(
            contextlib.closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro&immutable=1", uri=True))
        )
        with _damage_reported(where, "an SQLite database"):
            names = [
                name
                for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
                if not name.startswith("sqlite_")
            ]
        table = options.table if options.table is not None else names[0] if len(names) == 1 else None
        if table not in names:
            if not names:
                raise SourceError(f"{where}: the database has no tables; pass another file")
            found = list_some(list(map(repr, names)), 10)
            wanted = "" if table is None else f"the database has no table {table!r}; "
            raise SourceError(
                f"{where}: {wanted}the tables of the database are {found}; choose one, such as table={names[0]!r}"
            )
        with _damage_reported(where, "an SQLite database"):
            quoted = str(table).replace('"', '""')
            frame = pd.read_sql_query(f'SELECT * FROM "{quoted}"', connection)
    return frame, [], {"table": table}


def _is_plain(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6) == b"SQLite"


def _read_workbook(
    file: IO[bytes], where: str, options: ReadOptions, known: TableFormat | None
) -> tuple[pd.DataFrame, list[str], dict[str, str | None]]:
    """Read a sheet of an Excel workbook: the named one, or the first with a table."""
    import_extra("openpyxl", "files", "Excel files need")
    with _damage_reported(where, "an Excel workbook"):
        book = pd.ExcelFile(file, engine="openpyxl")
        names = [str(name) for name in book.sheet_names]
    wanted = options.sheet
    if wanted is None and known is not None and known.sheet in names:
        wanted = known.sheet
    if wanted is not None and wanted not in names:
        raise SourceError(
            f"{where}: the workbook has no sheet {wanted!r}; choose from {list_some(list(map(repr, names)), 10)}"
        )
    found: dict[str, pd.DataFrame] = {}
    for name in names if wanted is None else [wanted]:
        with _damage_reported(where, "an Excel workbook"):
            cells = pd.read_excel(book, name, header=None, dtype=object, keep_default_na=False, na_values=[""])
        if cells.notna().any(axis=None):
            found[name] = cells
    tables = {name: cells for name, cells in found.items() if _is_table(cells)} or found
    if not tables:
        raise SourceError(f"{where}: the workbook has no cells; pass another file")
    sheet = next(iter(tables))
    others = [name for name in found if name != sheet]
    remarks = (
        [
            f"sheet {sheet!r} is read; for another sheet, pass sheet={others[0]!r}"
            + ("" if len(others) == 1 else " or one of " + list_some(list(map(repr, others[1:]))))
        ]
        if others
        else []
    )
    frame, more = _table_in(tables[sheet], options.header)
    return frame, remarks + more, {"sheet": sheet}


def _is_table(cells: pd.DataFrame) -> bool:
    return bool((cells.notna().sum(axis=1) > 1).sum() > 2)


def _table_in(cells: pd.DataFrame, header: bool | None) -> tuple[pd.DataFrame, list[str]]:
    """Return the table among the cells of a sheet, without titles above it; of several tables, the longest."""
    block = cells.isna().all(axis=1).cumsum()
    parts = [part.dropna(how="all") for _, part in cells.groupby(block)]
    several = [part for part in parts if _is_table(part)]
    if len(several) > 1:
        frame, remarks = _table_in(max(several, key=len), header)
        return frame, [f"the longest of {len(several)} tables in the sheet is read", *remarks]
    cells = cells.dropna(how="all").dropna(axis=1, how="all")
    filled = cells.notna().sum(axis=1).to_numpy()
    width = int(np.median(filled))
    first = int(np.argmax(filled >= max(1, min(width, 0.5 * cells.shape[1]))))
    remarks = ignored_above(first, "row")
    cells = cells.iloc[first:]
    top, body = cells.iloc[0], cells.iloc[1:]
    is_named = (
        header
        if header is not None
        else len(body) == 0
        or all(isinstance(c, str) or pd.isna(c) for c in top)
        or not all(_same_types(top[column], body[column]) for column in cells.columns)
    )
    if is_named:
        names = [f"Unnamed: {place}" if pd.isna(name) else str(name).strip() for place, name in enumerate(top)]
        frame = body
    else:
        names, frame = [f"column_{place}" for place in range(1, cells.shape[1] + 1)], cells
    frame = frame.reset_index(drop=True).set_axis(unique_names(names), axis=1)
    empty = [name for name in frame.columns if str(name).startswith("Unnamed: ") and frame[name].isna().all()]
    return frame.drop(columns=empty).infer_objects(), remarks


def _same_types(cell: Any, others: pd.Series) -> bool:
    types = {type(other) for other in others.dropna().iloc[:20]}
    return pd.isna(cell) or isinstance(cell, tuple(types) or (object,))
