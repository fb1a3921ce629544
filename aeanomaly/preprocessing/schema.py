"""What each column of the table is, and where it stands in the encoded row."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np

from aeanomaly.preprocessing.columns import Column, Logarithmic, Numeric
from aeanomaly.preprocessing.layout import Layout

Kind = Literal["gaussian", "bernoulli", "categorical"]
_CONSTANTS = ("offset", "scale", "one", "limit", "minimum", "maximum", "mean")
#: Keys of model files that differ from the names of the fields.
_FILE_KEYS = {"has_missing_indicators": "shows_holes"}


@dataclass(frozen=True)
class Schema:
    """Columns and their features, and the constants that encode them.

    All arrays run over encoded features D: those of one kind stand together, Gaussian ones, then Bernoulli ones,
    then those of each categorical column, so that a likelihood reads its block as a slice.

    Attributes
    ----------
    columns : tuple of Column (F,)
        In the table's order.
    has_missing_indicators : bool
        Whether a hole in a column is a feature of its own.
    order : ndarray of int (D,)
        The feature behind each encoded one.
    n_gaussian, n_bernoulli : int
        How many of them, from the left, are of these kinds.
    offset, scale : ndarray of float64 (D,)
        encoded = (feature - offset) / scale. A Bernoulli column's two values become 0 and 1.
    one : ndarray of float64 (D,)
        The value that is encoded as 1, exactly; offset + scale may miss it by a rounding.
    limit : ndarray of float64 (D,)
        Encoded values are clipped to [-limit, limit].
    minimum, maximum, mean : ndarray of float64 (D,)
        Of the encoded training rows.
    """

    columns: tuple[Column, ...]
    has_missing_indicators: bool
    order: np.ndarray
    n_gaussian: int
    n_bernoulli: int
    offset: np.ndarray
    scale: np.ndarray
    one: np.ndarray
    limit: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.columns, self.has_missing_indicators)

    @property
    def n_encoded(self) -> int:
        """Width of an encoded row, D."""
        return len(self.order)

    @property
    def blocks(self) -> list[tuple[Kind, int]]:
        """Kinds from left to right with their number of features; empty ones are left out."""
        of_levels = [column.n_features for column in self.columns if column.kind == "categorical"]
        blocks: list[tuple[Kind, int]] = [("gaussian", self.n_gaussian), ("bernoulli", self.n_bernoulli)]
        return [(kind, width) for kind, width in blocks if width] + [("categorical", width) for width in of_levels]

    @property
    def kinds(self) -> list[str]:
        """Kind of each column of the table, in the table's order: that of its likelihood where it is numeric."""
        two_valued = set(self.order[self.n_gaussian : self.n_gaussian + self.n_bernoulli].tolist())
        numeric = ["bernoulli" if start in two_valued else "gaussian" for start in self.layout.starts.tolist()]
        return [
            n if isinstance(c, (Numeric, Logarithmic)) else c.kind for n, c in zip(numeric, self.columns, strict=True)
        ]

    @cached_property
    def is_in_order(self) -> bool:
        """Whether encoded features stand as in the table."""
        return bool((np.diff(self.order) == 1).all())

    @cached_property
    def is_huge(self) -> bool:
        """Whether the difference of two values within the limit may exceed the largest float."""
        with np.errstate(over="ignore"):
            reach = np.abs(self.offset) + self.limit * self.scale
        return not (reach < 0.25 * np.finfo(np.float64).max).all()

    def to_feature_order(self, terms: np.ndarray) -> np.ndarray:
        """Numbers per encoded feature (N, D) -> per feature as they stand in the table (N, D)."""
        if self.is_in_order:
            return terms
        ordered = np.empty_like(terms)
        ordered[:, self.order] = terms
        return ordered

    def in_table_order(self, terms: np.ndarray) -> np.ndarray:
        """Terms of encoded features (N, D) -> their sums for each column of the table (N, F)."""
        return self.layout.sum_by_column(self.to_feature_order(terms))

    def shift(self, table: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Numbers of the table (N, F) moved by so many encoded units (N, F), those of real columns."""
        units = np.where(np.arange(self.n_encoded) < self.n_gaussian, self.scale, 0.0)
        largest = np.finfo(np.float64).max
        with np.errstate(over="ignore"):
            steps = steps * self.to_feature_order(units[None])[0, self.layout.starts]
            columns = zip(self.columns, table.T.astype(np.float64), steps.T, strict=True)
            return np.clip(np.stack([c.shift(numbers, s) for c, numbers, s in columns], axis=1), -largest, largest)

    def arrays(self) -> dict[str, np.ndarray]:
        """All numbers learned, by name, for a file; the columns are apart."""
        return {
            _FILE_KEYS.get(field.name, field.name): np.asarray(getattr(self, field.name))
            for field in fields(self)
            if field.name != "columns"
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], columns: Sequence[Column]) -> "Schema":
        """The inverse of `arrays`; a ValueError where they do not fit together."""
        if set(arrays) != {"shows_holes", "n_gaussian", "n_bernoulli", "order", *_CONSTANTS}:
            raise ValueError("the schema's parts are not those of a schema")
        n_gaussian, n_bernoulli, order = int(arrays["n_gaussian"]), int(arrays["n_bernoulli"]), arrays["order"]
        constants = {name: arrays[name] for name in _CONSTANTS}
        if order.ndim != 1 or order.dtype.kind != "i" or not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ValueError("the schema's order is no permutation")
        layout = Layout(tuple(columns), bool(arrays["shows_holes"]))
        if layout.n_features != len(order) or n_gaussian < 0 or n_bernoulli < 0:
            raise ValueError("the schema's columns are not those of its order")
        if not np.array_equal(np.flatnonzero(layout.is_category), order[n_gaussian + n_bernoulli :]):
            raise ValueError("the schema's levels do not stand where they belong")
        for name, values in constants.items():
            if values.shape != order.shape or values.dtype != np.float64 or not np.isfinite(values).all():
                raise ValueError(f"the schema's {name} is not a finite number for each feature")
        if not ((constants["scale"] > 0) & (constants["limit"] > 0)).all():
            raise ValueError("the schema's scales and limits must be above 0")
        return cls(
            columns=layout.columns,
            has_missing_indicators=layout.has_missing_indicators,
            order=order,
            n_gaussian=n_gaussian,
            n_bernoulli=n_bernoulli,
            **constants,
        )
