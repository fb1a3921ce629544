"""Cells relative to the group of their row, such as the amounts of a customer.

A real-valued feature is standardized by mean and deviation of its group, both shrunk towards those of all rows, as in
a model with random effects: x = m_g + e with m_g ~ N(m, t^2) and e ~ N(0, s_g^2). A category is represented by its
surprise in the group, minus the logarithm of its frequency there, shrunk towards that among all rows. Statistics exist
for groups of the training rows only; a row of another group is compared with all rows. See Robbins (1956), An
empirical Bayes approach to statistics, and Searle, Casella & McCulloch (1992), Variance components.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from aeanomaly.preprocessing.columns import Column, GroupedCategorical, GroupKey, Ordinal

#: Weight of all rows, as a number of rows of a group, in the variance and in the frequencies of a group.
_PRIOR_VARIANCE, _PRIOR_COUNT = 4.0, 5.0


class _Moments(NamedTuple):
    """Means and deviations of a feature by group, (G + 1,); the last entry is that of unknown groups."""

    mean: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class Groups:
    """Statistics of G groups of rows.

    Attributes
    ----------
    places : ndarray of int (C,)
        Indices of the columns whose cells identify a group together.
    sizes : ndarray of int (C,)
        Number of labels of each of these columns.
    keys : ndarray of int64 (G,)
        Ascending keys of the groups: the numbers of the labels, combined as digits.
    real : ndarray of int (K,)
        Indices of the features that are standardized by group.
    mean, deviation : ndarray (G + 1, K)
        Shrunk means and deviations; the last row is for unknown groups.
    categories : ndarray of int (J,)
        Indices of the features of categorical columns.
    pairs : ndarray of int64 (P,)
        Ascending keys of the observed pairs of a feature's category and a group.
    counts : ndarray (P,)
        Number of rows of each pair.
    n_rows : ndarray (G + 1, J)
        Number of rows of each group with a category; 0 for unknown groups.
    shares : ndarray (J, W)
        Shares of the categories among all rows.
    most_frequent : ndarray (G + 1, J)
        Number of the most frequent category in each group.
    typical : ndarray (J, W)
        Median surprise of the rows with a category, which is that of rows of unknown groups.
    """

    places: np.ndarray
    sizes: np.ndarray
    keys: np.ndarray
    real: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    categories: np.ndarray
    pairs: np.ndarray
    counts: np.ndarray
    n_rows: np.ndarray
    shares: np.ndarray
    most_frequent: np.ndarray
    typical: np.ndarray

    @classmethod
    def fit(cls, table: np.ndarray, columns: Sequence[Column], starts: np.ndarray) -> "Groups | None":
        """Compute the statistics of a table (N, F), with the first feature of each column; None without groups."""
        keyed = {j: column for j, column in enumerate(columns) if isinstance(column, GroupKey)}
        if not keyed:
            return None
        places, sizes = list(keyed), np.array([len(column.labels) + 1 for column in keyed.values()])
        keys, codes = np.unique(_combined(table[:, places], sizes), return_inverse=True)
        n_groups = len(keys)
        is_category = np.array([isinstance(column, GroupedCategorical) for column in columns])
        is_real = np.array([column.n_features == 1 and not isinstance(column, Ordinal) for column in columns])
        real, categorical = np.flatnonzero(is_real & ~is_category), np.flatnonzero(is_category)
        moments = [_moments(columns[j].features(table[:, j])[:, 0], codes, n_groups) for j in real.tolist()]
        shares = _shares(table, columns, categorical)
        pairs, counts, n_rows = _counts(table[:, categorical], codes, n_groups, shares.shape[1])
        found = cls(
            places=np.array(places),
            sizes=sizes,
            keys=keys,
            real=starts[real],
            mean=_columns([m.mean for m in moments], n_groups),
            deviation=_columns([m.deviation for m in moments], n_groups),
            categories=starts[categorical],
            pairs=pairs,
            counts=counts,
            n_rows=n_rows,
            shares=shares,
            most_frequent=_most_frequent(pairs, counts, n_rows, shares),
            typical=-np.log(shares),
        )
        for j, column in enumerate(table[:, categorical].T):
            surprise = found._surprise(j, column, codes)
            for category in np.unique(column[~np.isnan(column)]).astype(int):
                found.typical[j, category] = np.median(surprise[column == category])
        return found

    def codes(self, table: np.ndarray) -> np.ndarray:
        """Return the number of the group of each row, (N,); G for an unknown group."""
        found = _combined(table[:, self.places], self.sizes)
        places = np.minimum(np.searchsorted(self.keys, found), len(self.keys) - 1)
        return np.where(self.keys[places] == found, places, len(self.keys))

    def relative(self, features: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Express features (N, D) of a table (N, F) relative to the groups, in place."""
        codes = self.codes(table)
        with np.errstate(over="ignore", invalid="ignore"):
            halves = 0.5 * features[:, self.real] - 0.5 * self.mean[codes]  # the difference may overflow
            scaled = halves / (0.5 * self.deviation[codes])
        largest = np.finfo(np.float64).max
        features[:, self.real] = np.clip(scaled, -largest, largest)
        for j, place in enumerate(self.categories):
            features[:, place] = self._surprise(j, features[:, place], codes)
        return features

    def absolute(self, features: np.ndarray, table: np.ndarray | None) -> np.ndarray:
        """Invert `relative` for expected features (N, D), in place; categories become the most frequent ones.

        Without a table, the rows are of unknown groups.
        """
        codes = np.full(len(features), len(self.keys)) if table is None else self.codes(table)
        largest = np.finfo(np.float64).max
        with np.errstate(over="ignore"):
            values = self.mean[codes] + self.deviation[codes] * features[:, self.real]
        features[:, self.real] = np.clip(values, -largest, largest)
        features[:, self.categories] = self.most_frequent[codes]
        return features

    def _surprise(self, j: int, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return minus the log frequency of categories in their groups, (N,); NaN for missing values."""
        missing = np.isnan(numbers)
        category = np.where(missing, 0, numbers).astype(np.int64)
        width = self.shares.shape[1]
        wanted = _pair_keys(j, codes, category, len(self.keys), width)
        pairs, counts = np.append(self.pairs, -1), np.append(self.counts, 0.0)  # no key is below 0
        places = np.searchsorted(self.pairs, wanted)
        count = np.where(pairs[places] == wanted, counts[places], 0.0)
        prior = _PRIOR_COUNT * self.shares[j, category]
        surprise = -np.log((count + prior) / (self.n_rows[codes, j] + _PRIOR_COUNT))
        surprise = np.where(codes == len(self.keys), self.typical[j, category], surprise)
        return np.where(missing, np.nan, surprise)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays by file key."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], n_columns: int, n_features: int) -> "Groups":
        """Build the statistics from the output of `arrays`; raise a ValueError for inconsistent arrays."""
        if set(arrays) != {field.name for field in fields(cls)}:
            raise ValueError("the groups have missing or unknown arrays")
        found = cls(**arrays)
        n, k, j, width = len(found.keys) + 1, len(found.real), len(found.categories), found.shares.shape[-1]
        shapes = {
            "sizes": found.places.shape,
            "mean": (n, k),
            "deviation": (n, k),
            "counts": found.pairs.shape,
            "n_rows": (n, j),
            "shares": (j, width),
            "typical": (j, width),
            "most_frequent": (n, j),
        }
        integers = ("places", "sizes", "keys", "real", "categories", "pairs", "most_frequent")
        for name, values in arrays.items():
            if values.dtype.kind != ("i" if name in integers else "f") or not np.isfinite(values).all():
                raise ValueError(f"the {name} of the groups are not finite numbers of the required dtype")
            if name in shapes and values.shape != shapes[name]:
                raise ValueError(f"the {name} of the groups do not have the required shape")
        if not (len(found.places) and len(found.keys) and found.keys.ndim == found.pairs.ndim == 1):
            raise ValueError("the groups are empty")
        for values, limit in ((found.places, n_columns), (found.real, n_features), (found.categories, n_features)):
            if values.ndim != 1 or (len(values) and not (values.min() >= 0 and values.max() < limit)):
                raise ValueError("the groups refer to columns that do not exist")
        if not ((found.deviation > 0).all() and (found.shares > 0).all() and (found.sizes > 0).all()):
            raise ValueError("deviations, shares and sizes of groups must be above 0")
        return found


def _combined(numbers: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Combine the numbers of labels (N, C) as digits, (N,) int64."""
    combined = np.zeros(len(numbers), dtype=np.int64)
    for column, size in zip(numbers.T.astype(np.int64), sizes, strict=True):
        combined = combined * size + column
    return combined


def _columns(parts: list[np.ndarray], n_groups: int) -> np.ndarray:
    return np.stack(parts, axis=1) if parts else np.empty((n_groups + 1, 0))


def _moments(values: np.ndarray, codes: np.ndarray, n_groups: int) -> _Moments:
    """Return shrunk means and deviations of a feature (N,), with the group of each row."""
    there = ~np.isnan(values)
    values, codes = values[there], codes[there]
    unit = max(float(np.abs(values).max(initial=0)), np.finfo(np.float64).tiny)  # squares may overflow
    values = values / unit
    n = np.bincount(codes, minlength=n_groups).astype(np.float64)
    mean = np.bincount(codes, values, minlength=n_groups) / np.maximum(n, 1)
    squares = np.bincount(codes, np.square(values - mean[codes]), minlength=n_groups)
    overall, n_known = float(values.mean()) if len(values) else 0.0, int((n > 0).sum())
    total = float(np.square(values - overall).mean()) if len(values) else 0.0
    if len(values) <= n_known:  # no group has two rows
        within, between = total, 0.0
    else:
        within = float(squares.sum()) / (len(values) - n_known)
        spread = (n * np.square(mean - overall)).sum() - (n_known - 1) * within
        between = max(0.0, float(spread / (len(values) - np.square(n).sum() / len(values)))) if n_known > 1 else 0.0
    tiny = max(total, 1.0) * np.finfo(np.float64).eps
    within = max(within, tiny)
    weight = n * between / (n * between + within)
    variance = (_PRIOR_VARIANCE * within + squares) / (_PRIOR_VARIANCE + np.maximum(n - 1, 0))
    variance = np.maximum(variance, tiny) + between * (1 - weight)  # that of a new row: the mean is uncertain
    return _Moments(
        unit * np.append(overall + weight * (mean - overall), overall),
        unit * np.sqrt(np.append(variance, within + between)),
    )


def _shares(table: np.ndarray, columns: Sequence[Column], places: np.ndarray) -> np.ndarray:
    """Return the shares of the categories of columns among all rows, (J, W), smoothed; W includes unknown ones."""
    width = max((columns[j].unknown + 1 for j in places), default=1)
    shares = np.ones((len(places), width))
    for row, j in enumerate(places):
        numbers = table[:, j]
        counts = np.bincount(numbers[~np.isnan(numbers)].astype(int), minlength=width)[:width] + 0.5
        shares[row] = counts / counts.sum()
    return shares


def _pair_keys(j: int, codes: np.ndarray, category: np.ndarray, n_groups: int, width: int) -> np.ndarray:
    return (j * (n_groups + 1) + codes.astype(np.int64)) * width + category


def _counts(
    numbers: np.ndarray, codes: np.ndarray, n_groups: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count the pairs of category and group of columns (N, J): their keys, their counts, and the rows of groups."""
    found, n_rows = [], np.zeros((n_groups + 1, numbers.shape[1]))
    for j, column in enumerate(numbers.T):
        there = ~np.isnan(column)
        found.append(_pair_keys(j, codes[there], column[there].astype(np.int64), n_groups, width))
        n_rows[:, j] = np.bincount(codes[there], minlength=n_groups + 1)
    pairs, counts = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *found]), return_counts=True)
    return pairs, counts.astype(np.float64), n_rows


def _most_frequent(pairs: np.ndarray, counts: np.ndarray, n_rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the most frequent category of each column in each group, (G + 1, J); of all rows for unknown groups."""
    best = np.tile(shares.argmax(axis=1), (len(n_rows), 1))
    order = np.argsort(counts, kind="stable")  # the last assignment to a group is that of the largest count
    feature, group = np.divmod(pairs[order] // shares.shape[1], len(n_rows))
    best[group, feature] = pairs[order] % shares.shape[1]
    return best
