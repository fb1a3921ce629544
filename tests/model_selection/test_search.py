"""Stacked searches, compared with the searches of scikit-learn."""

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from scipy.stats import loguniform, rankdata, spearmanr
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    ParameterGrid,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.model_selection import (
    DEFAULT_SCORING,
    StackedGridSearchCV,
    StackedRandomizedSearchCV,
    consensus,
    elbo,
    excess_mass,
    log_likelihood,
    pseudo_anomaly_auc,
    roc_auc,
    stability,
)
from aeanomaly.model_selection._trials import _reseed

DETECTOR = DenoisingAutoencoder(max_iter=20, latent_dim=16, random_state=0)
RATES = {"learning_rate": [1e-3, 1e-2]}


@pytest.fixture(scope="module")
def X():  # noqa: N802
    t = np.random.default_rng(0).uniform(-1, 1, size=(150, 1))
    return np.hstack([t, t**2, np.sin(3 * t)]) + 0.05 * np.random.default_rng(1).normal(size=(150, 3))


Y = np.tile([0, 0, 1], 50)


def assert_same_results(found, expected):
    assert list(found.cv_results_) == list(expected.cv_results_)
    for name, values in expected.cv_results_.items():
        if "_time" not in name:
            assert type(found.cv_results_[name]) is type(values), name
            assert np.asarray(found.cv_results_[name]).dtype == np.asarray(values).dtype, name
            np.testing.assert_array_equal(found.cv_results_[name], values, err_msg=name)
    for name in ("best_params_", "best_index_", "best_score_", "n_splits_", "multimetric_"):
        assert hasattr(found, name) == hasattr(expected, name), name
        assert getattr(found, name, None) == getattr(expected, name, None), name


def both(estimator, grid, X, y=None, **settings):
    found = StackedGridSearchCV(clone(estimator), grid, **settings).fit(X, y)
    expected = GridSearchCV(clone(estimator), grid, **{**settings, "scoring": found.scorer_}).fit(X, y)
    assert_same_results(found, expected)
    if settings.get("refit", True):
        np.testing.assert_array_equal(found.score_samples(X), expected.score_samples(X))
        np.testing.assert_array_equal(found.predict(X), expected.predict(X))
    if settings.get("refit", True) is True:
        assert found.score(X, y) == expected.score(X, y)
    return found


@pytest.mark.usefixtures("two_threads")
class TestSameAsScikitLearn:
    @pytest.mark.parametrize(
        "grid",
        [
            {},
            RATES,
            {"learning_rate": [1e-3, 1e-2], "corruption_level": [0.1, "auto"], "weight_decay": [0.1]},
            [{"latent_dim": [4, 8], "random_state": [1]}, {"hidden_layer_sizes": [(8,), ()], "activation": ["silu"]}],
            {"max_iter": [5, 10], "batch_size": [32, 64], "likelihood": ["auto", "gaussian"]},
            {"corruption": ["gaussian", "masking"], "early_stopping": [False, True]},
        ],
    )
    def test_of_any_grid(self, grid, X):
        found = both(DETECTOR, grid, X, cv=3, return_train_score=True)
        assert found.scorer_ is DEFAULT_SCORING

    @pytest.mark.parametrize("refit", ["b", False, lambda results: int(np.argmin(results["mean_test_a"]))])
    def test_of_many_metrics(self, refit, X):
        both(DETECTOR, RATES, X, Y, cv=3, scoring={"a": roc_auc, "b": log_likelihood, "c": excess_mass}, refit=refit)

    @pytest.mark.parametrize("scoring", ["roc_auc", ["roc_auc", "average_precision"]])
    def test_of_scikit_learns_names(self, scoring, X):
        both(DETECTOR, RATES, X, 1 - 2 * Y, cv=StratifiedKFold(3), scoring=scoring, refit="roc_auc")

    def test_of_a_callable_with_many_answers(self, X):
        def scoring(estimator, X, y=None):
            return {"a": log_likelihood(estimator, X), "b": excess_mass(estimator, X)}

        both(DETECTOR, RATES, X, cv=3, scoring=scoring, refit="a")

    @pytest.mark.parametrize("cv", [None, 2, ShuffleSplit(2, random_state=0), [(range(100), range(100, 150))]])
    def test_of_any_folds(self, cv, X):
        both(DETECTOR, RATES, X, cv=cv)

    def test_of_groups(self, X):
        groups = np.repeat(np.arange(5), 30)
        found = StackedGridSearchCV(DETECTOR, RATES, cv=GroupKFold(5)).fit(X, groups=groups)
        assert_same_results(
            found, GridSearchCV(DETECTOR, RATES, cv=GroupKFold(5), scoring=DEFAULT_SCORING).fit(X, groups=groups)
        )

    def test_of_pipelines(self, X):
        grid = {"scale": [StandardScaler(), MinMaxScaler(), "passthrough"], "detect__learning_rate": [1e-3, 1e-2]}
        frame = pd.DataFrame(X, columns=["a", "b", "c"])
        found = both(Pipeline([("scale", StandardScaler()), ("detect", DETECTOR)]), grid, frame, cv=3)
        assert list(found.feature_names_in_) == ["a", "b", "c"]
        both(make_pipeline(DETECTOR), {"denoisingautoencoder__learning_rate": [1e-3, 1e-2]}, X, cv=3)

    def test_of_steps_that_are_themselves_searched(self, X):
        detectors = [
            DETECTOR,
            AutoencoderEnsemble(max_iter=5, latent_dim=8, random_state=0),
            IsolationForest(random_state=0),
        ]
        both(Pipeline([("detect", DETECTOR)]), {"detect": detectors}, X, cv=2, scoring=pseudo_anomaly_auc)

    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_of_estimators_that_cannot_be_stacked(self, n_jobs, X):
        both(IsolationForest(random_state=0), {"n_estimators": [3, 6]}, X, cv=3, n_jobs=n_jobs)

    def test_of_random_candidates(self, X):
        space = {"learning_rate": loguniform(1e-4, 1e-2), "latent_dim": [4, 8]}
        settings = {"n_iter": 5, "cv": 3, "random_state": 0}
        found = StackedRandomizedSearchCV(DETECTOR, space, **settings).fit(X)
        expected = RandomizedSearchCV(DETECTOR, space, scoring=DEFAULT_SCORING, **settings).fit(X)
        assert_same_results(found, expected)

    def test_of_candidates_that_come_twice(self, X):
        both(DETECTOR, [RATES, RATES], X, cv=3)


class Counting(TransformerMixin, BaseEstimator):
    """Transformer that counts the fits of all its copies."""

    fits = 0

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y=None):
        type(self).fits += 1
        return self

    def transform(self, X):
        return X + self.shift


def test_steps_in_front_are_fitted_once_for_each_fold_and_setting(X):
    Counting.fits = 0
    grid = {"counting__shift": [0.0, 1.0], "denoisingautoencoder__learning_rate": [1e-3, 2e-3, 4e-3]}
    StackedGridSearchCV(make_pipeline(Counting(), DETECTOR), grid, cv=4).fit(X)
    assert Counting.fits == 2 * 4 + 1


def test_labels_reach_scorers_that_want_them_and_nothing_else(X):
    shuffled = np.random.default_rng(0).permutation(Y)
    first, second = (StackedGridSearchCV(DETECTOR, RATES, cv=3).fit(X, y) for y in (Y, shuffled))
    assert_same_results(first, second)
    np.testing.assert_array_equal(first.score_samples(X), second.score_samples(X))
    first, second = (StackedGridSearchCV(DETECTOR, RATES, cv=3, scoring=roc_auc).fit(X, y) for y in (Y, shuffled))
    assert first.best_score_ != second.best_score_


def test_a_search_is_a_detector_that_can_be_cloned_and_fitted_again(X):
    search = StackedGridSearchCV(DETECTOR, RATES, cv=3)
    before = search.get_params()
    search.fit(X)
    assert search.get_params() == before
    assert not hasattr(clone(search), "cv_results_")
    assert search.transform(X).shape == (150, 16)
    assert (search.cv_results_["mean_fit_time"] > 0).all()
    assert (search.cv_results_["mean_score_time"] > 0).all()


def maybe_not_finite(error_score):
    """Expect the warning of scikit-learn for a mean score that is not a number."""
    return pytest.warns(UserWarning, match="non-finite") if np.isnan(error_score) else nullcontext()


class TestBadInput:
    @pytest.mark.parametrize("search", [StackedGridSearchCV, GridSearchCV])
    def test_as_scikit_learn(self, search, X):
        with pytest.raises(ValueError, match="Invalid parameter 'rate'"):
            search(DETECTOR, {"rate": [1]}, scoring=excess_mass).fit(X)
        with pytest.raises(ValueError, match="non-empty"):
            search(DETECTOR, {"learning_rate": []}, scoring=excess_mass).fit(X)
        with pytest.raises(ValueError, match="No fits were performed"):
            search(DETECTOR, [], scoring=excess_mass).fit(X)
        with pytest.raises(ValueError, match="n_splits=5"):
            search(DETECTOR, RATES, cv=5, scoring=excess_mass).fit(X[:4])
        with pytest.raises(ValueError, match="refit"):
            search(DETECTOR, RATES, scoring={"a": excess_mass}, refit="b").fit(X)

    def test_nothing_is_left_behind(self, X):
        search = StackedGridSearchCV(DETECTOR, {"rate": [1]})
        with pytest.raises(ValueError, match="rate"):
            search.fit(X)
        assert not [name for name in vars(search) if name.endswith("_")]

    @pytest.mark.parametrize("error_score", [np.nan, 0.0])
    def test_a_candidate_that_fails_gets_the_error_score(self, error_score, X):
        grid = {"learning_rate": [1e-3, -1.0]}
        with pytest.warns(FitFailedWarning, match="learning_rate must be"), maybe_not_finite(error_score):
            found = StackedGridSearchCV(DETECTOR, grid, cv=3, error_score=error_score).fit(X)
        with pytest.warns(FitFailedWarning), maybe_not_finite(error_score):
            expected = GridSearchCV(DETECTOR, grid, cv=3, error_score=error_score, scoring=DEFAULT_SCORING).fit(X)
        assert_same_results(found, expected)

    def test_or_its_error_is_raised(self, X):
        search = StackedGridSearchCV(DETECTOR, {"learning_rate": [1e-3, -1.0]}, error_score="raise")
        with pytest.raises(ValueError, match="learning_rate must be"):
            search.fit(X)

    def test_a_step_in_front_that_fails(self, X):
        grid = {"minmaxscaler__feature_range": [(0, 1), (1, 0)]}
        with pytest.warns(FitFailedWarning, match="feature_range|Minimum"), maybe_not_finite(np.nan):
            found = StackedGridSearchCV(make_pipeline(MinMaxScaler(), DETECTOR), grid, cv=3).fit(X)
        assert found.best_index_ == 0

    def test_all_fail(self, X):
        with pytest.raises(ValueError, match="All the 3 fits failed"):
            StackedGridSearchCV(DETECTOR, {"learning_rate": [-1.0]}, cv=3).fit(X)

    def test_scores_that_are_nan_come_last(self, X):
        def scoring(estimator, X, y=None):
            return np.nan if estimator.learning_rate > 5e-3 else 1.0

        with pytest.warns(UserWarning, match="non-finite"):
            found = StackedGridSearchCV(DETECTOR, RATES, cv=3, scoring=scoring).fit(X)
        assert found.best_params_ == {"learning_rate": 1e-3}

    def test_labels_of_one_class(self, X):
        with pytest.warns(UserWarning, match="Scoring failed"), pytest.warns(UserWarning, match="non-finite"):
            found = StackedGridSearchCV(DETECTOR, RATES, cv=3, scoring=roc_auc).fit(X, np.zeros(150))
        assert np.isnan(found.cv_results_["mean_test_score"]).all()

    @pytest.mark.parametrize("grid", [{"likelihood": ["auto", "gaussian"]}, {"standardize": [True, False]}])
    def test_likelihoods_of_different_things_are_not_compared(self, grid, X):
        with pytest.raises(ValueError, match="log_likelihood cannot compare these candidates"):
            StackedGridSearchCV(DETECTOR, grid, scoring=log_likelihood).fit(X)
        variational = VariationalAutoencoder(max_iter=5)
        with pytest.raises(ValueError, match="elbo cannot compare these candidates"):
            StackedGridSearchCV(variational, grid, scoring={"a": excess_mass, "b": elbo}, refit="a").fit(X)

    def test_nor_behind_different_steps(self, X):
        grid = {"scale": [StandardScaler(), "passthrough"]}
        piped = Pipeline([("scale", StandardScaler()), ("detect", DETECTOR)])
        with pytest.raises(ValueError, match="log_likelihood cannot compare"):
            StackedGridSearchCV(piped, grid, scoring=log_likelihood).fit(X)
        assert StackedGridSearchCV(piped, {"detect__latent_dim": [4, 8]}, scoring=log_likelihood).fit(X).best_score_ < 0


def test_progress_is_shown_on_standard_error_and_only_on_request(X, capsys):
    StackedGridSearchCV(DETECTOR, RATES, cv=2).fit(X)
    assert capsys.readouterr() == ("", "")
    StackedGridSearchCV(DETECTOR, RATES, cv=2, verbose=1).fit(X)
    out, err = capsys.readouterr()
    assert out == ""
    assert "4/4" in err


def test_stacks_hold_no_more_members_than_a_few_at_a_time(X, monkeypatch):
    """A grid that would not fit into memory at once is tried in parts."""
    from aeanomaly.fitting import folds, stacked

    monkeypatch.setattr(folds, "_LEAST_ROWS", 20)
    sizes = []
    train = stacked._train_stack
    monkeypatch.setattr(stacked, "_train_stack", lambda jobs, on_step: sizes.append(len(jobs)) or train(jobs, on_step))
    grid = {"learning_rate": list(np.logspace(-4, -2, 40))}
    detector = DenoisingAutoencoder(max_iter=2, latent_dim=512, batch_size=256, random_state=0)
    StackedGridSearchCV(detector, grid, cv=2, refit=False).fit(X)
    assert sum(sizes) == 80  # and no clones for thresholds, which the scorer does not use
    assert max(sizes) < 20
    assert len(list(ParameterGrid(grid))) == 40


class TestComparisons:
    @staticmethod
    def _held_out(settings, X, fold, seed):
        train, test = fold
        return clone(DETECTOR).set_params(**settings, random_state=seed).fit(X[train]).score_samples(X[test])

    def test_consensus_is_the_rank_correlation_with_the_others_mean_rank(self, X):
        folds = list(ShuffleSplit(2, random_state=0).split(X))
        grid = {"learning_rate": [1e-4, 1e-2], "latent_dim": [4, 16]}
        found = StackedGridSearchCV(DETECTOR, grid, scoring=consensus, cv=folds, refit=False).fit(X).cv_results_
        for number, fold in enumerate(folds):
            ranks = np.array([rankdata(self._held_out(settings, X, fold, 0)) for settings in ParameterGrid(grid)])
            expected = [spearmanr(r, np.delete(ranks, c, axis=0).mean(axis=0))[0] for c, r in enumerate(ranks)]
            np.testing.assert_allclose(found[f"split{number}_test_score"], expected)

    def test_stability_is_the_mean_rank_correlation_between_seeds(self):
        scores = np.random.default_rng(0).normal(size=(2, 3, 40))
        expected = [np.mean([spearmanr(said[a], said[b])[0] for a, b in [(0, 1), (0, 2), (1, 2)]]) for said in scores]
        np.testing.assert_allclose(stability.compare(scores), expected)

    def test_seeds_differ_and_are_the_same_every_time(self, X):
        first, again = (StackedGridSearchCV(DETECTOR, RATES, scoring=stability, cv=3).fit(X) for _ in range(2))
        np.testing.assert_array_equal(first.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"])
        assert (first.cv_results_["mean_test_score"] < 0.99).all()

    def test_a_fit_whose_seed_matters_not_is_wholly_stable(self, X):
        alike = StackedGridSearchCV(LocalOutlierFactor(novelty=True), {"n_neighbors": [5]}, scoring=stability).fit(X)
        assert alike.cv_results_["mean_test_score"] == pytest.approx([1.0])

    def test_seeds_of_what_an_estimator_wraps_differ_too(self, X):
        wrapping = TransformedTargetRegressor(DenoisingAutoencoder(max_iter=5, latent_dim=8, random_state=0))
        _reseed(wrapping, 1)
        assert wrapping.regressor.random_state not in (0, None)

    def test_beside_other_metrics_which_stay_what_they_are(self, X):
        metrics = {"stable": stability, "agreed": consensus, "plain": pseudo_anomaly_auc}
        search = StackedGridSearchCV(DETECTOR, RATES, scoring=metrics, refit="plain", cv=3, return_train_score=True)
        alone = GridSearchCV(DETECTOR, RATES, scoring=pseudo_anomaly_auc, cv=3).fit(X)
        results = search.fit(X).cv_results_
        np.testing.assert_array_equal(results["mean_test_plain"], alone.cv_results_["mean_test_score"])
        for name in ("mean_test_stable", "mean_train_stable", "mean_test_agreed", "mean_train_agreed"):
            assert (np.abs(results[name]) <= 1 + 1e-12).all()

    def test_scores_that_are_all_alike_agree_with_nothing(self):
        assert consensus.compare(np.array([[[1.0, 1, 1]], [[1, 2, 3]]])).tolist() == [0.0, 0.0]

    def test_a_candidate_that_fails_is_left_out_of_the_comparison(self, X):
        grid = {"learning_rate": [1e-3, 1e-2, -1]}
        with pytest.warns((FitFailedWarning, UserWarning)):
            found = StackedGridSearchCV(DETECTOR, grid, scoring=consensus, cv=3).fit(X).cv_results_
        sound = StackedGridSearchCV(DETECTOR, RATES, scoring=consensus, cv=3).fit(X).cv_results_
        np.testing.assert_array_equal(found["mean_test_score"], [*sound["mean_test_score"], np.nan])

    @pytest.mark.parametrize("criterion", [stability, consensus])
    def test_one_fit_alone_cannot_be_judged(self, criterion, X):
        with pytest.raises(TypeError, match=f"{criterion.name} compares several fits.*StackedGridSearchCV"):
            criterion(clone(DETECTOR).fit(X), X)

    def test_one_candidate_has_none_to_agree_with(self, X):
        with pytest.raises(ValueError, match="at least 2 candidates; got 1"):
            StackedGridSearchCV(DETECTOR, {"latent_dim": [4]}, scoring=consensus).fit(X)
