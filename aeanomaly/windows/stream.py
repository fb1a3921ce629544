"""Scores of the rows of series that arrive one at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.detectors import BaseDetector, RowReader, ScoredRow, SingleRows
from aeanomaly.preprocessing import Datetime, cell_texts
from aeanomaly.windows.model import WindowedState
from aeanomaly.windows.reasons import sentences
from aeanomaly.windows.rows import OrderedRows


@dataclass(frozen=True)
class _Series:
    """Last rows of a series.

    Attributes
    ----------
    time : float or None
        Time of the last row.
    age : int
        Number of rows before the last row in its segment.
    readings : ndarray (n, C)
        Readings of the last rows, at most those of a window; the last known reading for a missing one.
    """

    time: float | None
    age: int
    readings: np.ndarray


class WindowStream:
    """Scores of rows that arrive one at a time; made by the method `stream` of a `WindowedDetector`.

    Later fits and thresholds of the detector do not change the stream. It can be pickled.
    """

    def __init__(self, state: WindowedState, names: Sequence[str] | None, *, allow_nan: bool):
        model = state.model
        self._model, self._calibration, self._series = model, state.calibration, dict[tuple[str, ...], _Series]()
        self._reader = RowReader(names, model.types, allow_nan=allow_nan)
        detector = model.detector
        is_fast = isinstance(detector, BaseDetector) and SingleRows.accepts(detector.state_.model)
        self._single = SingleRows(detector.state_.model) if is_fast else None

    def update(self, row: Any) -> ScoredRow:
        """Score the next row of its series.

        Parameters
        ----------
        row : mapping or sequence
            Cells by column name, or in the order of the training table, with those of `time` and `groups`. Without a
            column `time`, rows follow each other without gaps.

        Returns
        -------
        scored : ScoredRow
            Score, decision and reasons.

        Raises
        ------
        ValueError
            If a cell is invalid, or missing for a detector that does not accept it, or if the row is earlier than the
            last row of its series. The stream is then unchanged.
        """
        model, cells = self._model, self._reader.cells(row)
        group = tuple(_text(cells[model.names.index(name)]) for name in model.order.groups)
        readings = self._reader.numbers(cells, model.readings)
        series = self._extended(self._series.get(group), self._time(cells), readings)
        features = self._features(series, readings)
        score = self._score(features, cells)
        self._series[group] = series
        decision = score - self._offset(cells)
        return ScoredRow(score, decision, lambda: str(sentences(model, self._input(features, cells), 3)[0]))

    def state(self) -> dict[str, Any]:
        """Return the last rows of each series as plain lists and numbers, such as for a JSON file.

        ``detector.stream(state)`` continues from them.
        """
        return {
            "window": self._window,
            "series": [
                {
                    "group": list(group),
                    "time": series.time,
                    "age": series.age,
                    "readings": [
                        [None if np.isnan(cell) else cell for cell in row] for row in series.readings.tolist()
                    ],
                }
                for group, series in self._series.items()
            ],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state`.

        Raises
        ------
        ValueError
            If the state is that of other windows or columns.
        """
        try:
            found = {
                tuple(series["group"]): _Series(
                    series["time"], int(series["age"]), np.array(series["readings"], dtype=np.float64)
                )
                for series in state["series"]
            }
            shapes = {series.readings.shape[1:] for series in found.values()} | {(len(self._model.readings),)}
            are_valid = all(
                series.age >= 0 and len(series.readings) and isinstance(series.time, (int, float, NoneType))
                for series in found.values()
            )
            is_own = are_valid and state["window"] == self._window and len(shapes) == 1
        except (KeyError, TypeError, ValueError):
            is_own = False
        if not is_own:
            raise ValueError(
                f"the state is not one of a stream with windows of {self._window} rows and "
                f"{len(self._model.readings)} readings a row; pass the state of a stream of the same detector"
            )
        self._series = found

    def _offset(self, cells: list[Any]) -> float:
        if self._calibration.groups is None:
            return self._calibration.threshold.offset
        return float(self._calibration.offsets(self._reader.table(cells), 1)[0])

    @property
    def _window(self) -> int:
        return 1 if self._model.features is None else self._model.features.window

    def _time(self, cells: list[Any]) -> float | None:
        """Return the time of a row; None without a column of times."""
        order = self._model.order
        if order.time is None:
            return None
        place = self._model.names.index(order.time)
        cell, column = cells[place], self._model.types[place]
        try:
            time = _seconds(cell, column) if isinstance(column, Datetime) else float(cell)
        except (TypeError, ValueError):
            time = np.nan
        if np.isnan(time):
            zone = f" (time zone: {column.zone or 'none'})" if isinstance(column, Datetime) else ""
            raise ValueError(f"column {order.time!r} holds {cell!r}, which is not a time as in training{zone}")
        return time

    def _extended(self, series: _Series | None, time: float | None, readings: np.ndarray) -> _Series:
        """Return a series with one more row."""
        if series is not None and time is not None and series.time is not None:
            if time < series.time:
                raise ValueError("the row is earlier than the last row of its series; pass rows in order of time")
            gap = self._model.order.longest_gap
            if gap is not None and time - series.time > gap:
                series = None
        if series is None:
            return _Series(time, 0, readings)
        known = np.where(np.isnan(readings), series.readings[-1:], readings)
        return _Series(time, series.age + 1, np.concatenate([series.readings, known])[-self._window :])

    def _features(self, series: _Series, readings: np.ndarray) -> np.ndarray | None:
        """Return the features of the last row (1, F); None for windows of one row."""
        if self._model.features is None:
            return None
        n_rows = len(series.readings)
        given = np.concatenate([series.readings[:-1], readings])
        age = np.arange(series.age - n_rows + 1, series.age + 1)
        rows = OrderedRows.of(given, age, np.zeros(n_rows, dtype=np.intp), np.arange(n_rows))
        return next(self._model.features.transform(rows))[-1:]

    def _score(self, features: np.ndarray | None, cells: list[Any]) -> float:
        if self._single is None:
            return float(np.asarray(self._model.detector.score_samples(self._input(features, cells)))[0])
        return self._single.score(self._reader.numbers(cells, self._model.free) if features is None else features)

    def _input(self, features: np.ndarray | None, cells: list[Any]) -> Any:
        """Return the input of the wrapped detector for a row."""
        if features is None:
            return self._model.without_order(self._reader.table(cells))
        others = [cells[j] for j in self._model.others]
        return self._model.input_frame(features, pd.DataFrame([others]) if others else None)


def _seconds(cell: Any, column: Datetime) -> float:
    """Return a time in seconds; NaN if it has a time zone, but those in training had not, or the reverse."""
    time = pd.Timestamp(cell)
    return time.timestamp() if (time.tzinfo is None) == (column.zone is None) else np.nan


def _text(cell: Any) -> str:
    """Return the text of a cell, by which `group_labels` tells groups apart."""
    return cell if isinstance(cell, str) else str(cell_texts(pd.Series([cell]))[0])
