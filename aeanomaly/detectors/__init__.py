"""Estimators: one class for each kind of autoencoder, and an ensemble.

`__all__` lists the public names, which `aeanomaly` exports.
"""

from aeanomaly.detectors._base import BaseDetector as BaseDetector
from aeanomaly.detectors._base import fit_detectors as fit_detectors
from aeanomaly.detectors._parameters import check_parameters as check_parameters
from aeanomaly.detectors._persistence import REGISTRY as REGISTRY
from aeanomaly.detectors._persistence import from_parts as from_parts
from aeanomaly.detectors._persistence import load
from aeanomaly.detectors._persistence import to_parts as to_parts
from aeanomaly.detectors._stream import RowReader as RowReader
from aeanomaly.detectors._stream import RowStream as RowStream
from aeanomaly.detectors._stream import ScoredRow as ScoredRow
from aeanomaly.detectors._stream import SingleRows as SingleRows
from aeanomaly.detectors._threshold import ThresholdMixin as ThresholdMixin
from aeanomaly.detectors.contractive import ContractiveAutoencoder
from aeanomaly.detectors.denoising import DenoisingAutoencoder
from aeanomaly.detectors.ensemble import AutoencoderEnsemble
from aeanomaly.detectors.sparse import SparseAutoencoder
from aeanomaly.detectors.undercomplete import UndercompleteAutoencoder
from aeanomaly.detectors.variational import VariationalAutoencoder

__all__ = [
    "AutoencoderEnsemble",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "SparseAutoencoder",
    "UndercompleteAutoencoder",
    "VariationalAutoencoder",
    "load",
]
