"""Dates, times and durations in text."""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from aeanomaly.exceptions import SourceError
from aeanomaly.reading.formats import ColumnFormat

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAME = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?"
_WORD = rf"(?P<{{0}}>(?:{'|'.join(_MONTH_NAMES)})[a-z]*)\.?"
#: Dates by the order of their parts; in the last, day and month are ambiguous.
_DATES = {
    "ymd": r"(?P<y1>\d{4})(?P<mark1>[-/.])(?P<m1>\d{1,2})(?P=mark1)(?P<d1>\d{1,2})",
    "month": r"(?P<y6>[12]\d{3})-(?P<m6>\d\d)",
    "compact": r"(?P<y2>(?:19|20)\d\d)(?P<m2>[01]\d)(?P<d2>[0-3]\d)",
    "day, month in words": (
        rf"{_DAY_NAME}(?P<d3>\d{{1,2}})(?:st|nd|rd|th|\.)?[-\s/]?{_WORD.format('w3')}[-\s/,]*(?P<y3>\d{{4}}|\d\d)"
    ),
    "month in words, day": (
        rf"{_DAY_NAME}{_WORD.format('w4')}[-\s](?P<d4>\d{{1,2}})(?:st|nd|rd|th)?[,\s-]+(?P<y4>\d{{4}})"
    ),
    "numeric": r"(?P<a5>\d{1,2})(?P<mark5>[-/.])(?P<b5>\d{1,2})(?P=mark5)(?P<y5>\d{4}|(?<=\d\d[-/.])\d\d|(?<=/)\d\d)",
}
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d(?:[.,]\d+)?))?\s*(?P<half>[ap]\.?m\.?)?"
    r"|(?P<hour2>\d\d)(?P<minute2>\d\d)(?P<second2>\d\d)"
    r"|(?P<hour3>\d\d?)\s?(?P<half3>[ap]\.?m\.?)"
    r"|(?P<hour4>\d\d)(?=$|Z|[+-])"
)
_ZONE = r"\s*(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)"
_TIME = re.compile(
    rf"(?:{'|'.join(_DATES.values())})(?:(?:T|,?\s+|\s*-\s+|:)(?:{_CLOCK})(?:{_ZONE})?(?:\s*\([A-Z]+\))?)?",
    re.IGNORECASE,
)
_CLOCK_ONLY = re.compile(
    r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d(?:[.,]\d+)?))?\s*(?P<half>[ap]\.?m\.?)?",
    re.IGNORECASE,
)
_DURATION = re.compile(r"-?(?:\d+ days?,? )?[+-]?\d+:\d\d(?::\d\d(?:\.\d+)?)?|-?\d+ days?", re.IGNORECASE)
#: Two-digit years from this number on belong to the 20th century.
_PIVOT = 69
#: Number of days of a date in a leap year, by month.
_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def looks_like_time(text: str) -> bool:
    """Return True if a cell has the form of a date, with or without a time of day, or of a duration."""
    return any(pattern.fullmatch(text) for pattern in (_TIME, _CLOCK_ONLY, _DURATION))


def infer_time_format(
    counts: Mapping[str, int], day_first: bool | None, sequence: Sequence[str]
) -> tuple[ColumnFormat, float, bool] | None:
    """Return the format of dates or durations that fits most cells, its share, and False if the order is a guess.

    Parameters
    ----------
    counts : mapping of str to int
        Distinct cells and their numbers of occurrences.
    day_first : bool, optional
        Order of numeric dates, if the cells do not tell.
    sequence : sequence of str
        Some cells in the order of the rows; in most tables the right order of day and month makes them ascend.
    """
    total = sum(counts.values())
    matches = {text: match for text in counts if (match := _TIME.fullmatch(text)) is not None}
    n_times = sum(counts[text] for text in matches)
    n_spans = sum(n for text, n in counts.items() if _CLOCK_ONLY.fullmatch(text) or _DURATION.fullmatch(text))
    if n_times == n_spans == 0:
        return None
    if n_spans > n_times:
        return ColumnFormat("duration"), n_spans / total, True
    pairs = [(int(m["a5"]), int(m["b5"]), m["mark5"]) for m in matches.values() if m["a5"]]
    if not pairs:
        return ColumnFormat("time", order="ymd"), n_times / total, True
    order, is_certain = _order_of(pairs, day_first, sequence)
    n_wrong = sum(
        counts[text] for text, m in matches.items() if m["a5"] and int(m["a5" if order == "mdy" else "b5"]) > 12
    )
    return ColumnFormat("time", order=order), (n_times - n_wrong) / total, is_certain


def _order_of(
    pairs: Sequence[tuple[int, int, str]], day_first: bool | None, sequence: Sequence[str]
) -> tuple[str, bool]:
    n_day_first, n_month_first = sum(a > 12 for a, _, _ in pairs), sum(b > 12 for _, b, _ in pairs)
    if n_day_first != n_month_first:
        return ("dmy" if n_day_first > n_month_first else "mdy"), True
    if day_first is not None:
        return ("dmy" if day_first else "mdy"), True
    if all(mark == "." for _, _, mark in pairs):  # written in countries that put the day first
        return "dmy", True
    texts = pd.Series(list(sequence), dtype=object)
    steps = {order: parse_times(texts, ColumnFormat("time", order=order)).dropna().diff() for order in ("mdy", "dmy")}
    ascend = [order for order, step in steps.items() if len(step) > 3 and (step.dropna() >= pd.Timedelta(0)).all()]
    if len(ascend) == 2:  # days of one month rather than one day of several months
        return min(ascend, key=lambda order: steps[order].sum()), False
    return (ascend[0] if ascend else "mdy"), False


def parse_times(texts: pd.Series, known: ColumnFormat) -> pd.Series:
    """Parse stripped cells (N,) with None for missing ones; cells that do not fit become NaT.

    Times with one UTC offset keep it; times with several offsets, or with and without one, are converted to UTC.
    """
    if known.order == "ymd" and (direct := _parse_iso(texts)) is not None:
        return direct
    codes, found = pd.factorize(texts)
    parts = [_parts(text, known.order) for text in found]
    seconds = np.array([*(np.nan if part is None else part[0] for part in parts), np.nan])
    offsets = [None if part is None else part[1] for part in parts]
    there = {offset for offset, part in zip(offsets, parts, strict=True) if part is not None}
    micros = np.where(np.isnan(seconds), np.iinfo(np.int64).min, np.nan_to_num(seconds) * 1e6)
    local = micros.astype(np.int64).view("datetime64[us]")
    if None in there and len(there) > 1:
        examples = {part[1] is None: text for text, part in zip(found, parts, strict=True) if part is not None}
        raise SourceError(
            f"column {str(texts.name)!r} holds times without a time zone ({examples[True]}) and times with one "
            f"({examples[False]}); write all times in the same way, or read the column as text, with "
            f"column_types={{{str(texts.name)!r}: 'categorical'}}"
        )
    if there <= {None}:
        return pd.Series(local[codes], texts.index, name=texts.name)
    shift = np.array([*(0 if offset is None else offset for offset in offsets), 0]).astype("timedelta64[m]")
    utc = pd.Series((local - shift)[codes], texts.index, name=texts.name).dt.tz_localize("UTC")
    if len(there) > 1 or there == {0}:
        return utc
    [minutes] = there
    return utc.dt.tz_convert(datetime.timezone(datetime.timedelta(minutes=minutes or 0)))


def _parse_iso(texts: pd.Series) -> pd.Series | None:
    """Parse times in ISO 8601 in one call; None if some cell is of another form."""
    there = texts.dropna()
    if len(there) == 0 or not re.match(r"\d{4}-\d\d", there.iloc[0]):
        return None
    try:
        parsed = pd.to_datetime(texts, format="ISO8601", errors="raise")
    except (ValueError, TypeError, OverflowError):  # other forms, or several time zones
        return None
    if not pd.api.types.is_datetime64_any_dtype(parsed.dtype):
        return None
    # The parser of pandas also takes years, words and whole numbers.
    return parsed if (there.str.slice(4, 5) == "-").all() else None


def _parts(text: str, order: str) -> tuple[float, int | None] | None:
    """Return the seconds since 1970 in local time, and the offset from UTC in minutes, or None without one."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    group = match.groupdict()
    if group["a5"] is not None:
        a, b, year = int(group["a5"]), int(group["b5"]), group["y5"]
        day, month = (b, a) if order == "mdy" else (a, b)
    elif group["w3"] or group["w4"]:
        suffix = "3" if group["w3"] else "4"
        day, month, year = (
            int(group["d" + suffix]),
            _MONTH_NAMES.index(group["w" + suffix][:3].lower()) + 1,
            group["y" + suffix],
        )
    else:
        suffix = next(suffix for suffix in "126" if group["y" + suffix])
        day, month, year = int(group.get("d" + suffix) or 1), int(group["m" + suffix]), group["y" + suffix]
    number = int(year) if len(year) == 4 else int(year) + (1900 if int(year) >= _PIVOT else 2000)
    clock = _clock(group)
    if clock is None or not (1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]):
        return None
    if (month, day) == (2, 29) and (number % 4 or (number % 100 == 0 and number % 400)):
        return None
    days = np.datetime64(f"{number:04d}-{month:02d}-{day:02d}").astype(int)
    return float(days * 86_400 + clock), _offset(group["zone"])


def _clock(group: Mapping[str, str | None]) -> float | None:
    """Return the seconds since midnight, or None for an impossible time."""
    hour = next((value for name in ("hour", "hour2", "hour3", "hour4") if (value := group.get(name))), None)
    if hour is None:
        return 0.0
    minute = group.get("minute") or group.get("minute2") or "0"
    second = (group.get("second") or group.get("second2") or "0").replace(",", ".")
    half = (group.get("half") or group.get("half3") or "").lower()
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.startswith("p") else 0)
    if hours > 24 or int(minute) > 59 or float(second) >= 61:
        return None
    return 3600.0 * hours + 60.0 * int(minute) + float(second)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone.upper() in ("Z", "UTC", "GMT"):
        return 0
    digits = zone[1:].replace(":", "")
    minutes = 60 * int(digits[:2]) + int(digits[2:] or 0)
    return -minutes if zone[0] == "-" else minutes


def parse_durations(texts: pd.Series) -> pd.Series:
    """Parse durations and times of day (N,) as the time since midnight; other cells become NaT."""
    codes, found = pd.factorize(texts)
    spans = pd.to_timedelta([*_as_durations(found), None], errors="coerce")
    return pd.Series(spans.to_numpy()[codes], texts.index, name=texts.name)


def _as_durations(texts: Iterable[str]) -> list[str | None]:
    """Rewrite times of day in the form of durations that pandas parses."""
    found: list[str | None] = []
    for text in texts:
        match = _CLOCK_ONLY.fullmatch(text)
        if match is None:
            found.append(text if not re.fullmatch(r"[+-]?[\d.]+", text) else None)
        else:
            seconds = _clock(match.groupdict())
            found.append(None if seconds is None else f"{seconds} s")
    return found
