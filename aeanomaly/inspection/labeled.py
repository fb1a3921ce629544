"""Precision-recall and ROC curves of scikit-learn, with anomalies as the positive class."""

from typing import Any

import numpy as np
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay
from sklearn.utils.validation import check_is_fitted

from aeanomaly.inspection._access import is_anomaly
from aeanomaly.inspection._drawing import pyplot
from aeanomaly.model_selection.estimators import scores_of, transformers_and_detector


def roc_curve_display(
    estimator: Any, X: Any, y: Any, *, name: str | None = None, ax: Any = None, plot_chance_level: bool = True
) -> RocCurveDisplay:
    """Plot the ROC curve: true positive rate against false positive rate, with anomalies as positives.

    Parameters
    ----------
    estimator : fitted detector, or pipeline that ends with a detector
        Other outlier estimators of scikit-learn are accepted.
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        {0, 1} with 1 = anomaly, or {+1, -1} with -1 = anomaly. The two conventions order the classes differently,
        so scikit-learn's own displays invert one of them.
    name : str, optional
        Name in the legend; the class of the detector by default.
    ax : matplotlib Axes, optional
        Axes to draw on; a new figure by default.
    plot_chance_level : bool, default=True
        If True, draw the diagonal.

    Returns
    -------
    display : sklearn.metrics.RocCurveDisplay

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If labels are missing, invalid or of a single class, or if their number is not that of the rows.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, numpy as np
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.inspection import roc_curve_display
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
    >>> display = roc_curve_display(detector, np.vstack([X, [[50, 50]]]), [0] * 100 + [1])
    >>> display.roc_auc
    1.0
    >>> plt.close(display.figure_)
    """
    arguments = _curve_arguments("roc_curve_display", estimator, X, y, name)
    display = RocCurveDisplay.from_predictions(**arguments, ax=ax, plot_chance_level=plot_chance_level)
    return _with_legend_above(display)


def precision_recall_display(
    estimator: Any, X: Any, y: Any, *, name: str | None = None, ax: Any = None, plot_chance_level: bool = True
) -> PrecisionRecallDisplay:
    """Plot the precision-recall curve, with anomalies as positives.

    See `roc_curve_display` for parameters, labels and errors. The chance level is the share of anomalies.

    Returns
    -------
    display : sklearn.metrics.PrecisionRecallDisplay

    Examples
    --------
    >>> import matplotlib.pyplot as plt, numpy as np
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.inspection import precision_recall_display
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
    >>> display = precision_recall_display(detector, np.vstack([X, [[50, 50]]]), [1] * 100 + [-1])
    >>> float(display.average_precision)
    1.0
    >>> plt.close(display.figure_)
    """
    arguments = _curve_arguments("precision_recall_display", estimator, X, y, name)
    display = PrecisionRecallDisplay.from_predictions(**arguments, ax=ax, plot_chance_level=plot_chance_level)
    return _with_legend_above(display)


def _with_legend_above(display: Any) -> Any:
    """Move the legend above the axes, where it does not cover the curve."""
    display.ax_.legend(loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    return display


def _curve_arguments(caller: str, estimator: Any, X: Any, y: Any, name: str | None) -> dict[str, Any]:
    """Return arguments for scikit-learn, with class names as labels so that the positive class is explicit."""
    pyplot(caller)
    check_is_fitted(estimator)
    errors = -scores_of(estimator, X)
    _, end = transformers_and_detector(getattr(estimator, "best_estimator_", estimator))
    return {
        "y_true": np.where(is_anomaly(caller, y, len(errors)), "anomaly", "normal"),
        "y_score": errors,
        "pos_label": "anomaly",
        "name": type(end).__name__ if name is None else name,
    }
