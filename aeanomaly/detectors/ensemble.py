"""Many varied autoencoders, trained as one."""

from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch

from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._model import SMALLEST_SCALE, Model, deviance_of
from aeanomaly.detectors._parameters import SHARED_RULES, documented
from aeanomaly.detectors._rules import Rule, flag, integer, real
from aeanomaly.detectors._saving import registered
from aeanomaly.detectors._sizes import many_prototypes
from aeanomaly.nn import SOFTMAX, NetworkSpec
from aeanomaly.objectives import GaussianCorruption, Objective, ReconstructionObjective
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


class Variety(NamedTuple):
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


class Recipe(NamedTuple):
    """Varieties, one member after another and again from the first, and the kernel's share of the score."""

    varieties: tuple[Variety, ...]
    kernel_share: float


_RECIPE = Recipe(
    (Variety(), Variety(noise=0.5), Variety(code=1 / 4, rate=0.5), Variety(noise=2, rate=0.5)), kernel_share=1 / 2
)
#: A small code has no room for anomalies: it reconstructs what is common, and a large one what is rare, too.
_ROBUST_RECIPE = Recipe((Variety(), Variety(code=1 / 32)), kernel_share=1 / 8)


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


@registered("ensemble")
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
    kernel : bool, default=True
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
    kernel: bool = True

    _rules: ClassVar[dict[str, Rule]] = {
        **SHARED_RULES,
        "n_estimators": integer(1),
        "max_samples": real(0, 1, with_high=True),
        "varieties": Rule(
            _are_varieties, "None, or tuples (code in (0, 1], noise above 0, rate above 0), one at least"
        ),
        "kernel": flag(),
    }
    _auto_latent_dim = staticmethod(many_prototypes)
    _activation_of_code = " and of the code"

    @property
    def _recipe(self) -> Recipe:
        return _ROBUST_RECIPE if self.robust else _RECIPE

    @property
    def _varieties(self) -> list[Variety]:
        varieties = self._recipe.varieties if self.varieties is None else (Variety(*v) for v in self.varieties)
        return list(islice(cycle(varieties), self.n_estimators))

    @property
    def _n_members(self) -> int:
        return int(self.n_estimators)

    @property
    def _kernel_key(self) -> MemberKey:
        return MemberKey(self._seed, _KERNEL_MEMBER)

    def _samples(self, n_rows: int) -> list[np.ndarray]:
        return [self._sample(key, n_rows) for key in self._keys]

    def _sample(self, key: MemberKey, n_rows: int) -> np.ndarray:
        n_sampled = max(2, round(self.max_samples * n_rows))
        return numpy_stream(key, "samples").permutation(n_rows)[:n_sampled]

    def _stored(self, n_rows: int) -> np.ndarray:
        """Numbers of the rows that the kernel stores."""
        most = min(_KERNEL_ROWS, n_rows - max(1, round(_KERNEL_LEAVES * n_rows)))
        return self._sample(self._kernel_key, n_rows)[:most]

    def _network(self, n_columns: int) -> NetworkSpec:
        spec = self._spec(n_columns, code_activation=self.activation, n_members=self.n_estimators)
        sizes = tuple(max(1, round(variety.code * spec.latent_dim)) for variety in self._varieties)
        return replace(spec, code_sizes=sizes)

    def _objective(self, model: Model) -> Objective:
        factors = torch.tensor([variety.noise for variety in self._varieties], dtype=torch.float32).view(-1, 1, 1)
        level = factors.to(model.device) * model.neighbor_distance()
        return ReconstructionObjective(model.likelihood, corruption=GaussianCorruption(level))

    def _rates(self) -> list[float]:
        return [self.learning_rate * variety.rate for variety in self._varieties]

    def _start(self, *args: Any) -> tuple[Model, np.ndarray]:
        model, rows = super()._start(*args)
        self._kernel = self._new_kernel(model, rows) if self.kernel else None
        return model, rows

    def _new_kernel(self, model: Model, rows: np.ndarray) -> Model:
        """A network whose prototypes are rows, and stay so: the optimal denoiser of an even mixture of them."""
        stored = self._stored(len(rows))
        spec = NetworkSpec(
            code="point",
            n_encoded=model.spec.n_encoded,
            latent_dim=len(stored),
            hidden_layer_sizes=(),
            activation=SOFTMAX,
            code_activation=SOFTMAX,
            allow_nan=model.spec.allow_nan,
        )
        start = {"samples": [stored], "shifts": 0, **self._shift}
        return Model.fresh(model.schema, spec, [self._kernel_key], rows, model.device, **start)

    def _settle(self, table: np.ndarray) -> None:
        share = self._recipe.kernel_share if self.kernel else 0.0
        self._model.scales = _scales(self._model, table, self._samples(len(table))) / (1 - share)
        if self._kernel is not None:
            self._kernel.scales = _scales(self._kernel, table, [self._stored(len(table))]) / share
            self._kernel.learn_usual(self._kernel.deviance, table)
        self._model.learn_usual(self._model.deviance, table)

    def _without_each(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        drops, expected, confidence = super()._without_each(table)
        if self._kernel is not None:
            drops = drops + self._kernel.without_each(table, deviance_of)[0]
        return drops, expected, confidence

    def _deviance(self, table: np.ndarray) -> np.ndarray:
        errors = self._model.deviance(table)
        return errors if self._kernel is None else errors + self._kernel.deviance(table)


def _scales(model: Model, table: np.ndarray, trained_on: list[np.ndarray]) -> np.ndarray:
    """Median error of each member on rows that it did not train on, or on all where there are none."""
    rows = np.linspace(0, len(table) - 1, min(len(table), _SCALE_ROWS)).astype(int)
    scales = []
    for errors, own in zip(model.errors_of_members(table[rows]).T, trained_on, strict=True):
        unseen = ~np.isin(rows, own)
        errors = errors[unseen] if unseen.any() else errors
        scales.append(max(np.median(errors), _OF_THE_MEAN * errors.mean(), SMALLEST_SCALE))
    return np.array(scales)
