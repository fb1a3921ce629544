"""scikit-learn's own curves, with anomalies as what is to be found, whatever the labels' convention."""

from typing import Any

import numpy as np
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay
from sklearn.utils.validation import check_is_fitted

from aeanomaly.inspection._access import is_anomaly
from aeanomaly.inspection._drawing import pyplot
from aeanomaly.model_selection._access import front_and_detector, scores_of


def roc_curve_display(
    estimator: Any, X: Any, y: Any, *, name: str | None = None, ax: Any = None, plot_chance_level: bool = True
) -> RocCurveDisplay:
    """Plot the ROC curve of minus the score: the share of anomalies found by that of normal rows flagged.

    Parameters
    ----------
    estimator : fitted detector, or pipeline that ends in one
        Any other outlier estimator of scikit-learn, too.
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        {0, 1} with 1 = anomaly, or {+1, -1} with -1 = anomaly. Fed to scikit-learn as they are, one of the two
        conventions would come out upside down.
    name : str, optional
        For the legend; by default the class of the detector.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    plot_chance_level : bool, default=True
        Whether to draw the diagonal.

    Returns
    -------
    display : sklearn.metrics.RocCurveDisplay

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If labels are missing, of one class, none of these, or not one for each row.
    ImportError
        If matplotlib is missing.

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
    told = _told("roc_curve_display", estimator, X, y, name)
    return RocCurveDisplay.from_predictions(**told, ax=ax, plot_chance_level=plot_chance_level)


def precision_recall_display(
    estimator: Any, X: Any, y: Any, *, name: str | None = None, ax: Any = None, plot_chance_level: bool = True
) -> PrecisionRecallDisplay:
    """Plot precision by recall of minus the score: the share of anomalies among flagged rows by that of them found.

    Parameters, labels and errors are those of `roc_curve_display`. The chance level is the share of anomalies.

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
    told = _told("precision_recall_display", estimator, X, y, name)
    return PrecisionRecallDisplay.from_predictions(**told, ax=ax, plot_chance_level=plot_chance_level)


def _told(caller: str, estimator: Any, X: Any, y: Any, name: str | None) -> dict[str, Any]:
    """What scikit-learn is told: names in place of labels, so that none can be taken for another."""
    pyplot(caller)
    check_is_fitted(estimator)
    errors = -scores_of(estimator, X)
    _, end = front_and_detector(getattr(estimator, "best_estimator_", estimator))
    return {
        "y_true": np.where(is_anomaly(caller, y, len(errors)), "anomaly", "normal"),
        "y_score": errors,
        "pos_label": "anomaly",
        "name": type(end).__name__ if name is None else name,
    }
