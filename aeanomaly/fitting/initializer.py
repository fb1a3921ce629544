"""Start of a fit: encoding of the table, and initialization of the network."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch

from aeanomaly.fitting.encoding import fit_encoding, rows_at_start
from aeanomaly.fitting.scorers import likelihood_of
from aeanomaly.nn import InitData, NetworkSpec, build_network, copy_network
from aeanomaly.preprocessing import Column, EncoderOptions, KnownStatistics, Schema
from aeanomaly.scoring import Network
from aeanomaly.streams import MemberKey
from aeanomaly.threads import limit_threads
from aeanomaly.training import check_memory


class Initializer:
    """Encoding of tables, and initialization of networks.

    Parameters
    ----------
    known : (ndarray of int, Statistics), optional
        Indices of numeric columns, and their statistics over more rows than the table has.
    """

    def __init__(self, known: KnownStatistics | None = None):
        self._known = known

    def encode(
        self,
        table: np.ndarray,
        columns: Sequence[Column],
        options: EncoderOptions,
        names: Sequence[str] | None,
        device: torch.device,
    ) -> tuple[Schema, torch.Tensor]:
        """Fit the schema to a table (N, F), and encode its rows (N, D) on a device.

        Column `names` are for error messages.
        """
        return fit_encoding(table, columns, options, names, self._known, device)

    def network(
        self,
        schema: Schema,
        spec: NetworkSpec,
        keys: Sequence[MemberKey],
        rows: torch.Tensor,
        *,
        samples: Sequence[np.ndarray],
        **start: Any,
    ) -> Network:
        """Build a network and draw its initial weights.

        Parameters
        ----------
        schema : Schema
        spec : NetworkSpec
        keys : sequence of MemberKey (M,)
        rows : Tensor of float32 (N, D)
            Encoded rows, from which prototypes are initialized, on the device of the network.
        samples : sequence of ndarray of int (M,)
            Indices of the training rows of each member.
        **start
            Other fields of `InitData`.

        Raises
        ------
        ValueError
            If the network does not fit into the memory of the device.
        """
        check_memory(spec.n_weights, rows.device)
        output, at_start = likelihood_of(schema, allow_missing=False).output, rows_at_start(rows)
        data = InitData(at_start, output, samples=samples, allow_nan=spec.allow_nan, **start)
        network = build_network(spec).to(at_start.device)
        with limit_threads(1), torch.no_grad():
            network.reset(keys, data)
        return network.to(rows.device).requires_grad_(False)


class CachedInitializer(Initializer):
    """Initializer that caches results for detectors with the same table, network and seed."""

    def __init__(self) -> None:
        super().__init__()
        self._source: Any = None
        self._cache: dict[Hashable, Any] = {}

    def for_source(self, source: Any) -> "CachedInitializer":
        """Return this initializer, and clear its cache if the previous `source` was another object."""
        if source is not self._source:
            self._source, self._cache = source, {}
        return self

    def encode(
        self,
        table: np.ndarray,
        columns: Sequence[Column],
        options: EncoderOptions,
        names: Sequence[str] | None,
        device: torch.device,
    ) -> tuple[Schema, torch.Tensor]:
        key = (tuple(columns), options, device)  # names are for error messages only
        if key not in self._cache:
            self._cache[key] = super().encode(table, columns, options, names, device)
        return self._cache[key]

    def network(
        self,
        schema: Schema,
        spec: NetworkSpec,
        keys: Sequence[MemberKey],
        rows: torch.Tensor,
        *,
        samples: Sequence[np.ndarray],
        **start: Any,
    ) -> Network:
        drawn = tuple(hash(sample.tobytes()) for sample in samples)
        key = (id(schema), spec, tuple(keys), rows.device, drawn, *sorted(start.items()))
        if key not in self._cache:
            self._cache[key] = super().network(schema, spec, keys, rows, samples=samples, **start)
        return copy_network(self._cache[key], rows.device)
