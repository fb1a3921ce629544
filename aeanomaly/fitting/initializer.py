"""The start of a fit: the encoded table, and a network whose weights are drawn."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from aeanomaly.fitting.model import likelihood_of
from aeanomaly.nn import InitData, NetworkSpec, build_network
from aeanomaly.preprocessing import Column, KnownStatistics, Schema, encode_table
from aeanomaly.scoring import Network
from aeanomaly.streams import MemberKey
from aeanomaly.threads import limit_threads
from aeanomaly.training import check_memory


@dataclass(frozen=True)
class EncoderOptions:
    """Parameters of a detector that decide how a table is encoded."""

    likelihood: str | tuple[tuple[Any, str], ...]
    standardize: bool
    show_missing: bool


class Initializer:
    """Encoding of tables, and initialization of networks.

    Parameters
    ----------
    known : (ndarray of int, Statistics), optional
        Statistics of numeric columns over more rows than the table has.
    """

    def __init__(self, known: KnownStatistics | None = None):
        self._known = known

    def encode(
        self, table: np.ndarray, columns: Sequence[Column], options: EncoderOptions, names: Sequence[str] | None
    ) -> tuple[Schema, np.ndarray]:
        """Learn the schema of a table (N, F), and encode its rows (N, D); `names` of columns are for errors."""
        likelihood = options.likelihood if isinstance(options.likelihood, str) else dict(options.likelihood)
        return encode_table(table, likelihood, options.standardize, options.show_missing, columns, names, self._known)

    def network(
        self,
        schema: Schema,
        spec: NetworkSpec,
        keys: Sequence[MemberKey],
        rows: np.ndarray,
        device: torch.device,
        *,
        samples: Sequence[np.ndarray],
        **start: Any,
    ) -> Network:
        """Draw the weights of a network; prototypes start at encoded rows (N, D). `start` is for `InitData`.

        Raises
        ------
        ValueError
            If the device cannot hold the network.
        """
        check_memory(spec.n_weights, device)
        network = build_network(spec)
        output = likelihood_of(schema, allow_missing=False).output
        with limit_threads(1), torch.no_grad():
            network.reset(keys, InitData(torch.from_numpy(rows), output, samples=samples, **start))
        return network.to(device).requires_grad_(False)


class CachedInitializer(Initializer):
    """An initializer that encodes and draws once for detectors that share a table, network and seed."""

    def __init__(self) -> None:
        super().__init__()
        self._source: Any = None
        self._cache: dict[Hashable, Any] = {}

    def for_source(self, source: Any) -> "CachedInitializer":
        """Return this initializer for tables read from `source`; the cache of another source is dropped."""
        if source is not self._source:
            self._source, self._cache = source, {}
        return self

    def encode(
        self, table: np.ndarray, columns: Sequence[Column], options: EncoderOptions, names: Sequence[str] | None
    ) -> tuple[Schema, np.ndarray]:
        key = (tuple(columns), options)  # names are for errors only
        if key not in self._cache:
            self._cache[key] = super().encode(table, columns, options, names)
        return self._cache[key]

    def network(
        self,
        schema: Schema,
        spec: NetworkSpec,
        keys: Sequence[MemberKey],
        rows: np.ndarray,
        device: torch.device,
        *,
        samples: Sequence[np.ndarray],
        **start: Any,
    ) -> Network:
        drawn = tuple(hash(sample.tobytes()) for sample in samples)
        key = (id(schema), spec, tuple(keys), device, drawn, *sorted(start.items()))
        if key not in self._cache:
            self._cache[key] = super().network(schema, spec, keys, rows, device, samples=samples, **start)
        network = build_network(spec)
        network.load_state_dict(self._cache[key].state_dict())
        return network.to(device).requires_grad_(False)
