"""Anomaly detection by reconstruction error, with scikit-learn estimators."""

import importlib
import os
from typing import TYPE_CHECKING, Any

import torch

from aeanomaly import detectors
from aeanomaly._version import __version__
from aeanomaly.detectors import *  # noqa: F403 - its `__all__` is the list of detectors
from aeanomaly.exceptions import FitError, ModelFileError, SourceError
from aeanomaly.reading import read_table

if TYPE_CHECKING:
    from aeanomaly import dask as dask
    from aeanomaly import datasets as datasets
    from aeanomaly import inspection as inspection
    from aeanomaly import model_selection as model_selection
    from aeanomaly import onnx as onnx
    from aeanomaly import pyod as pyod
    from aeanomaly import thresholds as thresholds

# A forked child process inherits the thread pool of torch without its threads, and would wait for them forever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))

__all__ = ["FitError", "ModelFileError", "SourceError", "__version__", "read_table"]
__all__ += detectors.__all__

#: Public subpackages, imported on first access.
_SUBPACKAGES = ("dask", "datasets", "inspection", "model_selection", "onnx", "pyod", "thresholds")


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBPACKAGES])


if not TYPE_CHECKING:  # a type checker would accept any name

    def __getattr__(name: str) -> Any:
        if name in _SUBPACKAGES:
            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
