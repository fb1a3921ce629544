"""
Automatic choice of settings
============================

``recommend`` chooses settings for a table without labels. It evaluates settings of a denoising autoencoder by the ratio
of the errors on rows with independently drawn columns to the errors on normal rows. It combines the settings
indistinguishable from the best into an ensemble, and reports the choice. Writes ``recommended.png``.
"""

import matplotlib.pyplot as plt
import pandas as pd

from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import load_factory
from aeanomaly.inspection import roc_curve_display
from aeanomaly.model_selection import recommend

X, y = load_factory(return_X_y=True)
normal, rest = X[y == 0], X[y == 1]
train, test = normal[: len(normal) // 2], normal[len(normal) // 2 :]

detector = recommend(train, random_state=0)
print(detector.recommendation_)

# %%
# Evaluate the choice with labels that were not used by ``recommend``.
figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
rows, labels = pd.concat([test, rest]), [0] * len(test) + [1] * len(rest)
for name, fitted in {"recommended": detector, "default": DenoisingAutoencoder(random_state=0).fit(train)}.items():
    display = roc_curve_display(fitted, rows, labels, name=name, ax=ax, plot_chance_level=name == "default")
    print(f"{name:>12}: AUROC {display.roc_auc:.3f}")
figure.savefig("recommended.png", dpi=120)
