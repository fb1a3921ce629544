"""Schema of a table: columns, encoding constants, and order of the encoded features."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from aeanomaly.likelihoods import LIKELIHOODS
from aeanomaly.preprocessing.columns import Column, GroupKey, Logarithmic, Numeric
from aeanomaly.preprocessing.groups import Groups
from aeanomaly.preprocessing.layout import Layout

_CONSTANTS = ("offset", "scale", "one", "limit", "minimum", "maximum", "mean")
#: Keys of model files that differ from the names of the fields.
_GROUPS = "groups."
_FILE_KEYS = {"has_missing_indicators": "shows_holes"}


@dataclass(frozen=True)
class Schema:
    """Columns and their features, and the constants that encode them.

    Arrays have one entry per encoded feature, D in all. Features are ordered by kind of likelihood, so that each
    likelihood covers a block of adjacent features.

    Attributes
    ----------
    columns : tuple of Column (F,)
        Column types in the order of the table.
    groups : Groups or None
        Groups of rows, to which features are relative.
    has_missing_indicators : bool
        True if each column has a feature that indicates missing values.
    order : ndarray of int (D,)
        Index of the feature of each encoded feature.
    blocks : tuple of (str, int)
        Kind of likelihood and number of features of each block of encoded features, from left to right.
    offset, scale : ndarray of float64 (D,)
        encoded = (feature - offset) / scale. The two values of a Bernoulli column are encoded as 0 and 1.
    one : ndarray of float64 (D,)
        Exact value that is encoded as 1; offset + scale may differ by rounding.
    limit : ndarray of float64 (D,)
        Encoded values are clipped to [-limit, limit].
    minimum, maximum, mean : ndarray of float64 (D,)
        Statistics of the encoded training rows.
    """

    columns: tuple[Column, ...]
    has_missing_indicators: bool
    order: np.ndarray
    blocks: tuple[tuple[str, int], ...]
    offset: np.ndarray
    scale: np.ndarray
    one: np.ndarray
    limit: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    groups: Groups | None = None

    @cached_property
    def layout(self) -> Layout:
        """Layout of the features."""
        return Layout(self.columns, self.has_missing_indicators, self.groups)

    @property
    def n_encoded(self) -> int:
        """Width of an encoded row, D."""
        return len(self.order)

    @cached_property
    def feature_kinds(self) -> np.ndarray:
        """Kind of likelihood of each encoded feature, (D,)."""
        kinds, widths = zip(*self.blocks, strict=True)
        return np.repeat(kinds, widths)

    @property
    def kinds(self) -> list[str]:
        """Kind of each column in the order of the table: the likelihood of numeric columns, else the column type."""
        kinds = self.to_feature_order(self.feature_kinds[None])[0]
        return [
            str(kinds[start]) if isinstance(column, (Numeric, Logarithmic)) else column.kind
            for start, column in zip(self.layout.starts, self.columns, strict=True)
        ]

    @cached_property
    def logarithmic_places(self) -> np.ndarray:
        """Indices of the encoded features of logarithmic columns."""
        is_logarithmic = [isinstance(column, Logarithmic) for column in self.columns]
        places = self.layout.starts[np.array(is_logarithmic, dtype=bool)]
        return np.flatnonzero(np.isin(self.order, places))

    @cached_property
    def is_in_order(self) -> bool:
        """True if the encoded features are in the order of the table."""
        return bool((np.diff(self.order) == 1).all())

    @cached_property
    def is_huge(self) -> bool:
        """True if the difference of two values within the limit may overflow."""
        with np.errstate(over="ignore"):
            reach = np.abs(self.offset) + self.limit * self.scale
        return not (reach < 0.25 * np.finfo(np.float64).max).all()

    def to_feature_order(self, terms: np.ndarray) -> np.ndarray:
        """Reorder values of encoded features (N, D) to the order of the table (N, D)."""
        if self.is_in_order:
            return terms
        ordered = np.empty_like(terms)
        ordered[:, self.order] = terms
        return ordered

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays and numbers by file key; columns and blocks are stored separately."""
        found = {
            _FILE_KEYS.get(field.name, field.name): np.asarray(getattr(self, field.name))
            for field in fields(self)
            if field.name not in ("columns", "blocks", "groups")
        }
        of_groups = {} if self.groups is None else self.groups.arrays()
        return found | {f"{_GROUPS}{name}": values for name, values in of_groups.items()}

    @classmethod
    def from_arrays(
        cls, arrays: dict[str, Any], columns: Sequence[Column], blocks: Sequence[tuple[str, int]]
    ) -> "Schema":
        """Build a schema from the output of `arrays`; raise a ValueError for inconsistent data."""
        of_groups = {name.removeprefix(_GROUPS): arrays[name] for name in arrays if name.startswith(_GROUPS)}
        arrays = {name: values for name, values in arrays.items() if not name.startswith(_GROUPS)}
        if set(arrays) != {"shows_holes", "order", *_CONSTANTS}:
            raise ValueError("the schema has missing or unknown arrays")
        order, constants = arrays["order"], {name: arrays[name] for name in _CONSTANTS}
        if order.ndim != 1 or order.dtype.kind != "i" or not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ValueError("the schema's order is not a permutation")
        groups = Groups.from_arrays(of_groups, len(columns), len(order)) if of_groups else None
        if (groups is not None) != any(isinstance(column, GroupKey) for column in columns):
            raise ValueError("the groups do not match the columns")
        layout = Layout(tuple(columns), bool(arrays["shows_holes"]), groups)
        if layout.n_features != len(order):
            raise ValueError("the schema's columns do not match its order")
        kinds, widths = zip(*blocks, strict=True)
        if min(widths) < 1 or sum(widths) != len(order) or not set(kinds) <= set(LIKELIHOODS):
            raise ValueError("the schema's blocks do not match its order")
        if group_by_likelihood(np.repeat(kinds, widths).tolist(), order, layout) != tuple(blocks):
            raise ValueError("the schema's blocks do not match its columns")
        for name, values in constants.items():
            if values.shape != order.shape or values.dtype != np.float64 or not np.isfinite(values).all():
                raise ValueError(f"the schema's {name} is not a finite number for each feature")
        if not ((constants["scale"] > 0) & (constants["limit"] > 0)).all():
            raise ValueError("the schema's scales and limits must be above 0")
        return cls(
            columns=layout.columns,
            has_missing_indicators=layout.has_missing_indicators,
            order=order,
            blocks=tuple(blocks),
            groups=groups,
            **constants,
        )


def group_by_likelihood(kinds: Sequence[str], order: np.ndarray, layout: Layout) -> tuple[tuple[str, int], ...]:
    """Group encoded features (D,) that share a likelihood, given their kinds: kind and size of each group.

    Raises
    ------
    ValueError
        If a feature is of a kind that its column cannot have.
    """
    if not np.array_equal(np.array(kinds) == "categorical", layout.is_category[order]):
        raise ValueError("features and only features of categorical columns are categorical")
    columns = np.repeat(np.arange(len(layout.columns)), layout.widths)[order].tolist()
    keys = [(k, column if LIKELIHOODS[k].per_column else -1) for k, column in zip(kinds, columns, strict=True)]
    return tuple((kind, len(list(group))) for (kind, _), group in groupby(keys))
