"""The data of a report, independent of its layout."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly.inspection._access import ScoredRows
from aeanomaly.inspection._text import index_name
from aeanomaly.inspection.drift import column_drift
from aeanomaly.preprocessing import as_pandas, label_index, rows_of

#: Maximum number of columns in the details of a row.
_REASONS = 5


class Reason(NamedTuple):
    """Contribution of one column to the error of one row; `column` is the position, with `kl` last."""

    column: int
    observed: Any
    is_new: bool
    expected: Any
    contribution: float
    share: float
    tail_probability: float


class Row(NamedTuple):
    """A row in the list of lowest scores; `place` is its position in the table, from 0."""

    place: int
    label: Any
    score: float
    decision: float
    sentence: str
    reasons: list[Reason]


class ReportData(NamedTuple):
    """Data that the report shows.

    Attributes
    ----------
    detector : BaseDetector
    names : list of str
        Names of the columns, followed by that of `kl` if the detector has such a term.
    row_name : str
        Name of the index, or "row".
    scores, decisions : ndarray (n,)
        Scores, and scores minus the offsets of the rows.
    rows : list of Row
        Rows in ascending order of their scores.
    top_columns : DataFrame (n_terms, 2)
        "top" is the share of flagged rows in which a term is the largest; "mean" is its mean share of their error.
    drift : DataFrame (n_features, 7)
    """

    detector: Any
    names: list[str]
    row_name: str
    scores: np.ndarray
    decisions: np.ndarray
    rows: list[Row]
    top_columns: pd.DataFrame
    drift: pd.DataFrame

    @property
    def flagged(self) -> np.ndarray:
        """Boolean mask of the flagged rows, (n,)."""
        return self.decisions < 0


def collect(scored: ScoredRows, n_rows: int) -> ReportData:
    """Score and explain the rows, and compare their columns with the training rows."""
    scored = scored._replace(rows=_indexable(scored.rows))
    scores = scored.scores
    decisions = scores - scored.detector.offsets(scored.rows)
    worst = np.argsort(scores, kind="stable")[:n_rows]
    details = _take(scored, worst).details()
    names = [str(name) for name in details["contribution"].columns]
    return ReportData(
        detector=scored.detector,
        names=names,
        row_name=index_name(scored.index),
        scores=scores,
        decisions=decisions,
        rows=_rows(scored, worst, scores, decisions, details),
        top_columns=_top_columns(_take(scored, np.flatnonzero(decisions < 0)), names),
        drift=column_drift(scored.detector, scored.rows).set_axis(
            label_index(names[: scored.detector.n_features_in_]), axis=0
        ),
    )


def _indexable(rows: Any) -> Any:
    """Convert rows to a pandas DataFrame or an array, from which rows can be selected by position."""
    frame = as_pandas(rows)
    if frame is not None:
        return frame
    array = np.asarray(rows)
    return array if array.dtype.kind in "biuf" else np.asarray(rows, dtype=object)


def _take(scored: ScoredRows, places: np.ndarray) -> ScoredRows:
    return scored._replace(
        rows=rows_of(scored.rows, places), index=None if scored.index is None else scored.index[places]
    )


def _rows(
    scored: ScoredRows, worst: np.ndarray, scores: np.ndarray, decisions: np.ndarray, details: pd.DataFrame
) -> list[Row]:
    some = _take(scored, worst)
    labels = worst.tolist() if some.index is None else list(some.index)
    model = some.detector.state_.model
    columns, numbers = model.columns, model.validate(some.detector, some.rows)
    unknown = np.array([getattr(column, "unknown", np.nan) for column in columns])
    parts = {part: details[part].to_numpy(dtype=object) for part in ("observed", "expected", "tail_probability")}
    parts["is_new"] = numbers == unknown  # a category that was not in the training rows
    parts_of_error = np.maximum(details["contribution"].to_numpy(), 0)
    sentences = some.detector.explain_text(some.rows)
    return [
        Row(
            place=place,
            label=label,
            score=float(scores[place]),
            decision=float(decisions[place]),
            sentence=sentence,
            reasons=[
                _reason_of({part: values[row] for part, values in parts.items()}, parts_of_error[row], term)
                for term in _largest_terms(parts_of_error[row])
            ],
        )
        for row, (place, label, sentence) in enumerate(zip(worst.tolist(), labels, sentences, strict=True))
    ]


def _largest_terms(parts_of_error: np.ndarray) -> list[int]:
    order = np.argsort(-parts_of_error, kind="stable")[:_REASONS]
    return [int(term) for term in order if parts_of_error[term] > 0]


def _reason_of(parts_of_row: dict[str, np.ndarray], parts_of_error: np.ndarray, term: int) -> Reason:
    contribution, share = float(parts_of_error[term]), float(parts_of_error[term] / parts_of_error.sum())
    if term >= len(parts_of_row["observed"]):
        return Reason(term, None, False, None, contribution, share, float("nan"))
    return Reason(
        column=term,
        observed=parts_of_row["observed"][term],
        is_new=bool(parts_of_row["is_new"][term]),
        expected=parts_of_row["expected"][term],
        contribution=contribution,
        share=share,
        tail_probability=float(parts_of_row["tail_probability"][term]),
    )


def _top_columns(flagged: ScoredRows, names: list[str]) -> pd.DataFrame:
    if not len(flagged.rows):
        return pd.DataFrame(np.zeros((len(names), 2)), index=label_index(names), columns=["top", "mean"])
    parts_of_error = np.maximum(flagged.contributions().to_numpy(), 0)
    top = np.bincount(parts_of_error.argmax(axis=1), minlength=len(names)) / len(parts_of_error)
    mean = (parts_of_error / np.maximum(parts_of_error.sum(axis=1, keepdims=True), np.finfo(float).tiny)).mean(axis=0)
    return pd.DataFrame({"top": top, "mean": mean}, index=label_index(names))
