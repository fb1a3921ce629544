"""Where fits start: the encoded table, and a network whose weights are drawn."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch

from aeanomaly.detectors._model import Model
from aeanomaly.nn import NetworkSpec
from aeanomaly.preprocessing import Schema, encode_table
from aeanomaly.streams import MemberKey


class Starts:
    """Each made anew."""

    def encoded(self, table: np.ndarray, likelihood: str, standardize: bool, names: Any) -> tuple[Schema, np.ndarray]:
        """The schema of a table (N, F), and its rows (N, D)."""
        return encode_table(table, likelihood, standardize, names)

    def model(
        self,
        schema: Schema,
        spec: NetworkSpec,
        keys: Sequence[MemberKey],
        rows: np.ndarray,
        device: torch.device,
        **rest: Any,
    ) -> Model:
        """A model with newly drawn weights (see `Model.fresh`)."""
        return Model.fresh(schema, spec, keys, rows, device, **rest)


class RememberedStarts(Starts):
    """Each made once for detectors that share a table: they start alike, if their networks and seeds are alike."""

    def __init__(self) -> None:
        self._source: Any = None
        self._known: dict[Hashable, Any] = {}

    def of(self, source: Any) -> "RememberedStarts":
        """The same for tables that come from `source`; what is known of another is forgotten."""
        if source is not self._source:
            self._source, self._known = source, {}
        return self

    def encoded(self, table: np.ndarray, likelihood: str, standardize: bool, names: Any) -> tuple[Schema, np.ndarray]:
        key = (likelihood, standardize)
        if key not in self._known:
            self._known[key] = super().encoded(table, likelihood, standardize, names)
        return self._known[key]

    def model(
        self,
        schema: Schema,
        spec: NetworkSpec,
        keys: Sequence[MemberKey],
        rows: np.ndarray,
        device: torch.device,
        **rest: Any,
    ) -> Model:
        samples = tuple(hash(sample.tobytes()) for sample in rest["samples"])
        key = (id(schema), spec, tuple(keys), device, *sorted({**rest, "samples": samples}.items()))
        if key not in self._known:
            self._known[key] = super().model(schema, spec, keys, rows, device, **rest)
        return self._known[key].copy()
