"""Parsing of text cells as numbers, times, durations or categories, for files and for frames.

Missing values, numbers and booleans are recognized like in ``pandas.read_csv``, so that a file gives the same table
with any reader. Categories keep the blanks around them.
"""

import math
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

#: Texts that mark a missing value, as in pandas.
MISSING = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
BOOLEANS = {"True": 1, "TRUE": 1, "true": 1, "False": 0, "FALSE": 0, "false": 0}
#: Texts that are recognized as times by `guess`.
_TIME = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?)?)?(Z|[+-]\d{2}(:?\d{2})?)?", re.ASCII)
_ZONE = re.compile(r"[T ]\d{2}.*(Z|[+-]\d{2}(:?\d{2})?)$", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
#: Blanks that are ignored around numbers, times and durations.
_BLANKS = " \t\r\n"
#: Words that pandas parses as the current time.
_MOVING = ("now", "today")


class CellError(ValueError):
    """Error for a cell that does not fit its column.

    Attributes
    ----------
    row : int
        Index of the cell in its column.
    text : str
    reason : str
        Reason as the end of a sentence, such as "which is not a time".
    """

    def __init__(self, row: int, text: str, reason: str):
        super().__init__(f"row {row + 1} holds {text!r}, {reason}")
        self.row, self.text, self.reason = row, text, reason


def guess(cells: pd.Series) -> pd.Series:
    """Parse a column by its cells: all booleans, any number, all times, or else categories.

    Raises
    ------
    CellError
        If only some cells are numbers.
    """
    there = [text for text in cells if text not in MISSING]
    if all(text in BOOLEANS for text in there):
        return numbers(cells)
    if any(map(is_number, there)):
        return _parsed(cells, _number, "but only numbers are accepted")
    return times(cells) if all(_TIME.fullmatch(text.strip(_BLANKS)) for text in there) else categories(cells)


def is_number(text: str) -> bool:
    """Return True if a cell is a number, and not a mark of a missing value."""
    number = _number(text.strip(_BLANKS))
    return number is not None and not math.isnan(number)


def are_times(cells: pd.Series) -> bool:
    """Return True if `times` can parse all cells."""
    try:
        times(cells)
    except CellError:
        return False
    return True


def categories_or_codes(cells: pd.Series) -> pd.Series:
    """Parse categories: booleans and numbers as such if all cells are written the way these are, else text.

    Codes with leading zeros, such as "007", remain text.
    """
    there = cells[cells.notna() & ~cells.isin(MISSING)]
    if len(there) and all(text in BOOLEANS for text in there):
        return categories(cells).map(lambda text: None if text is None else bool(BOOLEANS[text]))
    for kind in (int, float):
        if len(there) and all(_is_written_as(kind, text) for text in there):
            return numbers(cells)
    return categories(cells)


def _is_written_as(kind: type[int] | type[float], text: str) -> bool:
    number = _number(text)
    return number is not None and text == str(kind(number))


def categories(cells: pd.Series) -> pd.Series:
    """Return the cells unchanged, with None for missing values."""
    return cells.astype(object).where(cells.notna() & ~cells.isin(MISSING), None)


def numbers(cells: pd.Series) -> pd.Series:
    """Parse numbers, and booleans as 1 and 0; integers become Python integers of any size, in an object column."""
    return _parsed(cells, lambda text: BOOLEANS.get(text, _number(text)), "but only numbers are accepted")


def _parsed(cells: pd.Series, read: Callable[[str], int | float | None], reason: str) -> pd.Series:
    parsed = [read(str(cell).strip(_BLANKS)) for cell in cells]
    if None in parsed:
        row = parsed.index(None)
        text = str(cells.iloc[row]).strip(_BLANKS)
        comma = ", with a decimal point" if _DECIMAL_COMMA.fullmatch(text) else ""
        raise CellError(row, text, reason + comma)
    exact = all(isinstance(number, int) for number in parsed)
    return pd.Series(parsed, index=cells.index, dtype=object if exact and parsed else np.float64, name=cells.name)


def _number(text: str) -> int | float | None:
    """Parse a number; return NaN for a mark of a missing value, and None for any other text."""
    if text in MISSING:
        return float("nan")
    # Python accepts more texts as numbers than other readers do.
    if "_" in text or not text.isascii() or "nan" in text.lower():
        return None
    try:
        return int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return None


def times(cells: pd.Series) -> pd.Series:
    """Parse times in ISO 8601; times of several time zones are converted to UTC."""
    texts = _stripped(cells)
    there = texts.notna()
    parsed = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    _refuse_first(
        texts,
        there & (parsed.isna() | texts.isin(_MOVING)),
        "which is not a time such as 2024-05-31 or 2024-05-31T12:30:00",
    )
    zones = [match[1] if (match := _ZONE.search(text)) else None for text in texts[there]]
    if not any(zones):
        return parsed.dt.tz_localize(None)
    without = np.zeros(len(texts), dtype=bool)
    without[np.flatnonzero(there)] = [zone is None for zone in zones]
    _refuse_first(texts, without, "a time without a time zone, but other rows have one")
    return parsed if len(set(zones)) > 1 else pd.to_datetime(texts, format="ISO8601")


def durations(cells: pd.Series) -> pd.Series:
    """Parse durations in the format of pandas."""
    texts = _stripped(cells)
    spans = pd.to_timedelta(texts, errors="coerce")
    _refuse_first(texts, texts.notna() & spans.isna(), "which is not a duration such as 01:30:00 or '2 days 01:30:00'")
    return spans


def _stripped(cells: pd.Series) -> pd.Series:
    """Strip the blanks around the cells, with None for missing values."""
    there = cells.notna()
    texts = [str(cell).strip(_BLANKS) if present else None for cell, present in zip(cells, there, strict=True)]
    return categories(pd.Series(texts, cells.index, object, cells.name))


def _refuse_first(texts: pd.Series, wrong: pd.Series | np.ndarray, reason: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise CellError(int(rows[0]), str(texts.iloc[rows[0]]), reason)
