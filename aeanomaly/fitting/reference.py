"""Distributions of training rows, for comparison with other rows."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

#: Number of quantiles that are kept for each column.
_POINTS = 64
#: Keys of model files that differ from the names of the fields.
_FILE_KEYS = {"missing": "holes"}
_HALF_OF_LARGEST = 0.5 * np.finfo(np.float64).max


@dataclass(frozen=True)
class TrainingReference:
    """Distributions over training rows by column.

    Attributes
    ----------
    errors : ndarray (Q, F)
        Upper quantiles of the terms of each column: a share `tails` of the rows has a larger term.
    tails : ndarray (Q,)
        Shares, from 1 down to one divided by the number of rows.
    values : ndarray (Q, F)
        Quantiles of the numbers of each column, at equal steps from the minimum to the maximum.
    missing : ndarray (F,)
        Shares of missing values.
    """

    errors: np.ndarray
    tails: np.ndarray
    values: np.ndarray
    missing: np.ndarray

    @classmethod
    def from_rows(cls, errors: np.ndarray, table: np.ndarray) -> "TrainingReference":
        """Compute the distributions from terms and numbers of some training rows, both (n, F)."""
        tails = np.geomspace(1, 1 / len(errors), _POINTS)
        numbers = table.astype(np.float64)
        return cls(
            errors=np.quantile(errors, 1 - tails, axis=0),
            tails=tails,
            values=_quantiles(numbers, np.linspace(0, 1, _POINTS)),
            missing=np.isnan(numbers).mean(axis=0),
        )

    def tail_probabilities(self, errors: np.ndarray) -> np.ndarray:
        """Return the share of training rows whose term is at least as large, (n, F); at least half of one row."""
        found = np.empty(errors.shape)
        for column, known in enumerate(self.errors.T):
            # Interpolated on a logarithmic scale; half a row beyond the last point.
            known = np.maximum.accumulate(known)
            found[:, column] = np.exp(np.interp(errors[:, column], known, np.log(self.tails)))
            found[errors[:, column] > known[-1], column] = 0.5 * self.tails[-1]
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays by file key."""
        return {_FILE_KEYS.get(field.name, field.name): getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], n_columns: int) -> "TrainingReference":
        """Build the reference from the output of `arrays`; raise a ValueError for inconsistent arrays."""
        if set(arrays) != {_FILE_KEYS.get(field.name, field.name) for field in fields(cls)}:
            raise ValueError("the reference has missing or unknown arrays")
        shapes = {"errors": (_POINTS, n_columns), "tails": (_POINTS,), "values": (_POINTS, n_columns)}
        for name, values in arrays.items():
            if values.shape != shapes.get(name, (n_columns,)) or values.dtype != np.float64:
                raise ValueError(f"the {name} of the reference do not have the required shape and dtype")
            if not np.isfinite(values).all():
                raise ValueError(f"the {name} of the reference are not finite")
        if not ((arrays["tails"] > 0) & (arrays["tails"] <= 1)).all():
            raise ValueError("the tails of the reference are not in (0, 1]")
        return cls(**{field.name: arrays[_FILE_KEYS.get(field.name, field.name)] for field in fields(cls)})


def _quantiles(numbers: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return the quantiles of the values that are not missing, (Q, F); 0 for a column without values."""
    largest = np.abs(numbers).max(initial=0, where=~np.isnan(numbers))
    if largest > _HALF_OF_LARGEST:  # the difference of quantiles may overflow
        return 2 * np.clip(_quantiles(0.5 * numbers, steps), -_HALF_OF_LARGEST, _HALF_OF_LARGEST)
    if not np.isnan(numbers).any():
        return np.quantile(numbers, steps, axis=0)
    columns = [column[~np.isnan(column)] for column in numbers.T]
    return np.stack([np.quantile(c, steps) if len(c) else np.zeros(len(steps)) for c in columns], axis=1)
