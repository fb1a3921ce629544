"""Scores of rows depend on their windows only."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, UndercompleteAutoencoder, VariationalAutoencoder
from aeanomaly.thresholds import BestF1
from aeanomaly.windows import WindowedDetector
from tests.windows.tables import W, is_a_sentence, readings, same, small, waves, windowed

KINDS = ["summary", "lags", "both"]


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    return windowed(features=request.param).fit(waves())


def with_category(n=300):
    frame = readings(n).drop(columns="time")
    return frame.assign(mode=np.random.default_rng(1).choice(["idle", "busy"], n))


class TestWindows:
    def test_every_row_has_a_finite_score(self, fitted):
        for n in (1, 2, W - 1, W, 100):
            scores = fitted.score_samples(waves(n, seed=1))
            assert scores.shape == (n,)
            assert scores.dtype == np.float64
            assert np.isfinite(scores).all()

    def test_later_rows_have_no_influence(self, fitted):
        X = waves(200, seed=1)
        scores = fitted.score_samples(X)
        for end in (1, 5, W, 100):
            same(fitted.score_samples(X[:end]), scores[:end])
            changed = X.copy()
            changed[end:] = 1e6
            same(fitted.score_samples(changed)[:end], scores[:end])

    @pytest.mark.parametrize("value", [0.0, -3.0, 1e9])
    def test_rows_before_the_window_have_no_influence(self, fitted, value):
        X = waves(200, seed=1)
        changed = X.copy()
        changed[:100] = value
        same(fitted.score_samples(changed)[99 + W :], fitted.score_samples(X)[99 + W :])

    def test_rows_of_the_window_have_influence(self, fitted):
        X = waves(200, seed=1)
        changed = X.copy()
        changed[100] += 5
        differs = fitted.score_samples(changed) != fitted.score_samples(X)
        assert differs[100 : 100 + W].all()
        assert differs.sum() == W

    @pytest.mark.parametrize("start", [1, 7, 150])
    def test_the_position_in_the_table_has_no_influence(self, fitted, start):
        X = waves(200, seed=1)
        same(fitted.score_samples(X[start:])[W - 1 :], fitted.score_samples(X)[start + W - 1 :])

    def test_many_rows_are_scored_as_few(self, fitted):
        X = waves(11_000, seed=1)
        scores = fitted.score_samples(X)
        for start in (1, 4_900, 8_200):
            same(fitted.score_samples(X[start : start + 500])[W - 1 :], scores[start : start + 500][W - 1 :])
        changed = X.copy()
        changed[:4_000], changed[9_000:] = 1e6, -1e6
        same(fitted.score_samples(changed)[3_999 + W : 9_000], scores[3_999 + W : 9_000])

    def test_the_features_are_the_input_of_the_estimator(self, fitted):
        X = waves(100, seed=1)
        features = fitted.window_features(X)
        same(fitted.estimator_.score_samples(features), fitted.score_samples(X))
        same(fitted.estimator_.predict(features), fitted.predict(X))
        assert fitted.estimator_.offset_ == fitted.offset_

    def test_lags_are_the_readings_of_the_window(self):
        X = waves(100)
        features = windowed(features="lags").fit(X).window_features(X)
        assert features.shape == (100, 2 * W)
        expected = np.concatenate([X[W - 1 - k : 100 - k] for k in range(W)], axis=1)
        np.testing.assert_allclose(np.sort(features[W - 1 :], axis=1), np.sort(expected, axis=1), rtol=1e-12)

    def test_both_are_all_features(self):
        X = waves(100)
        features = {kind: windowed(features=kind).fit(X).window_features(X) for kind in [*KINDS, "auto"]}
        pd.testing.assert_frame_equal(features["auto"], features["summary"])
        summary, lags = features["summary"].columns, set(features["lags"].columns)
        assert set(features["both"].columns) == set(summary) | {name for name in lags if "(0 rows" not in name}

    def test_a_constant_column_and_a_single_column_are_accepted(self):
        for X in (np.column_stack([waves(200), np.ones(200)]), waves(200, n_columns=1)):
            assert np.isfinite(windowed().fit(X).score_samples(X)).all()


class TestWindowOfOneRow:
    def test_scores_are_those_of_the_estimator(self):
        X, new = waves(), waves(seed=1)
        plain = small(contamination=0.05).fit(X)
        detector = windowed(window=1).fit(X)
        same(detector.score_samples(new), plain.score_samples(new))
        same(detector.predict(new), plain.predict(new))
        assert detector.offset_ == plain.offset_

    def test_tables_with_categories_and_missing_values_are_passed_on(self):
        X = with_category()
        X.loc[::17, "a"] = np.nan
        X.loc[::19, "mode"] = None
        plain = small(missing="model", contamination=0.05).fit(X)
        detector = windowed(estimator=small(missing="model"), window=1).fit(X)
        same(detector.score_samples(X), plain.score_samples(X))
        assert np.isfinite(detector.score_samples(X)).all()

    def test_the_columns_of_time_and_groups_are_left_out(self):
        X = readings().assign(machine="x")
        detector = windowed(window=1, time="time", groups="machine").fit(X)
        pd.testing.assert_frame_equal(detector.window_features(X), X[["a", "b"]])
        same(detector.score_samples(X), small(contamination=0.05).fit(X[["a", "b"]]).score_samples(X[["a", "b"]]))


class TestFit:
    def test_equal_seeds_give_equal_bits(self):
        X = waves()
        one, again = windowed(contamination="auto").fit(X), windowed(contamination="auto").fit(X)
        same(one.score_samples(X), again.score_samples(X))
        assert one.offset_ == again.offset_
        assert (windowed(estimator=small(random_state=1)).fit(X).score_samples(X) != one.score_samples(X)).any()

    def test_the_parameters_do_not_change(self):
        detector = windowed(contamination="auto", window="auto", max_gap="auto")
        before = repr(detector.get_params())
        detector.fit(waves())
        assert repr(detector.get_params()) == before
        assert not hasattr(detector.estimator, "offset_")

    def test_the_threshold_of_the_estimator_is_not_used(self):
        X = waves()
        one, other = (windowed(estimator=small(contamination=c)).fit(X) for c in ("auto", 0.4))
        same(one.decision_function(X), other.decision_function(X))

    @pytest.mark.parametrize(
        "change",
        [
            {"window": 0},
            {"window": 401},
            {"window": True},
            {"stride": 0},
            {"features": "all"},
            {"time": "then"},
            {"groups": "machine"},
            {"max_gap": -1},
            {"max_gap": "soon"},
            {"contamination": 0.7},
            {"contamination": BestF1()},
            {"estimator": LinearRegression()},
            {"estimator__learning_rate": -1},
        ],
        ids=repr,
    )
    def test_a_failed_fit_changes_nothing(self, change):
        X = readings()
        detector = windowed(time="time").fit(X)
        scores, before = detector.score_samples(X), {k: v for k, v in vars(detector).items() if k.endswith("_")}
        with pytest.raises(ValueError, match=r"got|longer|column|labels") as caught:
            detector.set_params(**change).fit(readings(seed=3))
        assert is_a_sentence(caught.value)
        assert {k: v for k, v in vars(detector).items() if k.endswith("_")} == before
        same(detector.set_params(time="time", groups=None).score_samples(X), scores)

    def test_an_invalid_table_changes_nothing(self):
        X = readings()
        detector = windowed(time="time").fit(X)
        scores = detector.score_samples(X)
        for bad in (
            X[::-1],
            X.assign(a=X["a"].where(X.index > 3)),
            X.assign(a=np.inf),
            X.assign(time="noon"),
            X[["time"]],
        ):
            with pytest.raises(ValueError, match=r"\w"):
                detector.fit(bad)
            same(detector.score_samples(X), scores)

    def test_a_table_that_does_not_match_is_refused(self):
        X = readings()
        detector = windowed(time="time").fit(X)
        for bad in (X.drop(columns="b"), X.rename(columns={"b": "c"}), X.assign(b="text"), X[:0]):
            with pytest.raises(ValueError, match=r"\w"):
                detector.score_samples(bad)

    def test_nothing_is_computed_before_a_fit(self):
        for method in ("score_samples", "predict", "events", "explain", "explain_text", "window_features"):
            with pytest.raises(NotFittedError):
                getattr(windowed(), method)(waves())
        with pytest.raises(NotFittedError):
            windowed().stream()

    def test_names_and_numbers_of_columns_are_recorded(self):
        X = readings()
        detector = windowed(time="time").fit(X)
        assert detector.n_features_in_ == 3
        assert list(detector.feature_names_in_) == list(X.columns)
        assert len(detector.training_scores_) == len(X)
        assert detector.window_ == W

    @pytest.mark.parametrize("stride", [2, 7])
    def test_all_rows_are_scored_with_any_stride(self, stride):
        X = waves()
        detector = windowed(stride=stride).fit(X)
        assert detector.score_samples(X).shape == (400,)
        assert len(detector.training_scores_) == 400
        assert (detector.score_samples(X) != windowed().fit(X).score_samples(X)).any()

    @pytest.mark.parametrize(
        "estimator",
        [VariationalAutoencoder, UndercompleteAutoencoder, AutoencoderEnsemble, IsolationForest],
    )
    def test_detectors_of_every_kind_are_wrapped(self, estimator):
        how = {"n_estimators": 2} if estimator in (AutoencoderEnsemble, IsolationForest) else {}
        how |= {} if estimator is IsolationForest else {"max_iter": 3, "latent_dim": 8, "hidden_layer_sizes": (16,)}
        detector = windowed(estimator=estimator(random_state=0, **how)).fit(waves())
        X = waves(200, seed=1)
        scores = detector.score_samples(X)
        assert np.isfinite(scores).all()
        same(detector.score_samples(X[50:])[W:], scores[50 + W :])
        same(detector.predict(X) == -1, scores < detector.offset_)
        assert clone(detector).get_params().keys() == detector.get_params().keys()

    def test_none_is_the_default_estimator(self):
        detector = WindowedDetector(None, window=2, contamination=0.1).fit(waves(60))
        assert type(detector.estimator_).__name__ == "DenoisingAutoencoder"
        assert detector.estimator is None

    def test_categories_are_used_as_they_are(self):
        X = with_category()
        detector = windowed().fit(X)
        features = detector.window_features(X)
        assert list(features["mode"]) == list(X["mode"])
        assert detector.score_samples(X.assign(mode="new")).sum() < detector.score_samples(X).sum()


class TestAccuracy:
    def test_a_plateau_within_a_wave_is_found(self):
        rng, n = np.random.default_rng(0), 4000
        X = np.sin(2 * np.pi * np.arange(n) / 50)[:, None] + 0.05 * rng.normal(size=(n, 1))
        detector = WindowedDetector(DenoisingAutoencoder(random_state=0), contamination=0.05).fit(X[:2000])
        for start in (3000, 3012, 3025, 3037):
            stuck, y = X[2000:].copy(), np.zeros(2000, dtype=int)
            place = slice(start - 2000, start - 1980)
            stuck[place], y[place] = X[start], 1
            assert roc_auc_score(y, -detector.score_samples(stuck)) >= 0.95
