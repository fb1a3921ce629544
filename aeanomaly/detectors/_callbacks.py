"""What happens after each step beside training: the progress bar, and scikit-learn's callbacks where they exist."""

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm.auto import tqdm

from aeanomaly.training import StepHook


class _NoCallbacks:
    """Stands in for scikit-learn's mixin before version 1.9, which has no callbacks."""

    def _init_callback_context(self, **_: Any) -> None:
        return None


_sklearn = importlib.import_module("sklearn.callback") if importlib.util.find_spec("sklearn.callback") else None
CallbackSupportMixin: Any = getattr(_sklearn, "CallbackSupportMixin", _NoCallbacks)
with_callbacks: Any = getattr(_sklearn, "with_callbacks", lambda method: method)

__all__ = ["CallbackSupportMixin", "step_callbacks", "with_callbacks"]


@contextmanager
def step_callbacks(
    estimator: Any, n_steps: int, data: dict[str, Any], attributes: Callable[[], dict[str, Any] | None]
) -> Iterator[StepHook | None]:
    """Yield the engine's step hook, or None where nobody watches.

    Parameters
    ----------
    estimator : estimator
        Its ``verbose`` asks for the bar; its callbacks are those of ``set_callbacks``.
    n_steps : int
    data : dict
        X and y as they came, for callbacks that ask for them.
    attributes : callable() -> dict or None
        The fitted attributes as if training stopped now; called only if a callback asks.
    """
    context = getattr(estimator, "_callback_fit_ctx", None) if getattr(estimator, "_skl_callbacks", None) else None
    if context is None and not estimator.verbose:
        yield None
        return
    if context is not None:
        context.call_on_fit_task_begin(estimator=estimator, **data)
    with tqdm(total=n_steps, desc=type(estimator).__name__, unit="step", disable=not estimator.verbose) as bar:

        def after_step(step: int) -> bool:
            bar.update()
            if context is None:
                return False
            task = context.subcontext(task_name="step")
            task.call_on_fit_task_begin(estimator=estimator, **data)
            return task.call_on_fit_task_end(estimator=estimator, **data, reconstruction_attributes=attributes)

        yield after_step
    if context is not None:
        context.call_on_fit_task_end(estimator=estimator, **data, reconstruction_attributes=attributes)
