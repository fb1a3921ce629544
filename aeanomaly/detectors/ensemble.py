"""Ensemble of unlike members: denoising and variational autoencoders, and a memory of training rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import cycle, islice
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch

from aeanomaly._constraints import Constraint, boolean, integer, real
from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._parameters import SHARED_CONSTRAINTS, SharedParameters, few_prototypes
from aeanomaly.detectors._persistence import register
from aeanomaly.detectors.variational import VariationalAutoencoder
from aeanomaly.fitting import (
    FitJob,
    Members,
    Recipe,
    feature_units,
    fit_robust_scorers,
    likelihood_for,
    member_errors,
    rows_at_start,
    some_places,
    spaced_rows,
)
from aeanomaly.nn import NetworkSpec, copy_network, take
from aeanomaly.nn.missing import impute
from aeanomaly.objectives import GaussianCorruption, Objective, ReconstructionObjective
from aeanomaly.preprocessing import Schema, TableEncoder
from aeanomaly.scoring import (
    SMALLEST_SCALE,
    DevianceScorer,
    MarginalScorer,
    MemoryScorer,
    Network,
    Scorer,
    VariationalScorer,
    per_observed,
    two_valued_factors,
    whitening_matrix,
)
from aeanomaly.streams import MemberKey, numpy_stream

#: Maximum number of rows that the memory stores.
_STORED_ROWS = 4096
#: Maximum number of rows among which gaps of columns are found.
_ROWS_FOR_GAPS = 20_000
#: Indices of the other members in the keys of random streams, for any number of networks.
_MEMORY, _VARIATIONAL, _MARGINAL = 1 << 30, 1 << 31, 1 << 28
#: A scale is at least this share of the mean error, because the median error of duplicate rows may be 0.
_LEAST_SHARE_OF_MEAN = 0.01


class MemberWeights(NamedTuple):
    """Weights of the members in the score; those of members that are left out do not count."""

    denoising: float
    variational: float
    memory: tuple[float, float]
    neighborhood: float = 0.0
    linear: float = 0.0


_WEIGHTS = MemberWeights(denoising=1.0, variational=2.0, memory=(4.0, 1.0))
#: Weight of the whitened memory in tables with categories, where a wrong cell contradicts the others of its row.
_WHITENED_WITH_CATEGORIES = 4.0
_ROBUST_WEIGHTS = MemberWeights(denoising=0.25, variational=0.0, memory=(0.2, 0.05), neighborhood=1.0, linear=0.1)
#: Weight of the mean log-distance inside gaps, next to the weighted mean error of the others.
_MARGINAL_WEIGHT = 3.0


class MemberConfig(NamedTuple):
    """Differences of a denoising network from the parameters of the ensemble.

    Attributes
    ----------
    code : float
        Share of the code units that the network uses.
    noise, learning_rate : float
        Factors of the noise and of the learning rate.
    """

    code: float = 1.0
    noise: float = 1.0
    learning_rate: float = 1.0


_CONFIG_CONSTRAINTS = {"code": real(0, 1, with_high=True), "noise": real(0), "learning_rate": real(0)}


def _are_configs(value: Any) -> bool:
    if value is None:
        return True
    return (
        isinstance(value, (tuple, list))
        and len(value) > 0
        and all(isinstance(config, Mapping) and set(config) <= set(_CONFIG_CONSTRAINTS) for config in value)
        and all(_CONFIG_CONSTRAINTS[name].allows(part) for config in value for name, part in config.items())
    )


@register("ensemble")
@dataclass(kw_only=True, eq=False, repr=False)
class AutoencoderEnsemble(BaseDetector):
    """Ensemble of unlike members: denoising autoencoders, a variational autoencoder, and a memory of training rows.

    The members err on different rows. A denoising autoencoder reconstructs a row from similar rows. A variational
    autoencoder represents a row by few numbers, and knows how precisely each column is reconstructed. The memory
    compares a row with its nearest training row, twice: in linear units, and whitened, where correlated columns count
    less. The error of each member is divided by its scale, the median error on rows that it was not trained on. The
    score is minus a weighted mean of these errors: the memory in linear units has half of the weight, the variational
    autoencoder a quarter, and the others an eighth each. A penalty is added for values in gaps of their columns, where
    no training row has a value. With `robust`, two members that resist anomalies among the training rows have most of
    the weight: the mean log-distance from the nearest tenth of some stored rows, and a linear model of each column that
    is fitted to the core of the rows; the variational autoencoder is left out.

    `transform` concatenates the codes of the denoising autoencoders: `latent_dim` is the width of the largest code, and
    `latent_dim_` is the width of all codes together. `reconstruct` and `inverse_transform` average their rows. The
    other members contribute to scores and to `reconstruction_error` only. `partial_fit` trains the denoising
    autoencoders; the scales and the other members remain those of its first call, or of `fit`.

    Parameters
    ----------
    n_estimators : int, default=4
        Number of denoising autoencoders, trained as one stack. More of them rank rows more alike with another
        `random_state`.
    max_samples : float in (0, 1], default=0.9
        Share of the rows on which each autoencoder is trained, drawn independently for each.
    member_configs : sequence of mappings or None, default=None
        Differences of the denoising autoencoders, repeated in order if there are more of them, as in
        ``({}, {"noise": 2.0}, {"code": 0.25, "learning_rate": 0.5})``. "code" is the share of the code units that
        an autoencoder uses, in (0, 1]; "noise" and "learning_rate" are positive factors of its noise and its learning
        rate. None means that all are equal except for their rows and random draws.
    variational_member : bool, default=True
        If True, add a `VariationalAutoencoder` with one hidden layer of 256 units and the parameters of the ensemble.
        Its terms are the deviances of a row from its reconstruction at the noise scale of each column, and twice the
        divergence of the code from the prior, which `explain` shows as `kl`. Not used with `robust`.
    kernel_member : bool, default=True
        If True, add the memory, which stores at most 4,096 training rows. They are part of the detector and of its
        file. A row that is itself stored is compared with the nearest other row, at half of the distance. With
        `robust`, a neighborhood of each row among at most 2,048 stored rows is also scored.
    marginal_member : bool, default=True
        If True, add a penalty for values in gaps of their columns, such as between two clusters of rows. With `robust`,
        it is omitted.
    hidden_layer_sizes : tuple of int, default=()
        Widths of the hidden layers of the encoder; the decoder mirrors them. ``()`` means no hidden layers.
    latent_dim : int or "auto", default="auto"
        Width of the code. "auto": 256.
    activation : {"rbf", "silu", "relu", "gelu", "tanh", "logistic", "identity"}, default="rbf"
        Activation of the hidden layers. In `DenoisingAutoencoder` and `AutoencoderEnsemble` it is also the
        activation of the code. With "rbf", the units of a layer are prototypes, which are initialized near
        training rows. Their outputs express how near the row is to each prototype, relative to the others.
        Before training, the network is a kernel smoother of the training rows. A row far from all prototypes
        cannot be reconstructed. The other activations give ordinary layers, which start at random weights and
        extrapolate.
    likelihood : {"auto", "gaussian", "bernoulli", "poisson"} or mapping, default="auto"
        Likelihood of numeric columns. With "auto", a column with exactly two distinct values is Bernoulli in
        `VariationalAutoencoder`, and any other column is Gaussian. In the other detectors, the two values are
        encoded 1 / sqrt(s) apart, where s is the standard deviation as a share of the range. "bernoulli" requires
        values in [0, 1]. "poisson" is for counts, and requires values of at least 0. A mapping gives the likelihood
        of some columns by name, or by position without names, as in {"visits": "poisson"}; the others are "auto".
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
        integers, at least half of them positive, with at least 20 distinct values. Their 99% quantile is at
        least 5 times the median of the positive values. Select "logarithmic" for other columns if ratios
        matter, including ratios of very small values. The unit of such a column is the 5% quantile of its
        positive values, or 1 for integers.
    identifiers : {"ignore", "keep", "raise"} or list of columns, default="ignore"
        Treatment of columns of a DataFrame that seem to identify rows: unique text, and integers that rise from row
        to row, in at least 50 rows. "ignore" leaves them out of the score, with a warning; "keep" scores them;
        "raise" raises a ValueError. A list names the columns to leave out, of arrays by position. Columns left out
        count in `n_features_in_`, contribute 0, and may hold any cells.
    time_trend : bool or list of columns, default=False
        Datetime columns whose times are scored. Of the others, only cycles are scored: the time of day, the day of the
        week and the season, each if the training rows cover it at least twice and it varies.
    groups : str, int, list or None, default=None
        Columns, or positions in an array, whose cells identify the group of a row together, such as a customer. Each
        number is then scored relative to the mean and deviation of its group, and each category by its frequency in
        the group. Both are shrunk towards those of all rows if the group has few rows. Rows of unknown groups are
        compared with all rows. The columns themselves are not scored.
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
        rows, from 50 to 400, or to 200 if the code consists of prototypes; otherwise 20 times, from 100 to 1,000.
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
    robust : bool or float in (0, 0.5], default=False
        Set to True if the training rows contain anomalies. The rows most different from the others are then
        removed before training. True removes 15% (an
        `AutoencoderEnsemble` removes none, but has members that resist anomalies); a float is the share to
        remove. Also, prototypes are initialized in dense regions: each is moved twice to the mean of its 10
        nearest rows, instead of once to the mean of 3; see Yang, Rahardja & Franti (2021), Mean-shift outlier
        detection and filtering, Pattern Recognition 115. `training_scores_` are those of all rows.
    warm_start : bool, default=False
        If True, the next `fit` starts from the current weights, with new statistics and a new threshold.
    contamination : "auto", float in (0, 0.5] or threshold rule, default="auto"
        Rule that sets `offset_`. A float is the share of the training rows to flag. A threshold rule is an
        object with ``fit(scores) -> offset``, from `aeanomaly.thresholds` or of your own. Some rules, such as
        `Conformal`, hold out rows from the fit to guarantee a false-alarm rate. "auto" aims to flag 5% of new
        normal rows, without a guarantee: clones that are fitted without some of the rows score these rows (see
        `ExpectedRate`). With `robust`, the anomalies to flag are assumed to be among the training rows: the offset
        lies 2.5 robust standard deviations below their median score. `warm_start` does not act on the clones.
        `partial_fit`, which fits no clones, flags 5% of the rows that it has seen.
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
    calibration_scores_ : ndarray of shape (n_calibration,)
        Ascending scores of normal rows that were not used in training, for `p_values` and `flag`. They come
        from "auto", from a threshold rule for new rows, or from `set_threshold`; otherwise empty.
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
    Chen, Sathe, Aggarwal & Turaga (2017), Outlier detection with autoencoder ensembles, SDM. Aggarwal & Sathe (2015),
    Theoretical foundations and algorithms for outlier ensembles, SIGKDD Explorations 17, for the scales.

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
    member_configs: Sequence[Mapping[str, float]] | None = None
    variational_member: bool = True
    kernel_member: bool = True
    marginal_member: bool = True

    _trimmed_share: ClassVar[float] = 0.0  # the members resist anomalies
    _limits_epochs: ClassVar[bool] = False  # the memory has no epochs, and outweighs the networks

    constraints: ClassVar[dict[str, Constraint]] = {
        **SHARED_CONSTRAINTS,
        "n_estimators": integer(1),
        "max_samples": real(0, 1, with_high=True),
        "member_configs": Constraint(
            _are_configs,
            "None, or a non-empty list of dicts with any of the keys 'code' in (0, 1], 'noise' above 0 and "
            "'learning_rate' above 0",
        ),
        "variational_member": boolean(),
        "kernel_member": boolean(),
        "marginal_member": boolean(),
    }
    auto_latent_dim = staticmethod(few_prototypes)

    @property
    def _configs(self) -> list[MemberConfig]:
        configs = [MemberConfig(**config) for config in self.member_configs or [{}]]
        return list(islice(cycle(configs), self.n_estimators))

    def _members(self, seed: int, n_rows: int) -> Members:
        keys = tuple(MemberKey(seed, member) for member in range(int(self.n_estimators)))
        return Members(
            keys,
            learning_rates=tuple(self.learning_rate * config.learning_rate for config in self._configs),
            rows=tuple(self._sample(key, n_rows) for key in keys),
        )

    def _sample(self, key: MemberKey, n_rows: int) -> np.ndarray:
        n_sampled = max(2, round(self.max_samples * n_rows))
        return numpy_stream(key, "samples").permutation(n_rows)[:n_sampled]

    def _network_spec(self, n_encoded: int) -> NetworkSpec:
        spec = self._spec(n_encoded, code_activation=self.activation, n_members=self.n_estimators)
        sizes = tuple(max(1, round(config.code * spec.latent_dim)) for config in self._configs)
        return replace(spec, code_sizes=sizes)

    def _objective(self, network: Network, encoder: TableEncoder) -> Objective:
        distance = network.neighbor_distance
        factors = torch.tensor([config.noise for config in self._configs], dtype=torch.float32).view(-1, 1, 1)
        corruption = GaussianCorruption(factors.to(distance.device) * distance)
        return ReconstructionObjective(likelihood_for(network, encoder), corruption=corruption)

    def _companions(self) -> tuple[Recipe, ...]:
        if not self.variational_member or self.robust:
            return ()
        own = {"hidden_layer_sizes", "latent_dim", "contamination", "verbose"}
        shared = {field.name: getattr(self, field.name) for field in fields(SharedParameters) if field.name not in own}
        recipe = VariationalAutoencoder(**shared)._recipe
        # Other members see rows between clusters of codes, so that the decoder may be as wide as is best elsewhere.
        training = replace(recipe.training, limits_epochs=self._limits_epochs)
        return (replace(recipe, training=training, members=self._variational_members, prototype_start={}),)

    def _variational_members(self, seed: int, n_rows: int) -> Members:
        key = MemberKey(seed, _VARIATIONAL)
        return Members((key,), (self.learning_rate,), (self._sample(key, n_rows),))

    def _scorers(self, job: FitJob, network: Network) -> tuple[Scorer, ...]:
        weights = _robust_weights(job.encoder.schema) if self.robust else _usual_weights(job.encoder.schema)
        n_networks = len(job.members.rows)
        networks = DevianceScorer(job.spec, network, job.likelihood)
        parts = [_Part(networks, (weights.denoising / n_networks,) * n_networks, job.members.rows)]
        for companion in job.companions:
            other = copy_network(companion.network, job.device)
            scorer = VariationalScorer(companion.spec, other, companion.likelihood)
            parts.append(_Part(scorer, (weights.variational,), companion.members.rows))
        if self.kernel_member:
            parts.append(_Part(_memory(job), weights.memory))
        if self.robust:
            kinds = job.encoder.schema.feature_kinds
            robust = fit_robust_scorers(rows_at_start(job.encoded), kinds, job.seed, allow_nan=job.spec.allow_nan)
            neighborhood, linear = (scorer.copied(job.device) for scorer in robust)
            if (kinds != "categorical").any():
                parts.append(_Part(linear, (weights.linear,)))
            if self.kernel_member and weights.neighborhood > 0:
                parts.append(_Part(neighborhood, (weights.neighborhood,)))
        total = sum(sum(part.weights) for part in parts)
        scorers = tuple(part.scaled(job, total) for part in parts)
        return (*scorers, _marginal(job)) if self.marginal_member and not self.robust else scorers


def _usual_weights(schema: Schema) -> MemberWeights:
    """Return the weights without `robust`."""
    if "categorical" not in schema.kinds:
        return _WEIGHTS
    return _WEIGHTS._replace(memory=(_WEIGHTS.memory[0], _WHITENED_WITH_CATEGORIES))


def _robust_weights(schema: Schema) -> MemberWeights:
    """Return the weights with `robust`: for the share of categories, networks have that of the neighborhood.

    Categories have few distances from each other, so that their neighborhoods say little.
    """
    share = float(np.mean([kind == "categorical" for kind in schema.kinds]))
    usual = _ROBUST_WEIGHTS
    moved = share * usual.neighborhood
    return usual._replace(denoising=usual.denoising + moved, neighborhood=usual.neighborhood - moved)


class _Part(NamedTuple):
    """Scorer, and for each of its members the weight in the score and the rows that it was trained on, if any."""

    scorer: Scorer
    weights: tuple[float, ...]
    trained_on: tuple[np.ndarray, ...] | None = None

    def scaled(self, job: FitJob, total: float) -> Scorer:
        """Return the scorer with terms that add up to the weighted mean error, given the `total` of all weights."""
        scorer = self.scorer
        if isinstance(scorer, MemoryScorer):  # the distances of training rows are measured like those of new rows
            scorer = scorer.replaced(known_share=1.0)
        errors = _typical_errors(job, scorer, self.trained_on)
        # The terms of the members are averaged.
        return self.scorer.replaced(scales=errors * total / (len(errors) * np.array(self.weights)))


def _memory(job: FitJob) -> MemoryScorer:
    """Return a memory of a random sample of the rows, with missing values imputed from similar rows."""
    order = numpy_stream(MemberKey(job.seed, _MEMORY), "samples").permutation(len(job.encoded))[:_STORED_ROWS]
    stored, features = take(rows_at_start(job.encoded), order), feature_units(job.encoder.schema)
    if job.spec.allow_nan:
        stored = impute(stored, stored)
    factors = torch.from_numpy(two_valued_factors(stored, features.two_valued)).to(stored.device)
    whitening = torch.from_numpy(whitening_matrix(stored * factors)).float()
    return MemoryScorer(stored.to(job.device), whitening.to(job.device), features, allow_nan=job.spec.allow_nan)


def _marginal(job: FitJob) -> MarginalScorer:
    """Return a penalty for gaps of the columns among a random sample of the rows, in units of the weighted mean error.

    It has no typical error, because most rows have no value in a gap.
    """
    stream = numpy_stream(MemberKey(job.seed, _MARGINAL), "samples")
    rows = take(rows_at_start(job.encoded), some_places(len(job.encoded), _ROWS_FOR_GAPS, stream))
    scorer = MarginalScorer.fit(rows, allow_nan=job.spec.allow_nan).copied(job.device)
    return scorer.replaced(scales=np.array([scorer.n_encoded / _MARGINAL_WEIGHT]))


def _typical_errors(job: FitJob, scorer: Scorer, trained_on: Sequence[np.ndarray] | None) -> np.ndarray:
    """Return the median error of each member on rows not used to train it, or on all rows if all were used."""
    table = job.rows.core_table
    rows = spaced_rows(table)
    errors, typical = member_errors(scorer, take(job.encoded, rows)), []
    if scorer.allow_nan:
        errors = per_observed(errors, ~np.isnan(table[rows][:, job.encoder.is_scored]))
    for number, found in enumerate(errors.T):
        unseen = np.full(len(rows), True) if trained_on is None else ~np.isin(rows, trained_on[number])
        found = found[unseen] if unseen.any() else found
        typical.append(max(np.median(found), _LEAST_SHARE_OF_MEAN * found.mean(), SMALLEST_SCALE))
    return np.array(typical)
