"""The SVG chart of the report; the style sheet of the page sets its colors."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from aeanomaly._counts import counted
from aeanomaly.inspection._templates import render
from aeanomaly.inspection._text import number, percent

_WIDTH, _HEIGHT = 700, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 14, 34, 54
_BARS = 44
#: The scale is not linear if the errors span more than this factor, or this number of interquartile ranges.
_LONG_TAIL = 15
#: A logarithmic scale starts at this fraction of the median or above.
_MIN_FRACTION = 1e-4
#: Larger errors are drawn at this value.
_MAX_ERROR = 1e150
#: Minimum distance between tick labels, and minimum height of a bar that is not empty, in pixels.
_TICK_SPACING, _MIN_BAR_HEIGHT = 52, 2.5


class Scale(NamedTuple):
    """An axis of errors.

    Attributes
    ----------
    place : callable
        Map from errors to axis coordinates.
    low, high : float
        Ends of the axis, in axis coordinates.
    ticks : list of float
        Errors at the ticks.
    name : str
    """

    place: Callable[[np.ndarray], np.ndarray]
    low: float
    high: float
    ticks: list[float]
    name: str

    def x(self, errors: np.ndarray | float) -> np.ndarray:
        """Convert errors to horizontal positions in the chart."""
        steps = (self.place(np.asarray(errors, dtype=float)) - self.low) / (self.high - self.low)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * np.clip(steps, 0, 1)


def scale_of(errors: np.ndarray, threshold: float) -> Scale:
    """Choose a scale: logarithmic for positive errors with a long tail, else linear.

    Errors with a long tail that are not all positive get an inverse hyperbolic sine around the median.
    """
    values = np.append(errors, threshold)
    middle, low, high = float(np.median(errors)), float(values.min()), float(values.max())
    if low > 0 and high > _LONG_TAIL * max(low, _MIN_FRACTION * middle):
        low = max(low, min(_MIN_FRACTION * middle, threshold))
        return _make_scale(lambda e: np.log10(np.maximum(e, low)), low, high, _decades(low, high), "logarithmic scale")
    span = high - low
    if span == 0:
        return _make_scale(lambda e: e, low, high, np.array([low]), "linear scale")
    quarter = max(float(np.subtract(*np.quantile(values, [0.75, 0.25]))), _MIN_FRACTION**3 * span)
    if span > _LONG_TAIL * quarter:
        steps = quarter * 10.0 ** np.arange(0, 1 + np.ceil(np.log10(span / quarter)))
        ticks = np.unique([float(f"{tick:.2g}") for tick in [middle, *(middle - steps), *(middle + steps)]])
        return _make_scale(lambda e: np.arcsinh((e - middle) / quarter), low, high, ticks, "compressed scale")
    step = 10.0 ** np.floor(np.log10(span))
    step = next(step * part for part in (1, 0.5, 0.2, 0.1) if span >= 4 * step * part)
    return _make_scale(lambda e: e, low, high, step * np.arange(np.ceil(low / step), high / step + 1), "linear scale")


def _make_scale(place: Callable, low: float, high: float, ticks: np.ndarray, name: str) -> Scale:
    start, end = (float(place(np.asarray(value, dtype=float))) for value in (low, high))
    margin = max(0.02 * (end - start), 1e-9 * abs(start)) or 0.5
    inside = [float(tick) for tick in ticks if low <= tick <= high]
    return Scale(place, start - margin, end + margin, inside, name)


def _decades(low: float, high: float) -> np.ndarray:
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    parts = (1,) if np.log10(high / low) > 3 else (1, 2, 5)
    return np.outer(powers, parts).ravel()


class Bar(NamedTuple):
    """A rectangle of the histogram; `kind` is "normal" or "flagged"."""

    kind: str
    x: float
    y: float
    width: float
    height: float


class Tick(NamedTuple):
    """A tick of the axis of errors; small screens do not show the words of a rare tick."""

    x: float
    words: str
    is_rare: bool


class Histogram(NamedTuple):
    """A chart of errors, in pixels.

    Attributes
    ----------
    description : str
        Text in place of the picture.
    scale : str
        Name of the scale.
    levels : list of (float, str)
        Height and text of the grid lines.
    ticks : list of Tick
    bars : list of Bar
    outline : list of (float, float)
        Line of the training rows.
    threshold, threshold_x : float
        The threshold and its place.
    """

    description: str
    scale: str
    levels: list[tuple[float, str]]
    ticks: list[Tick]
    bars: list[Bar]
    outline: list[tuple[float, float]]
    threshold: float
    threshold_x: float
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    floor: int = _HEIGHT - _BOTTOM


def histogram(errors: np.ndarray, trained: np.ndarray, threshold: float) -> str:
    """Draw the errors of rows as bars, those of the training rows as a line, and the threshold.

    Parameters
    ----------
    errors, trained : ndarray (n,), (m,)
        Minus the scores.
    threshold : float
        Rows with larger errors are flagged.
    """
    errors, trained = (np.clip(values, -_MAX_ERROR, _MAX_ERROR) for values in (errors, trained))
    scale = scale_of(np.concatenate([errors, trained]), threshold)
    edges = np.linspace(_LEFT, _WIDTH - _RIGHT, _BARS + 1)
    normal, flagged = (
        _shares(scale, errors[errors > threshold] if f else errors[errors <= threshold], edges, len(errors))
        for f in (0, 1)
    )
    before = _shares(scale, trained, edges, len(trained))
    top = max(float((normal + flagged).max()), float(before.max()))
    words = (
        f"Histogram of the errors of {counted(len(errors), 'row')} on a {scale.name}, "
        f"{int((errors > threshold).sum()):,} above the threshold of {number(threshold)}; the largest error is "
        f"{number(errors.max())}, the median {number(np.median(errors))}."
    )
    chart = Histogram(
        description=words,
        scale=scale.name,
        levels=[(_pixels(_y(share, top)), percent(share)) for share in (0.5 * top, top)],
        ticks=_ticks(scale),
        bars=_bars(edges, normal, flagged, top),
        outline=_outline(edges, before, top),
        threshold=threshold,
        threshold_x=_pixels(scale.x(threshold)),
    )
    return render("histogram", chart=chart)


def _pixels(place: float | np.ndarray) -> float:
    return round(float(place), 1)


def _shares(scale: Scale, errors: np.ndarray, edges: np.ndarray, n_rows: int) -> np.ndarray:
    return np.histogram(scale.x(errors), bins=edges)[0] / max(1, n_rows)


def _y(share: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share / top


def _bars(edges: np.ndarray, normal: np.ndarray, flagged: np.ndarray, top: float) -> list[Bar]:
    """Stack the flagged rows on the normal rows; each bar has a minimum height, so that rare errors stay visible."""
    floor, bars = _y(0, top), []
    for left, right, lower, upper in zip(edges[:-1], edges[1:], normal, flagged, strict=True):
        base = floor
        for share, kind in ((lower, "normal"), (upper, "flagged")):
            if share:
                height = max(_MIN_BAR_HEIGHT, floor - _y(share, top))
                base -= height
                bars.append(Bar(kind, *map(_pixels, (left + 0.5, base, right - left - 1, height))))
    return bars


def _outline(edges: np.ndarray, shares: np.ndarray, top: float) -> list[tuple[float, float]]:
    points = [(edges[0], _y(0, top))]
    for left, right, share in zip(edges[:-1], edges[1:], shares, strict=True):
        points += [(left, _y(share, top)), (right, _y(share, top))]
    return [(_pixels(x), _pixels(y)) for x, y in [*points, (edges[-1], _y(0, top))]]


def _ticks(scale: Scale) -> list[Tick]:
    """Return the ticks; those that are too close to an earlier tick have no words."""
    ticks, last = [], -np.inf
    for place, tick in enumerate(scale.ticks):
        x = float(scale.x(tick))
        is_far = x - last >= _TICK_SPACING
        last = x if is_far else last
        ticks.append(Tick(_pixels(x), number(tick) if is_far else "", bool(place % 2)))
    return ticks
