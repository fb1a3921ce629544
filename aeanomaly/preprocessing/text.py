"""Cells of text -> numbers, times, durations or categories: the one definition, for files and for frames.

A cell counts as missing, as a number and as a truth value where ``pandas.read_csv`` takes it for one, so that a file
gives the same table whoever reads it. Categories are taken as they stand, with the blanks around them.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

#: Marks of a missing value: those of pandas.
MISSING = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
BOOLEANS = {"True": 1, "TRUE": 1, "true": 1, "False": 0, "FALSE": 0, "false": 0}
#: A time that is recognized without being asked for.
_TIME = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?)?)?(Z|[+-]\d{2}(:?\d{2})?)?", re.ASCII)
_ZONE = re.compile(r"[T ]\d{2}.*(Z|[+-]\d{2}(:?\d{2})?)$", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
#: Words that pandas reads as the time of reading.
_MOVING = ("now", "today")


class CellError(ValueError):
    """A cell that is not what its column should hold.

    Attributes
    ----------
    row : int
        Number of the cell in its column, from 0.
    text : str
    reason : str
        What is wrong, as the end of a sentence: "which is not ...".
    """

    def __init__(self, row: int, text: str, reason: str):
        super().__init__(f"row {row + 1} holds {text!r}, {reason}")
        self.row, self.text, self.reason = row, text, reason


def guess(cells: pd.Series) -> pd.Series:
    """Read a column as truth values if all cells are, as numbers if any cell is one, as times if all are, else as text.

    Raises
    ------
    CellError
        If only some cells are numbers.
    """
    there = [text for text in cells if text not in MISSING]
    if all(text in BOOLEANS for text in there):
        return numbers(cells)
    if any(map(is_number, there)):
        return _parsed(cells, _number, "and only numbers are taken")
    return times(cells) if all(_TIME.fullmatch(text.strip()) for text in there) else categories(cells)


def is_number(text: str) -> bool:
    """Tell whether a cell is a number, and not a mark of a missing value."""
    return text not in MISSING and _number(text.strip()) is not None


def are_times(cells: pd.Series) -> bool:
    """Tell whether `times` reads all cells."""
    try:
        times(cells)
    except CellError:
        return False
    return True


def categories(cells: pd.Series) -> pd.Series:
    """Return cells as they stand, None for missing ones."""
    return cells.astype(object).where(cells.notna() & ~cells.isin(MISSING), None)


def numbers(cells: pd.Series) -> pd.Series:
    """Read numbers, and truth values as 1 and 0; whole numbers stay Python's, of any size, in a column of objects."""
    return _parsed(cells, lambda text: BOOLEANS.get(text, _number(text)), "and only numbers are taken")


def _parsed(cells: pd.Series, read: Callable[[str], int | float | None], reason: str) -> pd.Series:
    parsed = [read(str(cell).strip()) for cell in cells]
    if None in parsed:
        row = parsed.index(None)
        text = str(cells.iloc[row]).strip()
        comma = ", with a decimal point" if _DECIMAL_COMMA.fullmatch(text) else ""
        raise CellError(row, text, reason + comma)
    exact = all(isinstance(number, int) for number in parsed)
    return pd.Series(parsed, index=cells.index, dtype=object if exact and parsed else np.float64, name=cells.name)


def _number(text: str) -> int | float | None:
    """Return the number that a text is, NaN for a mark of a missing value, None for anything else."""
    if text in MISSING:
        return float("nan")
    if "_" in text or not text.isascii():  # Python's own notation and other digits, which no other reader takes
        return None
    try:
        return int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        return None


def times(cells: pd.Series) -> pd.Series:
    """Read times in ISO 8601; those of several time zones on the clock of UTC."""
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
    _refuse_first(texts, without, "a time without a time zone, and other rows have one")
    return parsed if len(set(zones)) > 1 else pd.to_datetime(texts, format="ISO8601")


def durations(cells: pd.Series) -> pd.Series:
    """Read durations as pandas writes them."""
    texts = _stripped(cells)
    spans = pd.to_timedelta(texts, errors="coerce")
    _refuse_first(texts, texts.notna() & spans.isna(), "which is not a duration such as 01:30:00 or '2 days 01:30:00'")
    return spans


def _stripped(cells: pd.Series) -> pd.Series:
    """Return cells without blanks around them, None for missing ones."""
    there = cells.notna()
    texts = [str(cell).strip() if present else None for cell, present in zip(cells, there, strict=True)]
    return categories(pd.Series(texts, cells.index, object, cells.name))


def _refuse_first(texts: pd.Series, wrong: pd.Series | np.ndarray, reason: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise CellError(int(rows[0]), str(texts.iloc[rows[0]]), reason)
