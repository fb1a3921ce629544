"""Estimators: one class for each kind of autoencoder, and an ensemble."""

from aeanomaly.detectors._base import BaseDetector, fit_detectors
from aeanomaly.detectors._persistence import REGISTRY, load
from aeanomaly.detectors.contractive import ContractiveAutoencoder
from aeanomaly.detectors.denoising import DenoisingAutoencoder
from aeanomaly.detectors.ensemble import AutoencoderEnsemble
from aeanomaly.detectors.sparse import SparseAutoencoder
from aeanomaly.detectors.undercomplete import UndercompleteAutoencoder
from aeanomaly.detectors.variational import VariationalAutoencoder

__all__ = [
    "REGISTRY",
    "AutoencoderEnsemble",
    "BaseDetector",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "SparseAutoencoder",
    "UndercompleteAutoencoder",
    "VariationalAutoencoder",
    "fit_detectors",
    "load",
]
