"""Many varied autoencoders, trained as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch

from aeanomaly._constraints import Constraint, boolean, integer, real
from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._parameters import SHARED_CONSTRAINTS, documented, many_prototypes
from aeanomaly.detectors._persistence import register
from aeanomaly.fitting import FitJob, Initializer, Members, likelihood_for
from aeanomaly.nn import RBF, NetworkSpec
from aeanomaly.objectives import GaussianCorruption, Objective, ReconstructionObjective
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import SMALLEST_SCALE, DevianceScorer, Network, Scorer
from aeanomaly.streams import MemberKey, numpy_stream

#: Rows that the kernel member stores at most.
_KERNEL_ROWS = 2048
#: Its number among the members, whatever their number.
_KERNEL_MEMBER = 1 << 30
#: Share of the rows that it leaves alone, so that it has a scale.
_KERNEL_LEAVES = 0.1
#: Rows from which a member's scale is measured.
_SCALE_ROWS = 4096
#: A scale is at least this share of the mean error: where rows come twice, a median error may be 0.
_OF_THE_MEAN = 0.01


class MemberConfig(NamedTuple):
    """What sets a member apart.

    Attributes
    ----------
    code : float
        Share of the code that it uses.
    noise, rate : float
        Factors of the noise and of the learning rate.
    """

    code: float = 1.0
    noise: float = 1.0
    rate: float = 1.0


class EnsembleConfig(NamedTuple):
    """Varieties, one member after another and again from the first, and the kernel's share of the score."""

    varieties: tuple[MemberConfig, ...]
    kernel_share: float


_CONFIG = EnsembleConfig(
    (MemberConfig(), MemberConfig(noise=0.5), MemberConfig(code=1 / 4, rate=0.5), MemberConfig(noise=2, rate=0.5)),
    kernel_share=1 / 2,
)
#: A small code has no room for anomalies: it reconstructs what is common, and a large one what is rare, too.
_ROBUST_CONFIG = EnsembleConfig((MemberConfig(), MemberConfig(code=1 / 32)), kernel_share=1 / 8)


_PARTS = (real(0, 1, with_high=True), real(0), real(0))


def _are_varieties(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, (tuple, list)) or not value:
        return False
    return all(
        isinstance(variety, (tuple, list))
        and len(variety) == len(_PARTS)
        and all(rule.allows(part) for rule, part in zip(_PARTS, variety, strict=True))
        for variety in value
    )


@register("ensemble")
@documented
@dataclass(kw_only=True, eq=False, repr=False)
class AutoencoderEnsemble(BaseDetector):
    """Denoising autoencoders that differ in rows, code size and noise, trained as one stack, and a kernel beside them.

    The error of each member is divided by its median on rows that the member did not train on, so that
    all count alike; the score is minus the mean. `transform` puts the codes of the networks side by
    side (`latent_dim` is that of the largest, `latent_dim_` of all), `reconstruct` and `inverse_transform`
    average their rows; the kernel has a part in scores and in `reconstruction_error` only, which is on the
    members' scales. `partial_fit` trains the networks; scales and kernel stay those of its first call.

    Parameters
    ----------
    n_estimators : int, default=4
        Networks in the ensemble.
    max_samples : float in (0, 1], default=0.9
        Share of the rows that each member trains on, drawn anew for each.
    varieties : sequence of (code, noise, rate) or None, default=None
        What sets members apart, one after another and again from the first: the share of the code that a
        member uses, in (0, 1], and factors of its noise and of its learning rate, above 0. None: (1, 1, 1),
        (1, 1/2, 1), (1/4, 1, 1/2), (1, 2, 1/2); with `robust` (1, 1, 1), (1/32, 1, 1).
    kernel_member : bool, default=True
        Whether a kernel member votes beside the networks, with half of the score (an eighth with
        `robust`): a smoother of at most 2,048 training rows that nothing trains, for real columns the
        best denoiser of these rows in closed form. They are stored in the detector and in its file; with
        `robust`, means of neighbours are.
    {shared}

    Attributes
    ----------
    {attributes}

    References
    ----------
    Chen, Sathe, Aggarwal & Turaga (2017), Outlier detection with autoencoder ensembles, SDM. Of the
    kernel: Miyasawa (1961), An empirical Bayes estimator of the mean of a normal population, Bulletin
    of the International Statistical Institute 38.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly import AutoencoderEnsemble
    >>> rng = np.random.default_rng(0)
    >>> t = rng.uniform(-1, 1, size=(500, 1))
    >>> X = np.hstack([t, t**2, np.sin(3 * t)]) + 0.05 * rng.normal(size=(500, 3))
    >>> detector = AutoencoderEnsemble(random_state=0).fit(X)
    >>> detector.predict([[0.0, 0.0, 0.0], [0.9, -3.0, -3.0]])
    array([ 1, -1])
    """

    hidden_layer_sizes: tuple[int, ...] = ()
    n_estimators: int = 4
    max_samples: float = 0.9
    varieties: tuple[tuple[float, float, float], ...] | None = None
    kernel_member: bool = True

    constraints: ClassVar[dict[str, Constraint]] = {
        **SHARED_CONSTRAINTS,
        "n_estimators": integer(1),
        "max_samples": real(0, 1, with_high=True),
        "varieties": Constraint(
            _are_varieties, "None, or tuples (code in (0, 1], noise above 0, rate above 0), one at least"
        ),
        "kernel_member": boolean(),
    }
    auto_latent_dim = staticmethod(many_prototypes)
    _activation_of_code = " and of the code"

    @property
    def _config(self) -> EnsembleConfig:
        return _ROBUST_CONFIG if self.robust else _CONFIG

    @property
    def _varieties(self) -> list[MemberConfig]:
        varieties = self._config.varieties if self.varieties is None else (MemberConfig(*v) for v in self.varieties)
        return list(islice(cycle(varieties), self.n_estimators))

    def _members(self, seed: int, n_rows: int) -> Members:
        keys = tuple(MemberKey(seed, member) for member in range(int(self.n_estimators)))
        return Members(
            keys,
            learning_rates=tuple(self.learning_rate * variety.rate for variety in self._varieties),
            rows=tuple(self._sample(key, n_rows) for key in keys),
        )

    def _sample(self, key: MemberKey, n_rows: int) -> np.ndarray:
        n_sampled = max(2, round(self.max_samples * n_rows))
        return numpy_stream(key, "samples").permutation(n_rows)[:n_sampled]

    def _network_spec(self, n_encoded: int) -> NetworkSpec:
        spec = self._spec(n_encoded, code_activation=self.activation, n_members=self.n_estimators)
        sizes = tuple(max(1, round(variety.code * spec.latent_dim)) for variety in self._varieties)
        return replace(spec, code_sizes=sizes)

    def _objective(self, network: Network, encoder: TableEncoder) -> Objective:
        distance = network.neighbor_distance
        factors = torch.tensor([variety.noise for variety in self._varieties], dtype=torch.float32).view(-1, 1, 1)
        corruption = GaussianCorruption(factors.to(distance.device) * distance)
        return ReconstructionObjective(likelihood_for(network, encoder), corruption=corruption)

    def _scorers(self, job: FitJob, network: Network) -> tuple[Scorer, ...]:
        share = self._config.kernel_share if self.kernel_member else 0.0
        networks = DevianceScorer(job.spec, network, job.likelihood)
        networks = networks.replaced(scales=_scales(job, networks, job.members.rows) / (1 - share))
        return (networks, self._kernel(job, share)) if self.kernel_member else (networks,)

    def _kernel(self, job: FitJob, share: float) -> Scorer:
        """Return the kernel member: prototypes that are rows, the optimal denoiser of an even mixture of them."""
        key, n_rows = MemberKey(job.seed, _KERNEL_MEMBER), len(job.encoded)
        most = min(_KERNEL_ROWS, n_rows - max(1, round(_KERNEL_LEAVES * n_rows)))
        stored = self._sample(key, n_rows)[:most]
        spec = NetworkSpec(
            code="point",
            n_encoded=job.spec.n_encoded,
            latent_dim=len(stored),
            hidden_layer_sizes=(),
            activation=RBF,
            code_activation=RBF,
            allow_nan=job.spec.allow_nan,
        )
        start = {"shifts": 0, **self._recipe.prototype_start}
        schema, rows = job.encoder.schema, job.encoded
        network = Initializer().network(schema, spec, [key], rows, job.device, samples=[stored], **start)
        kernel = DevianceScorer(spec, network, job.likelihood)
        return kernel.replaced(scales=_scales(job, kernel, [stored]) / share)


def _scales(job: FitJob, scorer: Scorer, trained_on: Sequence[np.ndarray]) -> np.ndarray:
    """Return the median error of each member on rows that it did not train on, or on all if there are none."""
    table = job.rows.table
    rows = np.linspace(0, len(table) - 1, min(len(table), _SCALE_ROWS)).astype(int)
    scales = []
    for errors, own in zip(job.model(scorer).errors_of_members(table[rows]).T, trained_on, strict=True):
        unseen = ~np.isin(rows, own)
        errors = errors[unseen] if unseen.any() else errors
        scales.append(max(np.median(errors), _OF_THE_MEAN * errors.mean(), SMALLEST_SCALE))
    return np.array(scales)
