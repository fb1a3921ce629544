"""Descriptions of how tables are read, as plain data for model files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

ColumnKind = Literal["number", "boolean", "time", "duration", "text", "typed"]
#: Key of `DataFrame.attrs` under which `read_table` describes the format of a frame.
ATTRIBUTE = "aeanomaly.read_table"
#: Fields of a format that are not single values.
_SEQUENCES = ("columns", "na_values", "partition")
_SEPARATORS = {",": "',' separated", ";": "';' separated", "|": "'|' separated", "\t": "tab separated"}


@dataclass(frozen=True)
class ColumnFormat:
    """Format of the text cells of a column.

    Attributes
    ----------
    kind : {"number", "boolean", "time", "duration", "text", "typed"}
        Kind of cells; "typed" for cells of a file with dtypes, and for columns without cells.
    decimal, grouping : str
        Decimal mark of numbers, and the mark between thousands, which may be empty.
    unit : str
        Text beside each number, such as "$" or "kg".
    order : {"", "ymd", "dmy", "mdy"}
        Order of year, month and day.
    """

    kind: ColumnKind
    decimal: str = "."
    grouping: str = ""
    unit: str = ""
    order: str = ""


@dataclass(frozen=True)
class ReadOptions:
    """Choices of the user; None where the file decides.

    Attributes
    ----------
    sep, decimal, encoding : str, optional
    sheet, table : str, optional
        Sheet of a workbook; table of a database, or file of an archive.
    header : bool, optional
        True if the first line holds the column names.
    na_values : tuple of str
        Texts that mark a missing value, in addition to the usual ones.
    day_first : bool, optional
        Order of dates such as 05/06/2024.
    column_types : mapping of name to type
        Types of some columns, as in the parameter `column_types` of detectors.
    """

    sep: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    table: str | None = None
    header: bool | None = None
    na_values: tuple[str, ...] = ()
    day_first: bool | None = None
    column_types: Mapping[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TableFormat:
    """Format in which a table was read: choices of the user and of the package.

    Attributes
    ----------
    kind : str
        Kind of file, such as "text", "parquet" or "xlsx".
    sep, quote, encoding, comment : str, optional
        Format of a text file; a separator of one blank stands for any number of them.
    header : bool
        True if the file has a line of column names.
    decimal : str
        Decimal mark of most columns.
    sheet, table : str, optional
        Sheet of a workbook; table of a database, or file of an archive.
    na_values : tuple of str
        Additional texts that mark a missing value.
    partition : tuple of str
        Columns whose cells are parts of the path.
    id_column : str, optional
        Column that names the rows, by choice of the user; it is not part of the training table.
    columns : mapping of str to ColumnFormat
        Formats of the text columns.
    """

    kind: str
    sep: str | None = None
    quote: str = '"'
    encoding: str | None = None
    comment: str | None = None
    header: bool = True
    decimal: str = "."
    sheet: str | None = None
    table: str | None = None
    na_values: tuple[str, ...] = ()
    partition: tuple[str, ...] = ()
    id_column: str | None = None
    columns: Mapping[str, ColumnFormat] = field(default_factory=dict)

    def completed(self, other: "TableFormat") -> "TableFormat":
        """Return a format with the columns of another one where this one has none."""
        known = {name: column for name, column in self.columns.items() if column.kind != "typed"}
        return replace(self, columns={**self.columns, **other.columns, **known})

    def to_json(self) -> dict[str, Any]:
        """Return plain data for a model file."""
        return {**asdict(self), "na_values": list(self.na_values), "partition": list(self.partition)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TableFormat":
        """Build a format from the output of `to_json`; raise a ValueError for invalid data."""
        if set(data) != {f.name for f in fields(cls)} or not isinstance(data["columns"], Mapping):
            raise ValueError("the format of the training table has missing or unknown fields")
        columns = {str(name): ColumnFormat(**values) for name, values in data["columns"].items()}
        rest = {name: value for name, value in data.items() if name not in _SEQUENCES}
        of_columns = (text for column in columns.values() for text in asdict(column).values())
        texts = [*rest.values(), *data["na_values"], *data["partition"], *of_columns]
        if not all(text is None or isinstance(text, (str, bool)) for text in texts):
            raise ValueError("the format of the training table holds values that are not text")
        if not all(column.kind in get_args(ColumnKind) for column in columns.values()):
            raise ValueError("the format of the training table has an unknown kind of column")
        return cls(**rest, na_values=tuple(data["na_values"]), partition=tuple(data["partition"]), columns=columns)

    def describe(self) -> str:
        """Return the format in a few words, such as "';' separated, decimal comma, cp1252"."""
        if self.kind != "text":
            places = [f"sheet {self.sheet!r}"] if self.sheet is not None else []
            places += [f"table {self.table!r}"] if self.table is not None else []
            return ", ".join([self.kind, *places])
        words = ["one column" if self.sep is None else _SEPARATORS.get(self.sep, "blank separated")]
        words += [] if self.header else ["no header"]
        words += ["decimal comma"] if self.decimal == "," else []
        words += ["single quotes"] if self.quote == "'" else []
        words += [] if self.encoding in (None, "utf-8") else [str(self.encoding)]
        words += [f"file {self.table!r}"] if self.table is not None else []
        return ", ".join(words)


def format_of(X: Any) -> TableFormat | None:
    """Return the format of the file of a table that `read_table` returned; None for other tables."""
    data = getattr(X, "attrs", {}).get(ATTRIBUTE)
    return None if data is None else TableFormat.from_json(data)


def list_some(items: Sequence[str], most: int = 5) -> str:
    """Join items with commas, and count those beyond the first few."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def name_columns(labels: Sequence[str], verbs: tuple[str, str] | None = None) -> str:
    """Return quoted columns for a message, with the verb that agrees with them.

    Examples
    --------
    >>> name_columns(["'a'"], ("is", "are"))
    "column 'a' is"
    >>> name_columns(["'a'", "'b'"], ("is", "are"))
    "columns 'a', 'b' are"
    """
    is_one = len(labels) == 1
    verb = "" if verbs is None else f" {verbs[0] if is_one else verbs[1]}"
    return f"{'column' if is_one else 'columns'} {list_some(labels, 10)}{verb}"


def ignored_above(number: int, noun: str) -> list[str]:
    """Return a remark on the lines or rows above the column names, if there are any."""
    if number == 0:
        return []
    lines = f"1 {noun} above the column names is" if number == 1 else f"{number} {noun}s above the column names are"
    return [f"{lines} ignored"]


def unique_names(names: Sequence[str]) -> list[str]:
    """Return names without duplicates: the second "a" becomes "a.1"."""
    found: list[str] = []
    for name in names:
        unique, number = name, 0
        while unique in found:
            number += 1
            unique = f"{name}.{number}"
        found.append(unique)
    return found
