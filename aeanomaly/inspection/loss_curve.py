"""Display of the training loss."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from aeanomaly._constraints import one_of
from aeanomaly.detectors import BaseDetector
from aeanomaly.inspection._drawing import BLUE, ORANGE, Display, pyplot
from aeanomaly.model_selection.estimators import snapshot, transformers_and_detector

#: Window of the running mean, as a share of the steps.
_WINDOW = 1 / 20
#: The scale is logarithmic if the losses span more than this factor.
_LOG_SCALE_FACTOR = 20


class LossCurveDisplay(Display):
    """Curve of the training loss, and of the validation loss if there is one.

    Use `from_estimator` to create a display. All parameters are stored as attributes.

    Parameters
    ----------
    loss : ndarray of float (n_steps,)
        Loss before each step, lower = better.
    validation_loss : ndarray of float (n_checks,)
        Loss at each check, the first before training; empty without early stopping.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        Running mean of the training loss.
    validation_line_ : matplotlib Line2D or None

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.datasets import make_factory
    >>> from aeanomaly.inspection import LossCurveDisplay
    >>> X, y = make_factory(200, random_state=0)
    >>> detector = DenoisingAutoencoder(max_iter=60, random_state=0).fit(X)
    >>> display = LossCurveDisplay.from_estimator(detector)
    >>> display.loss.shape
    (60,)
    >>> plt.close(display.figure_)
    """

    validation_line_: Any

    def __init__(self, *, loss: np.ndarray, validation_loss: np.ndarray):
        self.loss = loss
        self.validation_loss = validation_loss

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **plot: Any) -> Self:
        """Plot the losses of a fitted detector.

        Parameters
        ----------
        estimator : fitted detector, or pipeline that ends with a detector
        ax : matplotlib Axes, optional
        **plot
            Keyword arguments of `plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator does not end with a detector of this package.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        _, end = transformers_and_detector(snapshot(estimator))
        if not isinstance(end, BaseDetector):
            raise TypeError(f"{cls.__name__} needs a detector of this package; got {type(end).__name__}")
        return cls(loss=end.loss_curve_, validation_loss=end.validation_loss_curve_).plot(ax, **plot)

    def plot(self, ax: Any = None, *, scale: str = "auto") -> Self:
        """Draw the loss of each step, which is that of one batch, and its running mean.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; a new figure by default.
        scale : {"auto", "log", "linear"}, default="auto"
            Scale of the loss. "auto" is logarithmic if all losses are positive and span a wide range.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `scale` is invalid, or if it is "log" and a loss is not positive.
        ImportError
            If matplotlib is not installed.
        """
        one_of("auto", "log", "linear").check("LossCurveDisplay", "scale", scale)
        low = min(self.loss.min(), self.validation_loss.min(initial=np.inf))
        if scale == "log" and low <= 0:
            raise ValueError(
                f"LossCurveDisplay: scale='log' needs positive losses; got a minimum of {low:.3g}; use scale='linear'"
            )
        ax = self._new_axes(ax, figsize=(7, 4))
        steps, window = np.arange(len(self.loss)), max(1, round(_WINDOW * len(self.loss)))
        ax.plot(steps, self.loss, color=BLUE, alpha=0.3, linewidth=0.8)
        middle = steps[: len(steps) - window + 1] + (window - 1) / 2
        mean = np.convolve(self.loss, np.full(window, 1 / window), mode="valid")
        label = "training" if window == 1 else f"training, mean of {window} steps"
        (self.line_,) = ax.plot(middle, mean, color=BLUE, label=label)
        self.validation_line_ = None
        if len(self.validation_loss):
            checks = _steps_of_checks(len(self.loss), len(self.validation_loss))
            style = {"color": ORANGE, "marker": "o", "markersize": 4, "label": "validation"}
            (self.validation_line_,) = ax.plot(checks, self.validation_loss, **style)
        if scale == "log" or (scale == "auto" and low > 0 and self.loss.max() > _LOG_SCALE_FACTOR * low):
            ax.set_yscale("log")
        ax.set(xlabel="step", ylabel="loss per row (lower = better)")
        ax.legend()
        return self


def _steps_of_checks(n_steps: int, n_checks: int) -> np.ndarray:
    """Return the steps of the validation checks: at the start, at regular intervals and at the end."""
    every = -(-n_steps // max(1, n_checks - 1))
    return np.minimum(every * np.arange(n_checks), n_steps)
