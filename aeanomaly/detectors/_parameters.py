"""Parameters shared by all detectors, their constraints, and the meanings of ``latent_dim="auto"``.

The docstring of each detector documents them; a test checks that the descriptions agree.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, get_args

import numpy as np

from aeanomaly._constraints import Constraint, any_of, boolean, integer, layer_sizes, one_of, real
from aeanomaly.likelihoods import NumericLikelihood
from aeanomaly.nn import ACTIVATIONS
from aeanomaly.preprocessing import COLUMN_TYPES
from aeanomaly.thresholds import Threshold, as_threshold


@dataclass(eq=False, repr=False)
class SharedParameters:
    """Keyword-only parameters in the signature of every detector."""

    _: KW_ONLY
    hidden_layer_sizes: tuple[int, ...] = (256,)
    latent_dim: int | Literal["auto"] = "auto"
    activation: Literal["rbf", "silu", "relu", "gelu", "tanh", "logistic", "identity"] = "rbf"
    likelihood: Literal["auto"] | NumericLikelihood | Mapping[Any, Literal["auto"] | NumericLikelihood] = "auto"
    standardize: bool = True
    missing: Literal["error", "model", "informative"] = "error"
    column_types: Mapping[Any, str | Sequence[Any]] | None = None
    identifiers: Literal["ignore", "keep", "raise"] | Sequence[Any] = "ignore"
    time_trend: bool | Sequence[Any] = False
    groups: str | int | Sequence[Any] | None = None
    learning_rate: float = 2e-3
    weight_decay: float = 1e-5
    batch_size: int = 128
    max_iter: int | Literal["auto"] = "auto"
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    tol: float = 1e-4
    robust: bool | float = False
    warm_start: bool = False
    contamination: Threshold = "auto"
    device: str = "auto"
    random_state: int | np.random.RandomState | np.random.Generator | None = None
    verbose: int = 0


def _are_column_types(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, Mapping) and all(
        kind in COLUMN_TYPES if isinstance(kind, str) else isinstance(kind, (list, tuple)) and len(kind) > 1
        for kind in value.values()
    )


def _are_groups(value: Any) -> bool:
    if value is None or isinstance(value, (str, int)):
        return not isinstance(value, bool)
    return isinstance(value, (list, tuple)) and len(value) > 0


_LABELS = Constraint(lambda value: isinstance(value, (list, tuple)), "a list of columns")
#: Accepted values of `likelihood`, besides a mapping of columns to them.
_LIKELIHOODS = ("auto", *get_args(NumericLikelihood))


def _is_likelihood(value: Any) -> bool:
    kinds = value.values() if isinstance(value, Mapping) else [value]
    return all(isinstance(kind, str) and kind in _LIKELIHOODS for kind in kinds)


SHARED_CONSTRAINTS: dict[str, Constraint] = {
    "hidden_layer_sizes": layer_sizes(),
    "latent_dim": any_of(one_of("auto"), integer(1)),
    "activation": one_of(*ACTIVATIONS),
    "likelihood": Constraint(
        _is_likelihood,
        f"one of {', '.join(map(repr, _LIKELIHOODS))}, or a dict that maps columns to these",
    ),
    "standardize": boolean(),
    "missing": one_of("error", "model", "informative"),
    "column_types": Constraint(
        _are_column_types,
        f"None, or a dict that maps columns to {', '.join(map(repr, COLUMN_TYPES))} or a list of categories",
    ),
    "identifiers": any_of(one_of("ignore", "keep", "raise"), _LABELS),
    "time_trend": any_of(boolean(), _LABELS),
    "groups": Constraint(_are_groups, "None, a column or a list of columns"),
    "learning_rate": real(0),
    "weight_decay": real(0, with_low=True),
    "batch_size": integer(1),
    "max_iter": any_of(one_of("auto"), integer(1)),
    "early_stopping": boolean(),
    "validation_fraction": real(0, 1),
    "n_iter_no_change": integer(1),
    "tol": real(0, with_low=True),
    "robust": any_of(boolean(), real(0, 0.5, with_high=True)),
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


def compact(n_encoded: int) -> int:
    """Return 1 plus the rounded square root of the width of the encoded row, at most this width."""
    return min(round(math.sqrt(n_encoded)) + 1, n_encoded)


def bottleneck(n_encoded: int) -> int:
    """Return 1 plus the rounded square root of the width of the encoded row, but less than this width."""
    return max(1, min(compact(n_encoded), n_encoded - 1))


def prototypes(n_encoded: int) -> int:
    """Return 1,024, the number of prototypes of a denoising autoencoder."""
    return 1024


def few_prototypes(n_encoded: int) -> int:
    """Return 256, the number of prototypes of each of several denoising autoencoders, beside a memory of rows."""
    return 256


def overcomplete(n_encoded: int) -> int:
    """Return 64, or the width of the encoded row if this is larger."""
    return max(64, n_encoded)
