"""Inputs of a graph, and the nodes that convert them to a numeric table."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from aeanomaly.detectors import BaseDetector
from aeanomaly.exceptions import ExportError
from aeanomaly.preprocessing import Column, are_numeric
from aeanomaly.preprocessing.columns import Categorical, Datetime, Duration, Ignored, Ordinal

#: Name of the dimension of rows.
ROWS = "N"
OUTPUTS = ("score", "decision", "label")
#: Name of the single input of a numeric table.
_TABLE = "X"
#: Text that represents a missing value.
_MISSING = ""


@dataclass(frozen=True)
class Input(ABC):
    """An input of the graph, (N, width): a column or a numeric table.

    Attributes
    ----------
    name : str
    width : int
        Number of columns of the table in this input.
    meaning : str
        Description of the values.
    missing : str
        Description of missing values; empty if they are not accepted.
    """

    name: str
    width: int
    meaning: str
    missing: str

    @property
    @abstractmethod
    def dtype(self) -> Any:
        """Dtype of the input arrays; object for text."""

    @abstractmethod
    def nodes(self, target: str) -> list[NodeProto]:
        """Return nodes that convert the input to the numeric table `target`, float64 (N, width), NaN = missing."""

    @abstractmethod
    def cells(self, numbers: np.ndarray) -> np.ndarray:
        """Convert a numeric table (n, width) to an input array."""

    def value_info(self) -> ValueInfoProto:
        """Return the declaration of the input in ONNX."""
        element = TensorProto.STRING if self.dtype == object else helper.np_dtype_to_tensor_dtype(self.dtype)
        text = self.meaning + (f"; {self.missing} = missing" if self.missing else "")
        return helper.make_tensor_value_info(self.name, element, [ROWS, self.width], text)


@dataclass(frozen=True)
class Numbers(Input):
    """Input of numbers, in float64 if `wide`."""

    wide: bool = False

    @property
    def dtype(self) -> Any:
        return np.dtype(np.float64 if self.wide else np.float32)

    def nodes(self, target: str) -> list[NodeProto]:
        return [helper.make_node("Cast", [self.name], [target], to=TensorProto.DOUBLE)]

    def cells(self, numbers: np.ndarray) -> np.ndarray:
        return numbers.astype(self.dtype)


@dataclass(frozen=True)
class Levels(Input):
    """Input of categories, which the numeric table represents by their positions."""

    levels: tuple[Any, ...]
    places: tuple[float, ...]
    unknown: float

    @property
    def dtype(self) -> Any:
        return np.dtype(object if isinstance(self.levels[0], str) else np.float64)

    def nodes(self, target: str) -> list[NodeProto]:
        place, missing = f"{target}.place", f"{target}.missing"
        if self.dtype == object:
            found = self._encoder(
                place, keys_strings=self.levels, values_floats=self.places, default_float=self.unknown
            )
            return [found, helper.make_node("Cast", [place], [target], to=TensorProto.DOUBLE)]
        keys, values, default = (_float64(numbers) for numbers in (self.levels, self.places, [self.unknown]))
        return [
            self._encoder(place, keys_tensor=keys, values_tensor=values, default_tensor=default),
            # Runtimes differ in the lookup of NaN among keys, so NaN is handled separately.
            helper.make_node("IsNaN", [self.name], [missing]),
            helper.make_node("Where", [missing, self.name, place], [target]),
        ]

    def _encoder(self, target: str, **attributes: Any) -> NodeProto:
        return helper.make_node("LabelEncoder", [self.name], [target], domain="ai.onnx.ml", **attributes)

    def cells(self, numbers: np.ndarray) -> np.ndarray:
        is_text = self.dtype == object
        cells = dict(zip(self.places, self.levels, strict=True))
        other = "_" + max(self.levels, key=len) if is_text else 2.0 * max(map(abs, self.levels)) + 1
        missing = _MISSING if is_text else np.nan
        found = [missing if np.isnan(number) else cells.get(number, other) for number in numbers.ravel().tolist()]
        return np.array(found, dtype=self.dtype).reshape(numbers.shape)


def _float64(numbers: Iterable[float]) -> TensorProto:
    return numpy_helper.from_array(np.array([float(number) for number in numbers]))


def inputs_of(detector: BaseDetector) -> list[Input]:
    """Return a single input for a numeric table, or one input for each column, with the name of the column.

    An underscore is appended to names that are empty or equal to the name of an output.
    """
    model, names = detector.state_.model, detector.column_names_
    columns = model.columns
    missing = "NaN" if model.allow_nan else ""
    if are_numeric(columns):
        return [Numbers(_TABLE, len(columns), "numbers", missing)]
    used, inputs = {"", *OUTPUTS}, []
    for place, (column, name) in enumerate(zip(columns, names, strict=True)):
        free = name
        while free in used or free in names[:place] or free in names[place + 1 :]:
            free += "_"
        used.add(free)
        inputs.append(_input_of(column, free, missing))
    return inputs


def _input_of(column: Column, name: str, missing: str) -> Input:
    if isinstance(column, (Categorical, Ordinal)):
        return _levels_of(column, name, missing)
    if isinstance(column, Datetime):
        clock = "" if column.zone is None else f" on the clock of {column.zone}"
        return Numbers(name, 1, f"seconds since 1970-01-01 00:00{clock}", missing, wide=True)
    if isinstance(column, Duration):
        return Numbers(name, 1, "seconds", missing, wide=True)
    if isinstance(column, Ignored):
        return _unused(column, name)
    return Numbers(name, 1, "numbers", missing)


def _unused(column: Ignored, name: str) -> Input:
    """Return the input of a column that is not scored: each cell becomes 0, or stays a number without effect."""
    if column.are_numbers:
        return Numbers(name, 1, "numbers, not used", "")
    return Levels(name, 1, "text, not used", "", ("",), (0.0,), 0.0)


def _levels_of(column: Categorical | Ordinal, name: str, missing: str) -> Levels:
    places = {level: float(place) for place, level in enumerate(column.categories)}
    texts = {level: place for level, place in places.items() if isinstance(level, str)}
    if wrong := [text for text in texts if text.encode(errors="ignore").decode() != text]:
        raise ExportError(
            f"column {name!r} has a category that is not valid Unicode, {wrong[0]!r}, but ONNX accepts valid text "
            "only; rename the category and fit again"
        )
    if texts:  # no cell is a number
        empty = bool(missing) and _MISSING not in texts
        places = {**texts, _MISSING: np.nan} if empty else texts
        missing = "empty text" if empty else ""
    elif any(float(level) != level for level in places):
        raise ExportError(
            f"column {name!r} has categories that float64 cannot represent exactly, such as {max(places, key=abs)}; "
            "convert the column to text and fit again"
        )
    meaning = "text" if texts else "numbers"
    return Levels(name, 1, meaning, missing, tuple(places), tuple(places.values()), float(column.unknown))
