"""What users build: one estimator for each autoencoder."""

from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._saving import REGISTRY, load
from aeanomaly.detectors._seeds import draw_seed
from aeanomaly.detectors._together import fit_together
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
    "draw_seed",
    "fit_together",
    "load",
]
