"""
Generation of new rows
======================

The codes of a variational autoencoder approximately follow a standard normal distribution. Decoded standard normal
draws are therefore new rows. Writes ``new_digits.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from aeanomaly import VariationalAutoencoder

X, y = load_digits(return_X_y=True)
detector = VariationalAutoencoder(
    hidden_layer_sizes=(256,), latent_dim=8, activation="relu", likelihood="bernoulli", max_iter=4000, random_state=0
).fit(X / 16)
print(f"ELBO {detector.elbo(X / 16).mean():.1f} nats per digit")

# %%
# Decode draws from the prior, and interpolate between the codes of a 3 and an 8 in ten steps.
drawn = detector.inverse_transform(np.random.default_rng(0).standard_normal((40, 8)))
three, eight = (detector.transform(X[y == digit][:1] / 16) for digit in (3, 8))
between = detector.inverse_transform(three + np.linspace(0, 1, 10)[:, None] * (eight - three))

# %%
figure, axes = plt.subplots(5, 10, figsize=(8, 4.4), layout="constrained")
for ax, digit in zip(axes.ravel(), [*drawn, *between], strict=True):
    ax.imshow(digit.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
for row, name in ((1, "drawn"), (4, "3 to 8")):
    axes[row, 0].set_ylabel(name)
figure.savefig("new_digits.png", dpi=120)
