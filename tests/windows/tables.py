"""Tables and small detectors of the tests of windows."""

import numpy as np
import pandas as pd

from aeanomaly import DenoisingAutoencoder
from aeanomaly.windows import WindowedDetector

W = 12


def small(**how):
    """Return a detector of few steps."""
    return DenoisingAutoencoder(
        **({"latent_dim": 16, "hidden_layer_sizes": (16,), "max_iter": 5, "random_state": 0} | how)
    )


def windowed(*, estimator=None, **how):
    """Return a windowed detector that fits no clone for its threshold."""
    how = {"window": W, "contamination": 0.05} | how
    return WindowedDetector(small() if estimator is None else estimator, **how)


def waves(n=400, n_columns=2, seed=0):
    """Return noisy sine waves, (n, n_columns)."""
    rng, t = np.random.default_rng(seed), np.arange(n)[:, None]
    return np.sin(2 * np.pi * (t / 25 + np.arange(n_columns) / 5)) + 0.1 * rng.normal(size=(n, n_columns))


def readings(n=400, seed=0):
    """Return a table with readings every minute."""
    frame = pd.DataFrame(waves(n, seed=seed), columns=["a", "b"])
    frame.insert(0, "time", pd.date_range("2026-03-01", periods=n, freq="min"))
    return frame


def interleaved(n=400, seed=0):
    """Return readings of three machines whose rows alternate at random."""
    machines = [readings(n, seed + k).assign(machine=name) for k, name in enumerate("xyz")]
    frame = pd.concat(machines, ignore_index=True)
    return frame.sort_values("time", kind="stable", ignore_index=True)


def same(one, other):
    """Require equal bits."""
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def is_a_sentence(error):
    """Return True if the message of an error is one short line that is not that of an inner exception."""
    text = str(error)
    inner = ("'int' object", "NoneType", "timestamp", "Unknown datetime", "float()")
    return 20 < len(text) < 300 and "\n" not in text and not any(word in text for word in inner)
