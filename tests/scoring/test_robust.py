"""Robust members: neighborhoods by mass, the trimmed linear model, and the core of a table."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.covariance import MinCovDet
from sklearn.linear_model import LinearRegression

from aeanomaly.fitting.robust import fit_robust_scorers, robust_core
from aeanomaly.scoring import MaskedLinearScorer, NeighborhoodScorer

KINDS = np.repeat("gaussian", 3)


def tensor(rows):
    return torch.from_numpy(np.asarray(rows, dtype=np.float32))


def contaminated(n=1000, share=0.2):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n, 3)) @ [[1, 0.8, 0], [0, 0.5, 0.3], [0, 0, 1]]
    wrong = np.arange(n) < share * n
    rows[wrong] = 8 + rng.normal(size=(wrong.sum(), 3)) * 4
    return rows.astype(np.float32), wrong


def test_terms_of_a_neighborhood_are_mean_log_distances():
    rng = np.random.default_rng(0)
    stored, rows = rng.normal(size=(200, 3)), rng.normal(size=(30, 3))
    found = NeighborhoodScorer(tensor(stored), 1.5).raw_terms(tensor(rows)[None])[0].numpy()
    nearest = np.argsort(cdist(rows, stored), axis=1)[:, :20]
    expected = np.log1p((rows[:, None] - stored[nearest]) ** 2 / 1.5**2).mean(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_terms_of_the_linear_model_are_errors_of_regressions_on_the_other_columns():
    rows, _ = contaminated(share=0)
    covariance = np.cov(rows.T, bias=True)
    scorer = MaskedLinearScorer(tensor(rows.mean(axis=0)), tensor(np.linalg.inv(covariance)))
    found = scorer.raw_terms(tensor(rows)[None])[0].numpy()
    for column in range(3):
        others = np.delete(rows, column, axis=1)
        errors = rows[:, column] - LinearRegression().fit(others, rows[:, column]).predict(others)
        np.testing.assert_allclose(found[:, column], errors**2 / errors.var(), rtol=1e-2, atol=1e-4)


def test_the_linear_model_is_that_of_the_uncontaminated_rows():
    rows, wrong = contaminated()
    _, linear = fit_robust_scorers(tensor(rows), KINDS, 0)
    np.testing.assert_allclose(linear.mean, MinCovDet(random_state=0).fit(rows).location_, atol=0.15)
    errors = linear.raw_terms(tensor(rows)[None])[0].sum(dim=1).numpy()
    assert np.median(errors[wrong]) > 20 * np.median(errors[~wrong])


def test_the_core_consists_of_the_other_rows():
    rows, wrong = contaminated()
    core = robust_core(tensor(rows), KINDS, 0.25, 0)
    assert len(core) == 750
    assert (np.diff(core) > 0).all()
    assert wrong[core].mean() < 0.02


@pytest.mark.parametrize("n_rows", [2, 3, 12])
def test_tiny_tables_have_a_core(n_rows):
    rows = np.random.default_rng(0).normal(size=(n_rows, 5)).astype(np.float32)
    assert len(robust_core(tensor(rows), np.repeat("gaussian", 5), 0.5, 0)) == max(2, round(n_rows / 2))


def test_missing_values_have_no_error():
    rows, _ = contaminated()
    rows[::3, 1] = np.nan
    for scorer in fit_robust_scorers(tensor(rows), KINDS, 0, allow_nan=True):
        found = scorer.raw_terms(tensor(rows)[None])[0].numpy()
        assert np.isfinite(found).all()
        assert (found[::3, 1] == 0).all()


def test_the_linear_model_omits_categories():
    rows, _ = contaminated()
    indicators = np.eye(2, dtype=np.float32)[np.arange(1000) % 2]
    kinds = np.append(KINDS, ["categorical"] * 2)
    _, linear = fit_robust_scorers(tensor(np.hstack([rows, indicators])), kinds, 0)
    found = linear.raw_terms(tensor(np.hstack([rows, indicators]))[None])[0].numpy()
    assert (found[:, 3:] == 0).all()
    assert (found[:, :3].sum(axis=1) > 0).all()
    _, without = fit_robust_scorers(tensor(indicators), kinds[3:], 0)
    assert (without.raw_terms(tensor(indicators)[None]).numpy() == 0).all()
