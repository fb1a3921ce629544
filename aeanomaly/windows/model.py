"""The fitted part of a windowed detector: from tables to the input of the wrapped detector."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aeanomaly._counts import counted
from aeanomaly.fitting import Calibration
from aeanomaly.preprocessing import Column, Logarithmic, Numeric, as_pandas, cells_as_given, check_table, rows_of
from aeanomaly.reading import TableFormat
from aeanomaly.windows.features import Feature, WindowFeatures
from aeanomaly.windows.rows import OrderedRows, SeriesOrder

#: Maximum number of cells of a block of features.
_BLOCK = 1 << 21


class Table(NamedTuple):
    """A valid table, and its rows in order."""

    given: Any
    rows: OrderedRows


@dataclass(frozen=True)
class WindowedModel:
    """Detector that is fitted to features of windows.

    Attributes
    ----------
    names : list of str or int (F,)
        Labels of the columns of a table.
    types : tuple of Column (F,)
        Types of the columns of a table.
    order : SeriesOrder
    features : WindowFeatures or None
        None for windows of one row: the wrapped detector then gets the rows as they are.
    detector : estimator
        The wrapped detector; None before its fit.
    """

    names: list[Any]
    types: tuple[Column, ...]
    order: SeriesOrder
    features: WindowFeatures | None = None
    detector: Any = None

    @cached_property
    def free(self) -> list[int]:
        """Positions of the columns that do not order the rows."""
        return [j for j, name in enumerate(self.names) if name not in self.order.columns]

    @cached_property
    def readings(self) -> list[int]:
        """Positions of the numeric columns, from which features are computed."""
        return [j for j in self.free if isinstance(self.types[j], (Numeric, Logarithmic))]

    @cached_property
    def others(self) -> list[int]:
        """Positions of other columns, such as categories, whose cells the wrapped detector gets unchanged."""
        return [j for j in self.free if not isinstance(self.types[j], (Numeric, Logarithmic))]

    @cached_property
    def inputs(self) -> list[Feature]:
        """Description of each column of the input of the wrapped detector; `column` is a position in the table."""
        if self.features is None:
            return [Feature(j, "value", 1) for j in self.free]
        known = [feature._replace(column=self.readings[feature.column]) for feature in self.features.descriptions]
        return known + [Feature(j, "value", 1) for j in self.others]

    @cached_property
    def labels(self) -> list[str]:
        """Names of the columns of a table; x0, x1 and so on for an array."""
        return [name if isinstance(name, str) else f"x{name}" for name in self.names]

    @cached_property
    def input_names(self) -> list[str]:
        """Name of each column of the input of the wrapped detector."""
        return [_name(self.labels[feature.column], feature) for feature in self.inputs]

    def read(self, owner: Any, X: Any, *, allow_nan: bool) -> Table:
        """Validate a table against the training table, and order its rows."""
        return self.ordered(X, check_table(owner, X, columns=self.types, allow_nan=allow_nan)[0])

    def ordered(self, X: Any, numbers: np.ndarray) -> Table:
        """Order the rows of a valid table with these numbers (N, F)."""
        readings = numbers if len(self.readings) == len(self.names) else numbers[:, self.readings]
        return Table(X, self.order.read(X, readings.astype(np.float64, copy=False)))

    def apply(self, method: Callable[[Any], np.ndarray], table: Table) -> np.ndarray:
        """Return the result of a method of the wrapped detector for each row, in the order of the table."""
        found = np.concatenate([np.asarray(method(block)) for block in self.blocks(table)])
        return found if self.features is None else table.rows.in_given_order(found)

    def blocks(self, table: Table) -> Iterator[Any]:
        """Yield blocks of the input of the wrapped detector, in the order of `table.rows`."""
        if self.features is None:
            yield self.without_order(table.given)
            return
        start, others = 0, cells_as_given(table.given).iloc[:, self.others] if self.others else None
        for block in _joined(self.features.transform(table.rows)):
            places = table.rows.places[start : start + len(block)]
            start += len(block)
            yield self.input_frame(block, None if others is None else others.iloc[places].reset_index(drop=True))

    def input_frame(self, features: np.ndarray, others: pd.DataFrame | None) -> pd.DataFrame:
        """Return the input of the wrapped detector for features (n, F) and cells of other columns."""
        frame = pd.DataFrame(features, columns=self.input_names[: features.shape[1]])
        if others is None:
            return frame
        return pd.concat([frame, others.set_axis(self.input_names[features.shape[1] :], axis=1)], axis=1)

    def select(self, table: Table, rows: np.ndarray) -> Any:
        """Return the input of the wrapped detector for some rows, given by ascending positions in `table.rows`."""
        if self.features is None:  # the input has the order of the table
            return rows_of(self.without_order(table.given), table.rows.places[rows])
        selected, places = table.rows.with_windows(rows, self.features.window)
        parts, start = [], 0
        for block in self.blocks(table._replace(rows=selected)):
            first, last = np.searchsorted(places, [start, start + len(block)])
            parts.append(block.iloc[places[first:last] - start])
            start += len(block)
        return pd.concat(parts, ignore_index=True)

    def without_order(self, X: Any) -> Any:
        """Return a table, a frame or an array, without the columns that order the rows."""
        frame = as_pandas(X)
        if not self.order.columns:
            return X if frame is None else frame
        return np.asarray(X)[:, self.free] if frame is None else frame.iloc[:, self.free]


@dataclass(frozen=True)
class WindowedState:
    """Result of a fit.

    Attributes
    ----------
    model : WindowedModel
    calibration : Calibration
    table_format : TableFormat or None
        Format of the file of the training table; None if it was not read by this package.
    """

    model: WindowedModel
    calibration: Calibration
    table_format: TableFormat | None = None

    def with_calibration(self, calibration: Calibration) -> "WindowedState":
        """Return the state with another calibration."""
        return replace(self, calibration=calibration)


def _name(label: str, feature: Feature) -> str:
    """Return the name of an input."""
    match feature.kind:
        case "value" | "lag" if feature.rows == 1:
            return label
        case "lag":
            return f"{label} ({counted(feature.rows - 1, 'row')} before)"
        case "unchanged":
            return f"{label} (unchanged)"
    return f"{label} ({feature.kind}, {feature.rows} rows)"


def _joined(chunks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Join chunks to blocks that are large enough for several threads."""
    waiting: list[np.ndarray] = []
    for chunk in chunks:
        waiting.append(chunk)
        if sum(part.size for part in waiting) >= _BLOCK:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)
