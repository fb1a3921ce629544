"""
Labels and signs
================

.. warning::
   ``scoring="roc_auc"`` of scikit-learn with y = 1 for anomalies is inverted, without an error. A search then chooses
   the worst candidate. Pass ``scoring=roc_auc`` of `aeanomaly.model_selection`, as below.

Tables often have y = 1 for anomalies, while scikit-learn's outlier detectors predict -1. The scorers of this package
accept both conventions. Those of scikit-learn assume that the higher label has the higher score, or that 1 is the class
of interest. Writes ``labels_and_signs.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import confusion_matrix, f1_score, make_scorer, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_validate

from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import load_factory
from aeanomaly.inspection import roc_curve_display
from aeanomaly.model_selection import StackedGridSearchCV, average_precision, precision_at_n, roc_auc

X, y = load_factory(return_X_y=True)  # y: 1 = anomaly
signed = np.where(y == 1, -1, 1)  # convention of scikit-learn: -1 = anomaly
detector = DenoisingAutoencoder(random_state=0)
folds = StratifiedKFold(3, shuffle=True, random_state=0)

# %%
# Anomalies are the positive class in both conventions. Labels are not used in training.
scoring = {"roc_auc": roc_auc, "average_precision": average_precision, "precision_at_n": precision_at_n}
for name, labels in {"1 = anomaly": y, "-1 = anomaly": signed}.items():
    found = cross_validate(detector, X, labels, cv=folds, scoring=scoring)
    print(f"{name:>12}:", {metric: round(float(found[f"test_{metric}"].mean()), 3) for metric in scoring})

# %%
# A search with both scorers and y = 1 for anomalies. The last number is the true AUROC of the chosen candidate.
grid = {"robust": [False, True], "corruption_level": ["auto", 2.0]}
scorers = {"aeanomaly's roc_auc": roc_auc, "scikit-learn's 'roc_auc'": "roc_auc"}
searches = {n: StackedGridSearchCV(detector, grid, cv=folds, scoring=s).fit(X, y) for n, s in scorers.items()}
areas = searches["aeanomaly's roc_auc"].cv_results_["mean_test_score"]
for name, search in searches.items():
    print(f"{name}: best_score_ {search.best_score_:.3f}, {search.best_params_}, AUROC {areas[search.best_index_]:.3f}")

# %%
# scikit-learn's F1 needs y of +1 and -1, as ``predict`` returns, and the label of the anomalies. Without ``pos_label``
# it is the F1 of the normal rows.
for name, scorer in {"pos_label=-1": make_scorer(f1_score, pos_label=-1), "the default": "f1"}.items():
    found = cross_validate(detector, X, signed, cv=folds, scoring=scorer)
    print(f"F1 with {name}: {found['test_score'].mean():.3f}")

# %%
# Without scorers: scores are higher for normal rows, so minus the score ranks anomalies first. ``predict`` returns -1
# for anomalies. `roc_curve_display` accepts both conventions.
detector.fit(X)
print(f"training rows: AUROC {roc_auc_score(y, -detector.score_samples(X)):.3f}")
print(confusion_matrix(y, detector.predict(X) == -1))
figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
roc_curve_display(detector, X, y, ax=ax)
figure.savefig("labels_and_signs.png", dpi=120)
