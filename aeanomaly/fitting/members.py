"""Members of a detector: random streams, rows and learning rates."""

from dataclasses import dataclass

import numpy as np

from aeanomaly.streams import MemberKey, numpy_stream


@dataclass(frozen=True)
class Members:
    """Settings of the networks that are trained as one stack.

    Attributes
    ----------
    keys : tuple of MemberKey (M,)
        Keys of the members' random streams.
    learning_rates : tuple of float (M,)
        Peak learning rate of each member.
    rows : tuple of ndarray of int (M,)
        Indices of the rows of each member.
    """

    keys: tuple[MemberKey, ...]
    learning_rates: tuple[float, ...]
    rows: tuple[np.ndarray, ...]

    @classmethod
    def single(cls, seed: int, n_rows: int, learning_rate: float) -> "Members":
        """Return the only member of a detector with a single network."""
        return cls((MemberKey(seed),), (learning_rate,), (np.arange(n_rows),))

    def split(self, validation_fraction: float | None, run_index: int) -> "Split":
        """Split the rows of each member into training and validation rows, if a fraction is given."""
        if validation_fraction is None:
            return Split(list(self.rows), None)
        n_rows = len(self.rows[0])
        n_held_out = max(1, round(validation_fraction * n_rows))
        if n_held_out >= n_rows:
            raise ValueError(
                f"validation_fraction={validation_fraction} holds out all {n_rows} rows; lower it or pass more rows"
            )
        orders = [_shuffle(key, rows, run_index) for key, rows in zip(self.keys, self.rows, strict=True)]
        return Split([np.sort(order[n_held_out:]) for order in orders], [order[:n_held_out] for order in orders])


@dataclass(frozen=True)
class Split:
    """Row indices of each member for training and for early stopping.

    Attributes
    ----------
    training : list of ndarray of int (M,)
        Ascending indices of the training rows.
    validation : list of ndarray of int (M,) or None
        Indices of the validation rows in random order; None without early stopping.
    """

    training: list[np.ndarray]
    validation: list[np.ndarray] | None


def _shuffle(key: MemberKey, rows: np.ndarray, run_index: int) -> np.ndarray:
    return numpy_stream(key, "validation rows", run_index).permutation(rows)
