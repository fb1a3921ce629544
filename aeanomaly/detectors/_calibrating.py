"""Rows that calibrate a threshold: held out of a fit, or scored out of fold."""

from typing import Any, NamedTuple

import numpy as np

from aeanomaly.detectors._together import fit_together
from aeanomaly.preprocessing import rows_of
from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.thresholds import as_threshold, is_anomaly


class Rows(NamedTuple):
    """What a fit is given, read.

    Attributes
    ----------
    table : ndarray (N, F)
        Numbers of the rows to train on.
    held_out : ndarray (H, F)
        Numbers of those that only calibrate; often none.
    given, labels : array-like or None
        X and y as they came, where clones are to be fitted on parts of them.
    """

    table: np.ndarray
    held_out: np.ndarray
    given: Any = None
    labels: Any = None

    @classmethod
    def of(cls, table: np.ndarray) -> "Rows":
        """Rows that are all trained on."""
        return cls(table, table[:0])


class Calibration(NamedTuple):
    """What a threshold asks of the rows of a fit.

    Attributes
    ----------
    fraction : float or None
        Share of the rows to hold out.
    n_splits : int or None
        Folds in which all rows are to be scored, each by a clone that was fitted without it.
    needs_labels : bool
    """

    fraction: float | None
    n_splits: int | None
    needs_labels: bool

    @classmethod
    def wanted_by(cls, threshold: Any) -> "Calibration":
        rule = as_threshold(threshold)
        labels = getattr(rule, "labels", None)
        return cls(getattr(rule, "calibration_fraction", None), getattr(rule, "n_splits", None), labels == "needed")

    def __bool__(self) -> bool:
        return self.fraction is not None or self.n_splits is not None

    def n_held_out(self, n_rows: int) -> int:
        """Number of rows to hold out."""
        return 0 if self.fraction is None else max(1, round(self.fraction * n_rows))


def check_calibration(detector: Any, n_rows: int, y: Any) -> None:
    """Raise a ValueError where `contamination` asks for more than so many rows and these labels give."""
    threshold, owner = detector.contamination, type(detector).__name__
    wanted = Calibration.wanted_by(threshold)
    if not wanted:
        return
    if detector.warm_start:
        raise ValueError(
            f"{owner}: warm_start=True cannot go with contamination={threshold!r}, as rows that it would calibrate on "
            "may have been trained on before; set warm_start=False, or contamination='auto' and call "
            "set_threshold(rule, X) with new rows after the fit"
        )
    if wanted.needs_labels:
        if y is None:
            raise ValueError(
                f"{owner}: contamination={threshold!r} needs labels; call fit(X, y), 1 = anomaly of (0, 1), or "
                "-1 = anomaly of (1, -1), or set contamination='auto' and call set_threshold(rule, X, y) after the fit"
            )
        if len(is_anomaly(f"{owner}: contamination={threshold!r}", y)) != n_rows:
            raise ValueError(f"{owner}: X has {n_rows} rows, and y has {len(y)} labels; pass a label for each row")
    n_calibration = wanted.n_held_out(n_rows) if wanted.fraction is not None else n_rows
    n_trained = n_rows - (n_calibration if wanted.fraction is not None else -(-n_rows // (wanted.n_splits or 1)))
    if n_trained < 2 or n_rows < (wanted.n_splits or 1):
        raise ValueError(
            f"{owner}: contamination={threshold!r} leaves {max(0, n_trained)} of {n_rows} rows to train on, and that "
            "needs at least 2; pass more rows"
        )
    if callable(check := getattr(threshold, "check", None)):
        try:
            check(n_calibration)
        except ValueError as error:
            raise ValueError(f"{owner}: contamination={threshold!r}, fitted on {n_rows} rows: {error}") from None


def held_out_rows(detector: Any, n_rows: int) -> np.ndarray:
    """Which rows a fit holds out for its threshold, (n_rows,)."""
    held_out = np.zeros(n_rows, dtype=bool)
    order = numpy_stream(MemberKey(detector._seed), "calibration rows").permutation(n_rows)
    held_out[order[: Calibration.wanted_by(detector.contamination).n_held_out(n_rows)]] = True
    return held_out


def scores_out_of_fold(detector: Any, X: Any, n_rows: int, n_splits: int) -> np.ndarray:
    """Score of each row by a clone that was fitted on the rows of the other folds, (n_rows,)."""
    how = {"contamination": "auto", "warm_start": False, "random_state": detector._seed, "verbose": 0}
    clone = type(detector)(**{**detector.get_params(deep=False), **how})
    order = numpy_stream(MemberKey(detector._seed), "folds").permutation(n_rows)
    folds = [np.sort(fold) for fold in np.array_split(order, n_splits)]
    others = (np.setdiff1d(order, fold) for fold in folds)
    scores = np.empty(n_rows)
    for number, fitted in fit_together((clone, rows_of(X, rows)) for rows in others):
        if isinstance(fitted, Exception):
            raise fitted
        scores[folds[number]] = fitted.score_samples(rows_of(X, folds[number]))
    return scores
