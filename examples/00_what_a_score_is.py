"""
Score of a row in two dimensions
================================

The rows lie along a curve in two dimensions. A detector learns to reconstruct each row on the curve. The squared
distance between a row and its reconstruction is the reconstruction error, and its negative is the score. Writes
``what_a_score_is.png``.
"""

import matplotlib.pyplot as plt
import numpy as np

from aeanomaly import DenoisingAutoencoder

rng = np.random.default_rng(1)
angle = rng.uniform(0.2, 5.8, size=600)
X = np.column_stack([angle, np.sin(1.5 * angle)]) + 0.09 * rng.normal(size=(600, 2))
detector = DenoisingAutoencoder(random_state=0).fit(X)

# %%
# Four new rows lie on the curve, and five lie off it. All are within the range of both columns, so no rule for a single
# column would find the anomalies.
normal = np.column_stack([t := np.array([0.8, 2.0, 3.3, 5.0]), np.sin(1.5 * t)])
odd = np.array([[0.5, -0.7], [2.1, -0.75], [3.1, 0.45], [4.4, -0.7], [5.5, -0.5]])
new = np.concatenate([normal, odd])
labels, expected = detector.predict(new), detector.reconstruct(new)

# %%
# Plot the score over the plane, with the threshold as a line. An arrow connects each flagged row to its
# reconstruction.
x, y = np.meshgrid(np.linspace(-0.2, 6.2, 240), np.linspace(-1.5, 1.5, 160))
scores = detector.score_samples(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
shades = ax.contourf(x, y, -np.sqrt(-scores), levels=20, cmap="Blues_r")
ax.contour(x, y, scores, levels=[detector.offset_], colors="tab:orange", linewidths=2, linestyles="solid")
ax.plot(*X.T, ".", color="0.35", ms=3, label="training rows")
ax.plot(*new[labels == 1].T, "o", color="tab:green", ms=9, mec="white", label="new, normal")
ax.plot(*new[labels == -1].T, "X", color="tab:red", ms=11, mec="white", label="new, flagged")
for row, place in zip(new[labels == -1], expected[labels == -1], strict=True):
    ax.annotate("", place, row, arrowprops={"arrowstyle": "->", "color": "tab:red", "lw": 1.5})
ax.plot([], [], color="tab:orange", lw=2, label="threshold")
ax.set(xlabel="first column", ylabel="second column")
ax.legend(loc="upper right", ncols=2, framealpha=0.9)
figure.colorbar(shades, label="minus the square root of the error", ticks=[])
figure.savefig("what_a_score_is.png", dpi=120)
