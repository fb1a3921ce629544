"""Networks that are trained together on an accelerator, compared with networks that are trained apart."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, SparseAutoencoder, VariationalAutoencoder
from aeanomaly.detectors import fit_detectors
from aeanomaly.fitting.member_errors import member_errors
from aeanomaly.model_selection import StackedGridSearchCV, roc_auc
from tests.accelerators.tables import TRAINED_TOLERANCE, assert_close, plane

X = plane()
#: Rows with anomalies, which every fit finds.
LABELS = np.arange(160) % 10 == 0
WITH_ANOMALIES = X + 30 * LABELS[:, None] * np.random.default_rng(2).normal(size=X.shape)

STACKS = {
    "learning rates": [(DenoisingAutoencoder, {"learning_rate": rate}) for rate in (1e-3, 4e-3)],
    "noise": [(DenoisingAutoencoder, {"corruption_level": level}) for level in (0.1, 0.5)],
    "masking": [(DenoisingAutoencoder, {"corruption": "masking", "corruption_level": level}) for level in (0.1, 0.4)],
    "seeds": [(DenoisingAutoencoder, {"random_state": seed}) for seed in (0, 1, 2)],
    "sparsity": [(SparseAutoencoder, {"sparsity_weight": weight}) for weight in (0.0, 0.3)],
    "beta": [(VariationalAutoencoder, {"beta": beta}) for beta in (0.5, 2.0)],
    "ensembles": [(AutoencoderEnsemble, {"n_estimators": number}) for number in (1, 2)],
    "early stopping": [
        (DenoisingAutoencoder, {"early_stopping": True, "tol": tol, "n_iter_no_change": patience})
        for tol, patience in ((1e9, 1), (1e-4, 1000))
    ],
}


@pytest.mark.parametrize("stack", STACKS)
def test_detectors_fitted_together_score_as_those_fitted_apart(build, stack):
    detectors = [build(cls, **parameters) for cls, parameters in STACKS[stack]]
    together = dict(fit_detectors((detector, X) for detector in detectors))
    for number, detector in enumerate(detectors):
        apart = clone(detector).fit(X)
        assert together[number].n_iter_ == apart.n_iter_
        assert_close(together[number].score_samples(X), apart.score_samples(X), TRAINED_TOLERANCE)


def test_one_that_diverges_leaves_the_others_alone(build):
    rates = (1e-3, 1e30)
    detectors = [build(DenoisingAutoencoder, learning_rate=r, activation="silu", batch_size=4) for r in rates]
    together = dict(fit_detectors((detector, X) for detector in detectors))
    assert "learning_rate" in str(together[1])
    assert_close(together[0].score_samples(X), detectors[0].fit(X).score_samples(X), TRAINED_TOLERANCE)


def test_more_networks_change_neither_the_first_ones_nor_the_other_members(build):
    few, many = (build(AutoencoderEnsemble, n_estimators=number).fit(X).state_.model for number in (1, 3))
    rows = torch.from_numpy(few.encoder.encode(X)).to(few.device)
    assert_close(member_errors(few.scorer, rows), member_errors(many.scorer, rows)[:, :1], TRAINED_TOLERANCE)
    for own, other in zip(few.scorers[1:], many.scorers[1:], strict=True):
        assert_close(member_errors(own, rows), member_errors(other, rows), TRAINED_TOLERANCE)


@pytest.mark.parametrize(
    ("cls", "grid"),
    [
        (DenoisingAutoencoder, {"learning_rate": [1e-3, 1e-2]}),
        (DenoisingAutoencoder, {"corruption": ["gaussian", "masking"], "random_state": [1]}),
        (AutoencoderEnsemble, {"n_estimators": [2]}),
    ],
)
def test_a_stacked_search_finds_the_scores_of_scikit_learns(build, cls, grid):
    scoring = {"auc": roc_auc, "mean": lambda detector, X, y: detector.score(X)}
    settings = {"cv": 2, "scoring": scoring, "refit": "auc", "return_train_score": True}
    found, expected = (
        search(build(cls), grid, **settings).fit(WITH_ANOMALIES, LABELS.astype(int))
        for search in (StackedGridSearchCV, GridSearchCV)
    )
    for name in ("mean_test_auc", "std_test_auc", "mean_train_auc", "mean_test_mean", "mean_train_mean"):
        assert_close(found.cv_results_[name], expected.cv_results_[name], TRAINED_TOLERANCE)
    assert list(found.cv_results_["params"]) == list(expected.cv_results_["params"])
    assert (found.predict(WITH_ANOMALIES)[LABELS] == -1).mean() > 0.9
