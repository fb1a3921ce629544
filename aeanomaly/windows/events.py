"""Events: runs of flagged rows."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.detectors import BaseDetector
from aeanomaly.preprocessing import cells_as_given
from aeanomaly.windows.model import Table, WindowedModel, WindowedState
from aeanomaly.windows.reasons import main_columns, sentences, terms_of

#: Maximum number of columns that an event names.
_MOST_COLUMNS = 3


def find_events(state: WindowedState, table: Table, index: pd.Index, min_length: int, cooldown: int) -> pd.DataFrame:
    """Return a frame of the runs of flagged rows; see `WindowedDetector.events`. `index` is that of the table."""
    model, order, places = state.model, state.model.order, table.rows.places
    cells = cells_as_given(table.given)
    labels = index if order.time is None else cells[model.names.index(order.time)]
    scores = model.apply(model.detector.score_samples, table)[places]
    offsets = state.calibration.offsets(table.given, len(places))[places]
    runs = runs_of(scores < offsets, table.rows.age, min_length, cooldown)
    worst = np.array([first + int(np.argmin(scores[first : last + 1])) for first, last in runs], dtype=np.intp)
    named = {"first": [first for first, _ in runs], "last": [last for _, last in runs], "worst": worst}
    usual = float(np.median(state.calibration.summary.values))
    spread = np.where(usual > offsets[worst], usual - offsets[worst], np.nan)
    events: dict[Any, Any] = {
        name: cells[model.names.index(name)].iloc[places[worst]].to_numpy() for name in order.groups
    }
    events |= {name: labels.take(places[np.array(rows, dtype=np.intp)]).to_numpy() for name, rows in named.items()}
    events["n_rows"] = np.array([last - first + 1 for first, last in runs], dtype=np.int64)
    events["severity"] = (usual - scores[worst]) / spread
    events["columns"], events["explanation"] = _explained(model, table, worst)
    return pd.DataFrame(events)


def runs_of(is_flagged: np.ndarray, age: np.ndarray, min_length: int, cooldown: int) -> list[tuple[int, int]]:
    """Return the first and the last position of each run of flagged rows.

    Parameters
    ----------
    is_flagged : ndarray of bool (N,)
    age : ndarray of int (N,)
        Number of rows before each row in its segment; a run ends with its segment.
    min_length : int
        Minimum number of flagged rows in a run.
    cooldown : int
        Maximum number of normal rows between flagged rows of a run.
    """
    flagged = np.flatnonzero(is_flagged)
    segment = np.cumsum(age == 0)
    ends = (np.diff(flagged) > cooldown + 1) | (np.diff(segment[flagged]) > 0)
    runs = np.split(flagged, np.flatnonzero(ends) + 1)
    return [(int(run[0]), int(run[-1])) for run in runs if len(run) >= min_length]


def _explained(model: WindowedModel, table: Table, rows: np.ndarray) -> tuple[list[Any], list[Any]]:
    """Return the columns with the largest terms of some rows, and sentences; None without terms."""
    if not isinstance(model.detector, BaseDetector) or len(rows) == 0:
        return [None] * len(rows), [None] * len(rows)
    inputs = model.select(table, rows)
    terms = np.maximum(terms_of(model, inputs)[:, : len(model.inputs)], 0)
    named = [main_columns(model, of_row, _MOST_COLUMNS) for of_row in terms]
    return [", ".join(model.labels[j] for j in columns) for columns in named], sentences(
        model, inputs, _MOST_COLUMNS
    ).tolist()
