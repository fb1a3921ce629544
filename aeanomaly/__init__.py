"""Anomaly detection by reconstruction error, with scikit-learn estimators."""

import importlib
from typing import TYPE_CHECKING, Any

from aeanomaly._version import __version__

if TYPE_CHECKING:
    from aeanomaly import dask as dask
    from aeanomaly import datasets as datasets
    from aeanomaly import inspection as inspection
    from aeanomaly import model_selection as model_selection
    from aeanomaly import onnx as onnx
    from aeanomaly import pyod as pyod
    from aeanomaly import thresholds as thresholds
    from aeanomaly import windows as windows
    from aeanomaly.detectors import (
        AutoencoderEnsemble,
        ContractiveAutoencoder,
        DenoisingAutoencoder,
        SparseAutoencoder,
        UndercompleteAutoencoder,
        VariationalAutoencoder,
        load,
    )
    from aeanomaly.exceptions import FitError, ModelFileError, SourceError
    from aeanomaly.reading import read_table

__all__ = [
    "AutoencoderEnsemble",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "FitError",
    "ModelFileError",
    "SourceError",
    "SparseAutoencoder",
    "UndercompleteAutoencoder",
    "VariationalAutoencoder",
    "__version__",
    "load",
    "read_table",
]
#: Public subpackages, imported on first access.
_SUBPACKAGES = ("dask", "datasets", "inspection", "model_selection", "onnx", "pyod", "thresholds", "windows")
#: Modules of the other names; all are imported on first access, so that a command line starts without torch.
_MODULES = {
    **dict.fromkeys(__all__, "detectors"),
    **dict.fromkeys(("FitError", "ModelFileError", "SourceError"), "exceptions"),
    "read_table": "reading",
}


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBPACKAGES])


if not TYPE_CHECKING:  # a type checker would accept any name

    def __getattr__(name: str) -> Any:
        if name in _SUBPACKAGES:
            return importlib.import_module(f"{__name__}.{name}")
        if name in _MODULES:
            value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
            globals()[name] = value  # later access needs no function call
            return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
