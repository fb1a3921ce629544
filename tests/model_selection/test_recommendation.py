"""Recommendation of a detector for a table without labels."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from aeanomaly import AutoencoderEnsemble, load
from aeanomaly.model_selection import DEFAULT_SCORING, Recommendation, recommend
from aeanomaly.model_selection import recommendation as module

FAST = {"latent_dim": 16, "max_iter": 8, "random_state": 0}


def sheet(n_rows, seed=0):
    stream = np.random.default_rng(seed)
    t = stream.uniform(-1, 1, size=(n_rows, 1))
    return np.hstack([t, t**2, np.sin(3 * t)]) + 0.05 * stream.normal(size=(n_rows, 3))


@pytest.fixture(scope="module")
def recommended():
    return recommend(sheet(200), **FAST)


def test_the_recommended_detector_finds_anomalies():
    new, apart = sheet(200, seed=1), np.random.default_rng(2).permuted(sheet(200, seed=3), axis=0)
    detector = recommend(sheet(400), random_state=0)
    scores = detector.score_samples(np.concatenate([new, apart]))
    assert roc_auc_score(np.repeat([1, 0], 200), scores) > 0.9


def test_the_chosen_candidates_are_fitted(recommended):
    detector = recommended
    table = detector.recommendation_.candidates
    chosen = table[table["chosen"]]
    assert 1 <= len(chosen) == len(detector.member_configs)
    assert {round(16 * config["code"]) for config in detector.member_configs} == set(chosen["code"])
    assert [config["noise"] for config in detector.member_configs] == list(chosen["noise"])
    assert detector.n_estimators % len(chosen) == 0
    assert detector.n_estimators >= 4
    again = AutoencoderEnsemble(**detector.get_params()).fit(sheet(200))
    np.testing.assert_array_equal(again.score_samples(sheet(9)), detector.score_samples(sheet(9)))


def test_candidates_are_the_best_and_those_within_its_standard_error(recommended):
    table = recommended.recommendation_.candidates
    assert len(table) == 12
    assert table["mean"].is_monotonic_decreasing
    bound = table["mean"][0] - table["standard_error"][0]
    assert table["chosen"].tolist() == (table["mean"] >= bound).tolist()


def test_candidates_are_judged_by_the_default_criterion(monkeypatch):
    """A criterion that prefers little noise chooses that candidate alone."""

    def prefers(estimator, X, y=None):
        return -estimator.member_configs[0]["noise"] - estimator.latent_dim + 1e-9 * X[0, 0]

    monkeypatch.setattr("aeanomaly.model_selection.search.DEFAULT_SCORING", prefers)
    detector = recommend(sheet(200), **FAST)
    assert detector.member_configs == ({"code": 1 / 8, "noise": 1 / 2},)
    assert detector.n_estimators == 4
    assert "exceeds all others" in str(detector.recommendation_)


def test_the_same_seed_gives_the_same_bits():
    first, second = (recommend(sheet(100), **FAST) for _ in range(2))
    np.testing.assert_array_equal(first.score_samples(sheet(9)), second.score_samples(sheet(9)))
    assert first.recommendation_.candidates.equals(second.recommendation_.candidates)


def test_the_recommendation_describes_the_table_and_the_trials():
    X = np.column_stack([sheet(60), np.tile([0, 1], 30), np.ones(60)])
    account = recommend(X, **FAST).recommendation_
    assert isinstance(account, Recommendation)
    assert (account.n_samples, account.n_features, account.n_binary, account.n_constant) == (60, 5, 1, 1)
    text = str(account)
    assert "60 rows x 5 columns, 1 with two values, 1 constant" in text
    assert "12 settings" in text
    assert DEFAULT_SCORING.__name__ in text
    assert "Not compared" in text


def test_trials_see_some_rows_of_a_large_table_and_the_detector_all(monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 50)
    detector = recommend(sheet(200), **FAST)
    assert detector.recommendation_.n_tried_on == 50
    assert detector.n_samples_seen_ == 200


def test_of_a_data_frame_with_names_to_a_file(tmp_path):
    X = pd.DataFrame(sheet(80), columns=["a", "b", "c"])
    detector = recommend(X, contamination=0.1, **FAST)
    assert list(detector.feature_names_in_) == ["a", "b", "c"]
    assert np.mean(detector.predict(X) == -1) == pytest.approx(0.1, abs=0.02)
    detector.save(tmp_path / "model.aea")
    again = load(tmp_path / "model.aea")
    assert again.member_configs == detector.member_configs
    np.testing.assert_array_equal(again.score_samples(X), detector.score_samples(X))


@pytest.mark.parametrize("n_rows", [6, 7])
def test_six_rows_are_enough(n_rows):
    assert np.isfinite(recommend(sheet(n_rows), **FAST).score_samples(sheet(n_rows))).all()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (sheet(5), "needs at least 6 rows"),
        (np.where(np.arange(60).reshape(20, 3) == 7, np.nan, 1.0), "NaN"),
        (np.ones(9), "must have two dimensions"),
    ],
)
def test_bad_rows(X, message):
    with pytest.raises(ValueError, match=message):
        recommend(X, **FAST)


@pytest.mark.parametrize("name", ["member_configs", "n_estimators", "no_such_thing"])
def test_settings_that_are_not_to_be_set(name):
    with pytest.raises(TypeError, match=name):
        recommend(sheet(20), **{name: 3})


def test_settings_that_are_bad_are_named():
    with pytest.raises(ValueError, match="AutoencoderEnsemble: max_samples must be"):
        recommend(sheet(20), max_samples=2, **FAST)


def test_progress_is_shown_only_on_request(capsys):
    recommend(sheet(20), **FAST)
    assert capsys.readouterr() == ("", "")
    recommend(sheet(20), **FAST, verbose=1)
    assert "36/36" in capsys.readouterr().err
