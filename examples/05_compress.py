"""
Compression with an autoencoder
===============================

A detector consists of an encoder and a decoder, and its file contains both. A sender transmits codes instead of rows. A
receiver that has only the file reconstructs the rows approximately. Rows with a large error are anomalies, and can be
sent in full. Writes ``compressed.png``.
"""

from pathlib import Path

import numpy as np

import aeanomaly
from aeanomaly.datasets import load_factory
from aeanomaly.inspection import ScoreDistributionDisplay

X, y = load_factory(return_X_y=True, as_frame=False)
X_past, X_new, y_new = X[:1000], X[1000:], y[1000:]

# %%
# Sender: fit to past rows, and store four numbers per row in half precision.
detector = aeanomaly.UndercompleteAutoencoder(
    hidden_layer_sizes=(64,), latent_dim=4, activation="silu", robust=True, random_state=0
).fit(X_past)
detector.save("model.aea")
np.save("codes.npy", detector.transform(X_new).astype(np.float16))

# %%
# Receiver: load the model and the codes, without the data.
there = aeanomaly.load("model.aea")
decoded = there.inverse_transform(np.load("codes.npy"))

# %%
# Compare the sizes, and the error as a share of the variance of each column.
sent, full = Path("codes.npy").stat().st_size, X_new.astype(np.float32).nbytes
lost = np.mean((decoded - X_new) ** 2, axis=0) / X_new.var(axis=0)
print(f"{sent:,} bytes instead of {full:,}; size of the model: {Path('model.aea').stat().st_size:,}")
print(f"lost variance: {lost.mean():.1%} on average, {lost.max():.1%} in the worst column")

# %%
# The tenth of the rows with the largest errors contains most of the faults.
worst = np.argsort(there.score_samples(X_new))[: len(X_new) // 10]
print(f"{y_new[worst].sum()} of {y_new.sum()} faults are among the worst {len(worst)} of {len(X_new)} rows")
display = ScoreDistributionDisplay.from_estimator(there, X_new, y_new)
display.figure_.savefig("compressed.png", dpi=120)
