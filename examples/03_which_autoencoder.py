"""
Which autoencoder, when?
========================

The five and the ensemble side by side, with their defaults, on two tables: sensors of a factory, whose faults break the
relations between columns, and answers of yes or no, some by people who did not read the questions. Writes
``which_autoencoder.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score

from aeanomaly import (
    AutoencoderEnsemble,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    UndercompleteAutoencoder,
    VariationalAutoencoder,
)
from aeanomaly.datasets import load_factory, load_questionnaire

DETECTORS = [
    UndercompleteAutoencoder,
    SparseAutoencoder,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    VariationalAutoencoder,
    AutoencoderEnsemble,
]

# %%
# Clean: trained on half of the normal rows, tested on the others and the anomalies. Mixed: trained on all rows, with
# ``robust=True``, and these scored; nobody has said which are the anomalies.
areas = {}
for name, load in {"factory": load_factory, "answers": load_questionnaire}.items():
    X, y = load(return_X_y=True, as_frame=False)
    normal = np.random.default_rng(0).permutation(np.flatnonzero(y == 0))
    train, test = normal[: len(normal) // 2], np.setdiff1d(np.arange(len(y)), normal[: len(normal) // 2])
    for detector in DETECTORS:
        clean = detector(random_state=0).fit(X[train])
        mixed = detector(random_state=0, robust=True).fit(X)
        areas[f"{name}, clean", detector.__name__] = roc_auc_score(y[test], -clean.score_samples(X[test]))
        areas[f"{name}, mixed", detector.__name__] = roc_auc_score(y, -mixed.score_samples(X))

# %%
# The bottleneck forgets what is rare, the denoiser pulls rows back to where the others are, the variational one weighs
# how likely the code is. Which is best depends on the table; the ensemble is seldom far from it.
names = [detector.__name__ for detector in DETECTORS]
settings = list(dict.fromkeys(setting for setting, _ in areas))
figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
for number, setting in enumerate(settings):
    ax.plot([areas[setting, name] for name in names], range(len(names)), "os^D"[number], label=setting)
ax.set(yticks=range(len(names)), yticklabels=names, xlabel="area under the ROC curve")
ax.grid(alpha=0.3)
ax.legend()
figure.savefig("which_autoencoder.png", dpi=120)
