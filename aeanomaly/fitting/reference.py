"""What training rows looked like, to compare others with."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

#: Points of a distribution that are kept for each column.
_POINTS = 64
_HALF_OF_LARGEST = 0.5 * np.finfo(np.float64).max


@dataclass(frozen=True)
class TrainingReference:
    """Distributions over training rows, column by column.

    Attributes
    ----------
    errors : ndarray (Q, F)
        What a column adds to the error is exceeded by these in the shares `tails` of the rows.
    tails : ndarray (Q,)
        From 1 down to one over the number of rows.
    values : ndarray (Q, F)
        Quantiles of the columns' numbers, at even steps from the smallest to the largest.
    holes : ndarray (F,)
        Shares of missing values.
    """

    errors: np.ndarray
    tails: np.ndarray
    values: np.ndarray
    holes: np.ndarray

    @classmethod
    def of(cls, errors: np.ndarray, table: np.ndarray) -> "TrainingReference":
        """Of terms and numbers of some training rows, both (n, F)."""
        tails = np.geomspace(1, 1 / len(errors), _POINTS)
        numbers = table.astype(np.float64)
        return cls(
            errors=np.quantile(errors, 1 - tails, axis=0),
            tails=tails,
            values=_quantiles(numbers, np.linspace(0, 1, _POINTS)),
            holes=np.isnan(numbers).mean(axis=0),
        )

    def tail_probabilities(self, errors: np.ndarray) -> np.ndarray:
        """Shares of training rows with at least such errors, (n, F): at least half of one row's."""
        found = np.empty(errors.shape)
        for column, known in enumerate(self.errors.T):
            # Between two points on a logarithmic scale, and beyond the last one less than one row.
            known = np.maximum.accumulate(known)
            found[:, column] = np.exp(np.interp(errors[:, column], known, np.log(self.tails)))
            found[errors[:, column] > known[-1], column] = 0.5 * self.tails[-1]
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, by name, for a file."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], n_columns: int) -> "TrainingReference":
        """The inverse of `arrays`; a ValueError where they do not fit together."""
        if set(arrays) != {field.name for field in fields(cls)}:
            raise ValueError("what is known of the training rows is not whole")
        shapes = {"errors": (_POINTS, n_columns), "tails": (_POINTS,), "values": (_POINTS, n_columns)}
        for name, values in arrays.items():
            if values.shape != shapes.get(name, (n_columns,)) or values.dtype != np.float64:
                raise ValueError(f"the {name} of the training rows are not of their shape")
            if not np.isfinite(values).all():
                raise ValueError(f"the {name} of the training rows are not finite")
        if not ((arrays["tails"] > 0) & (arrays["tails"] <= 1)).all():
            raise ValueError("shares of the training rows are not within 0 and 1")
        return cls(**arrays)


def _quantiles(numbers: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Quantiles (Q, F) of the values that are there; 0 of a column without any."""
    largest = np.abs(numbers).max(initial=0, where=~np.isnan(numbers))
    if largest > _HALF_OF_LARGEST:  # differences of quantiles would overflow
        return 2 * np.clip(_quantiles(0.5 * numbers, steps), -_HALF_OF_LARGEST, _HALF_OF_LARGEST)
    if not np.isnan(numbers).any():
        return np.quantile(numbers, steps, axis=0)
    columns = [column[~np.isnan(column)] for column in numbers.T]
    return np.stack([np.quantile(c, steps) if len(c) else np.zeros(len(steps)) for c in columns], axis=1)
