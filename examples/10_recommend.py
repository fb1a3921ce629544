"""
Automatic choice of settings
============================

``recommend`` chooses settings for a table without labels. It evaluates settings of a denoising autoencoder by the ratio
of the errors on rows with independently drawn columns to the errors on normal rows. It combines the settings
indistinguishable from the best into an ensemble, and reports the choice.
"""

from sklearn.metrics import roc_auc_score

from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import load_factory
from aeanomaly.model_selection import recommend

X, y = load_factory(return_X_y=True)
normal, rest = X[y == 0], X[y == 1]
train, test = normal[: len(normal) // 2], normal[len(normal) // 2 :]

detector = recommend(train, random_state=0)
print(detector.recommendation_)

# %%
# Evaluate the choice with labels that were not used by ``recommend``.
labels = [0] * len(test) + [1] * len(rest)
for name, fitted in {"recommended": detector, "default": DenoisingAutoencoder(random_state=0).fit(train)}.items():
    scores = [*fitted.score_samples(test), *fitted.score_samples(rest)]
    print(f"{name:>12}: AUROC {roc_auc_score(labels, [-score for score in scores]):.3f}")
