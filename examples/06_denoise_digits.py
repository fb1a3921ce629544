"""
Can it repair what is damaged?
==============================

A denoising autoencoder learns to give back the clean row for a damaged one, and does so with damaged rows that it has
never seen. Writes ``denoised_digits.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from aeanomaly import DenoisingAutoencoder

X = load_digits().data / 16
X_train, X_test = X[:1500], X[1500:]

# %%
# In training some of the pixels are lost, each with a chance of 0.4; an ordinary wide network has to fill them in.
detector = DenoisingAutoencoder(
    hidden_layer_sizes=(256,),
    latent_dim=64,
    activation="relu",
    likelihood="bernoulli",
    corruption="masking",
    corruption_level=0.4,
    max_iter=2000,
    random_state=0,
).fit(X_train)

# %%
# New digits lose as many. A lost pixel is replaced by its mean over the training rows.
lost = np.random.default_rng(0).random(X_test.shape) < 0.4
damaged = np.where(lost, X_train.mean(axis=0), X_test)
repaired = detector.reconstruct(damaged)
for name, rows in {"damaged": damaged, "repaired": repaired}.items():
    print(f"{name}: mean squared error {np.mean((rows - X_test)[lost] ** 2):.4f} on the lost pixels")

# %%
figure, axes = plt.subplots(3, 12, figsize=(10, 2.8), layout="constrained")
for row, (name, digits) in zip(axes, {"clean": X_test, "damaged": damaged, "repaired": repaired}.items(), strict=True):
    for ax, digit in zip(row, digits, strict=False):
        ax.imshow(digit.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(name)
figure.savefig("denoised_digits.png", dpi=120)
