"""Warnings that point at the caller's line."""

import sys
import warnings

#: Packages that may call this one; warnings do not point at their lines.
_BETWEEN = {"aeanomaly", "concurrent", "contextlib", "functools", "joblib", "sklearn", "threading", "torch"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning that points at the innermost caller outside of these packages."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
