"""Reading of text tables, at once or in parts, with the parser of pandas."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pandas as pd

from aeanomaly.exceptions import SourceError
from aeanomaly.reading.columns import CODE_NAMES, MISSING
from aeanomaly.reading.containers import damage_reported
from aeanomaly.reading.dialect import ALIGNED, Dialect, detect_encoding, infer_dialect
from aeanomaly.reading.formats import ReadOptions, TableFormat
from aeanomaly.reading.numbers import decimal_of

#: Number of bytes from which the dialect is inferred.
_HEAD = 1 << 18
#: Number of bytes of a block that is searched for codes.
_BLOCK = 1 << 18
#: Number of bytes at the end in which lines below the table are searched.
_TAIL = 1 << 12
#: Maximum number of lines of notes below a table, after a blank line.
_NOTES = 5
#: Number of rows in a part of a large table.
PART_ROWS = 1 << 16
#: Encoding of text that is not UTF-8: that of Windows in Western Europe.
_OTHER_ENCODING = "cp1252"
#: Arguments of `read_csv` in all calls; before pandas 3.1 its default rounds numbers.
_EXACT: dict[str, Any] = {} if pd.__version__ >= "3.1" else {"float_precision": "round_trip"}
#: Separator that occurs in no text, for a single column.
_NO_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class TextFile:
    """Format of a text file, inferred from its first bytes.

    Attributes
    ----------
    where : str
        Name of the file, for messages.
    dialect : Dialect
    encoding : str
    decimal : str or None
        Decimal mark, if the first rows show it.
    is_encoding_guessed : bool
    """

    where: str
    dialect: Dialect
    encoding: str
    decimal: str | None
    is_encoding_guessed: bool

    @classmethod
    def infer(
        cls, file: IO[bytes], where: str, options: ReadOptions, known: TableFormat | None, *, is_utf8: bool = True
    ) -> "TextFile":
        """Infer the format of an open file; that of training is kept if the names in the first line agree."""
        with damage_reported(where):
            data = file.read(_HEAD)
            is_complete = len(data) < _HEAD
            file.seek(0)
        other = _OTHER_ENCODING if known is None or known.encoding in (None, "utf-8") else str(known.encoding)
        encoding = options.encoding or (None if is_utf8 else other)
        head, found = _decode(data, where, encoding, other, is_complete=is_complete)
        dialect = _dialect_of(head, where, options, known, is_complete=is_complete)
        is_known = options.encoding is not None or (known is not None and known.encoding == found)
        is_guessed = found == other and not is_known
        return cls(where, dialect, found, _decimal_in(head[dialect.start :], dialect, options), is_guessed)

    @property
    def remarks(self) -> list[str]:
        """Remarks for the user on what was ignored or guessed."""
        guess = (
            f"the text is not UTF-8 and is read as {self.encoding}; if it has another encoding, pass its name, such as "
            "encoding='cp437'"
        )
        return [*self.dialect.remarks, *([guess] if self.is_encoding_guessed else [])]

    def table_format(self, options: ReadOptions, member: str | None) -> TableFormat:
        """Return the format of the table, without its columns."""
        return TableFormat(
            "text",
            sep=self.dialect.sep,
            quote=self.dialect.quote,
            encoding=self.encoding,
            comment=self.dialect.comment,
            header=self.dialect.header,
            decimal=self.decimal or ".",
            table=member,
            na_values=options.na_values,
        )

    def rows_in(self, file: IO[bytes]) -> bytes:
        """Return the rows in UTF-8, without the lines above them, comments between them, and lines below them.

        Raises
        ------
        UnicodeDecodeError
            If the text is not in the encoding of its first bytes.
        """
        with damage_reported(self.where):
            data = file.read()
        if self.encoding == "utf-8" and data.isascii():
            rows = data[self.dialect.start :]
        else:
            text = data.decode(self.encoding, errors="replace" if self.encoding == _OTHER_ENCODING else "strict")
            rows = text[self.dialect.start :].encode()
        return _without_lines_below(_clean(rows, self.dialect), self.dialect)

    def lacks_fields(self, rows: bytes, frame: pd.DataFrame) -> bool:
        """Return True if some lines have fewer fields than names; text with quotation marks is not checked."""
        sep = str(self.dialect.sep or "")
        if len(sep) != 1 or sep == " " or self.dialect.quote.encode() in rows:
            return False
        last = frame[self.dialect.names[-1]]
        if not (last.isna().any() or (last == "").any()):  # the last field is the first to be lacking
            return False
        return rows.count(sep.encode()) < len(frame) * (len(self.dialect.names) - 1)

    def read(self, rows: bytes, *, as_text: bool) -> pd.DataFrame:
        """Return rows with every cell as text, or with columns of plain numbers and booleans parsed."""
        [frame] = _without_empty_end([self._parse(rows, as_text=as_text)])
        if as_text:
            return frame
        mixed = [name for name in frame.columns if frame[name].dtype == object]
        integers = [name for name in frame.columns if _are_integers(frame[name])]
        again = [*mixed, *(integers if integers and _may_hold_codes(rows, self.dialect) else ())]
        again += [name for name in integers if name not in again and _may_be_dates_or_codes(frame[name])]
        if self.decimal is None:  # 3.750 may be 3750
            again += [name for name in frame.columns if frame[name].dtype.kind == "f" and name not in again]
        if not again:
            return frame
        texts = self._parse(rows, as_text=True, columns=again).iloc[: len(frame)]
        return frame.assign(**{name: texts[name] for name in again})

    def parts(self, file: IO[bytes]) -> Iterator[pd.DataFrame]:
        """Yield the rows in frames of text."""
        with io.TextIOWrapper(file, encoding=self.encoding, newline="") as text:
            text.read(self.dialect.start)
            source = _Lines(text, self.dialect)
            with _parsing(self.where), damage_reported(self.where):
                try:
                    parts = pd.read_csv(source, chunksize=PART_ROWS, **self._arguments(as_text=True))
                except pd.errors.EmptyDataError:
                    yield self._parse(b"", as_text=True)
                    return
                with parts:
                    yield from _without_empty_end(parts)

    def _parse(self, rows: bytes, *, as_text: bool, columns: list[str] | None = None) -> pd.DataFrame:
        if not rows or rows.isspace():
            return pd.DataFrame({name: pd.Series(dtype=str) for name in self.dialect.names})
        with _parsing(self.where):
            arguments = self._arguments(as_text=as_text)
            frame: pd.DataFrame = pd.read_csv(io.BytesIO(rows), usecols=columns, **arguments)
        return frame

    def _arguments(self, *, as_text: bool) -> dict[str, Any]:
        dialect = self.dialect
        cells = (
            {"dtype": str, "na_filter": False}
            if as_text
            else {"na_values": sorted(MISSING), "decimal": self.decimal or "."}
        )
        return {
            "sep": {" ": r"\s+", ALIGNED: _NO_SEPARATOR, None: _NO_SEPARATOR}.get(dialect.sep, dialect.sep),
            "quotechar": dialect.quote,
            "escapechar": dialect.escape,
            "names": list(dialect.names),
            "header": None,
            "index_col": False,
            "skipinitialspace": dialect.skips_blanks,
            "skip_blank_lines": len(dialect.names) > 1,
            "keep_default_na": False,
            "encoding": "utf-8",
            **_EXACT,
            **cells,
        }


class _Lines(io.TextIOBase):
    """Lines of a text without comments and lines below the table, and with separators between aligned columns."""

    def __init__(self, text: io.TextIOWrapper, dialect: Dialect):
        self._text, self._dialect = text, dialect
        self._left, self._held = "", ""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> str:
        """Return some text; the end of the file is held back until it is known to be the end."""
        wanted = _BLOCK if size is None or size < 0 else size
        while len(self._left) < wanted and (block := self._read_lines()):
            self._held += _clean(block.encode(), self._dialect).decode()
            self._left, self._held = self._left + self._held[:-_TAIL], self._held[-_TAIL:]
        if len(self._left) < wanted and self._held:
            end = _without_lines_below(self._held.encode(), self._dialect).decode()
            self._left, self._held = self._left + end + "\n", ""
        found, self._left = self._left[:wanted], self._left[wanted:]
        return found

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        return iter(self.read().splitlines(keepends=True))  # pandas reads by size, but needs the method

    def _read_lines(self) -> str:
        return self._text.read(_BLOCK) + self._text.readline()


def _clean(rows: bytes, dialect: Dialect) -> bytes:
    """Leave out comments between rows, and separate aligned columns."""
    if dialect.comment is not None:
        rows = re.sub(rb"(?m)^" + re.escape(dialect.comment.encode()) + rb".*(\r\n|\r|\n|\Z)", b"", rows)
    if dialect.sep == ALIGNED:
        rows = re.sub(rb"[ \t]{2,}", _NO_SEPARATOR.encode(), re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", rows))
    return rows


def _decode(data: bytes, where: str, encoding: str | None, other: str, *, is_complete: bool) -> tuple[str, str]:
    """Decode the first bytes of a file, and return their encoding; that of text that is not UTF-8 is `other`."""
    chosen = encoding or detect_encoding(data)
    try:
        return data.decode(chosen), chosen
    except LookupError:
        raise SourceError(f"{where}: unknown encoding {encoding!r}; pass a name such as 'utf-8' or 'cp1252'") from None
    except UnicodeDecodeError as error:
        if not is_complete and error.start >= len(data) - 4:  # a character at the end is cut
            return data.decode(chosen, errors="ignore"), chosen
        if encoding is None:
            return data.decode(other, errors="replace"), other
        raise SourceError(
            f"{where}: the text is not in the encoding {encoding!r} at byte {error.start:,}; pass another encoding"
        ) from None


def _dialect_of(
    head: str, where: str, options: ReadOptions, known: TableFormat | None, *, is_complete: bool
) -> Dialect:
    """Infer the dialect of a table, with the choices of the user or, if its names agree, of the training table."""
    if known is not None and known.kind == "text" and options.sep is None and options.header is None:
        with contextlib.suppress(SourceError):
            same = infer_dialect(head, where, is_complete=is_complete, sep=known.sep, header=known.header)
            if not known.header or set(known.columns) <= set(same.names):
                return same
    return infer_dialect(head, where, is_complete=is_complete, sep=options.sep, header=options.header)


def _decimal_in(text: str, dialect: Dialect, options: ReadOptions) -> str | None:
    """Return the decimal mark of the first rows."""
    if options.decimal is not None or dialect.sep == ",":
        return options.decimal or "."
    between = r"\s+" if dialect.sep in (None, " ", ALIGNED) else "[\r\n]+|" + re.escape(str(dialect.sep))
    return decimal_of([field.strip(" \"'") for field in re.split(between, text)])


def _without_lines_below(rows: bytes, dialect: Dialect) -> bytes:
    """Leave out blank lines at the end, and up to three lines with one field below a table of three or more columns.

    The lines may have any number of fields after a blank line.
    """
    tail = rows[-_TAIL:]
    end = tail.rstrip(b"\x1a\r\n")
    lines = end.splitlines(keepends=True)
    blank = max((place for place, line in enumerate(lines) if not line.strip()), default=-1)
    notes = lines[blank + 1 :]
    widths = {note.count(str(dialect.sep).encode()) + 1 for note in notes}
    may_have_notes = len(dialect.names) >= 3 and dialect.sep is not None
    if may_have_notes and blank > 0 and len(notes) <= _NOTES and len(dialect.names) not in widths:
        end = b"".join(lines[:blank]).rstrip(b"\r\n")
    if len(dialect.names) >= 3 and dialect.sep not in (None, " ", ALIGNED):
        for _ in range(3):
            stripped = end.rstrip(b"\r\n \t")
            cut = max(stripped.rfind(b"\n"), stripped.rfind(b"\r")) + 1
            last = stripped[cut:]
            if cut == 0 or str(dialect.sep).encode() in last or dialect.quote.encode() in last:
                break
            end = stripped[:cut].rstrip(b"\r\n")
    return rows[: len(rows) - len(tail) + len(end)]


def _without_empty_end(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Leave out several rows without cells at the end of a table, and one blank line of a table with one column."""
    waiting: list[pd.DataFrame] = []
    for part in parts:
        if len(part) and _has_cells(part.iloc[-1]):
            yield from waiting
            waiting = []
        waiting.append(part)
    if not waiting:
        return
    last = pd.concat(waiting) if len(waiting) > 1 else waiting[0]
    end = len(last)
    while end and not _has_cells(last.iloc[end - 1]):
        end -= 1
    are_rows = last.shape[1] > 1 and (end == 0 or len(last) - end == 1)
    yield last if are_rows else last.iloc[:end]


def _has_cells(row: pd.Series) -> bool:
    return any(cell != "" and not pd.isna(cell) for cell in row)


def _are_integers(cells: pd.Series) -> bool:
    """Return True if all numbers of a column are integers, so that they may be codes."""
    if cells.dtype.kind in "iu":
        return True
    if cells.dtype.kind != "f":
        return False
    for part in (cells.iloc[:1000], cells):
        there = part.to_numpy()
        there = there[np.isfinite(there)]
        if (there != np.floor(there)).any():
            return False
    return len(there) > 0


def _may_be_dates_or_codes(cells: pd.Series) -> bool:
    """Return True if integers are in the range of dates such as 20240531, or have the name of a column of codes."""
    return (cells.min() >= 19_000_101 and cells.max() <= 20_991_231) or CODE_NAMES.search(str(cells.name)) is not None


def _may_hold_codes(text: bytes, dialect: Dialect) -> bool:
    """Return True if a field may start with a zero before a digit, or with a plus, or has an E between digits."""
    starts = {*str(dialect.sep or "\n").encode()[:1], *b"\n\r", *dialect.quote.encode()}
    if dialect.skips_blanks or dialect.sep == " ":
        starts.add(ord(" "))
    starts = {byte for byte in starts if bytes([byte]) in text}
    marks, has_exponents = {mark for mark in b"0+" if bytes([mark]) in text}, b"E" in text
    data = np.frombuffer(text, dtype=np.uint8)
    if len(data) > 1 and data[0] in marks and _are_digits(data[1:2])[0]:
        return True
    for first in range(0, len(data), _BLOCK):
        block = data[first : first + _BLOCK + 2]
        before, at, after = block[:-2], block[1:-1], _are_digits(block[2:])
        if np.any(_is_any(at, marks) & after & _is_any(before, starts)):
            return True
        if has_exponents and np.any((at == ord("E")) & after & _are_digits(before)):
            return True
    return False


def _is_any(characters: np.ndarray, wanted: Iterable[int]) -> np.ndarray:
    found = np.zeros(len(characters), dtype=bool)
    for character in wanted:
        found |= characters == character
    return found


def _are_digits(characters: np.ndarray) -> np.ndarray:
    return characters - np.uint8(ord("0")) < 10  # smaller characters wrap around


@contextlib.contextmanager
def _parsing(where: str) -> Iterator[None]:
    """Convert errors of the parser to a SourceError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # mixed columns are read again
            yield
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{where}: the text is not {error.encoding} at byte {error.start:,}; pass its encoding, such as "
            "encoding='cp1252'"
        ) from None
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise SourceError(
            f"{where}: the lines have different numbers of fields ({reason}); correct the line, or pass the "
            "separator, such as sep=';'"
        ) from None


def open_text(file: IO[bytes], where: str, options: ReadOptions, known: TableFormat | None) -> tuple[TextFile, bytes]:
    """Return the format of a text file, and its rows in UTF-8."""
    found = TextFile.infer(file, where, options, known)
    try:
        return found, found.rows_in(file)
    except UnicodeDecodeError:
        if options.encoding is not None:
            raise SourceError(
                f"{where}: the text is not in the encoding {options.encoding!r}; pass another encoding"
            ) from None
    file.seek(0)
    found = TextFile.infer(file, where, options, known, is_utf8=False)
    return found, found.rows_in(file)
