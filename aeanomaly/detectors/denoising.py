"""The denoiser."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from aeanomaly._constraints import Constraint, any_of, one_of, real
from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._parameters import SHARED_CONSTRAINTS, documented, prototypes
from aeanomaly.detectors._persistence import register
from aeanomaly.fitting import likelihood_for
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import (
    Corruption,
    GaussianCorruption,
    MaskingCorruption,
    Objective,
    ReconstructionObjective,
    SaltAndPepperCorruption,
)
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import Network

#: Share of the values that corruption_level="auto" replaces.
_SHARE = 0.2


@register("denoising")
@documented
@dataclass(kw_only=True, eq=False, repr=False)
class DenoisingAutoencoder(BaseDetector):
    """Autoencoder that repairs damaged rows: it learns where normal rows lie, whatever the code's width.

    Rows are damaged in training only; a score is that of the row as it is.

    Parameters
    ----------
    corruption : {"gaussian", "masking", "salt_and_pepper"}, default="gaussian"
        Normal noise on every value; values replaced by their column's mean; values replaced by their
        column's smallest or largest.
    corruption_level : float or "auto", default="auto"
        Standard deviation of the noise in encoded units; or the share of values that is replaced,
        which must be below 1. "auto": noise that moves a row about as far as its neighbours are, by the
        spacing of the prototypes (0.5 without any); a share of 0.2.
    {shared}

    Attributes
    ----------
    {attributes}

    References
    ----------
    Vincent et al. (2010), Stacked denoising autoencoders, JMLR 11. Alain & Bengio (2014), What
    regularized auto-encoders learn from the data-generating distribution, JMLR 15. Of the default network: Moody &
    Darken (1989), Fast learning in networks of locally-tuned processing units, Neural Computation 1.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly import DenoisingAutoencoder
    >>> rng = np.random.default_rng(0)
    >>> t = rng.uniform(-1, 1, size=(500, 1))
    >>> X = np.hstack([t, t**2, np.sin(3 * t)]) + 0.05 * rng.normal(size=(500, 3))
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
    >>> detector.predict([[0.0, 0.0, 0.0], [0.9, -3.0, -3.0]])
    array([ 1, -1])
    """

    hidden_layer_sizes: tuple[int, ...] = ()
    corruption: str = "gaussian"
    corruption_level: float | str = "auto"

    constraints: ClassVar[dict[str, Constraint]] = {
        **SHARED_CONSTRAINTS,
        "corruption": one_of("gaussian", "masking", "salt_and_pepper"),
        "corruption_level": any_of(one_of("auto"), real(0, with_low=True)),
    }
    auto_latent_dim = staticmethod(prototypes)
    _activation_of_code = " and of the code"

    def _network_spec(self, n_encoded: int) -> NetworkSpec:
        return self._spec(n_encoded, code_activation=self.activation)

    def _objective(self, network: Network, encoder: TableEncoder) -> Objective:
        return ReconstructionObjective(likelihood_for(network, encoder), corruption=self._corruption(network, encoder))

    def _corruption(self, network: Network, encoder: TableEncoder) -> Corruption:
        distance = network.neighbor_distance

        def column_values(values: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(values.astype(np.float32)).to(distance.device).view(1, 1, -1)

        level: Any = self.corruption_level
        if self.corruption == "gaussian":
            return GaussianCorruption(distance if level == "auto" else level)
        level = _SHARE if level == "auto" else level
        if level >= 1:
            raise ValueError(
                f"DenoisingAutoencoder: corruption_level={level!r} must be below 1 with "
                f"corruption={self.corruption!r}, where it is the share of values that is replaced"
            )
        if self.corruption == "masking":
            return MaskingCorruption(level, column_values(encoder.schema.mean))
        extremes = column_values(encoder.schema.minimum), column_values(encoder.schema.maximum)
        return SaltAndPepperCorruption(level, *extremes)
