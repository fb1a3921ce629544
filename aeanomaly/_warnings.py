"""Warnings that point at the caller's line."""

import sys
import warnings

#: Packages between a caller and this one: their lines are not what a warning is about.
_BETWEEN = {"aeanomaly", "concurrent", "contextlib", "functools", "joblib", "sklearn", "threading", "torch"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning at the nearest line of code that belongs neither to this package nor to one in between."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
