"""The denoiser."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._model import Model
from aeanomaly.detectors._parameters import SHARED_RULES, documented
from aeanomaly.detectors._rules import Rule, either, one_of, real
from aeanomaly.detectors._saving import registered
from aeanomaly.detectors._sizes import prototypes
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import (
    Corruption,
    GaussianCorruption,
    MaskingCorruption,
    Objective,
    ReconstructionObjective,
    SaltAndPepperCorruption,
)

#: Share of the values that corruption_level="auto" replaces.
_SHARE = 0.2


@registered("denoising")
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

    _rules: ClassVar[dict[str, Rule]] = {
        **SHARED_RULES,
        "corruption": one_of("gaussian", "masking", "salt_and_pepper"),
        "corruption_level": either(one_of("auto"), real(0, with_low=True)),
    }
    _auto_latent_dim = staticmethod(prototypes)
    _activation_of_code = " and of the code"

    def _network(self, n_columns: int) -> NetworkSpec:
        return self._spec(n_columns, code_activation=self.activation)

    def _objective(self, model: Model) -> Objective:
        return ReconstructionObjective(model.likelihood, corruption=self._corruption(model))

    def _corruption(self, model: Model) -> Corruption:
        def column_values(values: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(values.astype(np.float32)).to(model.device).view(1, 1, -1)

        level: Any = self.corruption_level
        if self.corruption == "gaussian":
            return GaussianCorruption(model.neighbor_distance() if level == "auto" else level)
        level = _SHARE if level == "auto" else level
        if level >= 1:
            raise ValueError(
                f"DenoisingAutoencoder: corruption_level={level!r} must be below 1 with "
                f"corruption={self.corruption!r}, where it is the share of values that is replaced"
            )
        if self.corruption == "masking":
            return MaskingCorruption(level, column_values(model.schema.mean))
        extremes = column_values(model.schema.minimum), column_values(model.schema.maximum)
        return SaltAndPepperCorruption(level, *extremes)
