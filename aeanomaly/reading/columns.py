"""Types of text columns: a column is what the large majority of its cells are, and the others are named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly._counts import counted
from aeanomaly.exceptions import SourceError
from aeanomaly.reading.formats import ColumnFormat, ReadOptions, list_some
from aeanomaly.reading.numbers import BLANKS, MAJORITY, are_codes, infer_number_format, parse_numbers
from aeanomaly.reading.times import infer_time_format, parse_durations, parse_times

#: Texts that mark a missing value in a column of any kind.
MISSING = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "n/a", "nan", "null", "(blank)", "\\N"),
    )
)
#: Texts that mark a missing number or time; in other columns, words among them are categories.
MISSING_VALUES = MISSING | frozenset(
    ("-", "--", "---", "?", ".", "..", "None", "NaT", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?")
)
#: Marks without letters, which are missing in a column whose other cells have letters or digits.
_PUNCTUATION = frozenset(("-", "--", "---", "?", ".", ".."))
_ERRORS = frozenset(text for text in MISSING_VALUES if text.startswith("#"))
BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
#: Maximum number of rows from which the kind of a column is inferred.
_SAMPLED = 5000
#: With at least this number of distinct numbers, at most this number of other texts mark missing values.
_NUMBERS, _MARKS = 10, 2
#: Names of columns whose integers are codes.
CODE_NAMES = re.compile(
    r"(^|[_ .-])(zip|zip ?code|postal|post ?code|plz|phone|telephone|tel|mobile|fax)([_ .-]?(code|no|nr|number))?$",
    re.I,
)
_COMPACT_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_WORDS = {"number": "numbers", "time": "times", "duration": "durations", "boolean": "true or false"}
_ONE = {"number": "a number", "time": "a time", "duration": "a duration", "boolean": "true or false"}
Kind = Literal["number", "boolean", "time", "duration", "text"]


class Reading(NamedTuple):
    """Cells of a column, its format, the rows whose cells do not fit, and remarks for the user."""

    cells: pd.Series
    format: ColumnFormat
    misfits: np.ndarray
    remarks: list[str]


@dataclass(frozen=True)
class Hints:
    """Properties of a whole table that decide the format of ambiguous columns.

    Attributes
    ----------
    decimal : str, optional
        Decimal mark of other columns.
    options : ReadOptions
    """

    decimal: str | None
    options: ReadOptions


def read_column(texts: pd.Series, hints: Hints, known: ColumnFormat | None = None, kind: Any = None) -> Reading:
    """Infer the format of text cells (N,), and convert them.

    Parameters
    ----------
    texts : Series of str (N,)
        Missing cells are missing marks or missing values.
    hints : Hints
    known : ColumnFormat, optional
        Format of the column in training.
    kind : str or sequence, optional
        Type of the column by choice of the user, as in `column_types`.
    """
    plain = texts.fillna("").astype(str) if texts.dtype == np.dtype(object) else texts
    stripped = plain.str.strip(BLANKS)  # missing values stay missing
    given = frozenset(hints.options.na_values)
    present = stripped.notna() & ~stripped.isin(sorted(MISSING_VALUES | given))
    wanted = _wanted_kind(kind)
    is_asked, remarks = False, list[str]()
    if known is None or not _is_of_kind(known, wanted):
        is_asked = wanted is not None
        known, remarks = _infer(texts, stripped, present, hints, wanted)
    if known.kind == "text":
        return _read_text(texts, stripped, present, known, given, remarks, kind)
    cells = _parse(stripped.where(present), known)
    if is_asked and cells.notna().sum() < 0.5 * present.sum():
        _refuse(texts, cells, present, known)
    if known.kind == "boolean" and cells.isna().any():
        cells = cells.astype("boolean")
    is_empty = stripped.isna() | stripped.isin(sorted(MISSING | given))
    misfits = np.flatnonzero(cells.isna().to_numpy() & ~is_empty.to_numpy())
    if len(misfits):
        remarks = [*remarks, _describe_misfits(stripped.iloc[misfits], known.kind, len(texts), str(texts.name))]
    # Marks of missing values are named, but fit.
    unknown = misfits[present.to_numpy()[misfits]]
    cells.name = texts.name
    return Reading(cells, known, unknown, remarks)


def _is_of_kind(known: ColumnFormat, wanted: Kind | None) -> bool:
    """Return True if a format gives cells of a kind; booleans are numbers as well."""
    return wanted in (None, known.kind) or {known.kind, wanted} == {"boolean", "number"}


def _refuse(texts: pd.Series, cells: pd.Series, present: pd.Series, known: ColumnFormat) -> None:
    """Raise a SourceError for a column most of whose cells are not of the kind that the user asked for."""
    row = int(np.flatnonzero(cells.isna() & present)[0])
    name = repr(str(texts.name))
    raise SourceError(
        f"most cells of column {name} are not {_WORDS[known.kind]}, such as {texts.iloc[row]!r} in row {row + 1}; read "
        f"it as text, with column_types={{{name}: 'categorical'}}"
    )


def parse_time_texts(texts: pd.Series) -> pd.Series:
    """Convert text cells (N,) to times.

    Raises
    ------
    ValueError
        If a cell is not a time, only some times have a time zone, or the order of day and month is uncertain. The
        message is a clause that gives the reason.
    """
    hints = Hints(None, ReadOptions())
    reading = read_column(texts, hints, kind="datetime")
    if len(reading.misfits):
        row = int(reading.misfits[0])
        raise ValueError(f"{texts.iloc[row]!r} in row {row} is not a time such as 2024-05-31T12:30:00")
    if reading.remarks and reading.format.kind == "time" and reading.format.order in ("dmy", "mdy"):
        example = texts.dropna().iloc[0]
        raise ValueError(f"the order of day and month is uncertain in dates such as {example!r}")
    return reading.cells


def are_times(texts: pd.Series) -> bool:
    """Return True if `parse_time_texts` can convert all cells."""
    try:
        parse_time_texts(texts)
    except ValueError:
        return False
    return True


def _wanted_kind(kind: Any) -> Kind | None:
    if kind is None:
        return None
    if isinstance(kind, (list, tuple)):
        return "text" if any(isinstance(level, str) for level in kind) else "number"
    kinds: dict[str, Kind] = {"datetime": "time", "duration": "duration", "categorical": "text", "group": "text"}
    return kinds.get(kind, "text" if kind in ("text", "ignored") else "number")


def _infer(
    texts: pd.Series, stripped: pd.Series, present: pd.Series, hints: Hints, wanted: Kind | None
) -> tuple[ColumnFormat, list[str]]:
    """Infer the format of a column from evenly spaced cells, and return remarks on what is ambiguous."""
    name = str(texts.name)
    there = stripped[present]
    if wanted == "text" or len(there) == 0:
        return ColumnFormat("text" if wanted in (None, "text") else wanted), []
    sample = there.iloc[np.linspace(0, len(there) - 1, min(len(there), _SAMPLED)).astype(int)]
    counts = {str(text): n for text, n in sample.value_counts(sort=False).items()}
    total = len(sample)
    if wanted in (None, "boolean", "number") and set(counts) <= set(BOOLEANS):
        return ColumnFormat("boolean"), []
    if wanted in (None, "time", "duration"):
        found = infer_time_format(counts, hints.options.day_first, sample.tolist()[:1000])
        if found is not None and (found[1] >= MAJORITY or wanted is not None) and wanted in (None, found[0].kind):
            return found[0], _remarks_on_times(name, *found)
        if found is not None and wanted is None and found[1] >= 0.5:
            return ColumnFormat("text"), [
                f"column {name!r} is read as text, because only {found[1]:.0%} of its cells are {_WORDS[found[0].kind]}"
            ]
        if wanted is not None:
            return ColumnFormat(wanted, order="ymd" if wanted == "time" else ""), []
    return _infer_numbers(name, counts, total, hints, wanted)


def _remarks_on_times(name: str, known: ColumnFormat, share: float, is_certain: bool) -> list[str]:
    if is_certain:
        return []
    read, other, option = ("day", "month", "False") if known.order == "dmy" else ("month", "day", "True")
    return [
        f"the order of day and month in column {name!r} is uncertain; the {read} is read first; "
        f"pass day_first={option} if the {other} is first"
    ]


def _infer_numbers(
    name: str, counts: Mapping[str, int], total: int, hints: Hints, wanted: Kind | None
) -> tuple[ColumnFormat, list[str]]:
    found = infer_number_format(counts, hints.decimal)
    text = ColumnFormat("text")
    if found is None:
        return (text if wanted is None else ColumnFormat(wanted), [])
    known, share, is_certain = found
    fitting = pd.Series(list(counts), dtype=object)
    fits = parse_numbers(fitting, known).notna()
    numbers, others = fitting[fits].tolist(), fitting[~fits].tolist()
    if wanted is None:
        if are_codes(numbers) or (CODE_NAMES.search(name) and all(n.isdecimal() for n in numbers)):
            return text, []
        is_majority = share >= MAJORITY or (share >= 0.5 and len(numbers) >= _NUMBERS and len(others) <= _MARKS)
        if not is_majority:
            remark = f"column {name!r} is read as text, because only {share:.0%} of its cells are numbers"
            return text, [f"{remark}; others are {_examples(others)}"] if share >= 0.5 else []
        if known.unit == "" and share == 1 and all(map(_COMPACT_DATE.fullmatch, numbers)):
            dates = parse_times(pd.Series(numbers, dtype=object), ColumnFormat("time", order="ymd"))
            if dates.notna().all():
                return ColumnFormat("time", order="ymd"), []
    remarks = []
    if not is_certain:
        example = next(n for n in numbers if (known.grouping in n and known.decimal in n) or "," in n or "." in n)
        mark = "," if "," in example else "."
        roles = "a decimal mark", "a thousands separator"
        is_decimal = known.decimal == mark
        role, other = roles if is_decimal else roles[::-1]
        option = ("." if mark == "," else ",") if is_decimal else mark
        remarks = [
            f"{mark!r} in column {name!r} ({example}) is read as {role}; pass decimal={option!r} to read it as {other}"
        ]
    return known, remarks


def _parse(texts: pd.Series, known: ColumnFormat) -> pd.Series:
    if known.kind == "number":
        return parse_numbers(texts, known)
    if known.kind == "time":
        return parse_times(texts, known)
    if known.kind == "duration":
        return parse_durations(texts)
    found = texts.map(BOOLEANS)
    return found.astype(bool) if found.notna().all() else found


def _read_text(
    texts: pd.Series,
    stripped: pd.Series,
    present: pd.Series,
    known: ColumnFormat,
    given: frozenset[str],
    remarks: list[str],
    kind: Any,
) -> Reading:
    """Return cells as text with the blanks around them, or as numbers if a type of the user needs them."""
    name, cells = str(texts.name), texts
    if kind is None and len(texts) and not present.any() and stripped.fillna("").isin(sorted(MISSING | given)).all():
        nothing = pd.Series(np.nan, index=texts.index, name=texts.name)
        return Reading(nothing, ColumnFormat("typed"), np.empty(0, dtype=int), remarks)
    if not present.all():
        missing = stripped.isna() | stripped.isin(sorted(MISSING | _ERRORS | given))
        marks = stripped.isin(sorted(_PUNCTUATION - given)) & ~missing
        others = stripped[~missing & ~marks]
        if marks.any() and len(others) and others.str.contains(r"\w").all():
            missing |= marks
            found = _examples(stripped[marks].tolist())
            remarks = [*remarks, f"cells of column {name!r} are read as missing values: {found}"]
        cells = texts.where(~missing)
    if kind == "categorical":
        cells = _categories(cells)
    return Reading(cells, known, np.empty(0, dtype=int), remarks)


def _categories(cells: pd.Series) -> pd.Series:
    """Convert categories to booleans or numbers if all cells are written the way these are; 007 remains text."""
    there = cells[cells.notna()].unique()
    if len(there) and all(text in BOOLEANS for text in there):
        return cells.map(BOOLEANS)
    for kind in (int, float):
        if len(there) and all(_is_written_as(kind, text) for text in there):
            return pd.to_numeric(cells)
    return cells


def _is_written_as(kind: type[int] | type[float], text: str) -> bool:
    try:
        return text == str(kind(text)) and np.isfinite(float(text))
    except ValueError:
        return False


def _describe_misfits(texts: pd.Series, kind: str, n_cells: int, name: str) -> str:
    verb = f"is not {_ONE[kind]}" if len(texts) == 1 else f"are not {_WORDS[kind]}"
    return f"{len(texts):,} of {counted(n_cells, 'cell')} of column {name!r} {verb}: {_examples(texts.tolist())}"


def _examples(texts: list[str]) -> str:
    """Return distinct texts, the most frequent first, with their numbers of occurrences."""
    counts = pd.Series(texts, dtype=object).value_counts()
    return list_some([f"{_short(str(text))!r}" + f" ({n:,})" * (n > 1) for text, n in counts.items()])


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:27]}..."
