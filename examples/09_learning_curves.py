"""
Learning and validation curves
==============================

scikit-learn's learning and validation curves accept the detectors of this package. The score without labels is
`pseudo_anomaly_ratio`: the mean log ratio of the errors on rows with independently drawn columns to the errors on
normal rows. Writes ``learning_curves.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import LearningCurveDisplay, ValidationCurveDisplay

from aeanomaly import DenoisingAutoencoder
from aeanomaly.model_selection import pseudo_anomaly_ratio

# %%
# Rows near a curved two-dimensional surface in eight columns. The detector has to learn the relations between columns.
rng = np.random.default_rng(0)
hidden = rng.uniform(-1, 1, size=(2000, 2))
X = np.tanh(2 * hidden @ rng.normal(size=(2, 8))) + 0.05 * rng.normal(size=(2000, 8))

detector = DenoisingAutoencoder(random_state=0)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
# sphinx_gallery_defer_figures

# %%
# More rows help as long as the curve on held-out rows rises.
LearningCurveDisplay.from_estimator(
    detector,
    X,
    None,  # labels
    train_sizes=[0.05, 0.1, 0.2, 0.5, 1.0],
    cv=3,
    scoring=pseudo_anomaly_ratio,
    score_name="log ratio of errors",
    ax=left,
)
left.set_title("number of training rows")
# sphinx_gallery_defer_figures

# %%
# Noise larger than the distance between rows destroys the structure of the data.
levels = np.geomspace(0.05, 2, 6)
ValidationCurveDisplay.from_estimator(
    detector,
    X,
    None,  # labels
    param_name="corruption_level",
    param_range=levels,
    cv=3,
    scoring=pseudo_anomaly_ratio,
    score_name="log ratio of errors",
    ax=right,
)
right.set(title="noise level", xscale="log")
figure.savefig("learning_curves.png", dpi=120)
