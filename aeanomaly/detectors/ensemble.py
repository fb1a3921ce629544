"""Ensemble of denoising autoencoders, trained as one stack."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch

from aeanomaly._constraints import Constraint, boolean, integer, real
from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._parameters import SHARED_CONSTRAINTS, many_prototypes
from aeanomaly.detectors._persistence import register
from aeanomaly.fitting import FitJob, Initializer, Members, likelihood_for
from aeanomaly.nn import RBF, NetworkSpec
from aeanomaly.objectives import GaussianCorruption, Objective, ReconstructionObjective
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import SMALLEST_SCALE, DevianceScorer, Network, Scorer
from aeanomaly.streams import MemberKey, numpy_stream

#: Maximum number of rows that the kernel member stores.
_KERNEL_ROWS = 2048
#: Index of the kernel member in the keys of random streams, for any number of members.
_KERNEL_MEMBER = 1 << 30
#: Share of the rows that the kernel member does not store, to measure its scale.
_KERNEL_HELD_OUT = 0.1
#: Maximum number of rows from which the scale of a member is measured.
_SCALE_ROWS = 4096
#: A scale is at least this share of the mean error, because the median error of duplicate rows may be 0.
_LEAST_SHARE_OF_MEAN = 0.01


class MemberConfig(NamedTuple):
    """Differences of a member from the parameters of the ensemble.

    Attributes
    ----------
    code : float
        Share of the code units that the member uses.
    noise, rate : float
        Factors of the noise and of the learning rate.
    """

    code: float = 1.0
    noise: float = 1.0
    rate: float = 1.0


class EnsembleConfig(NamedTuple):
    """Default configuration of an ensemble.

    Attributes
    ----------
    varieties : tuple of MemberConfig
        Configurations of the members; repeated in order if there are more members.
    kernel_share : float
        Weight of the kernel member in the score.
    """

    varieties: tuple[MemberConfig, ...]
    kernel_share: float


_CONFIG = EnsembleConfig(
    (MemberConfig(), MemberConfig(noise=0.5), MemberConfig(code=1 / 4, rate=0.5), MemberConfig(noise=2, rate=0.5)),
    kernel_share=1 / 2,
)
#: A small code reconstructs common rows only; a large one also reconstructs rare rows, such as anomalies.
_ROBUST_CONFIG = EnsembleConfig((MemberConfig(), MemberConfig(code=1 / 32)), kernel_share=1 / 8)


#: Constraints of `code`, `noise` and `rate`.
_MEMBER_CONSTRAINTS = (real(0, 1, with_high=True), real(0), real(0))


def _are_varieties(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, (tuple, list)) or not value:
        return False
    return all(
        isinstance(variety, (tuple, list))
        and len(variety) == len(_MEMBER_CONSTRAINTS)
        and all(rule.allows(part) for rule, part in zip(_MEMBER_CONSTRAINTS, variety, strict=True))
        for variety in value
    )


@register("ensemble")
@dataclass(kw_only=True, eq=False, repr=False)
class AutoencoderEnsemble(BaseDetector):
    """Ensemble of denoising autoencoders and a kernel member, with different rows, code sizes and noise.

    The networks are trained as one stack. The error of each member is divided by its scale, so that all members have
    equal weight. The scale is the median error on rows not used to train the member. The score is minus the weighted
    mean of these errors.

    `transform` concatenates the codes of the networks: `latent_dim` is the width of the largest code, and `latent_dim_`
    is the width of all codes together. `reconstruct` and `inverse_transform` average the rows of the networks. The
    kernel member contributes to scores and to `reconstruction_error` only. `partial_fit` trains the networks; the
    scales and the kernel member remain those of its first call.

    Parameters
    ----------
    n_estimators : int, default=4
        Number of networks.
    max_samples : float in (0, 1], default=0.9
        Share of the rows on which each member is trained, drawn independently for each member.
    varieties : sequence of (code, noise, rate) or None, default=None
        Configurations of the members, repeated in order if there are more members. `code` is the share of the code
        units that a member uses, in (0, 1]. `noise` and `rate` are positive factors of its noise and of its learning
        rate. None means (1, 1, 1), (1, 1/2, 1), (1/4, 1, 1/2), (1, 2, 1/2), and with `robust` (1, 1, 1), (1/32, 1, 1).
    kernel_member : bool, default=True
        If True, add a kernel member, which has half of the weight in the score, or an eighth with `robust`. It is an
        untrained smoother of at most 2,048 training rows; for real columns it is the optimal denoiser of these rows in
        closed form. The rows are part of the detector and of its file. With `robust`, means of neighboring rows replace
        them.
    hidden_layer_sizes : tuple of int, default=()
        Widths of the hidden layers of the encoder; the decoder mirrors them. ``()`` means no hidden layers.
    latent_dim : int or "auto", default="auto"
        Width of the code. "auto": 1,024.
    activation : {"rbf", "silu", "relu", "gelu", "tanh", "logistic", "identity"}, default="rbf"
        Activation of the hidden layers. In `DenoisingAutoencoder` and `AutoencoderEnsemble` it is also the
        activation of the code. With "rbf", the units of a layer are prototypes, which are initialized near
        training rows. Their outputs express how near the row is to each prototype, relative to the others.
        Before training, the network is a kernel smoother of the training rows. A row far from all prototypes
        cannot be reconstructed. The other activations give ordinary layers, which start at random weights and
        extrapolate.
    likelihood : {"auto", "gaussian", "bernoulli", "poisson"} or mapping, default="auto"
        Likelihood of numeric columns. With "auto", a column with exactly two distinct values is Bernoulli, and
        any other is Gaussian. "bernoulli" requires values in [0, 1]. "poisson" is for counts, and requires values
        of at least 0. A mapping gives the likelihood of some columns by name, or by position without names, as in
        {"visits": "poisson"}; the others are "auto".
    standardize : bool, default=True
        Standardize numeric columns to mean 0 and standard deviation 1. Datetime, duration and ordinal columns
        are always standardized.
    missing : {"error", "model", "informative"}, default="error"
        Treatment of missing values (NaN, None, NA). "error" raises a ValueError. "model" omits missing values
        from the loss. In the score, a missing value contributes the mean error of the observed values in its
        row, shrunk towards the mean training error. Prototypes use the observed columns only; other layers
        learn weights for a missing-value indicator. "informative" also reconstructs and scores the presence of
        a missing value, as a binary feature of its column. An unexpected missing value is then an anomaly.
    column_types : dict or None, default=None
        Types of columns that differ from their dtypes. Keys are column names, or indices if the columns have no
        names. Values are "numeric", "logarithmic", "categorical", "ordinal", "datetime", "duration", or a list
        of categories in order. By dtype, numbers and booleans are numeric, text and unordered categories are
        categorical, and ordered categories are ordinal. With ``standardize=True`` and ``likelihood="auto"``,
        wide counts are logarithmic instead of numeric, encoded as asinh(x / 2). Wide counts are nonnegative
        integers, at least half of them positive, with at least 20 distinct values. Their 99 % quantile is at
        least 5 times the median of the positive values. Select "logarithmic" for other columns if ratios
        matter, including ratios of very small values. The unit of such a column is the 5 % quantile of its
        positive values, or 1 for integers.
    learning_rate : float, default=2e-3
        Peak learning rate of AdamW, for a layer with 128 inputs. Weights of narrower layers have a
        proportionally higher rate, up to 16 times, and weights of wider layers a lower one. Prototypes have 5
        times the rate, and the outputs stored for them 16 times. The rate rises during the first twentieth of
        the steps, then falls along a cosine.
    weight_decay : float, default=1e-5
        Decoupled decay of the weights. Biases do not decay.
    batch_size : int, default=128
        Number of rows per step. If there are fewer rows, they repeat within the batch.
    max_iter : int or "auto", default="auto"
        Number of optimizer steps, not epochs. "auto": with prototypes, 8 times the square root of the number of
        rows, from 50 to 400; otherwise 20 times, from 100 to 1,000.
    early_stopping : bool, default=False
        If True, hold out `validation_fraction` of the rows, stop when their loss no longer decreases, and
        restore the best weights.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows that are held out for early stopping.
    n_iter_no_change : int, default=10
        Number of checks of the validation loss without improvement before training stops. Checks are one epoch
        apart, but at least 10 steps, and at most a twentieth of `max_iter` if this is more than 10 steps.
    tol : float, default=1e-4
        Decrease of the validation loss per row that counts as an improvement.
    robust : bool, default=False
        Set to True if the training rows contain anomalies. Prototypes are then initialized in dense regions, so
        that few of them represent anomalies. Each is moved twice to the mean of its 10 nearest rows, instead of
        once to the mean of 3; see Yang, Rahardja & Franti (2021), Mean-shift outlier detection and filtering,
        Pattern Recognition 115. The initialization of layers with other activations does not change.
    warm_start : bool, default=False
        If True, the next `fit` starts from the current weights, with new statistics and a new threshold.
    contamination : "auto", float in (0, 0.5] or threshold rule, default="auto"
        Rule that sets `offset_`. A float is the share of the training rows to flag. A threshold rule is an
        object with ``fit(scores) -> offset``, from `aeanomaly.thresholds` or of your own. Some rules, such as
        `Conformal`, hold out rows from the fit to guarantee a false-alarm rate. "auto" has no guarantee: the
        offset lies 2.5 robust standard deviations below the median score (`MedianAbsoluteDeviation`). It is
        computed from `jittered_scores_` for networks with prototypes, which reconstruct their training rows too
        well, and from `training_scores_` for others. With `robust`, the anomalies to flag are assumed to be
        among the training rows, and `training_scores_` are always used.
    device : str, default="auto"
        "auto" selects an available accelerator (CUDA, XPU or MPS), or the CPU if there is none. Other values
        are names that torch accepts, such as "cpu" or "cuda:1". A ValueError is raised if the device is not
        available.
    random_state : int, RandomState, Generator or None, default=None
        Only source of randomness. An int gives bitwise equal results in every run, on one machine with one
        number of threads.
    verbose : int, default=0
        If positive, `fit` displays a progress bar on standard error.

    Attributes
    ----------
    state_ : FittedState
        Immutable state of the fitted detector: model, threshold and loss curves. A new fit or threshold
        replaces it as a whole.
    schema_ : Schema
        Columns of the training table, and the constants that encode them.
    column_names_ : list of str
        Names of the columns; x0, x1 and so on if the training rows had no names.
    offset_ : float
        Threshold of the score: ``decision_function = score_samples - offset_``. Rows with a lower score are
        anomalies.
    threshold_info_ : ThresholdInfo
        Origin of `offset_`: ``rule``, ``source`` and ``n_scores``, and the ``guarantee`` as a sentence.
    training_scores_ : ndarray of shape (n_samples,)
        `score_samples` of the training rows, or of a random sample of 100,000 of them.
    jittered_scores_ : ndarray of shape (n_jittered,)
        `score_samples` of at most 10,000 training rows with added noise, to mimic new rows. The noise has the
        size of the distance between neighboring rows. Empty without prototypes and after `partial_fit`.
    calibration_scores_ : ndarray of shape (n_calibration,)
        Ascending scores of normal rows that were not used in training, for `p_values` and `flag`. They come
        from a threshold rule that holds out rows, or from `set_threshold`; otherwise empty.
    n_samples_seen_ : int
        Number of rows that `training_scores_` represent.
    loss_curve_ : ndarray of shape (n_steps,)
        Training loss before each step; lower = better.
    validation_loss_curve_ : ndarray of shape (n_checks,)
        Validation loss at each check; empty without early stopping.
    n_iter_ : int
        Number of optimizer steps taken.
    latent_dim_ : int
        Number of columns of the code that `transform` returns.
    n_features_in_ : int
        Number of columns of the training table.
    feature_names_in_ : ndarray of str
        Names of the columns. Defined only if all names are strings.

    References
    ----------
    Chen, Sathe, Aggarwal & Turaga (2017), Outlier detection with autoencoder ensembles, SDM. Miyasawa (1961), An
    empirical Bayes estimator of the mean of a normal population, Bulletin of the International Statistical Institute
    38, for the kernel member.

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
            _are_varieties, "None, or tuples (code in (0, 1], noise above 0, rate above 0), at least one"
        ),
        "kernel_member": boolean(),
    }
    auto_latent_dim = staticmethod(many_prototypes)

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
        """Return the kernel member, whose prototypes are rows: the optimal denoiser of a uniform mixture of them."""
        key, n_rows = MemberKey(job.seed, _KERNEL_MEMBER), len(job.encoded)
        most = min(_KERNEL_ROWS, n_rows - max(1, round(_KERNEL_HELD_OUT * n_rows)))
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
    """Return the median error of each member on rows not used to train it, or on all rows if all were used."""
    table = job.rows.table
    rows = np.linspace(0, len(table) - 1, min(len(table), _SCALE_ROWS)).astype(int)
    scales = []
    for errors, own in zip(job.model(scorer).errors_of_members(table[rows]).T, trained_on, strict=True):
        unseen = ~np.isin(rows, own)
        errors = errors[unseen] if unseen.any() else errors
        scales.append(max(np.median(errors), _LEAST_SHARE_OF_MEAN * errors.mean(), SMALLEST_SCALE))
    return np.array(scales)
