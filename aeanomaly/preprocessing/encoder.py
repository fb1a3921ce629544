"""Learning a table's schema, and encoding by it."""

from collections.abc import Iterator, Sequence

import numpy as np

from aeanomaly.preprocessing.columns import Column, Numeric
from aeanomaly.preprocessing.layout import Layout
from aeanomaly.preprocessing.schema import Schema
from aeanomaly.preprocessing.statistics import Statistics

#: Columns by place, and what is known of them.
KnownStatistics = tuple[np.ndarray, Statistics]
#: Numbers that are worked on at once, as a cache holds them.
_BLOCK_SIZE = 1 << 16
#: Encoded values beyond this many times the largest of training are all the same.
_LIMIT = 1e6
#: Where that is not tight enough: squares, and sums of squares, must fit into float32.
_LARGEST = 1e12
_MAX = np.finfo(np.float64).max
#: A column whose deviation is within a few roundings of its largest value is constant.
_ROUNDINGS = 8


class TableEncoder:
    """Numbers of a table (N, F) <-> encoded float32 rows (N, D).

    Parameters
    ----------
    likelihood : {"auto", "gaussian", "bernoulli"}
        What a numeric column is. "auto" takes one with exactly two values, whatever they are, as Bernoulli, any
        other as Gaussian; the others take every column as said, "bernoulli" with values in [0, 1].
    standardize : bool
        Subtract the mean of a Gaussian column and divide by its standard deviation. All of it runs in
        float64, before the cast, so that a column of 1e9 +- 1 keeps its digits.
    has_missing_indicators : bool, default=False
        Whether each column has one encoded feature more: 1 for a hole, else 0, Bernoulli.
    known : (ndarray of int (K,), Statistics of K columns), optional
        What is known of more rows than those to learn from, of these columns; it counts where they are numeric.

    Examples
    --------
    >>> import numpy as np
    >>> table = np.array([[1e9 + 1, 5.0], [1e9 - 1, 7.0], [1e9, 7.0]])
    >>> encoder = TableEncoder("auto", True).fit(table)
    >>> encoder.encode(table).round(2)
    array([[ 1.22,  0.  ],
           [-1.22,  1.  ],
           [ 0.  ,  1.  ]], dtype=float32)
    """

    schema: Schema

    def __init__(
        self,
        likelihood: str,
        standardize: bool,
        has_missing_indicators: bool = False,
        known: KnownStatistics | None = None,
    ):
        self._likelihood = likelihood
        self._standardize = standardize
        self._has_missing_indicators = has_missing_indicators
        self._known = known

    @classmethod
    def from_schema(cls, schema: Schema) -> "TableEncoder":
        """An encoder that has already learned `schema`."""
        encoder = cls("auto", True)
        encoder.schema = schema
        return encoder

    def fit(
        self, table: np.ndarray, columns: Sequence[Column] | None = None, names: Sequence[str] | None = None
    ) -> "TableEncoder":
        """Learn kinds and constants from rows (N, F), finite but for holes (NaN); `names` of columns are for errors."""
        layout = Layout(tuple(columns or [Numeric()] * table.shape[1]), self._has_missing_indicators)
        features = _Features(table, layout) if self._known is None else _KnownFeatures(table, layout, *self._known)
        low, high = features.range()
        centre, half = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
        half[half == 0] = 1.0
        mean, deviation, two_valued = features.moments(low, high, centre, half)
        magnitude = np.maximum(np.abs(low), np.abs(high))
        # By the value, not by the range: subtraction of a large mean leaves its rounding behind.
        constant = half * deviation <= _ROUNDINGS * np.finfo(np.float64).eps * magnitude
        mean, deviation = centre + half * mean, half * deviation
        for pair in layout.cyclic:  # an angle is one column
            deviation[pair] = np.sqrt(np.square(deviation[pair]).sum())
        plain = layout.is_numeric
        real = ~layout.is_category & ~layout.missing_indicators
        scaled = real & (self._standardize | ~plain)
        offset, scale = np.where(scaled, mean, 0.0), np.where(scaled & ~constant, deviation, 1.0)
        if self._likelihood == "auto":
            # Two rows are two values in any column; with three, one has come twice.
            with np.errstate(over="ignore"):
                width = high - low
            bernoulli = two_valued & ~constant & np.isfinite(width) & (len(table) > 2) & plain
            offset, scale = np.where(bernoulli, low, offset), np.where(bernoulli, width, scale)
        elif self._likelihood == "bernoulli":
            _check_unit_interval(low, high, plain, names)
            bernoulli = plain
            offset, scale = np.where(plain, 0.0, offset), np.where(plain, 1.0, scale)
        else:
            bernoulli = np.zeros(len(low), dtype=bool)
        bernoulli = bernoulli | layout.missing_indicators
        self.schema = _schema(layout, bernoulli, offset, scale, low, high, mean)
        return self

    def encode(self, table: np.ndarray) -> np.ndarray:
        """Rows (N, F) of any real dtype -> float32 (N, D), clipped to the schema's limits; holes stay NaN."""
        schema = self.schema
        encoded = np.empty((len(table), schema.n_encoded), dtype=np.float32)
        scaled = _scaled if schema.is_huge else _scaled_at_once
        least = schema.limit.min()
        for part in _parts(table, schema.n_encoded):
            rows = schema.layout.features(table[part])
            rows = rows if schema.is_in_order else rows[:, schema.order]
            rows = scaled(rows, schema.offset, schema.scale)
            out = _cast(rows, encoded[part])
            if not (-least <= out.min() and out.max() <= least):  # which is rare, but for holes
                np.minimum(rows, schema.limit, out=rows)
                np.maximum(rows, -schema.limit, out=out, casting="same_kind")
        return encoded

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """Expected encoded rows (N, D) -> float64 numbers of the table (N, F)."""
        schema = self.schema
        values = schema.offset + schema.scale * rows.astype(np.float64)
        values = schema.to_feature_order(np.where(rows == 1, schema.one, values))
        return schema.layout.numbers(values)

    def sum_columns(self, terms: np.ndarray) -> np.ndarray:
        """Terms of encoded features (N, D) -> their sums for each column of the table (N, F)."""
        return self.schema.in_table_order(terms)

    def most_likely(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `decode`, with one of two values where there are so many; and how probable that, or a level, is.

        Of columns of other kinds that is NaN.
        """
        schema = self.schema
        two_valued, levels = (
            slice(schema.n_gaussian, schema.n_gaussian + schema.n_bernoulli),
            slice(schema.n_gaussian + schema.n_bernoulli, None),
        )
        rows, shares = rows.copy(), np.full(rows.shape, -np.inf)
        shares[:, two_valued] = np.maximum(rows[:, two_valued], 1 - rows[:, two_valued])
        shares[:, levels] = rows[:, levels]
        shares[:, schema.layout.missing_indicators[schema.order]] = -np.inf
        rows[:, two_valued] = rows[:, two_valued].round()
        largest = np.maximum.reduceat(schema.to_feature_order(shares), schema.layout.starts, axis=1)
        return self.decode(rows), np.where(np.isfinite(largest), largest, np.nan)


def encode_table(
    table: np.ndarray,
    likelihood: str,
    standardize: bool,
    has_missing_indicators: bool = False,
    columns: Sequence[Column] | None = None,
    names: Sequence[str] | None = None,
    known: KnownStatistics | None = None,
) -> tuple[Schema, np.ndarray]:
    """Learn the schema of a table (N, F), and encode its rows by it: (N, D) float32."""
    encoder = TableEncoder(likelihood, standardize, has_missing_indicators, known).fit(table, columns, names)
    return encoder.schema, encoder.encode(table)


def _scaled(values: np.ndarray, offset: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Compute (values - offset) / scale in float64, by halves: the difference of two floats may exceed the largest."""
    with np.errstate(over="ignore", under="ignore"):
        halves = np.multiply(values, 0.5, dtype=np.float64)
        halves -= 0.5 * offset
        halves /= 0.5 * scale
    return halves


def _scaled_at_once(values: np.ndarray, offset: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The same bits in fewer passes, where a difference that overflows is beyond the limit anyhow."""
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.subtract(values, offset, dtype=np.float64)
        scaled /= scale
    return scaled


def _cast(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write float64 values as float32, those beyond its range as infinite."""
    with np.errstate(over="ignore", under="ignore"):
        np.copyto(out, values, casting="same_kind")
    return out


def _schema(
    layout: Layout,
    bernoulli: np.ndarray,
    offset: np.ndarray,
    scale: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    mean: np.ndarray,
) -> Schema:
    minimum, maximum, mean = np.clip(_scaled(np.stack([low, high, mean]), offset, scale), -_LARGEST, _LARGEST)
    reach = np.maximum(1.0, np.maximum(np.abs(minimum), np.abs(maximum)))
    order = np.argsort(np.where(layout.is_category, 2, bernoulli.astype(int)), kind="stable")
    return Schema(
        columns=layout.columns,
        has_missing_indicators=layout.has_missing_indicators,
        order=order,
        n_gaussian=int((~bernoulli & ~layout.is_category).sum()),
        n_bernoulli=int(bernoulli.sum()),
        offset=offset[order],
        scale=scale[order],
        one=np.where(bernoulli & (minimum == 0), high, np.clip(offset + scale, -_MAX, _MAX))[order],
        limit=np.minimum(_LIMIT * reach, _LARGEST)[order],
        minimum=minimum[order],
        maximum=maximum[order],
        mean=mean[order],
    )


def _check_unit_interval(low: np.ndarray, high: np.ndarray, numeric: np.ndarray, names: Sequence[str] | None) -> None:
    outside = np.flatnonzero(((low < 0) | (high > 1)) & numeric)
    if len(outside):
        j = int(outside[0])
        name = j if names is None else repr(str(names[j]))
        raise ValueError(
            f"likelihood='bernoulli' wants values in [0, 1], and column {name} runs from {low[j]:g} to {high[j]:g}; "
            "rescale it or use likelihood='auto'"
        )


class _Features:
    """Statistics of the features of a table, which are made a block at a time; holes have no part in them."""

    def __init__(self, table: np.ndarray, layout: Layout):
        self._table = table
        self._layout = layout
        with np.errstate(over="ignore", invalid="ignore"):
            is_finite = table.dtype.kind != "f" or np.isfinite(np.sum(table, dtype=np.float64))
        self._has_missing = not is_finite and bool(np.isnan(table).any())

    def range(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest value of each feature, float64."""
        if self._layout.is_plain and not self._has_missing:
            return self._table.min(axis=0).astype(np.float64), self._table.max(axis=0).astype(np.float64)
        blocks = list(self._blocks())
        return np.fmin.reduce([np.fmin.reduce(b) for b in blocks]), np.fmax.reduce([np.fmax.reduce(b) for b in blocks])

    def moments(
        self, low: np.ndarray, high: np.ndarray, centre: np.ndarray, half: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean and deviation of (feature - centre) / half, which cannot overflow, and which have two values."""
        total, count, two_valued = np.zeros(len(low)), np.zeros(len(low)), np.ones(len(low), dtype=bool)
        for rows in self._blocks():
            total += self._sum((rows - centre) / half)
            count += (~np.isnan(rows)).sum(axis=0) if self._has_missing else len(rows)
            two_valued &= ((rows == low) | (rows == high) | (np.isnan(rows) if self._has_missing else False)).all(
                axis=0
            )
        mean, squares = total / count, np.zeros(len(low))
        for rows in self._blocks():
            squares += self._sum(np.square((rows - centre) / half - mean))
        return mean, np.sqrt(squares / count), two_valued

    def _sum(self, rows: np.ndarray) -> np.ndarray:
        return np.nansum(rows, axis=0) if self._has_missing else rows.sum(axis=0)

    def _blocks(self) -> Iterator[np.ndarray]:
        """Float64 blocks in one memory order, so that sums over them do not depend on the table's."""
        for part in _parts(self._table, self._layout.n_features):
            rows = np.ascontiguousarray(self._table[part], dtype=np.float64)
            yield self._layout.features(rows)


class _KnownFeatures(_Features):
    """The same, of numeric columns as they are known of more rows than the table has."""

    def __init__(self, table: np.ndarray, layout: Layout, places: np.ndarray, known: Statistics):
        super().__init__(table, layout)
        numeric = np.array([isinstance(layout.columns[place], Numeric) for place in places], dtype=bool)
        self._places, self._known = layout.starts[places[numeric]], known.select(numeric)

    def range(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = super().range()
        low[self._places], high[self._places] = self._known.low, self._known.high
        return low, high

    def moments(
        self, low: np.ndarray, high: np.ndarray, centre: np.ndarray, half: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mean, deviation, two_valued = super().moments(low, high, centre, half)
        at, known = self._places, self._known
        mean[at], deviation[at] = (known.mean - centre[at]) / half[at], known.deviation / half[at]
        two_valued[at] = known.two_valued
        return mean, deviation, two_valued


def _parts(table: np.ndarray, width: int) -> Iterator[slice]:
    """Rows that are worked on at once."""
    size = max(1, _BLOCK_SIZE // width)
    return (slice(first, first + size) for first in range(0, len(table), size))
