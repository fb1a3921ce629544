"""Scorers, compared with their definitions."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.model_selection import (
    average_precision,
    elbo,
    excess_mass,
    log_likelihood,
    precision_at_n,
    pseudo_anomaly_auc,
    pseudo_anomaly_ratio,
    roc_auc,
)

WITHOUT_LABELS = [pseudo_anomaly_ratio, log_likelihood, excess_mass, pseudo_anomaly_auc]
WITH_LABELS = [roc_auc, average_precision, precision_at_n]
SMALL = {"max_iter": 20, "latent_dim": 16, "random_state": 0}


class Says(BaseEstimator):
    """Estimator that scores each row by a function."""

    def __init__(self, function):
        self.function = function

    def score_samples(self, X):
        return self.function(np.asarray(X))


first_column = Says(lambda X: X[:, 0])


@pytest.fixture(scope="module")
def rows():
    t = np.random.default_rng(0).uniform(-1, 1, size=(300, 1))
    return np.hstack([t, t**2, np.sin(3 * t)]) + 0.05 * np.random.default_rng(1).normal(size=(300, 3))


@pytest.fixture(scope="module")
def detector(rows):
    return DenoisingAutoencoder(**SMALL).fit(rows[:200])


class TestLabels:
    X = np.arange(10.0)[:, None]
    y = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 0])

    @pytest.mark.parametrize("scorer", WITH_LABELS)
    def test_both_label_conventions_are_accepted(self, scorer):
        assert scorer(first_column, self.X, self.y) == scorer(first_column, self.X, 1 - 2 * self.y)

    def test_against_scikit_learn(self):
        assert roc_auc(first_column, self.X, self.y) == roc_auc_score(self.y, -self.X[:, 0]) == 15 / 16
        assert average_precision(first_column, self.X, self.y) == average_precision_score(self.y, -self.X[:, 0])

    def test_precision_at_n(self):
        assert precision_at_n(first_column, self.X, self.y) == 0.5
        assert precision_at_n(first_column, self.X, self.y, n=1) == 1
        assert precision_at_n(first_column, self.X, self.y, n=3) == pytest.approx(2 / 3)

    def test_precision_of_equal_scores_is_the_share_of_anomalies(self):
        assert precision_at_n(Says(lambda X: np.zeros(len(X))), self.X, self.y, n=5) == pytest.approx(0.2)

    @pytest.mark.parametrize("scorer", WITH_LABELS)
    @pytest.mark.parametrize(
        ("y", "word"),
        [
            (None, "needs labels"),
            (np.zeros(10), "all 10 labels are 0"),
            (np.ones(10), "all 10 labels are 1"),
            (-np.ones(10), "all 10 labels are -1"),
            (np.arange(10), "got 0, 1, 2"),
            (["a", "b"] * 5, "got 'a', 'b'"),
            (np.zeros((10, 2)), "shape"),
        ],
    )
    def test_bad_labels_get_a_sentence(self, scorer, y, word):
        with pytest.raises(ValueError, match=word):
            scorer(first_column, self.X, y)

    @pytest.mark.parametrize("n", [0, 11])
    def test_a_number_of_rows_that_is_none(self, n):
        with pytest.raises(ValueError, match="from 1 to the number of rows, 10; got"):
            precision_at_n(first_column, self.X, self.y, n=n)


class TestLikelihoods:
    def test_log_likelihood_is_that_of_unit_gaussians_around_the_reconstruction(self, detector, rows):
        standard = (rows - rows[:200].mean(axis=0)) / rows[:200].std(axis=0)
        made = (detector.reconstruct(rows) - rows[:200].mean(axis=0)) / rows[:200].std(axis=0)
        expected = -0.5 * ((standard - made) ** 2).sum(axis=1) - 1.5 * np.log(2 * np.pi)
        assert log_likelihood(detector, rows) == pytest.approx(expected.mean(), rel=1e-4)

    def test_elbo_is_the_mean_of_the_detectors(self, rows):
        variational = VariationalAutoencoder(max_iter=20, random_state=0).fit(rows)
        assert elbo(variational, rows) == variational.elbo(rows).mean()
        piped = make_pipeline(StandardScaler(), VariationalAutoencoder(max_iter=20, random_state=0)).fit(rows)
        assert elbo(piped, rows) == piped[-1].elbo(piped[0].transform(rows)).mean()

    def test_what_has_none_is_refused(self, detector, rows):
        with pytest.raises(TypeError, match="elbo: DenoisingAutoencoder has no evidence lower bound"):
            elbo(detector, rows)
        for without in (AutoencoderEnsemble(**SMALL).fit(rows), IsolationForest().fit(rows)):
            with pytest.raises(TypeError, match="has no likelihood"):
                log_likelihood(without, rows)


class TestVolumes:
    """Rows uniform on [0, 1]: a score by their own density has level sets of all volumes."""

    rows = np.linspace(0, 1, 2001)[:, None]

    def test_of_level_sets_as_large_as_their_mass(self):
        # EM(t) = max over u of u - t u = 1 - t for t < 1: 0.9 at t = 0.1; the area is 0.1 x 0.95.
        assert excess_mass(first_column, self.rows, n_draws=200_000) == pytest.approx(0.095, rel=0.02)

    def test_of_half_of_the_space_for_all_rows(self):
        # All rows but one within [0, 0.5], the other at 1: level sets of mass 1 - 1/n and volume 1/2.
        rows = np.append(np.linspace(0, 0.5, 2000), 1.0)[:, None]
        inner = Says(lambda X: -(X[:, 0] > 0.5).astype(float))
        # EM(t) = 1 - t / 2: 0.9 at t = 0.2.
        assert excess_mass(inner, rows, n_draws=200_000) == pytest.approx(0.19, rel=0.02)

    def test_a_density_beats_a_single_column(self):
        rows = np.random.default_rng(0).normal(size=(1000, 8))
        density = Says(lambda X: -(X**2).sum(axis=1))
        assert excess_mass(density, rows) > excess_mass(Says(lambda X: X[:, 0]), rows)


class TestPseudoAnomalies:
    @pytest.mark.parametrize("kind", ["swapped", "local", "global", "dependency"])
    def test_chance_for_a_score_that_knows_nothing_and_more_for_a_density(self, kind):
        stream = np.random.default_rng(0)
        rows = stream.normal(size=(2000, 1)) + 0.1 * stream.normal(size=(2000, 4))
        assert pseudo_anomaly_auc(Says(lambda X: np.zeros(len(X))), rows, kind=kind) == 0.5
        inverse = np.linalg.inv(np.cov(rows.T))
        density = Says(lambda X: -np.einsum("ni,ij,nj->n", X, inverse, X))
        assert pseudo_anomaly_auc(density, rows, kind=kind) > 0.8

    def test_dependency_keeps_the_columns_and_breaks_what_holds_between_them(self):
        seen = []
        rows = np.random.default_rng(0).normal(size=(3000, 1)) * [1.0, 5.0] + [0.0, 100.0]
        pseudo_anomaly_auc(Says(lambda X: seen.append(X) or np.zeros(len(X))), rows, kind="dependency")
        abnormal = seen[1]
        np.testing.assert_allclose(abnormal.mean(axis=0), rows.mean(axis=0), atol=0.5)
        np.testing.assert_allclose(abnormal.std(axis=0), rows.std(axis=0), rtol=0.1)
        assert abs(np.corrcoef(abnormal.T)[0, 1]) < 0.1 < np.corrcoef(rows.T)[0, 1]

    def test_swapped_takes_values_of_the_same_column_and_one_at_least(self):
        seen = []
        rows = np.arange(3000.0).reshape(1000, 3)
        pseudo_anomaly_auc(Says(lambda X: seen.append(X) or np.zeros(len(X))), rows)
        assert all(set(seen[1][:, j]) <= set(rows[:, j]) for j in range(3))
        changed = seen[1] != rows
        assert 0.3 < changed.mean() < 0.6
        assert changed.any(axis=1).mean() > 0.99

    @pytest.mark.parametrize("scorer", [pseudo_anomaly_auc, pseudo_anomaly_ratio])
    def test_no_such_kind(self, scorer, detector, rows):
        with pytest.raises(ValueError, match="kind must be one of 'swapped', 'local', 'global', 'dependency'; got 'x'"):
            scorer(detector, rows, kind="x")

    def test_ratio_is_the_log_of_how_many_times_larger_errors_are(self):
        rows = np.random.default_rng(0).normal(size=(1000, 2))
        apart = Says(lambda X: -np.where((X[:, None] == rows).all(axis=2).any(axis=1), 2.0, 20.0))
        assert pseudo_anomaly_ratio(apart, rows) == pytest.approx(np.log(10))

    def test_ratio_of_a_variational_autoencoder_is_that_of_its_reconstruction_errors(self, rows):
        variational = VariationalAutoencoder(max_iter=20, random_state=0).fit(rows)
        assert np.isfinite(pseudo_anomaly_ratio(variational, rows))

    def test_scores_that_are_not_errors_are_refused(self, rows):
        with pytest.raises(ValueError, match="Says has scores above 0"):
            pseudo_anomaly_ratio(Says(lambda X: np.ones(len(X))), rows)


class TestInScikitLearn:
    @pytest.mark.parametrize("scorer", [*WITHOUT_LABELS, *WITH_LABELS])
    @pytest.mark.parametrize(
        "search",
        [
            lambda d, grid, **rest: GridSearchCV(d, grid, **rest),
            lambda d, grid, **rest: RandomizedSearchCV(d, grid, n_iter=2, random_state=0, **rest),
            lambda d, grid, **rest: HalvingGridSearchCV(d, grid, random_state=0, min_resources=150, **rest),
        ],
    )
    def test_searches(self, scorer, search, rows):
        y = np.tile([0, 0, 1], 100)
        found = search(
            DenoisingAutoencoder(**SMALL), {"learning_rate": [1e-3, 1e-2]}, scoring=scorer, cv=3, error_score="raise"
        )
        found.fit(rows, y if scorer in WITH_LABELS else None)
        assert np.isfinite(found.best_score_)

    @pytest.mark.parametrize("scorer", WITHOUT_LABELS)
    def test_pipelines_and_frames(self, scorer, rows):
        frame = pd.DataFrame(rows, columns=["a", "b", "c"])
        piped = make_pipeline(StandardScaler().set_output(transform="pandas"), DenoisingAutoencoder(**SMALL))
        assert np.isfinite(cross_val_score(piped, frame, scoring=scorer, cv=3, error_score="raise")).all()

    @pytest.mark.parametrize("scorer", WITHOUT_LABELS)
    def test_labels_are_not_looked_at_and_nothing_is_left_to_chance(self, scorer, detector, rows):
        first = scorer(detector, rows)
        np.random.default_rng(1)
        assert scorer(detector, rows, np.arange(len(rows))) == first == scorer(detector, rows)

    def test_text_gets_a_sentence(self, detector):
        with pytest.raises(TypeError, match="excess_mass generates rows and needs a table of numbers"):
            excess_mass(detector, pd.DataFrame({"a": ["x", "y"]}))

    @pytest.mark.parametrize("scorer", [excess_mass, roc_auc])
    def test_an_estimator_without_a_score_is_refused(self, scorer):
        with pytest.raises(TypeError, match="StandardScaler has neither score_samples nor decision_function"):
            scorer(StandardScaler(), np.eye(4), np.array([0, 0, 1, 1]))
