"""Autoencoder with a bottleneck."""

from dataclasses import dataclass

from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._parameters import bottleneck
from aeanomaly.detectors._persistence import register
from aeanomaly.fitting import likelihood_for
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import GaussianCorruption, Objective, ReconstructionObjective
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import Network

#: Noise for a table with one encoded column: no code is narrower, and without noise the network would learn to copy.
_NOISE_WITHOUT_BOTTLENECK = 0.5


@register("undercomplete")
@dataclass(kw_only=True, eq=False, repr=False)
class UndercompleteAutoencoder(BaseDetector):
    """Autoencoder with a code narrower than the row, which represents the structure common to most rows.

    With ``hidden_layer_sizes=()`` and ``activation="identity"`` it spans the subspace of principal component analysis
    (Baldi & Hornik 1989, Neural Networks 2).

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(256,)
        Widths of the hidden layers of the encoder; the decoder mirrors them. ``()`` means no hidden layers.
    latent_dim : int or "auto", default="auto"
        Width of the code. "auto": 1 plus the rounded square root of the width of the encoded row, but less than
        this width.
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
        rows, at most 400, or 200 if the code consists of prototypes, and below 500 rows at most 25 epochs, but at
        least 50 steps; otherwise 20 times the square root, from 100 to 1,000.
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
    Sakurada & Yairi (2014), Anomaly detection using autoencoders with nonlinear dimensionality reduction, MLSDA.

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
            width = f"{n_encoded}, the number of columns of X"
            if n_encoded != self.n_features_in_:
                width = (
                    f"{n_encoded}, the width of an encoded row (X has {self.n_features_in_} columns; categories, "
                    "cycles of times and missing-value indicators have encoded columns of their own)"
                )
            raise ValueError(
                f"UndercompleteAutoencoder: latent_dim={spec.latent_dim} must be below {width}; lower it, or use a "
                "detector with an overcomplete code, such as DenoisingAutoencoder"
            )
        return spec

    def _objective(self, network: Network, encoder: TableEncoder) -> Objective:
        narrow = network.spec.latent_dim < network.spec.n_encoded
        corruption = None if narrow else GaussianCorruption(_NOISE_WITHOUT_BOTTLENECK)
        return ReconstructionObjective(likelihood_for(network, encoder), corruption=corruption)
