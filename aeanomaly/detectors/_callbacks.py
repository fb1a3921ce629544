"""Progress bar and callbacks after each step; scikit-learn has callbacks from version 1.9."""

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm.auto import tqdm

from aeanomaly.training import StepHook


class _NoCallbacks:
    """Substitute for the mixin of scikit-learn, which is missing before version 1.9."""

    def _init_callback_context(self, **_: Any) -> None:
        """Do nothing."""


_sklearn = importlib.import_module("sklearn.callback") if importlib.util.find_spec("sklearn.callback") else None
CallbackSupportMixin: Any = getattr(_sklearn, "CallbackSupportMixin", _NoCallbacks)
with_callbacks: Any = getattr(_sklearn, "with_callbacks", lambda method: method)

__all__ = ["CallbackSupportMixin", "step_callbacks", "with_callbacks"]


@contextmanager
def step_callbacks(
    estimator: Any, n_steps: int, data: dict[str, Any], attributes: Callable[[], dict[str, Any] | None]
) -> Iterator[StepHook | None]:
    """Yield the step hook for the training engine, or None without progress bar and callbacks.

    Parameters
    ----------
    estimator : estimator
        The estimator to fit. A positive ``verbose`` shows the bar; ``set_callbacks`` sets the callbacks.
    n_steps : int
        Number of steps of the training.
    data : dict
        X and y as passed to `fit`, for callbacks that require them.
    attributes : callable() -> dict or None
        Function that returns the fitted attributes as if training ended now; called only if a callback requires them.
    """
    context = getattr(estimator, "_callback_fit_ctx", None) if getattr(estimator, "_skl_callbacks", None) else None
    if context is None and not estimator.verbose:
        yield None
        return
    if context is not None:
        context.call_on_fit_task_begin(estimator=estimator, **data)
    with tqdm(total=n_steps, desc=type(estimator).__name__, unit="step", disable=not estimator.verbose) as bar:

        def after_step(step: int) -> bool:
            bar.update(step - bar.n)  # several steps at a time on an accelerator
            if context is None:
                return False
            task = context.subcontext(task_name="step")
            task.call_on_fit_task_begin(estimator=estimator, **data)
            return task.call_on_fit_task_end(estimator=estimator, **data, reconstruction_attributes=attributes)

        yield after_step
    if context is not None:
        context.call_on_fit_task_end(estimator=estimator, **data, reconstruction_attributes=attributes)
