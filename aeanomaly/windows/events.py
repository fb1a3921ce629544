"""Events: runs of flagged rows."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.detectors import BaseDetector
from aeanomaly.preprocessing import cells_as_given
from aeanomaly.windows.model import Table, WindowedState
from aeanomaly.windows.reasons import main_columns, terms_of

#: Maximum number of columns that an event names.
_MOST_COLUMNS = 3


def find_events(
    state: WindowedState,
    table: Table,
    index: pd.Index,
    scores: np.ndarray,
    offsets: np.ndarray,
    *,
    min_length: int,
    cooldown: int,
) -> pd.DataFrame:
    """Return a frame of the runs of rows with scores below their offsets; see `WindowedDetector.events`.

    `index`, `scores` and `offsets` are in the order of the table.
    """
    places, order = table.rows.places, state.model.order
    cells = cells_as_given(table.given)
    labels = index if order.time is None else cells[state.model.names.index(order.time)]
    runs = runs_of((scores < offsets)[places], table.rows.age, min_length, cooldown)
    worst = [places[first + int(np.argmin(scores[places[first : last + 1]]))] for first, last in runs]
    first, last = (places[[run[end] for run in runs]] for end in (0, 1))
    usual = float(np.median(state.calibration.summary.values))
    spread = np.maximum(usual - offsets[worst], np.finfo(float).tiny)
    events: dict[Any, Any] = {
        name: cells[state.model.names.index(name)].iloc[worst].to_numpy() for name in order.groups
    }
    events |= {
        name: labels.take(rows).to_numpy() for name, rows in (("first", first), ("last", last), ("worst", worst))
    }
    events["n_rows"] = np.array([last - first + 1 for first, last in runs], dtype=np.int64)
    events["severity"] = (usual - scores[worst]) / spread
    events["columns"] = _columns(state, table, np.array(worst, dtype=np.intp))
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


def _columns(state: WindowedState, table: Table, rows: np.ndarray) -> list[Any]:
    """Return the names of the columns with the largest terms of some rows; None without terms."""
    model = state.model
    if not isinstance(model.detector, BaseDetector) or len(rows) == 0:
        return [None] * len(rows)
    terms = model.apply(lambda block: terms_of(model, block), table)[rows, : len(model.inputs)]
    found = [main_columns(model, of_row, _MOST_COLUMNS) for of_row in np.maximum(terms, 0)]
    return [", ".join(model.labels[j] for j in named) for named in found]
