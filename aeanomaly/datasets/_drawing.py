"""Functions that all generators of tables share."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly._constraints import Constraint, integer, real
from aeanomaly.streams import draw_seed

#: Name of the label column; 1 = anomaly.
LABEL = "anomaly"
_RATE = Constraint(real(0, 0.5, with_low=True, with_high=True).allows, "a number from 0 to 0.5")


def counts(maker: str, n_samples: Any, anomaly_rate: Any) -> tuple[int, int]:
    """Return the numbers of normal rows and of anomalies."""
    integer(1).check(maker, "n_samples", n_samples)
    _RATE.check(maker, "anomaly_rate", anomaly_rate)
    abnormal = round(int(n_samples) * float(anomaly_rate))
    return int(n_samples) - abnormal, abnormal


def stream_of(random_state: Any) -> np.random.Generator:
    """Return a generator for a random state; no global random state is read or changed."""
    return np.random.default_rng(draw_seed(random_state))


def with_labels(normal: pd.DataFrame, abnormal: pd.DataFrame, order: np.ndarray) -> tuple[pd.DataFrame, pd.Series]:
    """Concatenate normal and abnormal rows, reorder them and add labels."""
    X = pd.concat([normal, abnormal], ignore_index=True) if len(abnormal) else normal
    y = pd.Series(np.repeat([0, 1], [len(normal), len(abnormal)]).astype(np.int64), name=LABEL)
    return X.iloc[order].reset_index(drop=True), y.iloc[order].reset_index(drop=True)
