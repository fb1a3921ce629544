"""Numbers in text: decimal marks, thousands, units, currencies, percentages and accounting signs."""

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from aeanomaly.reading.formats import ColumnFormat

#: Blanks that are ignored around cells, the no-break spaces of spreadsheets included.
BLANKS = " \t\r\n\u00a0\u202f\u2009"
_EXPONENT = r"(?:[eE][+-]?\d+)?"
#: Digits by decimal mark and mark between thousands; an apostrophe and blanks are marks of some countries.
_DIGITS = {
    (".", ""): rf"(?:\d+\.?\d*|\.\d+){_EXPONENT}",
    (",", ""): rf"(?:\d+,?\d*|,\d+){_EXPONENT}",
    (".", ","): r"\d{1,3}(?:,\d{3})+(?:\.\d*)?",
    (",", "."): r"\d{1,3}(?:\.\d{3})+(?:,\d*)?",
    (".", " "): r"\d{1,3}(?: \d{3})+(?:\.\d*)?",
    (",", " "): r"\d{1,3}(?: \d{3})+(?:,\d*)?",
    (".", "'"): r"\d{1,3}(?:'\d{3})+(?:\.\d*)?",
}
_INFINITE = r"(?:inf|infinity)"
#: A number with a sign or an accounting parenthesis, and text on either side.
_AROUND = re.compile(
    r"(?P<open>\()?\s*(?P<sign>[+-]?)\s*(?P<before>[^\d\s().,+'-]{0,4}?)\s*(?P<sign2>[+-]?)"
    r"(?P<digits>[\d.,][\d.,' ]*?(?:[eE][+-]?\d+)?)"
    r"(?P<gap>\s*)(?P<after>[^\d\s().,+'-][^\d\s().,+']{0,7})?(?P<trailing>-)?\s*(?P<close>\))?",
    re.DOTALL,
)
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009", " ") | {"\u2019": "'", "\u2212": "-"})
#: Units that are written without a blank. Other letters after a number may belong to a code, such as 06A.
_CURRENCIES = frozenset(
    (
        *("$", "€", "£", "¥", "₹", "₽", "₺", "₩", "US$", "CA$", "AU$", "R$", "kr", "zł", "Kč", "Ft", "Rs"),
        *("USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "INR", "BRL"),
    )
)
_UNITS = _CURRENCIES | frozenset(
    (
        *("%", "‰", "°", "°C", "°F"),
        *("g", "kg", "mg", "t", "lb", "lbs", "oz", "m", "cm", "mm", "km", "mi", "ft", "in", "l", "ml", "L"),
        *("s", "ms", "min", "h", "d", "V", "A", "W", "kW", "kWh", "MWh", "Hz", "kHz", "MHz"),
        *("Pa", "hPa", "kPa", "bar", "psi", "K", "J", "kJ", "KB", "MB", "GB", "TB"),
    )
)
#: Texts of codes that look like numbers: leading zeros, telephone numbers, digits with an E between them.
_ZEROS, _PHONE, _E_CODE = re.compile(r"[+-]?0\d+"), re.compile(r"\+\d[\d ()/-]{6,}"), re.compile(r"\d+E\d+")
#: Share of the cells that a format must fit.
MAJORITY = 0.9


def split_number(text: str) -> tuple[str, str, bool] | None:
    """Split a cell into its digits, its unit and whether it is negative; None if it does not look like a number."""
    match = _AROUND.fullmatch(text.translate(_SPACES).strip(" \t\r\n"))
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    if match["before"] and match["after"]:
        return None
    unit = match["before"] or match["after"] or ""
    is_apart = bool(match["after"] and match["gap"])
    if unit and not is_apart and unit not in (_CURRENCIES if match["before"] else _UNITS):
        return None
    signs = [match["sign"], match["sign2"], "-" if match["trailing"] or match["open"] else ""]
    if sum(map(bool, signs)) > 1:
        return None
    return match["digits"].strip(), unit, "-" in signs


def is_number(text: str) -> bool:
    """Return True if a cell is a number in any format."""
    found = split_number(text)
    return found is not None and any(re.fullmatch(digits, found[0]) for digits in _DIGITS.values())


def are_codes(texts: Sequence[str]) -> bool:
    """Return True if numbers are codes: integers with leading zeros, telephone numbers, or digits around an E."""
    plain = [text.strip(BLANKS) for text in texts]
    if any(map(_PHONE.fullmatch, plain)):
        return True
    if any("." in text or "," in text or "e-" in text.lower() or "e+" in text.lower() for text in plain):
        return False
    return any(_ZEROS.fullmatch(text) or _E_CODE.fullmatch(text) for text in plain)


def infer_number_format(counts: Mapping[str, int], decimal: str | None) -> tuple[ColumnFormat, float, bool] | None:
    """Return the number format that fits most cells, its share, and False if another reading is as likely.

    Parameters
    ----------
    counts : mapping of str to int
        Distinct cells and their numbers of occurrences.
    decimal : str, optional
        Decimal mark of the table, for cells such as 3,750 that have two readings.
    """
    total = sum(counts.values())
    split = {text: found for text in counts if (found := split_number(text)) is not None}
    if not split:
        return None
    units: dict[str, int] = {}
    for text, (_, unit, _) in split.items():
        units[unit] = units.get(unit, 0) + counts[text]
    unit = max((u for u in units if u), key=units.__getitem__, default="")
    digits = {text: found[0] for text, found in split.items() if found[1] in ("", unit)}
    fits = {marks: sum(counts[text] for text, number in digits.items() if _fits(marks, number)) for marks in _DIGITS}
    best = max(fits.values())
    if best == 0:
        return None
    equal = [marks for marks, n in fits.items() if n == best]
    marks, is_certain = _choose(equal, digits.values(), decimal)
    return ColumnFormat("number", decimal=marks[0], grouping=marks[1], unit=unit), best / total, is_certain


def _fits(marks: tuple[str, str], number: str) -> bool:
    return _pattern(*marks).fullmatch(number) is not None


def _pattern(decimal: str, grouping: str) -> re.Pattern[str]:
    """Return the pattern of the digits of a format; with a mark between thousands, numbers below 1,000 lack it."""
    both = _DIGITS[decimal, grouping]
    if grouping:
        below = r"\d{1,3}" + (r"(?:\.\d*)?" if decimal == "." else r"(?:,\d*)?")
        both = f"{both}|{below}"
    return re.compile(both)


def _choose(
    equal: Sequence[tuple[str, str]], texts: Collection[str], decimal: str | None
) -> tuple[tuple[str, str], bool]:
    """Choose among formats that fit the same cells; return False if they give different numbers."""
    used = [marks for marks in equal if marks[1] == "" or any(_has_groups(marks, text) for text in texts)]
    if not any(mark in text for text in texts for mark in ".,"):
        return next((marks for marks in used if marks[1]), (decimal or ".", "")), True
    # A mark that occurs is a decimal mark in one format, and separates thousands in the other.
    grouped = [marks for marks in used if marks[1]]
    plain = [marks for marks in used if not marks[1] and any(marks[0] in text for text in texts)]
    if not grouped or not plain:
        return (grouped or plain or list(equal))[0], True
    if decimal is None:
        # 3,750 has groups in most countries that write it, and 3.750 a decimal point.
        return next((marks for marks in (*plain, *grouped) if marks[0] == "."), plain[0]), False
    return next((marks for marks in (*plain, *grouped) if marks[0] == decimal), plain[0]), True


def _has_groups(marks: tuple[str, str], number: str) -> bool:
    return marks[1] in number and _fits(marks, number)


def decimal_of(texts: Sequence[str]) -> str | None:
    """Return the decimal mark that some cell proves, such as a comma in 12,5 or in 1.234,56; None if no cell does."""
    marks = (
        {","}
        if any(map(re.compile(r"-?\d+,(\d{1,2}|\d{4,})|-?\d{1,3}(\.\d{3})+,\d*|-?0,\d+").fullmatch, texts))
        else set()
    )
    if any(map(re.compile(r"-?\d*\.(\d{1,2}|\d{4,})|-?\d{1,3}(,\d{3})+\.\d*|-?0\.\d+").fullmatch, texts)):
        marks.add(".")
    return marks.pop() if len(marks) == 1 else None


def parse_numbers(texts: pd.Series, known: ColumnFormat) -> pd.Series:
    """Parse stripped cells (N,) with None for missing ones; cells that do not fit the format become NaN."""
    direct = pd.to_numeric(texts, errors="coerce")
    if (known.decimal, known.grouping, known.unit) == (".", "", "") and not (direct.isna() & texts.notna()).any():
        return direct.astype(np.float64) if direct.dtype == object else direct
    codes, found = pd.factorize(texts)
    values = pd.to_numeric(pd.Series([_plain(text, known) for text in found], dtype=object), errors="coerce")
    parsed = np.append(values.to_numpy(np.float64), np.nan)[codes]  # the code of a missing cell is -1
    whole = (
        len(parsed)
        and np.isfinite(parsed).all()
        and (np.abs(parsed) < 2**53).all()
        and not any(known.decimal in text for text in found)
    )
    return pd.Series(parsed.astype(np.int64) if whole and (parsed == np.floor(parsed)).all() else parsed, texts.index)


def _plain(text: str, known: ColumnFormat) -> str | None:
    """Return a number as Python writes it, or None if the cell does not fit the format."""
    if re.fullmatch(rf"[+-]?{_INFINITE}", text, re.IGNORECASE):
        return text
    split = split_number(text)
    if split is None or split[1] not in ("", known.unit):
        return None
    number, _, is_negative = split
    # Large numbers may have a mark between thousands although no number of the training file was large.
    groupings = [marks[1] for marks in _DIGITS if marks[0] == known.decimal and _fits(marks, number)]
    if not groupings:
        return None
    plain = number.replace(groupings[-1], "") if groupings[-1] else number
    return ("-" if is_negative else "") + plain.replace(known.decimal, ".")
