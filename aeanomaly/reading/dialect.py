"""Inference of the dialect of a text table: encoding, separator, quotes, lines above the table, and header."""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aeanomaly.exceptions import SourceError
from aeanomaly.reading.columns import BOOLEANS, MISSING_VALUES
from aeanomaly.reading.formats import ignored_above, unique_names
from aeanomaly.reading.numbers import BLANKS, is_number
from aeanomaly.reading.times import looks_like_time

#: Separator of aligned columns: two or more blanks.
ALIGNED = "  "
_SEPARATORS = (",", ";", "\t", "|", " ", ALIGNED)
#: Scores of blanks as separators, relative to other characters.
_PREFERENCE = {" ": 0.8, ALIGNED: 0.75}
#: Characters that start a line of comment.
_COMMENTS = ("#", "%", "//")
#: Maximum number of rows that are examined, and of lines above the table.
_EXAMINED, _ABOVE = 200, 40
#: Share of lines with the usual number of fields from which a separator is accepted.
_REGULAR = 0.8


SHORT_LINES = "lines with fewer fields than column names are filled with missing cells"


@dataclass(frozen=True)
class Dialect:
    """Dialect of a text table.

    Attributes
    ----------
    sep : str or None
        Separator of fields; one blank stands for any number; None for a single column.
    quote : str
        Quotation mark.
    names : tuple of str
        Column names.
    header : bool
        True if the names are those of a line of the file.
    start : int
        Number of characters above the first row.
    comment : str or None
        Start of lines to ignore.
    skips_blanks : bool
        True if blanks after separators are ignored.
    escape : str or None
        Character that precedes quotation marks within quotes.
    remarks : tuple of str
        Remarks for the user on what was ignored.
    """

    sep: str | None
    quote: str
    names: tuple[str, ...]
    header: bool
    start: int
    comment: str | None
    skips_blanks: bool
    escape: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Row:
    """Fields of a row, and the offsets of its first character and of the following line."""

    fields: list[str]
    start: int
    end: int


def detect_encoding(head: bytes) -> str:
    """Return the encoding of a text by its first bytes: UTF-8 unless there is evidence of another."""
    for mark, encoding in (
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if head.startswith(mark):
            return encoding
    pairs = head[: len(head) // 2 * 2]
    if pairs[1::2].count(0) > 0.4 * len(pairs[1::2]) > 1:
        return "utf-16-le"
    if pairs[::2].count(0) > 0.4 * len(pairs[::2]) > 1:
        return "utf-16-be"
    return "utf-8"


def infer_dialect(
    text: str, where: str, *, is_complete: bool, sep: str | None = None, header: bool | None = None
) -> Dialect:
    """Infer the dialect of a table from its first lines.

    Parameters
    ----------
    text : str
        First characters of the table.
    where : str
        Name of the file, for messages.
    is_complete : bool
        True if the text is the whole file.
    sep : str, optional
        Separator by choice of the user.
    header : bool, optional
        True or False if the user said that there is a line of names, or none.

    Raises
    ------
    SourceError
        If the text is empty, or its lines have different numbers of fields.
    """
    if not is_complete:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    given = sep
    start, sep = _start_of(text, sep)
    comments, first = _leading_comments(text, start)
    if not text[first:].strip():
        raise SourceError(f"{where}: the file is empty; its first line must contain the column names")
    quote = _quote_of(text[first : first + 20_000])
    if given is not None:
        _check_separator(text, first, quote, given, where)
    sep, rows, width = _choose_separator(text, first, quote, sep)
    if width == 1:
        sep = None
    comment = _comment_of(comments, rows, width)
    rows = [row for row in rows if comment is None or not row.fields[0].startswith(comment)]
    rows, above = _without_lines_above(rows, width)
    rows, width = _with_row_names(rows, width)
    rows, width, is_padded = _with_short_rows(rows, width)
    regular = [row for row in rows if len(row.fields) == width]
    if width > 1 and len(regular) < _REGULAR * len(rows) and len(rows) - len(regular) > 2:
        counts = sorted({len(row.fields) for row in rows})
        raise SourceError(
            f"{where}: the lines have between {counts[0]} and {counts[-1]} fields; pass the separator, such as "
            "sep=';', or correct the lines"
        )
    remarks = ignored_above(above, "line")
    if width == 1 and sum(len(row.fields[0].split()) > 2 for row in rows) > 0.5 * len(rows):
        remarks.append(
            "no separator is found, so each line is one cell; if the lines have several fields, pass the separator, "
            "such as sep=';'"
        )
    remarks += [SHORT_LINES] if is_padded else []
    named = _comment_with_names(comments, regular, sep, quote, width) if header is not False else None
    if named is not None:
        names, body, has_header = named, regular, True
    else:
        has_header = _has_header(regular, width) if header is None else header
        names = regular[0].fields if has_header else []
        body = regular[1:] if has_header else regular
    body_start = regular[0].start
    if has_header and named is None:
        body_start = regular[0].end
        if body and text[body_start : body[0].start].strip(f"{BLANKS}{sep}"):  # a rule below the names
            body_start = body[0].start
    if has_header and _is_units_row(body, width):
        remarks.append("the line of units below the column names is ignored")
        body_start = body[0].end
    return Dialect(
        sep=sep,
        quote=quote,
        names=_unique_names(names, width, remarks),
        header=has_header,
        start=body_start,
        comment=comment,
        skips_blanks=sep not in (None, " ") and _has_blanks(text[body_start : body_start + 20_000], str(sep)),
        escape=escape_in(text),
        remarks=tuple(remarks),
    )


def _start_of(text: str, sep: str | None) -> tuple[int, str | None]:
    """Return the number of characters before the table, and the separator that a first line such as sep=; declares."""
    match = re.match(r'\ufeff?"?sep=(.)"?[ \t]*(\r\n|\r|\n)', text)
    if match is not None:
        return match.end(), sep or match[1]
    return int(text.startswith("\ufeff")), sep


def _leading_comments(text: str, start: int) -> tuple[list[str], int]:
    """Return the lines of comment above the table, and the offset of the first other line."""
    comments = []
    for line in io.StringIO(text[start:], newline=""):
        if line.startswith(_COMMENTS):
            comments.append(line)
        elif line.strip():
            break
        start += len(line)
    return comments, start


def _quote_of(text: str) -> str:
    single = len(re.findall(r"(?:^|[,;\t| ])'[^'\n]*'(?=[,;\t| \r\n]|$)", text, re.MULTILINE))
    double = len(re.findall(r'(?:^|[,;\t| ])"', text, re.MULTILINE))
    return "'" if single > 2 and double == 0 else '"'


def split_rows(text: str, start: int, sep: str | None, quote: str, most: int = _EXAMINED) -> list[_Row]:
    """Split the first lines of a text, from an offset, into fields; blank lines and comments are left out."""
    lines, offsets, escape = [], [start], escape_in(text)
    for line in io.StringIO(text[start:], newline=""):
        lines.append(line)
        offsets.append(offsets[-1] + len(line))
        if len(lines) > 4 * most:
            break
    if sep == ALIGNED:
        return [
            _Row(re.split(r"[ \t]{2,}", line.strip()), start, end)
            for line, (start, end) in zip(lines, itertools.pairwise(offsets), strict=True)
            if line.strip()
        ][:most]
    if sep in (None, " "):
        plain = (line.strip().replace("\t", " ") + "\n" for line in lines)
        reader = csv.reader(plain, delimiter=" ", quotechar=quote, skipinitialspace=True, escapechar=escape)
    else:
        reader = csv.reader(lines, delimiter=sep, quotechar=quote, skipinitialspace=True, escapechar=escape)
    rows: list[_Row] = []
    while len(rows) < most:
        at = offsets[reader.line_num]
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error:  # a field beyond the limit of the module
            break
        if sep is None:
            fields = [" ".join(fields)]
        if any(field.strip() for field in fields):
            rows.append(_Row(fields, at, offsets[reader.line_num]))
    return rows


def escape_in(text: str) -> str | None:
    """Return the character that precedes quotation marks within quotes, if it is not another quotation mark."""
    return "\\" if re.search(r'[^\\]\\"[^,;\t|\r\n]', text) else None


def _choose_separator(text: str, first: int, quote: str, given: str | None) -> tuple[str | None, list[_Row], int]:
    """Return the separator with the most regular lines and the most typical fields, with its rows."""
    best: tuple[float, str | None, list[_Row], int, float] | None = None
    for sep in (given,) if given is not None else _SEPARATORS:
        rows = split_rows(text, first, sep, quote)
        width, share = _usual_width(rows)
        if width < 2:
            continue
        typical = _typical(rows, width)
        of_all = sum(len(row.fields) == width for row in rows) / len(rows)
        score = share * typical * (0.5 + 0.5 * of_all) * _PREFERENCE.get(sep, 1.0)
        if best is None or score > best[0]:
            best = (score, sep, rows, width, share)
    if best is None or (given is None and best[1] in _PREFERENCE and best[4] < 0.95):
        return given, split_rows(text, first, given, quote), 1
    return best[1:4]


def _check_separator(text: str, first: int, quote: str, given: str, where: str) -> None:
    """Raise a SourceError if another separator than the given one splits the lines into equal numbers of fields."""
    if _is_regular(split_rows(text, first, given, quote)):
        return
    sep, rows, width = _choose_separator(text, first, quote, None)
    if width > 1 and sep not in (given, *_PREFERENCE) and _is_regular(rows):
        raise SourceError(
            f"{where}: the separator {given!r} does not split the lines into equal numbers of fields, but {sep!r} "
            f"does; pass sep={sep!r}, or no separator"
        )


def _is_regular(rows: Sequence[_Row]) -> bool:
    """Return True if all lines have the same number of fields, above one."""
    widths = {len(row.fields) for row in rows}
    return len(widths) == 1 and 1 not in widths


def _usual_width(rows: Sequence[_Row]) -> tuple[int, float]:
    """Return the most frequent number of fields, and its share; lines above the table and a last line do not count."""
    counts = Counter(len(row.fields) for row in rows)
    if not counts:
        return 0, 0.0
    width, n_rows = max(counts.items(), key=lambda item: (item[1], item[0]))
    first = next(i for i, row in enumerate(rows) if len(row.fields) == width)
    return width, n_rows / max(1, len(rows) - min(first, _ABOVE))


def _typical(rows: Sequence[_Row], width: int) -> float:
    """Return how typical the fields are: 1 for numbers, times and missing values, less for text with separators."""
    values = [
        _typicality(field.strip(BLANKS)) for row in rows[:100] if len(row.fields) == width for field in row.fields
    ]
    return sum(values) / len(values)


def _typicality(field: str) -> float:
    if any(mark in field for mark in ";\t|"):
        return 0.2
    if is_typed(field):
        return 1.0
    words = field.split()
    if len(words) > 2 and sum(map(is_number, words)) > len(words) / 2:
        return 0.1
    return 0.2 if "," in field else 0.7


def is_typed(field: str) -> bool:
    """Return True if a field is a number, a time, a boolean or a missing value."""
    return field in MISSING_VALUES or field in BOOLEANS or is_number(field) or looks_like_time(field)


def _without_lines_above(rows: list[_Row], width: int) -> tuple[list[_Row], int]:
    """Leave out titles above the table, which have fewer fields or are padded with empty ones."""
    above = 0
    while above < min(len(rows) - 2, _ABOVE) and width > 2 and _is_title(rows[above], rows[above + 1], width):
        above += 1
    if width == 2:
        while above < min(len(rows) - 2, _ABOVE) and len(rows[above].fields) == 1:
            above += 1
    return rows[above:], above


def _is_title(row: _Row, following: _Row, width: int) -> bool:
    filled = sum(bool(field.strip()) for field in row.fields)
    n_fields = len(row.fields)
    if n_fields == width - 1 == filled and len(following.fields) == width and not _are_names(following.fields):
        return False  # names without one of the column of row names, or of a trailing separator
    if n_fields > width:
        return False
    return n_fields < width or (filled <= 2 < width - 1 and filled < 0.6 * sum(map(bool, following.fields)))


def _are_names(fields: Sequence[str]) -> bool:
    return all(field.strip() and not is_typed(field.strip(BLANKS)) for field in fields)


def _with_row_names(rows: list[_Row], width: int) -> tuple[list[_Row], int]:
    """Complete a line of names that has a field less than the rows, as R writes it for row names."""
    if len(rows) < 2 or len(rows[0].fields) != width - 1 or len(rows[1].fields) != width:
        return rows, width
    has_trailing = all(row.fields[-1].strip() == "" for row in rows[1:] if len(row.fields) == width)
    names = [*rows[0].fields, ""] if has_trailing else ["", *rows[0].fields]
    return [replace(rows[0], fields=names), *rows[1:]], width


def _with_short_rows(rows: list[_Row], width: int) -> tuple[list[_Row], int, bool]:
    """Complete rows without their last fields, if the names are more than the fields of most rows."""
    n_names, lengths = len(rows[0].fields), {len(row.fields) for row in rows}
    is_ragged = n_names > width or (n_names == width and len(lengths) > 1)
    if not is_ragged or not _are_names(rows[0].fields) or max(lengths) > n_names or min(lengths) < 0.5 * n_names:
        return rows, width, False
    padded = [replace(row, fields=row.fields + [""] * (n_names - len(row.fields))) for row in rows]
    return padded, n_names, True


def _comment_with_names(
    comments: Sequence[str], rows: Sequence[_Row], sep: str | None, quote: str, width: int
) -> list[str] | None:
    """Return the names in the last comment above the table, if the first line of the table has none."""
    if not comments or width < 2 or not rows or _evidence_of_header(rows, width)[0]:
        return None
    text = comments[-1].lstrip("#%/ ").rstrip("\r\n")
    found = split_rows(text, 0, sep, quote)
    fields = found[0].fields if found else []
    return [field.strip() for field in fields] if len(fields) == width and not any(map(is_number, fields)) else None


def _evidence_of_header(rows: Sequence[_Row], width: int) -> tuple[int, int, int]:
    """Count the columns whose first field is unlike the others, like the others, or repeated among text."""
    unlike = alike = repeated = 0
    body = rows[1:51]
    for column in range(width):
        fields = [row.fields[column].strip(BLANKS) for row in body]
        there = [field for field in fields if field not in MISSING_VALUES]
        name = rows[0].fields[column].strip(BLANKS)
        if not there or not name:
            continue
        if sum(map(is_typed, there)) >= 0.8 * len(there):
            if name in MISSING_VALUES:
                continue
            unlike, alike = unlike + (not is_typed(name)), alike + is_typed(name)
        else:
            repeated += name in there
    return unlike, alike, repeated


def _has_header(rows: Sequence[_Row], width: int) -> bool:
    """Return True if the first row holds names rather than cells."""
    names = [field.strip(BLANKS) for field in rows[0].fields]
    if len(rows) == 1:
        return not any(map(is_typed, names))
    unlike, alike, repeated = _evidence_of_header(rows, width)
    if unlike:
        return True
    if alike:
        return repeated == 0 and _are_numbered(names)
    return repeated == 0


def _are_numbered(names: Sequence[str]) -> bool:
    """Return True if names are integers in equal steps, such as positions or years, besides at most two others."""
    numbers = [int(name) for name in names if re.fullmatch(r"\d{1,4}", name)]
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    are_years = bool(numbers) and numbers[0] >= 1800 and numbers[-1] <= 2200
    is_sequence = len(numbers) >= 3 and (steps == {1} or (len(steps) == 1 and are_years))
    n_others = sum(bool(name) for name in names) - len(numbers)
    return is_sequence and n_others <= 2 and (numbers[0] in (0, 1) or are_years)


def _is_units_row(body: Sequence[_Row], width: int) -> bool:
    """Return True if the first row has a number in no column whose other cells are numbers, at least two in all."""
    if len(body) < 3:
        return False
    numeric = [
        column for column in range(width) if all(is_number(row.fields[column].strip(BLANKS)) for row in body[1:20])
    ]
    cells = [body[0].fields[column].strip(BLANKS) for column in numeric]
    return len(numeric) >= 2 and not any(map(is_typed, filter(None, cells))) and any(cells)


def _unique_names(names: Sequence[str], width: int, remarks: list[str]) -> tuple[str, ...]:
    """Return stripped names without duplicates, of the form column_1 without a header."""
    if not names:
        return tuple(f"column_{place}" for place in range(1, width + 1))
    plain = [name.strip(BLANKS) or f"Unnamed: {place}" for place, name in enumerate(names)]
    unique = unique_names(plain)
    remarks += [
        f"another column named {name!r} is renamed to {new!r}"
        for name, new in zip(plain, unique, strict=True)
        if new != name
    ]
    return tuple(unique)


def _comment_of(comments: Sequence[str], rows: Sequence[_Row], width: int) -> str | None:
    """Return the character that starts comments between rows."""
    if comments:
        return next(mark for mark in _COMMENTS if comments[0].startswith(mark))
    between = (row for row in rows if row.fields[0].startswith("#") and len(row.fields) != width)
    return "#" if next(between, None) is not None else None


def _has_blanks(text: str, sep: str) -> bool:
    """Return True if most separators are followed by a blank."""
    return text.count(sep + " ") > 0.9 * text.count(sep) > 0
