"""
How does a detector live in a scikit-learn pipeline?
====================================================

As any other estimator: behind steps that prepare the table, in cross-validation, in a search. Here behind an encoder of
categories and holes, which it could take as they are, on payments of which a few are frauds.
"""

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
# Dates become an hour; levels become columns of 0 and 1, which the detector recognises as such; holes are filled.
# Columns need no scaling: that is the detector's own work. A fiftieth of the payments shall be flagged.
X = X.assign(hour=X["timestamp"].dt.hour.astype(float), card_present=X["card_present"].astype(float))
front = make_column_transformer(
    (SimpleImputer(strategy="median", add_indicator=True), make_column_selector(dtype_include=float)),
    (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_include="category")),
)
pipeline = make_pipeline(front, DenoisingAutoencoder(contamination=0.02, random_state=0))

# %%
# Area under the ROC curve, cross-validated: the pipeline learns from each fold's rows, frauds among them, unlabelled.
folds = StratifiedKFold(3, shuffle=True, random_state=0)
areas = cross_val_score(pipeline, X, y, cv=folds, scoring=roc_auc)
print(f"AUROC {areas.mean():.3f} +- {areas.std():.3f}")

# %%
# A search over settings: all candidates and folds train together; the steps in front are fitted once for each fold.
grid = {"denoisingautoencoder__robust": [False, True], "denoisingautoencoder__latent_dim": [128, 512]}
search = StackedGridSearchCV(pipeline, grid, cv=folds, scoring=roc_auc).fit(X, y)
for settings, area in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
    print(f"{area:.3f} {settings}")

# %%
# The best pipeline, fitted to all rows, flags the next ones.
labels, counts = np.unique(search.predict(X), return_counts=True)
print(dict(zip(labels.tolist(), counts.tolist(), strict=True)))
