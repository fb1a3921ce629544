"""Steps of the fit of a windowed detector."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from aeanomaly._counts import counted
from aeanomaly.detectors import BaseDetector
from aeanomaly.fitting import LATEST, Calibration, CalibrationRequest, UnseenScores, group_columns
from aeanomaly.preprocessing import group_labels
from aeanomaly.reading import format_of
from aeanomaly.thresholds import MOST_SCORES, Conformal, ScoreSummary, Threshold
from aeanomaly.windows.features import FeatureKind, WindowFeatures, standardization, standardize
from aeanomaly.windows.length import automatic_window
from aeanomaly.windows.model import Table, WindowedModel, WindowedState
from aeanomaly.windows.rows import OrderedRows
from aeanomaly.windows.trailing import spread_runs

#: Share of each series that calibrates the default threshold, and minimum number of rows of the table for it.
_LATEST_SHARE, _LEAST_ROWS = 0.25, 20
#: Minimum number of rows for a fit to all rows after the calibration. With fewer, detector and clone differ too much.
_LEAST_REFITTED = 400
#: Maximum number of training windows; a detector with ``max_iter="auto"`` does not use more.
_MOST_WINDOWS = 51_200
#: Maximum number of cells of training windows, and number of windows that are allowed nevertheless.
_MOST_CELLS, _FEWEST_WINDOWS = 1 << 24, 5_000
#: Threshold of the wrapped detector during its fit: a share needs no clones, and is replaced.
_UNUSED_THRESHOLD = 0.05
_BY_CLONE = "latest rows, scored by a clone that was fitted without them"
_DEPENDENCE = "neighboring rows depend on each other, so the rate differs between parts of a series"


class WindowOptions(NamedTuple):
    """Parameters of a windowed detector; `window` is None for "auto"."""

    window: int | None
    stride: int
    features: FeatureKind
    threshold: Threshold
    robust: bool


def fit_windows(model: WindowedModel, detector: Any, table: Table, options: WindowOptions) -> WindowedState:
    """Fit features and detector, and set the threshold.

    A threshold for new rows is calibrated on the latest rows of each series. Rules with a ``calibration_fraction`` hold
    these rows out of the fit. For other rules, a clone that is fitted without them scores them, except in small tables.
    """
    request = CalibrationRequest.from_threshold(options.threshold)
    is_latest = table.rows.latest(_share_of_latest(request, len(table.rows.age), options.robust))
    if request and not is_latest.any():
        raise ValueError(
            f"contamination={options.threshold!r} needs the latest rows of each series, but the longest series has "
            f"{counted(int(np.bincount(table.rows.series).max()), 'row')}; pass longer series, or contamination='auto'"
        )
    if options.window is None:
        is_known = ~is_latest if request.fraction is not None else np.ones_like(is_latest)
        options = options._replace(window=_automatic_window(table.rows.where(is_known)))
    fitted, unseen = _fit(model, detector, table, ~is_latest, options), None
    if is_latest.any():
        late = spread_runs(np.flatnonzero(is_latest), _MOST_WINDOWS)
        scores = _scores(fitted, table, late)
        unseen = UnseenScores(scores, LATEST, is_estimated=False, groups=_groups(options.threshold, table, late))
        if request.fraction is None and len(is_latest) >= _LEAST_REFITTED:
            unseen = unseen._replace(source=_BY_CLONE, is_estimated=True)
            is_latest[:] = False
            fitted = _fit(model, detector, table, ~is_latest, options)
    trained, most = np.flatnonzero(~is_latest), MOST_SCORES if unseen is None else _MOST_WINDOWS
    summary = ScoreSummary(_scores(fitted, table, spread_runs(trained, most)), len(trained))
    return WindowedState(fitted, _calibrate(options, summary, unseen), format_of(table.given))


def _automatic_window(rows: OrderedRows) -> int:
    """Return the number of rows of a window for ``window="auto"``."""
    return automatic_window(standardize(rows.known, *standardization(rows.readings)), rows.age)


def _share_of_latest(request: CalibrationRequest, n_rows: int, robust: bool) -> float:
    """Return the share of each series that calibrates the threshold; 0 for thresholds of training rows."""
    if request.fraction is not None:
        return request.fraction
    uses_training_rows = request.is_optional and (robust or n_rows < _LEAST_ROWS)
    return 0.0 if request.n_splits is None or uses_training_rows else _LATEST_SHARE


def _fit(
    model: WindowedModel, detector: Any, table: Table, is_trained: np.ndarray, options: WindowOptions
) -> WindowedModel:
    """Fit features and a clone of the detector to the rows of a mask (N,)."""
    trained, window = np.flatnonzero(is_trained), options.window
    assert window is not None
    if window > 1:
        selected, _ = table.rows.with_windows(spread_runs(trained, _MOST_WINDOWS), window)
        model = replace(model, features=WindowFeatures.fit(selected, window, options.features))
    rows = trained[:: options.stride]
    if len(rows) < 2:
        raise ValueError(
            f"stride={options.stride} leaves {counted(len(rows), 'window')} of {len(trained):,} training rows; set a "
            "smaller stride"
        )
    rows = spread_runs(rows, min(_MOST_WINDOWS, max(_FEWEST_WINDOWS, _MOST_CELLS // len(model.inputs))))
    return replace(model, detector=_copy_to_fit(detector, model).fit(model.select(table, rows)))


def _copy_to_fit(detector: Any, model: WindowedModel) -> Any:
    """Return a copy of the wrapped detector that takes features as numbers, and sets no threshold of its own."""
    learner = clone(detector)
    if isinstance(learner, BaseDetector):
        learner.set_params(contamination=_UNUSED_THRESHOLD)
        if model.features is not None:
            n_features, given = len(model.features.descriptions), learner.column_types or {}
            types: dict[str, Any] = dict.fromkeys(model.input_names[:n_features], "numeric")
            others = zip(model.input_names[n_features:], model.others, strict=True)
            types |= {name: given[model.names[j]] for name, j in others if model.names[j] in given}
            learner.set_params(column_types=types)
    return learner


def _scores(model: WindowedModel, table: Table, rows: np.ndarray) -> np.ndarray:
    return np.asarray(model.detector.score_samples(model.select(table, rows)), dtype=np.float64)


def _groups(threshold: Threshold, table: Table, rows: np.ndarray) -> np.ndarray | None:
    """Return the groups of rows by the columns of a threshold; None without such columns."""
    by = group_columns(threshold)
    return group_labels(table.given, by)[table.rows.places[rows]] if by else None


def for_ordered_rows(threshold: Threshold) -> Threshold:
    """Return a threshold whose guarantee is that of rows in order, which depend on each other."""
    return replace(threshold, order="rows") if isinstance(threshold, Conformal) else threshold


def _calibrate(options: WindowOptions, summary: ScoreSummary, unseen: UnseenScores | None) -> Calibration:
    rule = for_ordered_rows(options.threshold)
    calibration = Calibration.from_fit(rule, summary, unseen, robust=options.robust, labels=None)
    if unseen is None or isinstance(rule, Conformal):
        return calibration
    info = calibration.threshold
    return replace(calibration, threshold=replace(info, guarantee=f"{info.guarantee}; {_DEPENDENCE}"))
