"""
Detectors in a scikit-learn pipeline
====================================

A detector works like any other estimator: after preprocessing steps, in cross-validation and in a search. The table
contains payments, a few of which are fraud. Here the pipeline encodes categories and imputes missing values, although
the detector could also handle both itself. Writes ``pipeline.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import load_payments
from aeanomaly.model_selection import StackedGridSearchCV, roc_auc

X, y = load_payments(return_X_y=True)

# %%
# Convert dates to the hour of the day, encode categories as binary columns, and impute missing values. The detector
# recognizes binary columns and scales the others. A fiftieth of the payments is to be flagged.
X = X.assign(hour=X["timestamp"].dt.hour.astype(float), card_present=X["card_present"].astype(float))
front = make_column_transformer(
    (SimpleImputer(strategy="median", add_indicator=True), make_column_selector(dtype_include=float)),
    (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_include="category")),
)
pipeline = make_pipeline(front, DenoisingAutoencoder(contamination=0.02, random_state=0))

# %%
# Cross-validate the area under the ROC curve. The training rows of each fold contain frauds, but no labels are used.
folds = StratifiedKFold(3, shuffle=True, random_state=0)
areas = cross_val_score(pipeline, X, y, cv=folds, scoring=roc_auc)
print(f"AUROC {areas.mean():.3f} +- {areas.std():.3f}")

# %%
# Search over settings. All candidates and folds train together, and the preprocessing is fitted once per fold.
grid = {"denoisingautoencoder__robust": [False, True], "denoisingautoencoder__latent_dim": [128, 512]}
search = StackedGridSearchCV(pipeline, grid, cv=folds, scoring=roc_auc).fit(X, y)
names = [", ".join(f"{k.split('__')[1]}={v}" for k, v in p.items()) for p in search.cv_results_["params"]]
areas, errors = search.cv_results_["mean_test_score"], search.cv_results_["std_test_score"] / 3**0.5
for name, area in zip(names, areas, strict=True):
    print(f"{area:.3f} {name}")
figure, ax = plt.subplots(figsize=(7, 2.5), layout="constrained")
ax.errorbar(areas, names, xerr=errors, fmt="o", capsize=3)
ax.set_xlabel("area under the ROC curve, with its standard error over three folds")
figure.savefig("pipeline.png", dpi=120)

# %%
# The best pipeline is fitted to all rows, and predicts labels.
labels, counts = np.unique(search.predict(X), return_counts=True)
print(dict(zip(labels.tolist(), counts.tolist(), strict=True)))
