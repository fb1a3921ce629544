"""The members of a detector: their random streams, rows and learning rates."""

from dataclasses import dataclass

import numpy as np

from aeanomaly.streams import MemberKey, numpy_stream


@dataclass(frozen=True)
class Members:
    """Networks that are trained as one stack.

    Attributes
    ----------
    keys : tuple of MemberKey (M,)
        Keys of the members' random streams.
    learning_rates : tuple of float (M,)
        Peak learning rate of each.
    rows : tuple of ndarray of int (M,)
        Numbers of the rows that each member trains on.
    """

    keys: tuple[MemberKey, ...]
    learning_rates: tuple[float, ...]
    rows: tuple[np.ndarray, ...]

    @classmethod
    def single(cls, seed: int, n_rows: int, learning_rate: float) -> "Members":
        """Return the one member of a detector that is a single network."""
        return cls((MemberKey(seed),), (learning_rate,), (np.arange(n_rows),))

    def split(self, validation_fraction: float | None, run_index: int) -> "Split":
        """Hold rows of each member out for early stopping, if a fraction is given."""
        if validation_fraction is None:
            return Split(list(self.rows), None)
        n_rows = len(self.rows[0])
        n_held_out = max(1, round(validation_fraction * n_rows))
        if n_held_out >= n_rows:
            raise ValueError(
                f"validation_fraction={validation_fraction} holds out all {n_rows} rows; lower it or pass more"
            )
        orders = [_shuffle(key, rows, run_index) for key, rows in zip(self.keys, self.rows, strict=True)]
        return Split([np.sort(order[n_held_out:]) for order in orders], [order[:n_held_out] for order in orders])


@dataclass(frozen=True)
class Split:
    """Numbers of the rows of each member (M,) for training, and of those that early stopping watches, if any."""

    training: list[np.ndarray]
    validation: list[np.ndarray] | None


def _shuffle(key: MemberKey, rows: np.ndarray, run_index: int) -> np.ndarray:
    return numpy_stream(key, "validation rows", run_index).permutation(rows)
