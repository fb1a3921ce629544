"""Functions that all generators of tables share."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.streams import draw_seed

#: Name of the label column; 1 = anomaly.
LABEL = "anomaly"


def counts(maker: str, n_samples: Any, anomaly_rate: Any) -> tuple[int, int]:
    """Return the numbers of normal rows and of anomalies."""
    whole = isinstance(n_samples, (int, np.integer)) and not isinstance(n_samples, bool)
    if not whole or n_samples < 1:
        raise ValueError(f"{maker}: n_samples must be an integer of at least 1; got {n_samples!r}")
    number = isinstance(anomaly_rate, (int, float, np.number)) and not isinstance(anomaly_rate, bool)
    if not number or not 0 <= anomaly_rate <= 0.5:
        raise ValueError(f"{maker}: anomaly_rate must be a number from 0 to 0.5; got {anomaly_rate!r}")
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
