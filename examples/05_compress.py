"""
Compress here, decode there?
============================

A detector is an encoder and a decoder, and its file holds both. One side sends codes instead of rows; the other, which
has only the file, gets the rows back, near enough. Rows that come back badly are the odd ones: send those in full.
"""

from pathlib import Path

import numpy as np

import aeanomaly
from aeanomaly.datasets import load_factory

X, y = load_factory(return_X_y=True, as_frame=False)
X_past, X_new, y_new = X[:1000], X[1000:], y[1000:]

# %%
# Here: learn from the past, keep four numbers of each row in half precision.
detector = aeanomaly.UndercompleteAutoencoder(
    hidden_layer_sizes=(64,), latent_dim=4, activation="silu", robust=True, random_state=0
).fit(X_past)
detector.save("model.aea")
np.save("codes.npy", detector.transform(X_new).astype(np.float16))

# %%
# There: the file, the codes, no data.
there = aeanomaly.load("model.aea")
decoded = there.inverse_transform(np.load("codes.npy"))

# %%
# What it costs, and what is lost: the error as a share of each column's variance.
sent, full = Path("codes.npy").stat().st_size, X_new.astype(np.float32).nbytes
lost = np.mean((decoded - X_new) ** 2, axis=0) / X_new.var(axis=0)
print(f"{sent:,} bytes for {full:,}; the model, once, {Path('model.aea').stat().st_size:,}")
print(f"lost variance: {lost.mean():.1%} on average, {lost.max():.1%} in the worst column")

# %%
# The tenth of the rows that come back worst holds most of the faults.
worst = np.argsort(there.score_samples(X_new))[: len(X_new) // 10]
print(f"{y_new[worst].sum()} of {y_new.sum()} faults are among the worst {len(worst)} of {len(X_new)} rows")
