"""What a report tells, before it is a page."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly.inspection._access import Seen
from aeanomaly.inspection.drift import column_drift

#: Columns that a row's details tell of.
_REASONS = 5


class Reason(NamedTuple):
    """What one column adds to the error of one row; `column` is its place, that of `kl` is behind all others."""

    column: int
    observed: Any
    is_new: bool
    expected: Any
    contribution: float
    share: float
    tail_probability: float


class Row(NamedTuple):
    """One of the worst rows; `place` counts from 0 in the table."""

    place: int
    label: Any
    score: float
    decision: float
    sentence: str
    reasons: list[Reason]


class Findings(NamedTuple):
    """All that a page shows.

    Attributes
    ----------
    detector : BaseDetector
    names : list of str
        Of the columns, with that of `kl` behind them where there is one.
    row_name : str
        What rows are called.
    scores : ndarray (n,)
    rows : list of Row
        The worst first.
    blame : DataFrame (n_terms, 2)
        Of each term: "top", the share of flagged rows in which it is the largest, and "mean", its mean share of
        their error.
    drift : DataFrame (n_features, 5)
    """

    detector: Any
    names: list[str]
    row_name: str
    scores: np.ndarray
    rows: list[Row]
    blame: pd.DataFrame
    drift: pd.DataFrame

    @property
    def flagged(self) -> np.ndarray:
        """Whether rows are, (n,)."""
        return self.scores - self.detector.offset_ < 0


def find(seen: Seen, n_rows: int) -> Findings:
    """Score, explain and compare."""
    seen = seen._replace(rows=_as_rows(seen.rows))
    scores, offset = seen.scores, float(seen.detector.offset_)
    worst = np.argsort(scores, kind="stable")[:n_rows]
    details = _some(seen, worst).details()
    names = [str(name) for name in details["contribution"].columns]
    return Findings(
        detector=seen.detector,
        names=names,
        row_name=_name_of_rows(seen.index),
        scores=scores,
        rows=_rows(seen, worst, scores, details),
        blame=_blame(_some(seen, np.flatnonzero(scores - offset < 0)), names),
        drift=column_drift(seen.detector, seen.rows).set_axis(names[: seen.detector.n_features_in_], axis=0),
    )


def _as_rows(rows: Any) -> Any:
    """A DataFrame of pandas or an array, of which some rows can be taken."""
    if isinstance(rows, (pd.DataFrame, np.ndarray)):
        return rows
    if hasattr(rows, "to_pandas"):
        try:
            return rows.to_pandas()
        except ImportError:  # polars without pyarrow
            return pd.DataFrame(rows.to_dict(as_series=False))
    array = np.asarray(rows)
    return array if array.dtype.kind in "biuf" else np.asarray(rows, dtype=object)


def _some(seen: Seen, places: np.ndarray) -> Seen:
    rows = seen.rows.iloc[places] if isinstance(seen.rows, pd.DataFrame) else seen.rows[places]
    return seen._replace(rows=rows, index=None if seen.index is None else seen.index[places])


def _name_of_rows(index: Any) -> str:
    names = [] if index is None else [str(name) for name in index.names if name is not None]
    return ", ".join(names) or "row"


def _rows(seen: Seen, worst: np.ndarray, scores: np.ndarray, details: pd.DataFrame) -> list[Row]:
    some = _some(seen, worst)
    labels = worst.tolist() if some.index is None else list(some.index)
    columns, numbers = some.detector._model.schema.columns, some.detector._checked(some.rows)
    unknown = np.array([getattr(column, "unknown", np.nan) for column in columns])
    parts = {part: details[part].to_numpy(dtype=object) for part in ("observed", "expected", "tail_probability")}
    parts["is_new"] = numbers == unknown  # a level that training did not know
    added = np.maximum(details["contribution"].to_numpy(), 0)
    sentences = some.detector.explain_text(some.rows)
    return [
        Row(
            place=place,
            label=label,
            score=float(scores[place]),
            decision=float(scores[place] - seen.detector.offset_),
            sentence=sentence,
            reasons=[
                _reason({part: values[row] for part, values in parts.items()}, added[row], term)
                for term in _largest(added[row])
            ],
        )
        for row, (place, label, sentence) in enumerate(zip(worst.tolist(), labels, sentences, strict=True))
    ]


def _largest(added: np.ndarray) -> list[int]:
    order = np.argsort(-added, kind="stable")[:_REASONS]
    return [int(term) for term in order if added[term] > 0]


def _reason(known: dict[str, np.ndarray], added: np.ndarray, term: int) -> Reason:
    contribution, share = float(added[term]), float(added[term] / added.sum())
    if term >= len(known["observed"]):
        return Reason(term, None, False, None, contribution, share, float("nan"))
    return Reason(
        column=term,
        observed=known["observed"][term],
        is_new=bool(known["is_new"][term]),
        expected=known["expected"][term],
        contribution=contribution,
        share=share,
        tail_probability=float(known["tail_probability"][term]),
    )


def _blame(flagged: Seen, names: list[str]) -> pd.DataFrame:
    if not len(flagged.rows):
        return pd.DataFrame(np.zeros((len(names), 2)), index=pd.Index(names), columns=["top", "mean"])
    added = np.maximum(flagged.contributions().to_numpy(), 0)
    top = np.bincount(added.argmax(axis=1), minlength=len(names)) / len(added)
    mean = (added / np.maximum(added.sum(axis=1, keepdims=True), np.finfo(float).tiny)).mean(axis=0)
    return pd.DataFrame({"top": top, "mean": mean}, index=pd.Index(names))
