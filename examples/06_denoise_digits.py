"""
Image denoising
===============

A denoising autoencoder learns to reconstruct clean rows from corrupted rows, and generalizes to new corrupted rows.
Writes ``denoised_digits.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from aeanomaly import DenoisingAutoencoder

X = load_digits().data / 16
X_train, X_test = X[:1500], X[1500:]

# %%
# In training, each pixel is masked with a probability of 0.4. An ordinary wide network learns to restore the pixels.
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
# Mask the pixels of new digits with the same probability. Masked pixels are replaced by their mean over the training
# rows.
lost = np.random.default_rng(0).random(X_test.shape) < 0.4
damaged = np.where(lost, X_train.mean(axis=0), X_test)
repaired = detector.reconstruct(damaged)
for name, rows in {"damaged": damaged, "repaired": repaired}.items():
    print(f"{name}: mean squared error {np.mean((rows - X_test)[lost] ** 2):.4f} on the masked pixels")

# %%
figure, axes = plt.subplots(3, 12, figsize=(10, 2.8), layout="constrained")
for row, (name, digits) in zip(axes, {"clean": X_test, "damaged": damaged, "repaired": repaired}.items(), strict=True):
    for ax, digit in zip(row, digits, strict=False):
        ax.imshow(digit.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(name)
figure.savefig("denoised_digits.png", dpi=120)
