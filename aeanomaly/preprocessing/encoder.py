"""Fitting the schema of a table, and encoding with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from aeanomaly.likelihoods import LIKELIHOODS
from aeanomaly.preprocessing.columns import Column, Ignored, Numeric, check_names
from aeanomaly.preprocessing.feature_statistics import (
    FeatureStatistics,
    KnownFeatureStatistics,
    KnownStatistics,
    TableStatistics,
    parts_of,
)
from aeanomaly.preprocessing.groups import Groups
from aeanomaly.preprocessing.layout import Layout
from aeanomaly.preprocessing.schema import Schema, group_by_likelihood
from aeanomaly.reading import name_columns

#: Encoded values are clipped at this multiple of the largest encoded value of training,
_LIMIT = 1e6
#: and at this value, so that sums of squares fit into float32.
_LARGEST = 1e12
_MAX = np.finfo(np.float64).max
#: A column counts as constant if its deviation is within this number of rounding errors of its largest value.
_ROUNDINGS = 8


@dataclass(frozen=True)
class EncoderOptions:
    """Parameters of a detector for the encoding of tables.

    Attributes
    ----------
    likelihood : {"auto", "gaussian", "bernoulli", "poisson"}
        Likelihood of numeric columns. With "auto", a column with exactly two distinct values is of the kind
        `two_valued`, any other is Gaussian. "bernoulli" requires values in [0, 1], and "poisson" values of at least 0.
    named : tuple of (column, likelihood)
        Likelihood of single columns, by name, or by position without names.
    standardize : bool
        Subtract the mean of a Gaussian column and divide by its standard deviation, in float64, so that a column of
        1e9 +- 1 keeps its digits.
    has_missing_indicators : bool, default=False
        Add a Bernoulli feature to each column: 1 for a missing value, else 0.
    two_valued : {"binary", "bernoulli"}, default="binary"
        Likelihood of two-valued columns with ``likelihood="auto"``.
    """

    likelihood: str
    named: tuple[tuple[Any, str], ...]
    standardize: bool
    has_missing_indicators: bool = False
    two_valued: Literal["binary", "bernoulli"] = "binary"


@dataclass(frozen=True)
class TableEncoder:
    """Encoder of the numbers of a table (N, F) as float32 rows (N, D), and decoder.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.array([[1e9 + 1, 5.0], [1e9 - 1, 7.0], [1e9, 7.0]])
    >>> schema = fit_schema(table, EncoderOptions("auto", (), True))
    >>> TableEncoder(schema).encode(table).round(2)
    array([[ 1.22, -0.97],
           [-1.22,  0.49],
           [ 0.  ,  0.49]], dtype=float32)
    """

    schema: Schema

    def encode(self, table: np.ndarray) -> np.ndarray:
        """Encode rows (N, F) of any real dtype as float32 (N, D), clipped to the schema's limits; NaN stays NaN."""
        schema = self.schema
        encoded = np.empty((len(table), schema.n_encoded), dtype=np.float32)
        scaled = _scaled if schema.is_huge else _scaled_at_once
        least = schema.limit.min()
        for part in parts_of(table, schema.n_encoded):
            rows = schema.layout.features(table[part])
            rows = rows if schema.is_in_order else rows[:, schema.order]
            rows = scaled(rows, schema.offset, schema.scale)
            out = _cast(rows, encoded[part])
            if not (-least <= out.min() and out.max() <= least):  # rare, except with NaN
                np.minimum(rows, schema.limit, out=rows)
                np.maximum(rows, -schema.limit, out=out, casting="same_kind")
        return encoded

    def decode(
        self, rows: np.ndarray, given: np.ndarray | None = None, *, known_categories: bool = False
    ) -> np.ndarray:
        """Decode expected encoded rows (N, D) to float64 numbers of the table (N, F); binary ones are in range.

        Times without a trend are decoded to those nearest to the `given` numbers (N, F). With `known_categories`, the
        category that stands for all unknown ones is not decoded.
        """
        schema = self.schema
        if known_categories and (unknown := schema.layout.is_unknown[schema.order]).any():
            rows = np.where(unknown, -1.0, rows)
        largest = np.finfo(np.float64).max
        binary = schema.feature_kinds == "binary"
        if binary.any():
            rows = np.where(binary, np.clip(rows, schema.minimum, schema.maximum), rows)
        with np.errstate(over="ignore"):  # an extreme column may decode beyond the largest number
            values = np.clip(schema.offset + schema.scale * rows.astype(np.float64), -largest, largest)
        values = schema.to_feature_order(np.where(rows == 1, schema.one, values))
        return schema.layout.numbers(values, given)

    @property
    def is_scored(self) -> np.ndarray:
        """Mask of the columns that have features, (F,)."""
        return self.schema.layout.is_scored

    def sum_columns(self, terms: np.ndarray) -> np.ndarray:
        """Terms of encoded features (N, D) -> their sums for each column of the table (N, F)."""
        return self.schema.layout.combine(np.add, self.schema.to_feature_order(terms), 0.0)

    def most_likely(self, rows: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Decode with the most likely value of two-valued and categorical columns, and return its probability.

        The probability is NaN for other columns. See `decode`.
        """
        schema = self.schema
        binary, bernoulli, categories = (schema.feature_kinds == k for k in ("binary", "bernoulli", "categorical"))
        rows, shares = rows.copy(), np.full(rows.shape, -np.inf)
        low, high = schema.minimum[binary], schema.maximum[binary]
        of_high = np.clip((rows[:, binary] - low) / (high - low), 0, 1)
        shares[:, binary] = np.maximum(of_high, 1 - of_high)
        shares[:, bernoulli] = np.maximum(rows[:, bernoulli], 1 - rows[:, bernoulli])
        shares[:, categories] = rows[:, categories]
        shares[:, schema.layout.missing_indicators[schema.order]] = -np.inf
        rows[:, binary] = np.where(of_high < 0.5, low, high)
        rows[:, bernoulli] = rows[:, bernoulli].round()
        largest = schema.layout.combine(np.maximum, schema.to_feature_order(shares), np.nan)
        return self.decode(rows, given), np.where(np.isfinite(largest), largest, np.nan)


def fit_schema(
    table: np.ndarray,
    options: EncoderOptions,
    columns: Sequence[Column] | None = None,
    names: Sequence[str] | None = None,
    known: KnownStatistics | None = None,
    statistics: FeatureStatistics | None = None,
) -> Schema:
    """Fit the schema to rows.

    Parameters
    ----------
    table : ndarray (N, F)
        Numbers of the rows, which may be NaN.
    options : EncoderOptions
    columns : sequence of Column (F,), optional
        Types of the columns; numeric by default.
    names : sequence of str (F,), optional
        Names of the columns, for `options` and error messages.
    known : (ndarray of int (K,), Statistics of K columns), optional
        Indices and statistics of columns, from more rows than the table has. Used for numeric columns.
    statistics : FeatureStatistics, optional
        Statistics of the numbers of the table, computed elsewhere. Used if the features are the numbers themselves.
    """
    layout = Layout(tuple(columns or [Numeric()] * table.shape[1]), options.has_missing_indicators)
    if layout.n_features == 0:
        labels = list(range(len(layout.columns)) if names is None else names)
        listed = [
            f"{label!r} ({column.reason})"
            for label, column in zip(labels, layout.columns, strict=True)
            if isinstance(column, Ignored)
        ]
        reason = (
            f"{name_columns(listed, ('is', 'are'))} left out" if listed else "the times do not cover any cycle twice"
        )
        raise ValueError(
            f"no column is left to score, because {reason}; set identifiers='keep' or time_trend=True, or pass more "
            "columns"
        )
    if (groups := Groups.fit(table, layout.columns, layout.starts)) is not None:
        layout, known = replace(layout, groups=groups), None  # the statistics are of values, not relative to groups
    features = statistics if statistics is not None and layout.is_plain else TableStatistics(table, layout)
    if known is not None:
        features = KnownFeatureStatistics(features, layout, *known)
    low, high = features.range()
    center, half = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
    half[half == 0] = 1.0
    mean, deviation, two_valued = features.moments(low, high, center, half)
    magnitude = np.maximum(np.abs(low), np.abs(high))
    # Relative to the magnitude, because subtracting a large mean leaves rounding errors.
    constant = half * deviation <= _ROUNDINGS * np.finfo(np.float64).eps * magnitude
    mean, deviation = center + half * mean, half * deviation
    for pair in layout.cyclic:  # cosine and sine share a scale
        deviation[pair] = np.sqrt(np.square(deviation[pair]).sum())
    kinds = _chosen_kinds(layout, options, names)
    if layout.groups is not None and {*kinds[layout.is_numeric]} - {"auto", "gaussian"}:
        raise ValueError(
            "with groups, numbers are relative to those of their group, so likelihood must be 'auto' or 'gaussian'"
        )
    automatic = layout.is_numeric & (kinds == "auto")
    real = ~layout.is_category & ~layout.missing_indicators
    scaled = real & (options.standardize | ~layout.is_numeric)
    offset, scale = np.where(scaled, mean, 0.0), np.where(scaled & ~constant, deviation, 1.0)
    for kind, likelihood in LIKELIHOODS.items():
        chosen = layout.is_numeric & (kinds == kind)
        _check_support(kind, low, high, chosen, layout, names)
        if likelihood.encoding != "standardize":
            divisor = np.where(constant, 1.0, deviation) if likelihood.encoding == "divide" else 1.0
            offset, scale = np.where(chosen, 0.0, offset), np.where(chosen, divisor, scale)
    # Any column of two rows has at most two values; with three rows a value occurs twice.
    with np.errstate(over="ignore"):
        width = high - low
    two_valued = two_valued & ~constant & np.isfinite(width) & (len(table) > 2) & automatic
    if options.two_valued == "bernoulli":
        offset, scale = np.where(two_valued, low, offset), np.where(two_valued, width, scale)
    else:
        offset = np.where(two_valued, mean, offset)
        scale = np.where(two_valued, np.sqrt(deviation) * np.sqrt(width), scale)  # the product may overflow
    kinds = np.where(automatic, np.where(two_valued, options.two_valued, "gaussian"), kinds)
    return _schema(layout, kinds, offset, scale, low, high, mean)


def _chosen_kinds(layout: Layout, options: EncoderOptions, names: Sequence[str] | None) -> np.ndarray:
    """Return the kind of likelihood of each feature, "auto" for numeric columns without a choice of the user."""
    labels, named = list(range(len(layout.columns)) if names is None else names), dict(options.named)
    _check_named(named, labels, layout.columns)
    of_columns = [named.get(label, options.likelihood) for label in labels]
    kinds = np.where(layout.is_numeric, np.repeat(of_columns, layout.widths), "gaussian").astype(object)
    kinds[layout.is_category], kinds[layout.missing_indicators] = "categorical", "bernoulli"
    return kinds


def _scaled(values: np.ndarray, offset: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Compute (values - offset) / scale in float64, from halves, because the difference may overflow."""
    with np.errstate(over="ignore", under="ignore"):
        halves = np.multiply(values, 0.5, dtype=np.float64)
        halves -= 0.5 * offset
        halves /= 0.5 * scale
    return halves


def _scaled_at_once(values: np.ndarray, offset: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Compute the bits of `_scaled` in fewer passes, if a difference that overflows is beyond the limit anyway."""
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.subtract(values, offset, dtype=np.float64)
        scaled /= scale
    return scaled


def _cast(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write float64 values as float32, with infinity for values beyond its range."""
    with np.errstate(over="ignore", under="ignore"):
        np.copyto(out, values, casting="same_kind")
    return out


def _schema(
    layout: Layout,
    kinds: np.ndarray,
    offset: np.ndarray,
    scale: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    mean: np.ndarray,
) -> Schema:
    minimum, maximum, mean = np.clip(_scaled(np.stack([low, high, mean]), offset, scale), -_LARGEST, _LARGEST)
    reach = np.maximum(1.0, np.maximum(np.abs(minimum), np.abs(maximum)))
    ranks = {kind: rank for rank, kind in enumerate(LIKELIHOODS)}
    order = np.argsort([ranks[kind] for kind in kinds], kind="stable")
    return Schema(
        columns=layout.columns,
        has_missing_indicators=layout.has_missing_indicators,
        groups=layout.groups,
        order=order,
        blocks=group_by_likelihood(kinds[order].tolist(), order, layout),
        offset=offset[order],
        scale=scale[order],
        one=np.where((kinds == "bernoulli") & (minimum == 0), high, np.clip(offset + scale, -_MAX, _MAX))[order],
        limit=np.minimum(_LIMIT * reach, _LARGEST)[order],
        minimum=minimum[order],
        maximum=maximum[order],
        mean=mean[order],
    )


def _check_support(
    kind: str, low: np.ndarray, high: np.ndarray, chosen: np.ndarray, layout: Layout, names: Sequence[str] | None
) -> None:
    """Raise a ValueError if values of a chosen feature are beyond the support of the likelihood."""
    least, largest = LIKELIHOODS[kind].support
    outside = np.flatnonzero(((low < least) | (high > largest)) & chosen)
    if len(outside):
        j = int(outside[0])
        column = int(np.searchsorted(layout.starts, j, side="right")) - 1
        name = column if names is None else repr(str(names[column]))
        wanted = f"values of at least {least:g}" if np.isinf(largest) else f"values in [{least:g}, {largest:g}]"
        raise ValueError(
            f"likelihood={kind!r} requires {wanted}, but column {name} ranges from {low[j]:g} to {high[j]:g}; "
            "rescale it or use likelihood='auto'"
        )


def _check_named(chosen: Mapping[Any, str], labels: Sequence[Any], columns: Sequence[Column]) -> None:
    """Raise a ValueError if the user named a column that X does not have, or one that does not hold plain numbers."""
    check_names("likelihood", chosen, labels)
    for label, kind in chosen.items():
        column = columns[labels.index(label)]
        if kind != "auto" and not isinstance(column, Numeric):
            raise ValueError(
                f"likelihood={{{label!r}: {kind!r}}} needs a numeric column, but column {label!r} is {column.kind}; "
                "leave it out of likelihood, or change column_types"
            )
