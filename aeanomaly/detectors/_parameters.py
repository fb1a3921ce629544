"""The parameters that all detectors share: declared, constrained and documented once."""

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from aeanomaly._constraints import Constraint, any_of, boolean, integer, layer_sizes, one_of, real
from aeanomaly.likelihoods import LIKELIHOODS
from aeanomaly.nn import ACTIVATIONS
from aeanomaly.preprocessing import COLUMN_TYPES
from aeanomaly.thresholds import as_threshold

#: Accepted values of `likelihood`, besides a dict of column to one of them.
LIKELIHOODS_OF_NUMBERS = ("auto", *(kind for kind in LIKELIHOODS if kind != "categorical"))


@dataclass(eq=False, repr=False)
class SharedParameters:
    """Keyword-only fields in the signature of every detector."""

    _: KW_ONLY
    hidden_layer_sizes: tuple[int, ...] = (256,)
    latent_dim: int | str = "auto"
    activation: str = "rbf"
    likelihood: str | Mapping[Any, str] = "auto"
    standardize: bool = True
    missing: str = "error"
    column_types: Mapping[Any, Any] | None = None
    learning_rate: float = 2e-3
    weight_decay: float = 1e-5
    batch_size: int = 128
    max_iter: int | str = "auto"
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    tol: float = 1e-4
    robust: bool = False
    warm_start: bool = False
    contamination: Any = "auto"
    device: str = "auto"
    random_state: Any = None
    verbose: int = 0


def _are_column_types(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, Mapping) and all(
        kind in COLUMN_TYPES if isinstance(kind, str) else isinstance(kind, (list, tuple)) and len(kind) > 1
        for kind in value.values()
    )


def _is_likelihood(value: Any) -> bool:
    kinds = value.values() if isinstance(value, Mapping) else [value]
    return all(isinstance(kind, str) and kind in LIKELIHOODS_OF_NUMBERS for kind in kinds)


SHARED_CONSTRAINTS: dict[str, Constraint] = {
    "hidden_layer_sizes": layer_sizes(),
    "latent_dim": any_of(one_of("auto"), integer(1)),
    "activation": one_of(*ACTIVATIONS),
    "likelihood": Constraint(
        _is_likelihood,
        f"one of {', '.join(map(repr, LIKELIHOODS_OF_NUMBERS))}, or a dict of column to one of these",
    ),
    "standardize": boolean(),
    "missing": one_of("error", "model", "informative"),
    "column_types": Constraint(
        _are_column_types,
        f"None, or a dict of column to one of {', '.join(map(repr, COLUMN_TYPES))} or a list of levels",
    ),
    "learning_rate": real(0),
    "weight_decay": real(0, with_low=True),
    "batch_size": integer(1),
    "max_iter": any_of(one_of("auto"), integer(1)),
    "early_stopping": boolean(),
    "validation_fraction": real(0, 1),
    "n_iter_no_change": integer(1),
    "tol": real(0, with_low=True),
    "robust": boolean(),
    "warm_start": boolean(),
    "verbose": any_of(boolean(), integer(0)),
}


def check_parameters(estimator: Any, constraints: Mapping[str, Constraint]) -> None:
    """Raise a ValueError for the first parameter that violates its constraint."""
    owner = type(estimator).__name__
    for name, constraint in constraints.items():
        constraint.check(owner, name, getattr(estimator, name))
    try:
        as_threshold(estimator.contamination)
    except ValueError as error:
        raise ValueError(f"{owner}: contamination: {error}") from None


def bottleneck(n_encoded: int) -> int:
    """the root of the number of columns, plus one, but narrower than the row"""
    return max(1, min(round(math.sqrt(n_encoded)) + 1, n_encoded - 1))


def prototypes(n_encoded: int) -> int:
    """512"""
    return 512


def many_prototypes(n_encoded: int) -> int:
    """1,024"""
    return 1024


def overcomplete(n_encoded: int) -> int:
    """64, or as wide as the row if that is wider"""
    return max(64, n_encoded)


_SHARED_DOC = """\
hidden_layer_sizes : tuple of int, default={hidden_layer_sizes}
        Widths of the encoder's hidden layers; the decoder mirrors them; ``()`` for none.
    latent_dim : int or "auto", default="auto"
        Width of the code. "auto": {latent_dim}.
    activation : {{"rbf", "silu", "relu", "gelu", "tanh", "logistic", "identity"}}, default="rbf"
        Activation of the hidden layers{also_code}. "rbf": the units of a layer are prototypes, which start
        at neighbourhoods of training rows and answer by how near the row is to each, compared with the
        others; the network starts as a smoother of its training rows, and learns from there. A row
        far from all of them cannot be reconstructed. The others start at random, and extrapolate.
    likelihood : {{"auto", "gaussian", "bernoulli"}}, default="auto"
        What a column is. "auto": a column with exactly two values, whatever they are, is Bernoulli, any
        other Gaussian. "bernoulli" takes every column as such and wants values in [0, 1].
    standardize : bool, default=True
        Give numeric columns mean 0 and deviation 1 before the network; times and ordinal levels get it always.
    missing : {{"error", "model", "informative"}}, default="error"
        What holes (NaN, None, NA) are. "error": a ValueError. "model": values that nobody observed. They leave
        the loss; in the score each counts as the mean of what its row has, with one column that is off as
        training rows are; prototypes answer by the columns that a row has, other layers learn what it means
        that one is missing. "informative": that a value is missing is reconstructed and scored as well, as a
        two-valued column that belongs to the value's, so that an unexpected hole is an anomaly.
    column_types : dict or None, default=None
        For columns that are not what their dtype says: name (or place, where there are no names) -> "numeric",
        "logarithmic", "categorical", "ordinal", "datetime", "duration", or a list of levels in order. By dtype,
        numbers and truth values are numeric, text and categories categorical, ordered categories ordinal. Of numeric
        columns, counts of a wide range (whole numbers of at least 0, 20 values or more, half of them above 0, a
        hundredth beyond 5 times the median of these) are logarithmic, with ``standardize=True`` and
        ``likelihood="auto"``: seen as asinh(x / 2). Say "logarithmic" of others where ratios matter and unusually
        small values do, too; their unit is the 5 % quantile of what is above 0, or 1 if they are whole.
    learning_rate : float, default={learning_rate}
        Peak rate of AdamW for a layer of 128 inputs; weights of narrower layers get more in proportion,
        up to 16 times, those of wider ones less; prototypes get 5 times, what they recall 16 times. It
        rises over the first twentieth of the steps and falls along a cosine.
    weight_decay : float, default={weight_decay}
        Decoupled decay of the weights (not of the biases).
    batch_size : int, default={batch_size}
        Rows in each step; where there are fewer, they come round within the batch.
    max_iter : int or "auto", default="auto"
        Optimiser steps, not epochs. "auto": {max_iter}.
    early_stopping : bool, default=False
        Hold out `validation_fraction` of the rows, stop when their loss no longer falls, and keep the
        best weights.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows held out for early stopping.
    n_iter_no_change : int, default=10
        Checks of the validation loss without improvement before stopping. A check takes place every
        epoch, but not more often than every 10 steps, and at least 20 times in `max_iter` where that
        leaves 10 steps between.
    tol : float, default=1e-4
        Fall of the validation loss (per row) that counts as an improvement.
    robust : bool, default=False
        For rows that hold anomalies. Prototypes then start at places where rows are many: each is moved
        twice to the mean of its 10 nearest rows (Yang, Rahardja & Franti 2021, Mean-shift outlier detection
        and filtering, Pattern Recognition 115), not once to that of 3, so that few of them stand for
        anomalies. Only for ``activation="rbf"``; without effect on the others.
    warm_start : bool, default=False
        Let the next `fit` start from the present weights, with new statistics and threshold.
    contamination : "auto", float in (0, 0.5] or object with ``fit(scores) -> offset``, default="auto"
        What sets `offset_`. A float: the share of the training rows to flag. An object: a rule of
        `aeanomaly.thresholds`, of which `Conformal` and others hold rows out of the fit to promise a rate of false
        alarms, or one's own. "auto" promises none: 2.5 robust standard deviations below the median score
        (`MedianAbsoluteDeviation`) of training rows, or, with prototypes, which know their training rows too well, of
        `jittered_scores_`; with `robust`, which is for training rows that are to be flagged, of training rows again.
    device : str, default="auto"
        "auto" takes the accelerator that is there (CUDA, XPU, MPS), else the CPU. Else a name that torch
        knows, such as "cpu" or "cuda:1"; a ValueError where that device is missing.
    random_state : int, RandomState, Generator or None, default=None
        The only source of randomness; an int gives the same bits every time, on one machine at one
        number of threads.
    verbose : int, default=0
        Above 0, `fit` shows a progress bar on standard error."""

_ATTRIBUTES_DOC = """\
offset_ : float
        ``decision_function = score_samples - offset_``; rows below it are anomalies.
    training_scores_ : ndarray (n_samples,)
        ``score_samples`` of the training rows; of 100,000 of them at random, where they are more.
    jittered_scores_ : ndarray
        ``score_samples`` of training rows, 10,000 at most, each moved by noise as large as rows are apart, as
        a new row would be; empty without prototypes and after `partial_fit`.
    calibration_scores_ : ndarray
        Scores, ascending, of normal rows that were not trained on, for `p_values` and `flag`: held out by a threshold
        that promises a rate, or given to `set_threshold`; else empty.
    threshold_info_ : ThresholdInfo
        What set `offset_`: ``rule``, ``source``, ``n_scores``, and ``promise``, in words.
    n_samples_seen_ : int
        Rows behind `training_scores_`.
    loss_curve_ : ndarray (``n_iter_``,)
        Training loss before each step, lower = better.
    validation_loss_curve_ : ndarray (n_checks,)
        Validation loss at each check; empty without early stopping.
    n_iter_ : int
        Optimiser steps taken.
    latent_dim_ : int
        Width of the code.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the rows came with names that are all text."""


def documented(cls: Any) -> Any:
    """Fill ``{shared}`` and ``{attributes}`` in a detector's docstring; its defaults come from its fields."""
    assert cls.__doc__ is not None
    defaults = {name: getattr(cls, name) for name in SharedParameters.__dataclass_fields__ if name != "_"}
    for_others = "20 times the root of the number of rows, from 100 to 1000"
    words = {
        "latent_dim": cls.auto_latent_dim.__doc__,
        "also_code": cls._activation_of_code,
        "max_iter": for_others
        if cls._far_from_start
        else f"{for_others}; 8 times that root, from 50 to 400, with prototypes",
    }
    shared = _SHARED_DOC.format(**{**defaults, **words})
    cls.__doc__ = cls.__doc__.replace("{shared}", shared).replace("{attributes}", _ATTRIBUTES_DOC)
    return cls
