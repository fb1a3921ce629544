"""Gaps of columns: which are found, and the terms of values in them."""

import numpy as np
import pytest
import torch

from aeanomaly import AutoencoderEnsemble
from aeanomaly.scoring import MarginalScorer
from tests.conftest import with_two_clusters


def terms(scorer, rows):
    return scorer.raw_terms(torch.tensor(rows, dtype=torch.float32)[None])[0].numpy()


@pytest.fixture(scope="module")
def two_clusters():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.uniform(-2, -1, 300), rng.uniform(1, 2, 300)])[:, None].astype(np.float32)


def test_known_values_have_no_term(two_clusters):
    scorer = MarginalScorer.fit(two_clusters)
    np.testing.assert_array_equal(terms(scorer, two_clusters), 0)


def test_a_value_in_a_gap_has_the_log_distance_from_its_nearer_end(two_clusters):
    scorer = MarginalScorer.fit(two_clusters)
    low, high = two_clusters[two_clusters < 0].max(), two_clusters[two_clusters > 0].min()
    unit = float(scorer.unit[0])
    assert unit == pytest.approx(0.2, rel=0.1)  # half of an interval that holds a fifth of the rows
    found = terms(scorer, [[0.0], [0.7], [-5.0], [5.0]])[:, 0]
    depths = np.array([min(-low, high), high - 0.7, two_clusters.min() + 5, 5 - two_clusters.max()])
    np.testing.assert_allclose(found, np.log1p((depths / unit) ** 2), rtol=1e-5)


def test_a_constant_column_has_terms_for_other_values():
    scorer = MarginalScorer.fit(np.zeros((50, 1), dtype=np.float32))
    np.testing.assert_allclose(terms(scorer, [[0.0], [1.0]])[:, 0], [0, np.log1p(1e4)], rtol=1e-5)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 40])
def test_few_rows(n_rows):
    rows = np.random.default_rng(0).normal(size=(n_rows, 3)).astype(np.float32)
    scorer = MarginalScorer.fit(rows)
    np.testing.assert_allclose(terms(scorer, rows), 0, atol=1e-6)
    assert (terms(scorer, rows + 100) > 5).all()
    assert np.isfinite(terms(scorer, rows * 1e12)).all()


def test_missing_values_have_no_term_and_leave_no_gap(two_clusters):
    holed = np.concatenate([two_clusters, np.full((100, 1), np.nan, dtype=np.float32)])
    scorer = MarginalScorer.fit(holed, allow_nan=True)
    np.testing.assert_array_equal(scorer.lower, MarginalScorer.fit(two_clusters).lower)
    assert terms(scorer, [[np.nan]])[0, 0] == 0


@pytest.mark.parametrize("n_columns", [2, 4, 10])
def test_the_midpoint_of_two_clusters_is_explained_by_the_column_with_the_gap(n_columns):
    rows, midpoint = with_two_clusters(n_columns, seed=0), np.zeros((1, n_columns))
    detector = AutoencoderEnsemble(random_state=0).fit(rows)
    assert (detector.score_samples(rows) <= detector.score_samples(midpoint)).mean() <= 0.01
    assert detector.reconstruction_error(midpoint, per_feature=True)[0].argmax() == 0
