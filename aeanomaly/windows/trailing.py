"""Values and means of the rows before each row, equal to the bit for any division of a series into parts.

A segment is a series of rows without a long gap. The age of a row is the number of rows before it in its segment.
"""

import numpy as np

#: Number of rows of a run.
_RUN = 64


def trailing_means(values: np.ndarray, age: np.ndarray, widths: tuple[int, ...]) -> list[np.ndarray]:
    """Return the means of the last rows of each row, (n, C) for each width.

    Means of 1, 2, 4, ... rows are merged in pairs, so that the order of additions depends only on the distance from the
    row, and the number of additions grows with the logarithm of the width.

    Parameters
    ----------
    values : ndarray (n, C)
        Rows of segments. The result is valid for rows whose windows are among them.
    age : ndarray of int (n,)
        Ages of the rows. Windows do not extend beyond the start of a segment.
    widths : tuple of int
        Numbers of rows.
    """
    if not widths:
        return []
    powers = [values]
    while 2 ** len(powers) <= max(widths):
        n_rows = 2 ** (len(powers) - 1)
        powers.append(_merge(powers[-1], n_rows, powers[-1], n_rows, age))
    return [_mean(powers, width, age) for width in widths]


def _mean(powers: list[np.ndarray], width: int, age: np.ndarray) -> np.ndarray:
    """Return the means of `width` rows, from those of 1, 2, 4, ... rows."""
    largest = width.bit_length() - 1
    mean, n_rows = powers[largest], 2**largest
    for power in reversed(range(largest)):
        if width >> power & 1:
            mean = _merge(mean, n_rows, powers[power], 2**power, age)
            n_rows += 2**power
    return mean


def _merge(recent: np.ndarray, n_recent: int, earlier: np.ndarray, n_earlier: int, age: np.ndarray) -> np.ndarray:
    """Extend the means of `n_recent` rows by the `n_earlier` rows before them, as far as the segment goes."""
    before = np.zeros_like(earlier)
    before[n_recent:] = earlier[:-n_recent]
    n_known = np.minimum(np.maximum(age + 1 - n_recent, 0), n_earlier)[:, None]  # faster than clip for few rows
    return recent + n_known / (n_recent + n_known) * (before - recent)


def unchanged(values: np.ndarray, age: np.ndarray, most: int, typical: np.ndarray | float = 0.0) -> np.ndarray:
    """Return the number of rows, at most `most`, for which each value has not changed, (n, C).

    It is at least `typical`, (C,), for values that have not changed since the start of their segment, as they may not
    have changed before.
    """
    changed = np.ones(values.shape, dtype=bool)
    changed[1:] = (values[1:] != values[:-1]) | (age[1:, None] == 0)
    count = rows_since(changed)
    return np.minimum(np.where(count == age[:, None], np.maximum(count, typical), count), most).astype(np.float64)


def rows_since(marks: np.ndarray) -> np.ndarray:
    """Return the number of rows since the last True in each column, (n, ...), or since the first row."""
    rows = np.arange(len(marks)).reshape(-1, *[1] * (marks.ndim - 1))
    return rows - np.maximum.accumulate(np.where(marks, rows, 0), axis=0)


def lagged(values: np.ndarray, age: np.ndarray, n_lags: int, rows: np.ndarray | None = None) -> np.ndarray:
    """Return the values 0, 1, ... rows before each of the `rows` (all by default), (n, n_lags, C).

    Before the start of a segment, they are those of its first row.
    """
    rows = np.arange(len(values)) if rows is None else rows
    lags = np.minimum(np.arange(n_lags), age[rows, None])
    return values[np.maximum(rows[:, None] - lags, 0)]


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` of the rows, in order and evenly spread, but not at a fixed step, which may match a season.

    Their places are the multiples of the golden ratio modulo 1 (Weyl sequence).
    """
    if len(rows) <= most:
        return rows
    places = np.arange(1, most + 1) * (np.sqrt(5) - 1) / 2 % 1
    return rows[np.unique((places * len(rows)).astype(np.int64))]


def spread_runs(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` of the rows, in order: evenly spread runs of 64 rows, which share most of their windows."""
    if len(rows) <= most:
        return rows
    runs = spread(np.arange(len(rows) // _RUN), most // _RUN)
    return rows[(runs[:, None] * _RUN + np.arange(_RUN)).ravel()]
