"""The contraction."""

from dataclasses import dataclass
from typing import ClassVar

from aeanomaly._constraints import Constraint, real
from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._parameters import SHARED_CONSTRAINTS, documented, overcomplete
from aeanomaly.detectors._persistence import register
from aeanomaly.fitting import likelihood_for
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import Contraction, Objective, ReconstructionObjective
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import Network


@register("contractive")
@documented
@dataclass(kw_only=True, eq=False, repr=False)
class ContractiveAutoencoder(BaseDetector):
    """Autoencoder whose code must hardly move when the row does, except where normal rows differ.

    Parameters
    ----------
    contraction_weight : float, default=0.1
        Weight of the squared Frobenius norm of the encoder's Jacobian beside the reconstruction error
        of a row; 0 for no penalty. Exact for an encoder of one layer, else estimated with one random
        probe per row.
    {shared}

    Attributes
    ----------
    {attributes}

    References
    ----------
    Rifai et al. (2011), Contractive auto-encoders: explicit invariance during feature extraction, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly import ContractiveAutoencoder
    >>> rng = np.random.default_rng(0)
    >>> t = rng.uniform(-1, 1, size=(500, 1))
    >>> X = np.hstack([t, t**2, np.sin(3 * t)]) + 0.05 * rng.normal(size=(500, 3))
    >>> detector = ContractiveAutoencoder(random_state=0).fit(X)
    >>> detector.predict([[0.5, 0.25, 1.0], [0.9, -3.0, -3.0]])
    array([ 1, -1])
    """

    contraction_weight: float = 0.1

    constraints: ClassVar[dict[str, Constraint]] = {**SHARED_CONSTRAINTS, "contraction_weight": real(0, with_low=True)}
    auto_latent_dim = staticmethod(overcomplete)

    def _network_spec(self, n_encoded: int) -> NetworkSpec:
        return self._spec(n_encoded, code_activation="logistic")

    def _objective(self, network: Network, encoder: TableEncoder) -> Objective:
        return ReconstructionObjective(likelihood_for(network, encoder), penalty=Contraction(self.contraction_weight))
