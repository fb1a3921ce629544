"""Phrases on unusual times, which name the unusual part: the date, the season, the day of the week or the hour."""

import cmath
import math
from datetime import datetime, timedelta

import numpy as np

from aeanomaly.fitting.facts import ColumnFacts
from aeanomaly.preprocessing import Datetime
from aeanomaly.preprocessing.columns import MONDAY, PERIODS

_EPOCH = datetime(1970, 1, 1)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY, _HOUR = PERIODS["day"], 3600.0
#: Times in a period are usual within an arc if it is at most this share of the circle.
_LONGEST_ARC = 0.72
#: Distance beyond the arc, as a share of the circle, from which a time is unusual.
_BEYOND = {"day": 1 / 24, "week": 0.25 / 7}
#: Smaller differences, as shares of a period, are not reasons.
_NEGLIGIBLE = {"day": 1 / 24, "week": 1 / 7, "year": 1 / 12}
#: Length of the mean of the points of a period on the unit circle from which they are not uniform.
_UNEVEN = 0.25
#: Steps of the bisection of an arc.
_STEPS = 40


def time_phrase(
    name: str, observed: float, expected: float, facts: ColumnFacts, *, is_unusual: bool = False
) -> str | None:
    """Return a phrase on the unusual part of a time, in seconds since 1970; None if no part is known to be unusual.

    The expected phase in a period has a meaning only if the times of training are not uniform in it, or if the time
    `is_unusual` given the other columns.
    """
    column = facts.column
    assert isinstance(column, Datetime)
    if column.first is not None and column.last is not None and not column.first <= observed <= column.last:
        low, high = _range(column.first, column.last)
        return f"{name} {format_time(observed, column)} is outside the plausible range {low} to {high}"
    if column.trend and not column.start <= observed <= column.end:
        side, end = ("after the last", column.end) if observed > column.end else ("before the first", column.start)
        return f"{name} {format_time(observed, column)} is {side} time of training, {format_time(end, column)}"
    parts = {part: _difference(part, observed, expected) for part in column.periods}
    for part in ("day", "week"):
        arc = usual_arc(facts.resultants[part]) if part in facts.resultants and part in parts else None
        if arc is not None and _is_outside(arc, _phase(part, observed), _BEYOND[part]):
            return f"{name} {_part_text(part, observed)}, usually {_arc_text(part, arc)}"
    if column.trend and abs(observed - expected) >= 0.05 * max(column.end - column.start, _DAY):
        return f"{name} {format_time(observed, column)} where {format_time(expected, column)} was expected"
    if not is_unusual:
        least = {part: _least_difference(facts.resultants.get(part, 0)) for part in parts}
        parts = {part: difference for part, difference in parts.items() if difference >= least[part]}
    parts = {part: difference for part, difference in parts.items() if difference >= _NEGLIGIBLE[part]}
    uneven = {part: parts[part] for part in parts if abs(facts.resultants.get(part, 0)) >= _UNEVEN}
    if not uneven and not (is_unusual and len(parts) == 1):
        return None
    largest = max(uneven or parts, key=lambda part: parts[part])
    shown, usual = _part_text(largest, observed), _part_text(largest, expected)
    if shown == usual:
        return None
    usual = f"about {round(24 * _phase('day', expected)) % 24}:00" if largest == "day" else usual.split()[-1]
    return f"{name} {shown} where {usual} was expected"


def usual_arc(resultant: complex) -> tuple[float, float] | None:
    """Return the arc of the circle, as shares from 0 to 1, over which uniform points have this mean; None if wide."""
    length = abs(resultant)
    if not 0 < length < 1 + 1e-6:
        return None
    low, high = 0.0, math.pi  # half of the arc, w, with sin(w) / w = length
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if math.sin(middle) / middle > length else (low, middle)
    half = low / (2 * math.pi)
    center = cmath.phase(resultant) / (2 * math.pi) % 1
    return (center - half, center + half) if 2 * half <= _LONGEST_ARC else None


def _least_difference(resultant: complex) -> float:
    """Return the difference from the expected phase that is unusual, as a share of the period."""
    arc = usual_arc(resultant)
    return 0.25 * (_LONGEST_ARC if arc is None else arc[1] - arc[0])


def _is_outside(arc: tuple[float, float], phase: float, beyond: float) -> bool:
    center, half = 0.5 * (arc[0] + arc[1]), 0.5 * (arc[1] - arc[0])
    return abs((phase - center + 0.5) % 1 - 0.5) > half + beyond


def _phase(part: str, time: float) -> float:
    return (time - MONDAY) / PERIODS[part] % 1


def _difference(part: str, observed: float, expected: float) -> float:
    """Return the distance of two times within a period, as a share of it, from 0 to 0.5."""
    return abs((_phase(part, observed) - _phase(part, expected) + 0.5) % 1 - 0.5)


def _arc_text(part: str, arc: tuple[float, float]) -> str:
    """Describe the usual hours or days of an arc."""
    if part == "day":
        start, end = (round(24 * edge) % 24 for edge in arc)
        return f"about {start}:00" if start == end else f"from {start}:00 to {end}:00"
    start, end = math.floor(7 * arc[0] + 0.25) % 7, math.floor(7 * arc[1] - 0.25) % 7
    return f"on {_DAYS[start]}" if start == end else f"from {_DAYS[start]} to {_DAYS[end]}"


def _part_text(part: str, time: float) -> str:
    moment = _moment(time)
    if moment is None:
        return "beyond all calendars"
    if part == "day":
        return f"at {moment:%H:%M}"
    return f"on {_DAYS[moment.weekday()]}" if part == "week" else f"in {moment:%B}"


def _moment(time: float) -> datetime | None:
    try:
        return _EPOCH + timedelta(seconds=float(time))
    except (OverflowError, ValueError):
        return None


def format_time(time: float, column: Datetime) -> str:
    """Format a time in seconds since 1970; only the hour of times of day, and only the date of midnight."""
    moment = _moment(time)
    if moment is None:
        return f"{time / PERIODS['year'] + 1970:,.0f}"
    if column.periods == ("day",) and 0 <= column.start <= column.end < _DAY:
        return f"{moment:%H:%M}"
    date = moment.date().isoformat()
    return date if time % _DAY == 0 or "day" not in column.periods else f"{date} {moment:%H:%M}"


def format_cycles(time: float, column: Datetime) -> str:
    """Format the parts of a time that are scored, without minutes: the weekday, month or date, and the hour."""
    has_hour = "day" in column.periods
    moment = _moment(time + 0.5 * _HOUR if has_hour else time)
    if moment is None:
        return format_time(time, column)
    if column.trend:
        day = moment.date().isoformat()
    else:
        day = _DAYS[moment.weekday()] if "week" in column.periods else f"{moment:%B}" * ("year" in column.periods)
    hour = f"about {moment.hour}:00" * has_hour
    return ", ".join(part for part in (day, hour) if part) or format_time(time, column)


def _range(first: float, last: float) -> tuple[str, str]:
    """Format a range by its years."""
    ends = [np.datetime64(0, "s") + np.timedelta64(round(time), "s") for time in (first, last)]
    low, high = (str(end.astype("datetime64[Y]")) for end in ends)
    return low, high
