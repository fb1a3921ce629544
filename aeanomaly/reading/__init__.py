"""Reading of tables from files of any common format, with one definition for Python and the command line."""

from aeanomaly.reading.columns import BOOLEANS, MISSING, MISSING_VALUES, are_times, parse_time_texts, read_column
from aeanomaly.reading.containers import import_extra
from aeanomaly.reading.formats import (
    ATTRIBUTE,
    ColumnFormat,
    ReadOptions,
    TableFormat,
    format_of,
    list_some,
    name_columns,
)
from aeanomaly.reading.numbers import is_number
from aeanomaly.reading.paths import FoundFile, find_files
from aeanomaly.reading.table import (
    RawTable,
    TypedTable,
    convert,
    read_raw_parts,
    read_raw_table,
    read_table,
    read_typed_table,
)
from aeanomaly.reading.typed import flatten

__all__ = [
    "ATTRIBUTE",
    "BOOLEANS",
    "MISSING",
    "MISSING_VALUES",
    "ColumnFormat",
    "FoundFile",
    "RawTable",
    "ReadOptions",
    "TableFormat",
    "TypedTable",
    "are_times",
    "convert",
    "find_files",
    "flatten",
    "format_of",
    "import_extra",
    "is_number",
    "list_some",
    "name_columns",
    "parse_time_texts",
    "read_column",
    "read_raw_parts",
    "read_raw_table",
    "read_table",
    "read_typed_table",
]
