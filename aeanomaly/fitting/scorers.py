"""Scorers as plain data and arrays, for pickles and model files."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from aeanomaly.likelihoods import Likelihood, build_likelihood
from aeanomaly.nn import NetworkSpec, build_network
from aeanomaly.persistence import add_prefix, take_prefix
from aeanomaly.preprocessing import Schema, TableEncoder
from aeanomaly.scoring import (
    SMALLEST_SCALE,
    ClosedFormScorer,
    DevianceScorer,
    ELBOScorer,
    FeatureUnits,
    MarginalScorer,
    MaskedLinearScorer,
    MemoryScorer,
    NeighborhoodScorer,
    Network,
    NetworkScorer,
    Scorer,
    VariationalScorer,
)
from aeanomaly.streams import MemberKey

#: Upper bound of weights: training does not reach it, but a forged file may exceed it.
_LARGEST_WEIGHT = 1e9
#: Upper bound of the entries of the arrays of scorers without networks, for forged files.
_LARGEST_ENTRY = 1e13
_NETWORK_SCORERS: dict[str, type[NetworkScorer]] = {
    "deviance": DevianceScorer,
    "variational": VariationalScorer,
    "elbo": ELBOScorer,
}
_NETWORK_KINDS = {cls: kind for kind, cls in _NETWORK_SCORERS.items()}
_CLOSED_FORM_KINDS: dict[type[ClosedFormScorer], str] = {
    MemoryScorer: "memory",
    NeighborhoodScorer: "neighborhood",
    MaskedLinearScorer: "masked_linear",
    MarginalScorer: "marginal",
}
#: Arrays of the other scorers, and their shapes for encoded rows of width D; None is any number of rows.
_ARRAYS: dict[str, dict[str, Callable[[int], tuple[int | None, ...]]]] = {
    "memory": {"stored": lambda width: (None, width), "whitening": lambda width: (width, width)},
    "neighborhood": {"stored": lambda width: (None, width)},
    "masked_linear": {"mean": lambda width: (width,), "precision": lambda width: (width, width)},
    "marginal": {
        "lower": lambda width: (None, width),
        "upper": lambda width: (None, width),
        "unit": lambda width: (width,),
    },
}
#: Minimum number of rows of a memory, as a row is not compared with itself.
_LEAST_STORED = 2


def likelihood_of(schema: Schema, *, allow_missing: bool) -> Likelihood:
    """Return the likelihood of encoded rows."""
    return build_likelihood(schema.blocks, schema.mean, schema.scale, allow_missing=allow_missing)


def likelihood_for(network: Network, encoder: TableEncoder) -> Likelihood:
    """Return the likelihood of a network's output, for missing values if the network allows them."""
    return likelihood_of(encoder.schema, allow_missing=network.spec.allow_nan)


def feature_units(schema: Schema) -> FeatureUnits:
    """Return the encoded features that a memory compares in other units."""
    places = schema.logarithmic_places
    two_valued = np.flatnonzero(schema.feature_kinds == "bernoulli")
    return FeatureUnits(places, schema.offset[places], schema.scale[places], two_valued)


def scorer_to_state(scorer: Scorer) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a scorer as plain data, and its arrays."""
    common = {"scales": scorer.scales.copy(), "usual": np.array(scorer.typical_error)}
    if isinstance(scorer, NetworkScorer):
        weights = {n: p.detach().cpu().numpy().copy() for n, p in scorer.network.state_dict().items()}
        return {"kind": _NETWORK_KINDS[type(scorer)], **scorer.spec.to_dict()}, {
            **add_prefix("network", weights),
            **common,
        }
    assert isinstance(scorer, ClosedFormScorer)
    kind = _CLOSED_FORM_KINDS[type(scorer)]
    arrays = {name: getattr(scorer, name).cpu().numpy().copy() for name in scorer.arrays}
    data = {"kind": kind, "allow_nan": scorer.allow_nan}
    if isinstance(scorer, NeighborhoodScorer):
        data["bandwidth"] = scorer.bandwidth
    return data, {**arrays, **common}


def scorer_from_state(
    data: dict[str, Any],
    arrays: dict[str, np.ndarray],
    schema: Schema,
    device: torch.device,
    draws: tuple[int, MemberKey],
) -> Scorer:
    """Build a scorer from the output of `scorer_to_state`; `draws` are number and key of the draws of an ELBO scorer.

    Raises
    ------
    ValueError
        If names, shapes or dtypes are inconsistent, or a number is not plausible.
    """
    arrays = dict(arrays)
    scales, typical_error = arrays.pop("scales"), arrays.pop("usual")
    if typical_error.dtype != np.float64 or typical_error.shape != () or not np.isfinite(typical_error):
        raise ValueError("the typical error of a column is not a finite number")
    data = dict(data)
    kind = data.pop("kind")
    if kind in _ARRAYS:
        scorer: Scorer = _closed_form_scorer_from(kind, data, arrays, schema, device)
    else:
        scorer = _network_scorer_from(kind, data, arrays, schema, device, draws)
    if scales.dtype != np.float64 or scales.shape != (scorer.n_members,) or not _plausible(scales):
        raise ValueError("the scales are not one plausible number above 0 for each member")
    return scorer.replaced(scales=scales, typical_error=float(typical_error))


def _network_scorer_from(
    kind: str,
    data: dict[str, Any],
    arrays: dict[str, np.ndarray],
    schema: Schema,
    device: torch.device,
    draws: tuple[int, MemberKey],
) -> NetworkScorer:
    spec = NetworkSpec.from_dict(data)
    weights = take_prefix("network", arrays)
    if arrays:
        raise ValueError(f"the arrays {sorted(arrays)} are unknown")
    if {n: a.shape for n, a in weights.items()} != spec.shapes():
        raise ValueError("the weights do not have the names and shapes of the network in the manifest")
    for name, array in weights.items():
        if array.dtype != np.float32 or not (np.abs(array) < _LARGEST_WEIGHT).all():
            raise ValueError(f"the weights {name!r} are not plausible float32 numbers")
        if name.endswith("spacing") and not (array > 0).all():
            raise ValueError(f"{name!r} is not above 0")
    if spec.n_encoded != schema.n_encoded:
        raise ValueError("the network does not have the width of the schema")
    if (kind == "deviance") != (spec.code == "point"):
        raise ValueError(f"a scorer of the kind {kind!r} has no network with a {spec.code} code")
    network = build_network(spec)
    network.load_state_dict({n: torch.from_numpy(np.array(a)) for n, a in weights.items()})
    n_draws, key = draws
    own: dict[str, Any] = {"n_draws": n_draws, "key": key} if kind == "elbo" else {}
    likelihood = likelihood_of(schema, allow_missing=spec.allow_nan)
    return _NETWORK_SCORERS[kind](spec, network.to(device), likelihood, **own)


def _closed_form_scorer_from(
    kind: str, data: dict[str, Any], arrays: dict[str, np.ndarray], schema: Schema, device: torch.device
) -> Scorer:
    own = {"bandwidth"} if kind == "neighborhood" else set()
    if set(data) != {"allow_nan", *own} or type(data["allow_nan"]) is not bool or set(arrays) != set(_ARRAYS[kind]):
        raise ValueError(f"the {kind} member is incomplete")
    for name, array in arrays.items():
        shape = _ARRAYS[kind][name](schema.n_encoded)
        if array.dtype != np.float32 or array.ndim != len(shape) or array.shape[-1] != shape[-1]:
            raise ValueError(f"{name!r} of the {kind} member is not a float32 array of the width of the schema")
        if (shape[0] is not None and array.shape[0] != shape[0]) or len(array) < 1:
            raise ValueError(f"{name!r} of the {kind} member has an invalid number of rows")
        if not (np.abs(array) < _LARGEST_ENTRY).all():
            raise ValueError(f"{name!r} of the {kind} member has implausible numbers")
    tensors = {name: torch.from_numpy(np.array(array)).to(device) for name, array in arrays.items()}
    if kind == "memory":
        if len(tensors["stored"]) < _LEAST_STORED:
            raise ValueError("the memory member has an invalid number of rows")
        features = feature_units(schema)
        return MemoryScorer(tensors["stored"], tensors["whitening"], features, allow_nan=data["allow_nan"])
    if kind == "neighborhood":
        bandwidth = data["bandwidth"]
        if type(bandwidth) is not float or not 1e-12 < bandwidth < _LARGEST_ENTRY:
            raise ValueError("the bandwidth of the neighborhood member is not a plausible number above 0")
        return NeighborhoodScorer(tensors["stored"], bandwidth, allow_nan=data["allow_nan"])
    if kind == "marginal":
        if tensors["lower"].shape != tensors["upper"].shape or not (tensors["unit"] > 0).all():
            raise ValueError("the gaps of the marginal member are not plausible")
        return MarginalScorer(tensors["lower"], tensors["upper"], tensors["unit"], allow_nan=data["allow_nan"])
    if not (tensors["precision"].diagonal() >= 0).all():
        raise ValueError("the precision of the masked_linear member is negative")
    return MaskedLinearScorer(tensors["mean"], tensors["precision"], allow_nan=data["allow_nan"])


def _plausible(scales: np.ndarray) -> bool:
    return bool(((scales >= SMALLEST_SCALE) & (scales <= 1 / SMALLEST_SCALE**2)).all())
