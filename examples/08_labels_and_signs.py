"""
Labels and signs
================

Tables often have y = 1 for anomalies, while scikit-learn's outlier detectors predict -1. scikit-learn's "roc_auc"
assumes that the higher label has the higher score. With the wrong convention, an AUROC of 0.95 becomes 0.05. The
scorers of this package accept both conventions.
"""

import numpy as np
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_validate

from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import load_factory
from aeanomaly.model_selection import average_precision, precision_at_n, roc_auc

X, y = load_factory(return_X_y=True)  # y: 1 = anomaly
signed = np.where(y == 1, -1, 1)  # convention of scikit-learn: -1 = anomaly
detector = DenoisingAutoencoder(robust=True, random_state=0)
folds = StratifiedKFold(3, shuffle=True, random_state=0)

# %%
# Anomalies are the positive class in both conventions. Labels are not used in training.
scoring = {"roc_auc": roc_auc, "average_precision": average_precision, "precision_at_n": precision_at_n}
for name, labels in {"1 = anomaly": y, "-1 = anomaly": signed}.items():
    found = cross_validate(detector, X, labels, cv=folds, scoring=scoring)
    print(f"{name:>12}:", {metric: round(float(found[f"test_{metric}"].mean()), 3) for metric in scoring})

# %%
# scikit-learn's own "roc_auc" with 1 = anomaly is inverted, without a warning.
for name, labels in {"1 = anomaly": y, "-1 = anomaly": signed}.items():
    found = cross_validate(detector, X, labels, cv=folds, scoring="roc_auc")
    print(f"{name:>12}: scikit-learn's roc_auc {found['test_score'].mean():.3f}")

# %%
# Without scorers: scores are higher for normal rows, so minus the score ranks anomalies first. ``predict`` returns -1
# for anomalies.
detector.fit(X)
print(f"training rows: AUROC {roc_auc_score(y, -detector.score_samples(X)):.3f}")
print(confusion_matrix(y, detector.predict(X) == -1))
