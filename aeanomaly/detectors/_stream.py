"""Scores of rows that arrive one at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aeanomaly.fitting import FittedModel
from aeanomaly.preprocessing import Column, are_numeric

if TYPE_CHECKING:
    from aeanomaly.detectors._base import BaseDetector


class ScoredRow:
    """Score of a row; ``score, decision, reasons = row`` unpacks it.

    Attributes
    ----------
    score : float
        Higher = more normal; bitwise equal to that of `score_samples`.
    decision : float
        Score minus the offset; below 0 for anomalies.
    """

    __slots__ = ("_explain", "decision", "score")

    def __init__(self, score: float, decision: float, explain: Callable[[], str]):
        self.score, self.decision, self._explain = score, decision, explain

    @property
    def is_anomaly(self) -> bool:
        """True if the score is below the offset."""
        return self.decision < 0

    @property
    def reasons(self) -> str:
        """Sentence with the columns that contribute most, as from `explain_text`; computed on access."""
        return self._explain()

    def __iter__(self) -> Iterator[Any]:
        yield from (self.score, self.decision, self.reasons)

    def __repr__(self) -> str:
        return f"ScoredRow(score={self.score:.4g}, decision={self.decision:.4g}, is_anomaly={self.is_anomaly})"


class RowReader:
    """Conversion of single rows to the columns of a training table.

    Parameters
    ----------
    names : sequence of str or None
        Names of the columns; None for an array.
    columns : sequence of Column (F,)
        Types of the columns.
    allow_nan : bool
        Accept missing values.
    """

    def __init__(self, names: Sequence[str] | None, columns: Sequence[Column], *, allow_nan: bool):
        self._names, self._columns, self._allow_nan = names, columns, allow_nan

    def cells(self, row: Any) -> list[Any]:
        """Return the cells of a mapping or sequence in the order of the training table."""
        if isinstance(row, (Mapping, pd.Series)) and self._names is not None:
            missing = [name for name in self._names if name not in row]
            if missing:
                raise ValueError(f"the row has no cell of column {missing[0]!r}; pass {list(self._names)}")
            return [row[name] for name in self._names]
        if isinstance(row, str) or not isinstance(row, Iterable):
            raise TypeError(f"the row must be a mapping or a sequence of cells; got {row!r}")
        cells = list(row.values()) if isinstance(row, Mapping) else list(row)
        if len(cells) != len(self._columns):
            raise ValueError(f"the row has {len(cells)} cells, but the training table has {len(self._columns)} columns")
        return cells

    def table(self, cells: Sequence[Any]) -> Any:
        """Return a table of one row: a frame if the training table was one, else an array."""
        if self._names is None:
            return np.array([cells], dtype=None if are_numeric(self._columns) else object)
        return pd.DataFrame([list(cells)], columns=list(self._names))

    def numbers(self, cells: Sequence[Any], places: Sequence[int] | None = None) -> np.ndarray:
        """Return the cells of numeric columns, all by default, as numbers (1, F)."""
        places = range(len(cells)) if places is None else places
        try:
            numbers = np.array(
                [[np.nan if cells[j] is None or cells[j] is pd.NA else cells[j] for j in places]], dtype=np.float64
            )
        except (TypeError, ValueError):
            bad = next(j for j in places if not _is_number(cells[j]))
            raise ValueError(f"column {self._label(bad)} holds {cells[bad]!r}, which is not a number") from None
        wrong = np.isinf(numbers) if self._allow_nan else ~np.isfinite(numbers)
        if wrong.any():
            j = list(places)[int(np.argmax(wrong))]
            kind = "NaN" if np.isnan(numbers[0, int(np.argmax(wrong))]) else "infinity"
            raise ValueError(f"column {self._label(j)} holds {kind}; pass a finite number")
        return numbers

    def _label(self, place: int) -> str:
        return repr(place if self._names is None else self._names[place])


class SingleRows:
    """Fast scores of single rows by a fitted model of numeric columns."""

    def __init__(self, model: FittedModel):
        self._model = model.for_single_rows()

    @staticmethod
    def accepts(model: FittedModel) -> bool:
        """Return True if all columns of the model are numeric."""
        return are_numeric(model.columns)

    def score(self, numbers: np.ndarray) -> float:
        """Return the score of a row (1, F), with the bits of `score_samples`."""
        return -float(self._model.errors(numbers)[0])


class RowStream:
    """Scores of rows that arrive one at a time, by a fitted detector; made by its method `stream`.

    Later fits and thresholds of the detector do not change the stream.
    """

    def __init__(self, detector: "BaseDetector"):
        model, self._detector = detector.state_.model, detector
        names = getattr(detector, "feature_names_in_", None)
        self._reader = RowReader(names, model.columns, allow_nan=model.allow_nan)
        has_one_offset = detector.state_.calibration.groups is None
        self._single = SingleRows(model) if SingleRows.accepts(model) and has_one_offset else None

    def update(self, row: Any) -> ScoredRow:
        """Score a row.

        Parameters
        ----------
        row : mapping or sequence
            Cells by column name, or in the order of the training table.

        Returns
        -------
        scored : ScoredRow
            Score, decision and reasons.

        Raises
        ------
        ValueError
            If a cell is missing or invalid.
        """
        cells, detector = self._reader.cells(row), self._detector
        if self._single is None:
            table = self._reader.table(cells)
            score = float(detector.score_samples(table)[0])
            decision = score - float(detector.state_.calibration.offsets(table, 1)[0])
        else:
            score = self._single.score(self._reader.numbers(cells))
            decision = score - detector.offset_
        return ScoredRow(score, decision, lambda: str(detector.explain_text(self._reader.table(cells)).iloc[0]))


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (TypeError, ValueError):
        return cell is None or cell is pd.NA
    return True
