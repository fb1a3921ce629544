"""
Comparison of the autoencoders
==============================

Compare the five autoencoders and the ensemble, with their default parameters, on two tables. The first contains the
sensors of a factory, whose faults break the relations between columns. The second contains yes-or-no answers, some by
people who did not read the questions. Writes ``which_autoencoder.png``.
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
# Clean: trained on half of the normal rows, tested on the other half and the anomalies. Mixed: trained on all rows with
# ``robust=True`` and without labels, and tested on the same rows.
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
# A bottleneck loses rare patterns, a denoising autoencoder moves rows towards the others, and a variational autoencoder
# also scores the likelihood of the code. The best detector depends on the table; the ensemble is usually close to it.
names = [detector.__name__ for detector in DETECTORS]
settings = list(dict.fromkeys(setting for setting, _ in areas))
figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
for number, setting in enumerate(settings):
    ax.plot([areas[setting, name] for name in names], range(len(names)), "os^D"[number], label=setting)
ax.set(yticks=range(len(names)), yticklabels=names, xlabel="area under the ROC curve")
ax.grid(alpha=0.3)
ax.legend()
figure.savefig("which_autoencoder.png", dpi=120)
