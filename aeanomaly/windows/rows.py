"""Rows in order: series, their segments, and the rows that precede each row."""

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly._counts import counted
from aeanomaly._warnings import warn
from aeanomaly.preprocessing import as_pandas, group_labels, infer_cell_type, order_of_time
from aeanomaly.windows.trailing import rows_since

#: A gap ends a window by "auto" if it is longer than this number of median steps.
_LONG_GAP = 10


@dataclass(frozen=True)
class OrderedRows:
    """Readings of one or several series, series by series, each in order of time.

    Attributes
    ----------
    readings : ndarray (N, C)
        Missing readings are NaN.
    known : ndarray (N, C)
        The readings, with the last known one of the segment for a missing one; NaN before the first.
    age : ndarray of int (N,)
        Number of rows before each row in its segment: rows of the same series without a long gap between them.
    series : ndarray of int (N,)
        Number of the series of each row, in ascending order.
    places : ndarray of int (N,)
        Position of each row in the table.
    """

    readings: np.ndarray
    known: np.ndarray
    age: np.ndarray
    series: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, readings: np.ndarray, age: np.ndarray, series: np.ndarray, places: np.ndarray) -> "OrderedRows":
        """Fill missing readings of ordered rows."""
        return cls(readings, carried_forward(readings, age), age, series, places)

    def where(self, mask: np.ndarray) -> "OrderedRows":
        """Select rows by a mask (N,) that keeps the first rows of each series."""
        return OrderedRows(*(part[mask] for part in vars(self).values()))

    def with_windows(self, rows: np.ndarray, window: int) -> tuple["OrderedRows", np.ndarray]:
        """Select rows, given by ascending positions, and those of their windows.

        Returns
        -------
        selected : OrderedRows
            Runs of rows are segments of their own.
        places : ndarray of int
            Positions of the given rows among the selected ones.
        """
        changes = np.zeros(len(self.age) + 1, dtype=np.int64)
        np.add.at(changes, rows - np.minimum(self.age[rows], window - 1), 1)
        np.add.at(changes, rows + 1, -1)
        chosen = np.flatnonzero(np.cumsum(changes[:-1]))
        selected = OrderedRows(*(part[chosen] for part in vars(self).values()))
        age = np.minimum(selected.age, rows_since(np.diff(chosen, prepend=-2) > 1))
        return replace(selected, age=age), np.searchsorted(chosen, rows)

    def latest(self, share: float) -> np.ndarray:
        """Return a mask (N,) of the latest rows of each series, rounded down to whole rows."""
        sizes = np.bincount(self.series)
        until_end = np.cumsum(sizes)[self.series] - np.arange(len(self.series))
        return until_end <= np.floor(share * sizes + 1e-9)[self.series]

    def in_given_order(self, results: np.ndarray) -> np.ndarray:
        """Return results of the rows in the order of the table."""
        given = np.empty_like(results)
        given[self.places] = results
        return given


@dataclass(frozen=True)
class SeriesOrder:
    """Rules by which rows of a table follow each other.

    Attributes
    ----------
    time : str, int or None
        Column of times; None for the index, if it holds times, or else the order of the rows.
    groups : tuple of str or int
        Columns whose cells tell series apart.
    longest_gap : float or None
        Longest step between rows of a segment, in units of `times`; None without a limit.
    """

    time: str | int | None
    groups: tuple[str | int, ...]
    longest_gap: float | None = None

    @property
    def columns(self) -> tuple[str | int, ...]:
        """Columns that order the rows, and are not readings."""
        return self.groups if self.time is None else (self.time, *self.groups)

    def column_types(self, X: Any) -> dict[str | int, str]:
        """Return the type of the column of times, if there is one, so that it is not examined as readings."""
        if self.groups:
            group_labels(X, self.groups)  # raises an error for unknown columns
        if self.time is None:
            return {}
        self.times(X)
        frame = as_pandas(X)
        are_times = frame is not None and infer_cell_type(frame[self.time]) == "times"
        return {self.time: "datetime" if are_times else "numeric"}

    def times(self, X: Any) -> np.ndarray | None:
        """Return the times of the rows (N,), in seconds or in units of a numeric column; None without times."""
        if self.time is not None:
            return order_of_time(X, self.time, parameter="time")
        frame = as_pandas(X)
        if frame is None or not isinstance(frame.index, pd.DatetimeIndex):
            return None
        cells = frame.index.to_frame(index=False, name="the index")
        return order_of_time(cells, "the index", parameter="time")

    def with_gap(self, X: Any, longest: Any) -> "SeriesOrder":
        """Return the order with the longest gap: "auto" from the steps of training rows, a duration, or None."""
        times = self.times(X)
        if longest is None or times is None:
            return replace(self, longest_gap=None)
        if not (isinstance(longest, str) and longest == "auto"):
            is_number = isinstance(longest, Real) and not isinstance(longest, np.timedelta64)
            if not is_number and self.time is not None and self.column_types(X)[self.time] == "numeric":
                raise ValueError(
                    f"max_gap={longest!r} is a duration, but column {self.time!r} holds numbers; set a number"
                )
            gap = float(longest) if is_number else pd.Timedelta(longest).total_seconds()
            return replace(self, longest_gap=gap)
        series = self._series(X, len(times))
        places = np.argsort(series, kind="stable")
        steps = np.diff(times[places])[np.diff(series[places]) == 0]
        steps = steps[steps > 0]
        return replace(self, longest_gap=_LONG_GAP * float(np.median(steps)) if len(steps) else None)

    def read(self, X: Any, readings: np.ndarray) -> OrderedRows:
        """Sort readings (N, C) of the rows of a table by series, and count the rows before each row.

        Raises
        ------
        ValueError
            If the times of a series decrease.

        Warns
        -----
        UserWarning
            If rows of a series have the same time.
        """
        n_rows = len(readings)
        series, times = self._series(X, n_rows), self.times(X)
        places = np.argsort(series, kind="stable")
        starts = np.diff(series[places], prepend=-1) != 0
        if times is not None:
            steps = np.diff(times[places], prepend=np.nan)
            steps[starts] = np.nan
            self._check_steps(steps, places)
            if self.longest_gap is not None:
                starts |= steps > self.longest_gap
        ordered = readings[places] if self.groups else readings
        return OrderedRows.of(ordered, rows_since(starts), series[places], places)

    def _check_steps(self, steps: np.ndarray, places: np.ndarray) -> None:
        remedy = "" if self.groups else "; if the table holds several series, name their columns with groups=..."
        if (steps < 0).any():
            place = int(places[np.argmax(steps < 0)])
            by = "by its index" if self.time is None else f"by column {self.time!r}"
            raise ValueError(
                f"rows must be in order of time, but row {place} is earlier than the row before it; sort the table "
                f"{by}{remedy}"
            )
        if n_equal := int((steps == 0).sum()):
            verb = "has" if n_equal == 1 else "have"
            warn(
                f"{counted(n_equal, 'row')} {verb} the time of the row before; windows use the given order. "
                f"Drop repeated rows{remedy}"
            )

    def _series(self, X: Any, n_rows: int) -> np.ndarray:
        """Return the number of the series of each row, in order of appearance (N,)."""
        if not self.groups:
            return np.zeros(n_rows, dtype=np.intp)
        texts = [group_labels(X, [name]) for name in self.groups]
        return pd.factorize(texts[0] if len(texts) == 1 else pd.MultiIndex.from_arrays(texts))[0]


def carried_forward(readings: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Return the last known reading of the segment for missing ones; NaN before the first."""
    missing = np.isnan(readings)
    if not missing.any():
        return readings
    rows = np.arange(len(age))[:, None]
    last = np.maximum.accumulate(np.where(missing, -1, rows), axis=0)
    is_known = last >= rows - age[:, None]
    return np.where(is_known, np.take_along_axis(readings, np.maximum(last, 0), axis=0), np.nan)
