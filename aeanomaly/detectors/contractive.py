"""The contraction."""

from dataclasses import dataclass
from typing import ClassVar

from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._model import Model
from aeanomaly.detectors._parameters import SHARED_RULES, documented
from aeanomaly.detectors._rules import Rule, real
from aeanomaly.detectors._saving import registered
from aeanomaly.detectors._sizes import overcomplete
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import Contraction, Objective, ReconstructionObjective


@registered("contractive")
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

    _rules: ClassVar[dict[str, Rule]] = {**SHARED_RULES, "contraction_weight": real(0, with_low=True)}
    _auto_latent_dim = staticmethod(overcomplete)

    def _network(self, n_columns: int) -> NetworkSpec:
        return self._spec(n_columns, code_activation="logistic")

    def _objective(self, model: Model) -> Objective:
        return ReconstructionObjective(model.likelihood, penalty=Contraction(self.contraction_weight))
