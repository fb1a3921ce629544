"""Anomaly detection by reconstruction error, with scikit-learn estimators."""

import os

import torch

from aeanomaly._version import __version__
from aeanomaly.detectors import (
    AutoencoderEnsemble,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    UndercompleteAutoencoder,
    VariationalAutoencoder,
    load,
)
from aeanomaly.exceptions import FitError, ModelFileError

# A forked child process inherits the thread pool of torch without its threads, and would wait for them forever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))

__all__ = [
    "AutoencoderEnsemble",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "FitError",
    "ModelFileError",
    "SparseAutoencoder",
    "UndercompleteAutoencoder",
    "VariationalAutoencoder",
    "__version__",
    "load",
]
