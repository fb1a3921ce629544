"""Training objectives: corruption, likelihood and penalties combined into one loss per member."""

from aeanomaly.objectives.base import Objective
from aeanomaly.objectives.corruption import Corruption, GaussianCorruption, MaskingCorruption, SaltAndPepperCorruption
from aeanomaly.objectives.elbo import NegativeELBO
from aeanomaly.objectives.penalties import Contraction, KLSparsity, L1Sparsity, Penalty
from aeanomaly.objectives.reconstruction import ReconstructionObjective

__all__ = [
    "Contraction",
    "Corruption",
    "GaussianCorruption",
    "KLSparsity",
    "L1Sparsity",
    "MaskingCorruption",
    "NegativeELBO",
    "Objective",
    "Penalty",
    "ReconstructionObjective",
    "SaltAndPepperCorruption",
]
