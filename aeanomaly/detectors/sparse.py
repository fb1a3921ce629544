"""The sparse code."""

from dataclasses import dataclass
from typing import ClassVar

from aeanomaly._constraints import Constraint, one_of, real
from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._parameters import SHARED_CONSTRAINTS, documented, overcomplete
from aeanomaly.detectors._persistence import register
from aeanomaly.fitting import likelihood_for
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import KLSparsity, L1Sparsity, Objective, Penalty, ReconstructionObjective
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import Network


@register("sparse")
@documented
@dataclass(kw_only=True, eq=False, repr=False)
class SparseAutoencoder(BaseDetector):
    """Autoencoder with a wide code of which few units may be active at a time.

    Parameters
    ----------
    sparsity : {"l1", "kl"}, default="l1"
        "l1": `sparsity_weight` times the sum of absolute code values, of a rectified code. "kl":
        `sparsity_weight` times the divergence of each unit's mean activation from `sparsity_target`,
        of a code in (0, 1).
    sparsity_weight : float, default=0.03
        Weight beside the reconstruction error of a row; 0 for no penalty.
    sparsity_target : float in (0, 1), default=0.05
        Mean activation that "kl" aims at.
    {shared}

    Attributes
    ----------
    {attributes}

    References
    ----------
    Ng (2011), Sparse autoencoder, CS294A lecture notes, Stanford. Ranzato et al. (2007), Efficient
    learning of sparse representations with an energy-based model, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly import SparseAutoencoder
    >>> t = np.random.default_rng(0).uniform(-1, 1, size=(500, 1))
    >>> X = np.hstack([t, t**2, np.sin(3 * t)])
    >>> detector = SparseAutoencoder(random_state=0).fit(X)
    >>> detector.predict([[0.5, 0.25, 1.0], [0.9, -3.0, -3.0]])
    array([ 1, -1])
    """

    sparsity: str = "l1"
    learning_rate: float = 3e-4
    sparsity_weight: float = 0.03
    sparsity_target: float = 0.05

    constraints: ClassVar[dict[str, Constraint]] = {
        **SHARED_CONSTRAINTS,
        "sparsity": one_of("l1", "kl"),
        "sparsity_weight": real(0, with_low=True),
        "sparsity_target": real(0, 1),
    }
    auto_latent_dim = staticmethod(overcomplete)
    _far_from_start = True

    def _network_spec(self, n_encoded: int) -> NetworkSpec:
        return self._spec(n_encoded, code_activation="relu" if self.sparsity == "l1" else "logistic")

    def _objective(self, network: Network, encoder: TableEncoder) -> Objective:
        penalty: Penalty = (
            L1Sparsity(self.sparsity_weight)
            if self.sparsity == "l1"
            else KLSparsity(self.sparsity_weight, self.sparsity_target)
        )
        return ReconstructionObjective(likelihood_for(network, encoder), penalty=penalty)
