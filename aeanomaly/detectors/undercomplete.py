"""The bottleneck."""

from dataclasses import dataclass

from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._parameters import bottleneck, documented
from aeanomaly.detectors._persistence import register
from aeanomaly.fitting import likelihood_for
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import GaussianCorruption, Objective, ReconstructionObjective
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import Network

#: Noise for a table so narrow that no code is narrower: without it the network would learn to copy.
_NOISE_WITHOUT_BOTTLENECK = 0.5


@register("undercomplete")
@documented
@dataclass(kw_only=True, eq=False, repr=False)
class UndercompleteAutoencoder(BaseDetector):
    """Autoencoder with a code narrower than the row: it keeps what most rows have in common.

    With ``hidden_layer_sizes=()`` and ``activation="identity"`` it spans the subspace of principal
    component analysis (Baldi & Hornik 1989, Neural Networks 2).

    Parameters
    ----------
    {shared}

    Attributes
    ----------
    {attributes}

    References
    ----------
    Sakurada & Yairi (2014), Anomaly detection using autoencoders with nonlinear dimensionality
    reduction, MLSDA.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly import UndercompleteAutoencoder
    >>> rng = np.random.default_rng(0)
    >>> t = rng.uniform(-1, 1, size=(500, 1))
    >>> X = np.hstack([t, t**2, np.sin(3 * t)]) + 0.05 * rng.normal(size=(500, 3))
    >>> detector = UndercompleteAutoencoder(random_state=0).fit(X)
    >>> detector.predict([[0.5, 0.25, 1.0], [0.9, 0.0, 0.9]])
    array([ 1, -1])
    """

    auto_latent_dim = staticmethod(bottleneck)

    def _network_spec(self, n_encoded: int) -> NetworkSpec:
        spec = self._spec(n_encoded)
        if spec.latent_dim >= n_encoded and self.latent_dim != "auto":
            width = f"the {n_encoded} columns of X"
            if n_encoded != self.n_features_in_:
                width = (
                    f"{n_encoded}, the width of an encoded row (X has {self.n_features_in_} columns; each category, "
                    "cycle of time and missing-value indicator has a place of its own)"
                )
            raise ValueError(
                f"UndercompleteAutoencoder: latent_dim={spec.latent_dim} must be below {width}; lower it, or use a "
                "detector with an overcomplete code"
            )
        return spec

    def _objective(self, network: Network, encoder: TableEncoder) -> Objective:
        narrow = network.spec.latent_dim < network.spec.n_encoded
        corruption = None if narrow else GaussianCorruption(_NOISE_WITHOUT_BOTTLENECK)
        return ReconstructionObjective(likelihood_for(network, encoder), corruption=corruption)
