"""What each column of the table is, and where it stands in the encoded row."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal

import numpy as np

Kind = Literal["gaussian", "bernoulli"]
KINDS: tuple[Kind, ...] = ("gaussian", "bernoulli")


@dataclass(frozen=True)
class Schema:
    """Kinds of columns, and the constants that encode them.

    All arrays run over encoded columns D: columns of one kind stand together, in the order of
    ``KINDS``, so that a likelihood reads its block as a slice.

    Attributes
    ----------
    order : ndarray of int (D,)
        The table's column behind each encoded one.
    n_gaussian : int
        How many of them, from the left, are Gaussian; the others are Bernoulli.
    offset, scale : ndarray of float64 (D,)
        encoded = (value - offset) / scale. A Bernoulli column's two values become 0 and 1.
    one : ndarray of float64 (D,)
        The value that is encoded as 1, exactly; offset + scale may miss it by a rounding.
    limit : ndarray of float64 (D,)
        Encoded values are clipped to [-limit, limit].
    minimum, maximum, mean : ndarray of float64 (D,)
        Of the encoded training rows.
    """

    order: np.ndarray
    n_gaussian: int
    offset: np.ndarray
    scale: np.ndarray
    one: np.ndarray
    limit: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray

    @property
    def n_columns(self) -> int:
        return len(self.order)

    @property
    def blocks(self) -> list[tuple[Kind, int]]:
        """Kinds from left to right with their number of columns; empty ones are left out."""
        widths = (self.n_gaussian, self.n_columns - self.n_gaussian)
        return [(kind, width) for kind, width in zip(KINDS, widths, strict=True) if width]

    @property
    def kinds(self) -> list[Kind]:
        """Kind of each column of the table, in the table's order."""
        kinds: list[Kind] = ["gaussian"] * self.n_columns
        for column in self.order[self.n_gaussian :]:
            kinds[column] = "bernoulli"
        return kinds

    @cached_property
    def is_in_order(self) -> bool:
        """Whether encoded columns stand as in the table."""
        return bool((np.diff(self.order) == 1).all())

    @cached_property
    def is_huge(self) -> bool:
        """Whether the difference of two values within the limit may exceed the largest float."""
        with np.errstate(over="ignore"):
            reach = np.abs(self.offset) + self.limit * self.scale
        return not (reach < 0.25 * np.finfo(np.float64).max).all()

    def in_table_order(self, terms: np.ndarray) -> np.ndarray:
        """Numbers per encoded column (N, D) -> per column of the table (N, F)."""
        if self.is_in_order:
            return terms
        ordered = np.empty_like(terms)
        ordered[:, self.order] = terms
        return ordered

    def deviations(self) -> np.ndarray:
        """What one encoded unit of a Gaussian column is in the table, 0 for the others: (F,)."""
        units = np.where(np.arange(self.n_columns) < self.n_gaussian, self.scale, 0.0)
        return self.in_table_order(units[None])[0]

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything learned, by name, for a file."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Schema":
        """The inverse of `arrays`; a ValueError where they do not fit together."""
        n_gaussian, order = int(arrays["n_gaussian"]), arrays["order"]
        constants = {name: arrays[name] for name in ("offset", "scale", "one", "limit", "minimum", "maximum", "mean")}
        if set(arrays) != {"n_gaussian", "order", *constants} or not 0 <= n_gaussian <= len(order):
            raise ValueError("the schema's parts are not those of a schema")
        if order.ndim != 1 or order.dtype.kind != "i" or not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ValueError("the schema's order is no permutation")
        for name, values in constants.items():
            if values.shape != order.shape or values.dtype != np.float64 or not np.isfinite(values).all():
                raise ValueError(f"the schema's {name} is not a finite number for each column")
        if not ((constants["scale"] > 0) & (constants["limit"] > 0)).all():
            raise ValueError("the schema's scales and limits must be above 0")
        return cls(order=order, n_gaussian=n_gaussian, **constants)
