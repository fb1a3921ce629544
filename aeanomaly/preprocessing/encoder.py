"""Learning a table's schema, and encoding by it."""

from collections.abc import Iterator, Sequence

import numpy as np

from aeanomaly.preprocessing.schema import Schema

#: Numbers that are worked on at once, as a cache holds them.
_AT_ONCE = 1 << 16
#: Encoded values beyond this many times the largest of training are all the same.
_LIMIT = 1e6
#: Where that is not tight enough: squares, and sums of squares, must fit into float32.
_LARGEST = 1e12
_MAX = np.finfo(np.float64).max
#: A column whose deviation is within a few roundings of its largest value is constant.
_ROUNDINGS = 8


class TableEncoder:
    """Numeric table (N, F) <-> encoded float32 rows (N, D).

    Parameters
    ----------
    likelihood : {"auto", "gaussian", "bernoulli"}
        "auto" takes a column with exactly two values, whatever they are, as Bernoulli, any other as
        Gaussian; the others take every column as said, "bernoulli" with values in [0, 1].
    standardize : bool
        Subtract the mean of a Gaussian column and divide by its standard deviation. All of it runs in
        float64, before the cast, so that a column of 1e9 +- 1 keeps its digits.

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

    def __init__(self, likelihood: str, standardize: bool):
        self._likelihood = likelihood
        self._standardize = standardize

    @classmethod
    def of(cls, schema: Schema) -> "TableEncoder":
        """An encoder that has already learned `schema`."""
        encoder = cls("auto", True)
        encoder.schema = schema
        return encoder

    def fit(self, table: np.ndarray, names: Sequence[str] | None = None) -> "TableEncoder":
        """Learn kinds and constants from finite rows (N, F); `names` of columns are for errors."""
        low, high = _range(table)
        centre, half = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
        half[half == 0] = 1.0
        mean, deviation, two_valued = _moments(table, low, high, centre, half)
        magnitude = np.maximum(np.abs(low), np.abs(high))
        # By the value, not by the range: subtraction of a large mean leaves its rounding behind.
        constant = half * deviation <= _ROUNDINGS * np.finfo(np.float64).eps * magnitude
        mean, deviation = centre + half * mean, half * deviation
        if self._standardize:
            offset, scale = mean, np.where(constant, 1.0, deviation)
        else:
            offset, scale = np.zeros_like(mean), np.ones_like(mean)
        if self._likelihood == "auto":
            # Two rows are two values in any column; with three, one has come twice.
            with np.errstate(over="ignore"):
                width = high - low
            bernoulli = two_valued & ~constant & np.isfinite(width) & (len(table) > 2)
            offset, scale = np.where(bernoulli, low, offset), np.where(bernoulli, width, scale)
        elif self._likelihood == "bernoulli":
            _check_unit_interval(low, high, names)
            bernoulli = np.ones(len(low), dtype=bool)
            offset, scale = np.zeros_like(low), np.ones_like(low)
        else:
            bernoulli = np.zeros(len(low), dtype=bool)
        self.schema = _schema(bernoulli, offset, scale, low, high, mean)
        return self

    def encode(self, table: np.ndarray) -> np.ndarray:
        """Rows (N, F) of any real dtype -> float32 (N, D), clipped to the schema's limits."""
        schema = self.schema
        encoded = np.empty(table.shape, dtype=np.float32)
        scaled = _scaled if schema.is_huge else _scaled_at_once
        for part in _parts(table):
            rows = table[part] if schema.is_in_order else table[part, schema.order]
            rows = scaled(rows, schema.offset, schema.scale)
            np.minimum(rows, schema.limit, out=rows)
            np.maximum(rows, -schema.limit, out=encoded[part], casting="same_kind")
        return encoded

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """Expected encoded rows (N, D) -> float64 rows (N, F) in original units."""
        schema = self.schema
        values = schema.offset + schema.scale * rows.astype(np.float64)
        return schema.in_table_order(np.where(rows == 1, schema.one, values))


def encode_table(
    table: np.ndarray, likelihood: str, standardize: bool, names: Sequence[str] | None = None
) -> tuple[Schema, np.ndarray]:
    """Learn the schema of a table (N, F), and encode its rows by it: (N, D) float32."""
    encoder = TableEncoder(likelihood, standardize).fit(table, names)
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


def _schema(
    bernoulli: np.ndarray, offset: np.ndarray, scale: np.ndarray, low: np.ndarray, high: np.ndarray, mean: np.ndarray
) -> Schema:
    minimum, maximum, mean = np.clip(_scaled(np.stack([low, high, mean]), offset, scale), -_LARGEST, _LARGEST)
    reach = np.maximum(1.0, np.maximum(np.abs(minimum), np.abs(maximum)))
    order = np.argsort(bernoulli, kind="stable")
    return Schema(
        order=order,
        n_gaussian=int((~bernoulli).sum()),
        offset=offset[order],
        scale=scale[order],
        one=np.where(bernoulli & (minimum == 0), high, np.clip(offset + scale, -_MAX, _MAX))[order],
        limit=np.minimum(_LIMIT * reach, _LARGEST)[order],
        minimum=minimum[order],
        maximum=maximum[order],
        mean=mean[order],
    )


def _check_unit_interval(low: np.ndarray, high: np.ndarray, names: Sequence[str] | None) -> None:
    outside = np.flatnonzero((low < 0) | (high > 1))
    if len(outside):
        j = int(outside[0])
        name = j if names is None else repr(str(names[j]))
        raise ValueError(
            f"likelihood='bernoulli' wants values in [0, 1], and column {name} runs from {low[j]:g} to {high[j]:g}; "
            "rescale it or use likelihood='auto'"
        )


def _range(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest value of each column, float64."""
    return table.min(axis=0).astype(np.float64), table.max(axis=0).astype(np.float64)


def _moments(
    table: np.ndarray, low: np.ndarray, high: np.ndarray, centre: np.ndarray, half: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and deviation of (table - centre) / half, which cannot overflow, and which columns have two values."""
    total, two_valued = np.zeros(len(low)), np.ones(len(low), dtype=bool)
    for rows in _blocks(table):
        total += ((rows - centre) / half).sum(axis=0)
        two_valued &= ((rows == low) | (rows == high)).all(axis=0)
    mean, squares = total / len(table), np.zeros(len(low))
    for rows in _blocks(table):
        squares += np.square((rows - centre) / half - mean).sum(axis=0)
    return mean, np.sqrt(squares / len(table)), two_valued


def _blocks(table: np.ndarray) -> Iterator[np.ndarray]:
    """Float64 blocks in one memory order, so that sums over them do not depend on the table's."""
    for part in _parts(table):
        yield np.ascontiguousarray(table[part], dtype=np.float64)


def _parts(table: np.ndarray) -> Iterator[slice]:
    """Rows that are worked on at once."""
    size = max(1, _AT_ONCE // table.shape[1])
    return (slice(first, first + size) for first in range(0, len(table), size))
