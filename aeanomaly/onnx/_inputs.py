"""What a graph is fed, and the nodes that make the table's numbers of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from aeanomaly.detectors import BaseDetector
from aeanomaly.exceptions import ExportError
from aeanomaly.preprocessing import Column, are_numeric
from aeanomaly.preprocessing.columns import Categorical, Datetime, Duration, Ordinal

#: The dimension of rows.
ROWS = "N"
OUTPUTS = ("score", "decision", "label")
#: The one input for a table of numbers alone.
_TABLE = "X"
#: The text that stands for a hole.
_HOLE = ""


@dataclass(frozen=True)
class Input(ABC):
    """One input of the graph, (N, width): a column, or a table of numbers.

    Attributes
    ----------
    name : str
    width : int
        Columns of the table that it holds.
    meaning : str
        What it is to be filled with.
    hole : str
        What stands for a hole, in words; empty if nothing does.
    """

    name: str
    width: int
    meaning: str
    hole: str

    @property
    @abstractmethod
    def dtype(self) -> Any:
        """Of the arrays that it is fed; object for text."""

    @abstractmethod
    def nodes(self, target: str) -> list[NodeProto]:
        """What it is fed -> the table's numbers `target`, float64 (N, width), NaN for holes."""

    @abstractmethod
    def cells(self, numbers: np.ndarray) -> np.ndarray:
        """The table's numbers (n, width) -> what it is fed."""

    def value_info(self) -> ValueInfoProto:
        """The input as ONNX declares it."""
        element = TensorProto.STRING if self.dtype == object else helper.np_dtype_to_tensor_dtype(self.dtype)
        text = self.meaning + (f"; {self.hole} = missing" if self.hole else "")
        return helper.make_tensor_value_info(self.name, element, [ROWS, self.width], text)


@dataclass(frozen=True)
class Numbers(Input):
    """Numbers as they are, in float64 if they are `wide`."""

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
    """A column of levels, which the table knows by their places."""

    levels: tuple[Any, ...]
    places: tuple[float, ...]
    unknown: float

    @property
    def dtype(self) -> Any:
        return np.dtype(object if isinstance(self.levels[0], str) else np.float64)

    def nodes(self, target: str) -> list[NodeProto]:
        place, hole = f"{target}.place", f"{target}.hole"
        if self.dtype == object:
            found = self._encoder(
                place, keys_strings=self.levels, values_floats=self.places, default_float=self.unknown
            )
            return [found, helper.make_node("Cast", [place], [target], to=TensorProto.DOUBLE)]
        keys, values, default = (_float64(numbers) for numbers in (self.levels, self.places, [self.unknown]))
        return [
            self._encoder(place, keys_tensor=keys, values_tensor=values, default_tensor=default),
            # NaN by itself: whether it is found among keys is the runtime's affair.
            helper.make_node("IsNaN", [self.name], [hole]),
            helper.make_node("Where", [hole, self.name, place], [target]),
        ]

    def _encoder(self, target: str, **attributes: Any) -> NodeProto:
        return helper.make_node("LabelEncoder", [self.name], [target], domain="ai.onnx.ml", **attributes)

    def cells(self, numbers: np.ndarray) -> np.ndarray:
        is_text = self.dtype == object
        cells = dict(zip(self.places, self.levels, strict=True))
        other = "_" + max(self.levels, key=len) if is_text else 2.0 * max(map(abs, self.levels)) + 1
        hole = _HOLE if is_text else np.nan
        found = [hole if np.isnan(number) else cells.get(number, other) for number in numbers.ravel().tolist()]
        return np.array(found, dtype=self.dtype).reshape(numbers.shape)


def _float64(numbers: Iterable[float]) -> TensorProto:
    return numpy_helper.from_array(np.array([float(number) for number in numbers]))


def inputs_of(detector: BaseDetector) -> list[Input]:
    """One input for a table of numbers alone; else one for each column, named as that.

    A name that is empty, or that of an output, gets an underscore behind it.
    """
    columns, names = detector._model.schema.columns, detector._names
    hole = "NaN" if detector._takes_holes else ""
    if are_numeric(columns):
        return [Numbers(_TABLE, len(columns), "numbers", hole)]
    used, inputs = {"", *OUTPUTS}, []
    for place, (column, name) in enumerate(zip(columns, names, strict=True)):
        free = name
        while free in used or free in names[:place] or free in names[place + 1 :]:
            free += "_"
        used.add(free)
        inputs.append(_input_of(column, free, hole))
    return inputs


def _input_of(column: Column, name: str, hole: str) -> Input:
    if isinstance(column, (Categorical, Ordinal)):
        return _levels_of(column, name, hole)
    if isinstance(column, Datetime):
        clock = "" if column.zone is None else f" on the clock of {column.zone}"
        return Numbers(name, 1, f"seconds since 1970-01-01 00:00{clock}", hole, wide=True)
    if isinstance(column, Duration):
        return Numbers(name, 1, "seconds", hole, wide=True)
    return Numbers(name, 1, "numbers", hole)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _levels_of(column: Categorical | Ordinal, name: str, hole: str) -> Levels:
    places = {level: float(place) for place, level in enumerate(column.categories)}
    texts = {level: place for level, place in places.items() if isinstance(level, str)}
    if wrong := [text for text in texts if not _is_unicode(text)]:
        raise ExportError(
            f"column {name!r} has a category that is not valid Unicode, {wrong[0]!r}, and ONNX holds valid text only; "
            "rename the category and fit again"
        )
    if texts:  # then no cell is a number
        empty = bool(hole) and _HOLE not in texts
        places = {**texts, _HOLE: np.nan} if empty else texts
        hole = "empty text" if empty else ""
    elif any(float(level) != level for level in places):
        raise ExportError(
            f"column {name!r} has levels that float64 rounds, such as {max(places, key=abs)}; make text of the column "
            "and fit anew"
        )
    meaning = "text" if texts else "numbers"
    return Levels(name, 1, meaning, hole, tuple(places), tuple(places.values()), float(column.unknown))
