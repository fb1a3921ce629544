"""Where fits start: the encoded table, and a network whose weights are drawn."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from aeanomaly.detectors._model import Model
from aeanomaly.preprocessing import KnownStatistics, Schema, encode_table


class Starts:
    """Each made anew."""

    def encoded(self, table: np.ndarray, *how: Any) -> tuple[Schema, np.ndarray]:
        """As `encode_table`."""
        return encode_table(table, *how)

    def model(self, *what: Any, **rest: Any) -> Model:
        """As `Model.fresh`."""
        return Model.fresh(*what, **rest)


class SurveyedStarts(Starts):
    """Of a sample of rows, where numeric columns are known of all."""

    def __init__(self, surveyed: KnownStatistics):
        self._surveyed = surveyed

    def encoded(self, table: np.ndarray, *how: Any) -> tuple[Schema, np.ndarray]:
        likelihood, standardize, shows_holes, columns, names = how
        return encode_table(table, likelihood, standardize, shows_holes, columns, names, self._surveyed)


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

    def encoded(self, table: np.ndarray, *how: Any) -> tuple[Schema, np.ndarray]:
        key = how[:-1]  # the names of columns are for errors
        if key not in self._known:
            self._known[key] = super().encoded(table, *how)
        return self._known[key]

    def model(self, *what: Any, **rest: Any) -> Model:
        schema, spec, keys, _, device = what
        samples = tuple(hash(sample.tobytes()) for sample in rest["samples"])
        key = (id(schema), spec, tuple(keys), device, *sorted({**rest, "samples": samples}.items()))
        if key not in self._known:
            self._known[key] = super().model(*what, **rest)
        return self._known[key].copy()
