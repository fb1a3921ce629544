"""Scatter plot of observed against reconstructed cells of one column: scales, diagonal and coordinates."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.inspection._drawing import BLACK, BLUE, ORANGE, ground, set_ticks, texts_of
from aeanomaly.preprocessing import numbers_or_missing, times

#: Maximum number of categories on an axis; the rarer ones share one position.
_MAX_CATEGORIES = 7
#: Largest random offset of a point from the position of its category, so that points do not overlap.
_JITTER = 0.32
#: The scale is logarithmic if the range exceeds the interquartile range by this factor.
_LOG_SCALE_FACTOR = 10

#: Minimum distances between two labels of points, as shares of the width and of the height of the axes.
_LABEL_SPACE = (0.55, 0.12)
#: Axes of larger numbers overflow.
_LARGEST = 1e300
#: Days that matplotlib can draw, with a margin beside them: the years 477 to 9521.
_DAYS = (-545_000.0, 2_758_000.0)


def positions(axis: Any, observed: pd.Series, reconstructed: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Set up the axes for a column and return the coordinates of its rows, (n,) each; NaN for rows not to draw."""
    # The detector sets the dtype of reconstructed cells; observed cells have any dtype.
    if isinstance(reconstructed.dtype, pd.CategoricalDtype):
        return _categories(axis, observed, reconstructed)
    if pd.api.types.is_datetime64_any_dtype(reconstructed.dtype):
        return _times(axis, times(observed), reconstructed)
    if pd.api.types.is_timedelta64_dtype(reconstructed.dtype):
        hours = (cells.dt.total_seconds().to_numpy() / 3600 for cells in (pd.to_timedelta(observed), reconstructed))
        return _numbers(axis, *hours)
    return _numbers(axis, numbers_or_missing(observed), reconstructed.to_numpy(dtype=np.float64))


def label_points(axis: Any, x: np.ndarray, y: np.ndarray, labels: dict[int, str]) -> None:
    """Mark points and write the labels of their rows beside them, within the frame.

    Labels that would cover earlier labels are omitted.

    Parameters
    ----------
    axis : matplotlib Axes
    x, y : ndarray (n,)
        Coordinates of all rows; NaN for rows that are not drawn.
    labels : dict of int to str
        Labels by row.
    """
    axis.autoscale_view()
    written: list[np.ndarray] = []
    for row, text in labels.items():
        if not np.isfinite(x[row] + y[row]):
            continue
        place = axis.transAxes.inverted().transform(axis.transData.transform((x[row], y[row])))
        if any((np.abs(place - other) < _LABEL_SPACE).all() for other in written):
            continue
        written.append(place)
        axis.scatter(x[row], y[row], s=14, color=ORANGE, edgecolors=BLACK, linewidths=0.7, zorder=3)
        is_right, is_top = place > (0.5, 0.85)
        axis.annotate(
            text,
            (x[row], y[row]),
            (-3 if is_right else 3, -2 if is_top else 2),
            textcoords="offset points",
            ha="right" if is_right else "left",
            va="top" if is_top else "bottom",
            fontsize="x-small",
            bbox=ground(axis),
            zorder=4,
        )


def _numbers(axis: Any, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.clip(x, -_LARGEST, _LARGEST), np.clip(y, -_LARGEST, _LARGEST)
    there = np.isfinite(x) & np.isfinite(y)
    if there.any():
        both = np.concatenate([x[there], y[there]])
        low, high = both.min(), both.max()
        unit = float(np.subtract(*np.quantile(x[there], [0.75, 0.25])))
        if high - low > _LOG_SCALE_FACTOR * unit > 0:
            scale: dict[str, Any] = {"value": "log"} if low > 0 else {"value": "asinh", "linear_width": unit}
            axis.set_xscale(**scale)
            axis.set_yscale(**scale)
            for side in (axis.xaxis, axis.yaxis):
                set_ticks(side, low, high, scale.get("linear_width"))
        else:
            axis.locator_params(nbins=5)
        axis.plot([low, high], [low, high], color=BLUE, linewidth=1, zorder=0)
    return x, y


def _times(axis: Any, observed: pd.Series, reconstructed: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    days = []
    for points, side in ((observed, axis.xaxis), (reconstructed, axis.yaxis)):
        wall = points if points.dt.tz is None else points.dt.tz_localize(None)
        days.append(np.where(points.isna(), np.nan, date2num(wall.fillna(pd.Timestamp(0)).to_numpy())))
        locator = AutoDateLocator(maxticks=5)
        side.set_major_locator(locator)
        side.set_major_formatter(ConciseDateFormatter(locator, show_offset=side is axis.xaxis))
    x, y = (np.clip(points, *_DAYS) for points in days)
    if np.isfinite(x + y).any():
        low, high = np.nanmin([x, y]), np.nanmax([x, y])
        axis.plot([low, high], [low, high], color=BLUE, linewidth=1, zorder=0)
    return x, y


def _categories(axis: Any, observed: pd.Series, reconstructed: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Place categories by frequency, then the rare ones at one position, then missing values."""
    columns = [cells.astype(object) for cells in (observed, reconstructed)]
    common = pd.concat(columns).value_counts()
    names = list(common.index) if len(common) <= _MAX_CATEGORIES + 1 else list(common.index[:_MAX_CATEGORIES])
    positions: dict[Any, float] = {name: float(place) for place, name in enumerate(names)}
    labels = texts_of(names, most=12)
    if len(names) < len(common):
        labels.append("others")
    missing_position = float(len(labels))
    if any(cells.isna().any() for cells in columns):
        labels.append("missing")
    stream = np.random.default_rng(0)
    x, y = (
        np.array([missing_position if pd.isna(cell) else positions.get(cell, float(len(names))) for cell in cells])
        + stream.uniform(-_JITTER, _JITTER, size=len(cells))
        for cells in columns
    )
    axis.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(labels)), labels)
    axis.plot([0, len(labels) - 1], [0, len(labels) - 1], color=BLUE, linewidth=1, zorder=0)
    return x, y
