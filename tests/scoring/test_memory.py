"""The memory: nearest rows, units, whitening, known rows and missing values."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from aeanomaly.scoring import FeatureUnits, MemoryScorer, two_valued_factors, whitening_matrix
from aeanomaly.scoring.nearest import NearestRows

NOTHING = np.empty(0, dtype=int)
PLAIN = FeatureUnits(NOTHING, np.empty(0), np.empty(0), NOTHING)


def tensor(rows):
    return torch.from_numpy(np.asarray(rows, dtype=np.float32))


def memory(stored, features=PLAIN, **rest):
    factors = two_valued_factors(stored, features.two_valued)
    return MemoryScorer(tensor(stored), tensor(whitening_matrix(stored * factors)), features, **rest)


def terms(scorer, rows):
    return scorer.raw_terms(tensor(rows).expand(2, -1, -1)).numpy()


@pytest.fixture
def tables():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, 3))
    return rng.normal(size=(300, 3)) @ mixing, rng.normal(size=(80, 3)) @ mixing


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("n_stored", [5, 64, 200])
def test_the_search_finds_the_nearest_rows(k, n_stored):
    rng = np.random.default_rng(n_stored)
    stored, rows = rng.normal(size=(n_stored, 4)), rng.normal(size=(50, 4))
    found = NearestRows(tensor(stored)).nearest(tensor(rows), k)
    np.testing.assert_array_equal(found.numpy(), np.argsort(cdist(rows, stored), axis=1)[:, :k])


def test_distances_run_over_observed_features():
    rng = np.random.default_rng(0)
    stored, rows = rng.normal(size=(100, 4)), rng.normal(size=(50, 4))
    rows[:, 1] = np.nan
    found = NearestRows(tensor(stored), allow_nan=True).nearest(tensor(rows), 1)[:, 0]
    expected = cdist(np.delete(rows, 1, axis=1), np.delete(stored, 1, axis=1)).argmin(axis=1)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_errors_are_squared_distances_from_the_nearest_row(tables):
    stored, rows = tables
    plain, whitened = terms(memory(stored), rows).sum(axis=2)
    np.testing.assert_allclose(plain, cdist(rows, stored, "sqeuclidean").min(axis=1), rtol=1e-3, atol=1e-5)
    matrix = whitening_matrix(stored)
    expected = cdist(rows @ matrix, stored @ matrix, "sqeuclidean").min(axis=1)
    np.testing.assert_allclose(whitened, expected, rtol=1e-3, atol=1e-5)


def test_the_whitening_matrix_is_symmetric_and_whitens():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(100_000, 3)) @ [[1, 0.9, 0], [0, 0.3, 0], [0.1, 0, 2]]
    matrix = whitening_matrix(rows)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-10)
    np.testing.assert_allclose(np.cov((rows @ matrix).T), np.eye(3), atol=0.05)


def test_a_whitened_feature_is_most_like_itself(tables):
    stored, _ = tables
    scaled = stored / stored.std(axis=0)
    correlation = np.corrcoef(scaled.T, (scaled @ whitening_matrix(scaled)).T)[:3, 3:]
    assert (correlation.argmax(axis=1) == np.arange(3)).all()


def test_a_known_row_has_a_quarter_of_its_squared_distance_from_the_others(tables):
    stored, _ = tables
    squares = cdist(stored, stored, "sqeuclidean")
    np.fill_diagonal(squares, np.inf)
    plain = terms(memory(stored), stored)[0].sum(axis=1)
    np.testing.assert_allclose(plain, squares.min(axis=1) / 4, rtol=1e-3, atol=1e-6)
    whole = terms(memory(stored, known_share=1.0), stored)[0].sum(axis=1)
    np.testing.assert_allclose(whole, squares.min(axis=1), rtol=1e-3, atol=1e-6)


def test_of_equal_rows_one_is_ignored():
    stored = np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]])
    plain = terms(memory(stored, known_share=1.0), stored)[0].sum(axis=1)
    np.testing.assert_allclose(plain, [0, 0, 25], atol=1e-5)


def test_logarithmic_features_are_compared_in_linear_units():
    values = np.random.default_rng(0).lognormal(3, 1, size=400)
    encoded = (np.arcsinh(values) - 3.0) / 0.5
    features = FeatureUnits(np.array([1]), np.array([3.0]), np.array([0.5]), NOTHING)
    other = np.random.default_rng(1).normal(size=400)
    rows = np.column_stack([other, encoded])
    standard = np.column_stack([other, (values - values[:300].mean()) / values[:300].std()])
    plain = terms(memory(rows[:300], features), rows[300:])[0].sum(axis=1)
    expected = cdist(standard[300:], standard[:300], "sqeuclidean").min(axis=1)
    np.testing.assert_allclose(plain, expected, rtol=1e-2, atol=1e-5)


def test_two_valued_features_are_divided_by_the_root_of_their_deviation():
    features = PLAIN._replace(two_valued=np.array([1]))
    stored = np.column_stack([np.zeros(100), np.arange(100) < 10]).astype(float)
    assert memory(stored, features).units.factor.numpy() == pytest.approx([1, stored[:, 1].std() ** -0.5])
    assert terms(memory(stored, features), [[2.0, 1.0]])[0, 0] == pytest.approx([4, 0], abs=1e-5)
    constant = memory(stored[10:], features)
    assert terms(constant, [[0.0, 1.0]])[0, 0] == pytest.approx([0, 1], abs=1e-5)


def test_missing_values_are_imputed_and_have_no_error(tables):
    stored, rows = tables
    rows = rows.copy()
    rows[:, 2] = np.nan
    found = terms(memory(stored, allow_nan=True), rows)
    assert (found[:, :, 2] == 0).all()
    expected = cdist(rows[:, :2], stored[:, :2], "sqeuclidean").min(axis=1)
    np.testing.assert_allclose(found[0].sum(axis=1), expected, rtol=1e-3, atol=1e-5)
