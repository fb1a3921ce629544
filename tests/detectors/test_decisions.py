"""Thresholds, p-values, flags and probabilities of detectors."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aeanomaly import (
    AutoencoderEnsemble,
    DenoisingAutoencoder,
    UndercompleteAutoencoder,
    VariationalAutoencoder,
    load,
)
from aeanomaly.thresholds import (
    BestF1,
    Conformal,
    Contamination,
    CrossConformal,
    ExpectedCost,
    MedianAbsoluteDeviation,
    PeaksOverThreshold,
    TargetPrecision,
    TargetRecall,
    conformal_p_values,
    flag_discoveries,
)

WITH_CLONES = True

RULES = [
    "auto",
    0.1,
    MedianAbsoluteDeviation(3),
    Contamination(0.2),
    Conformal(0.05),
    Conformal(0.1, calibration_fraction=0.5),
    CrossConformal(0.02, n_splits=3),
    PeaksOverThreshold(0.001, calibration_fraction=0.5),
    ExpectedCost(10, 1, 0.05),
]
WITH_LABELS = [BestF1(), TargetPrecision(0.5), TargetRecall(0.8)]


def normal_rows(n, seed=0):
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 2))
    return hidden @ np.array([[1.0, 0.5, -1.0, 0.2], [0.0, 1.0, 1.0, -1.0]]) + 0.1 * rng.normal(size=(n, 4))


def labeled_rows(n=300, n_anomalies=30, seed=5):
    rng = np.random.default_rng(seed)
    X, y = normal_rows(n, seed), rng.permutation(np.arange(n) < n_anomalies).astype(int)
    X[y == 1] += rng.normal(scale=3, size=(n_anomalies, 4))
    return X, y


def quick(**how):
    how = {"hidden_layer_sizes": (16,), "max_iter": 3, "random_state": 0} | how
    return DenoisingAutoencoder(**how)


@pytest.fixture(scope="module")
def fitted():
    return quick(max_iter=20).fit(normal_rows(600))


def parts(detector):
    return detector.offset_, detector.threshold_info_, detector.calibration_scores_.tolist()


class TestFit:
    @pytest.mark.parametrize("rule", [*RULES, *WITH_LABELS], ids=repr)
    def test_every_rule_sets_the_offset_and_reports_its_source(self, rule):
        X, y = labeled_rows()
        detector = quick(contamination=rule).fit(X, y)
        decision = detector.threshold_info_
        assert detector.offset_ == decision.offset
        assert decision.rule == (rule if isinstance(rule, str) else repr(rule if rule != 0.1 else Contamination(0.1)))
        assert decision.n_scores > 0
        assert decision.guarantee
        assert (detector.predict(X) == np.where(detector.score_samples(X) < detector.offset_, -1, 1)).all()

    def test_rows_held_out_are_not_learned_from(self):
        X = normal_rows(500)
        detector = quick(contamination=Conformal(0.05, calibration_fraction=0.3)).fit(X)
        assert detector.n_samples_seen_ == 350
        assert len(detector.calibration_scores_) == 150
        assert detector.threshold_info_.source == "rows held out of the fit"
        scores = detector.score_samples(X)
        held_out = np.isin(scores, detector.calibration_scores_)
        assert held_out.sum() == 150
        # What is held out may hold anything: the detector comes out the same to the bit.
        spoiled = X.copy()
        spoiled[held_out] *= 50
        other = clone(detector).fit(spoiled)
        assert (other.score_samples(X) == scores).all()
        assert (other.training_scores_ == detector.training_scores_).all()
        assert other.offset_ < detector.offset_

    def test_the_held_out_rows_follow_the_seed(self):
        X = normal_rows(300)
        one, again, other = (quick(contamination=Conformal(0.1), random_state=seed).fit(X) for seed in (1, 1, 2))
        assert parts(one) == parts(again)
        assert one.offset_ != other.offset_

    def test_fresh_rows_are_flagged_at_the_rate(self):
        new, rates = normal_rows(5000, seed=99), []
        for seed in range(12):
            detector = quick(contamination=Conformal(0.1)).fit(normal_rows(500, seed))
            rates.append((detector.predict(new) == -1).mean())
        # Means of 12 draws of Beta(10, 91).
        assert np.mean(rates) == pytest.approx(0.1, abs=4 * 0.03 / np.sqrt(12))

    def test_rows_are_scored_out_of_fold(self):
        X = normal_rows(200)
        detector = quick(contamination=CrossConformal(0.05, n_splits=4)).fit(X)
        assert len(detector.calibration_scores_) == 200
        assert detector.n_samples_seen_ == 200
        assert detector.threshold_info_.source == "rows scored out of 4 folds"
        plain = quick().fit(X)
        assert (plain.score_samples(X) == detector.score_samples(X)).all()
        assert not np.isin(detector.calibration_scores_, detector.score_samples(X)).any()

    @pytest.mark.parametrize("kind", ["frame", "list", "named rows", "polars", "float32"])
    @pytest.mark.parametrize("rule", [Conformal(0.1), CrossConformal(0.1)], ids=repr)
    def test_tables_of_every_kind_are_held_out_alike(self, kind, rule):
        X = normal_rows(120).astype(np.float32)
        expected = quick(contamination=rule).fit(X)
        frame = pd.DataFrame(X, columns=list("abcd"))
        if kind == "polars":
            pl = pytest.importorskip("polars")
            table = pl.DataFrame({name: X[:, j] for j, name in enumerate("abcd")})
        else:
            table = {
                "frame": frame,
                "list": X.tolist(),
                "named rows": frame.set_index(np.arange(1000, 1120)),
                "float32": X,
            }[kind]
        assert parts(quick(contamination=rule).fit(table)) == parts(expected)

    def test_mixed_tables_with_missing_values_calibrate(self):
        rng = np.random.default_rng(0)
        frame = pd.DataFrame(normal_rows(300), columns=list("abcd")).assign(kind=rng.choice(["x", "y"], 300))
        frame.loc[::7, "b"] = np.nan
        for rule in (Conformal(0.05), CrossConformal(0.05, 2)):
            detector = quick(contamination=rule, missing="model").fit(frame)
            assert np.isfinite(detector.offset_)
            assert detector.p_values(frame).min() > 0

    @pytest.mark.parametrize("kind", [UndercompleteAutoencoder, VariationalAutoencoder, AutoencoderEnsemble])
    @pytest.mark.parametrize("rule", [Conformal(0.1), CrossConformal(0.1, 2), BestF1()], ids=repr)
    def test_every_kind_of_detector_calibrates(self, kind, rule):
        X, y = labeled_rows(200, 20)
        how = {"n_estimators": 2} if kind is AutoencoderEnsemble else {}
        detector = kind(contamination=rule, max_iter=2, hidden_layer_sizes=(8,), random_state=0, **how).fit(X, y)
        assert len(detector.calibration_scores_) > 0
        assert detector.p_values(X).shape == (200,)

    def test_only_rules_that_ask_see_labels(self):
        X, y = labeled_rows()
        for rule in RULES:
            with_labels, without = quick(contamination=rule).fit(X, y), quick(contamination=rule).fit(X)
            assert parts(with_labels) == parts(without)
        for rule in WITH_LABELS:
            detector = quick(contamination=rule).fit(X, y)
            assert (detector.score_samples(X) == quick().fit(X).score_samples(X)).all()
            assert detector.state_.calibration.probability is not None


class TestFitRefuses:
    @pytest.mark.parametrize(
        ("rule", "n", "told"),
        [
            (Conformal(0.001), 100, "20 calibration rows guarantee a false-alarm rate of 0.0476 at best"),
            (CrossConformal(0.001), 100, "alpha=0.001 requires 999 rows; pass more rows, raise alpha, or extrapolate"),
            (PeaksOverThreshold(0.001), 100, "needs at least 100 calibration rows, but there are 20"),
            (ExpectedCost(1, 1, 0.001), 100, "flags p-values below"),
            (Conformal(0.4), 2, "leaves 1 of 2 rows to train on"),
            (CrossConformal(0.5, n_splits=9), 5, "leaves 4 of 5 rows to train on"),
        ],
    )
    def test_rows_that_are_too_few_before_it_trains(self, rule, n, told):
        detector = quick(contamination=rule, max_iter=10**6)
        with pytest.raises(ValueError, match=told) as caught:
            detector.fit(normal_rows(n))
        assert "DenoisingAutoencoder: contamination=" in str(caught.value)
        assert not hasattr(detector, "offset_")

    @pytest.mark.parametrize("rule", WITH_LABELS, ids=repr)
    def test_labels_that_are_missing_or_of_one_class(self, rule):
        X, y = labeled_rows(100, 10)
        for labels, told in (
            (None, r"needs labels; call fit\(X, y\)"),
            (np.zeros(100), "all 100 labels are 0"),
            (y[:50], "X has 100 rows, but y has 50 labels"),
            (y + 1, "labels must be 0 and 1"),
        ):
            with pytest.raises(ValueError, match=told):
                quick(contamination=rule).fit(X, labels)

    @pytest.mark.parametrize("rule", [Conformal(0.1), CrossConformal(0.1), BestF1()], ids=repr)
    def test_warm_starts_and_partial_fits(self, rule):
        X, y = labeled_rows(200, 20)
        with pytest.raises(ValueError, match="warm_start=True cannot be combined with contamination="):
            quick(contamination=rule, warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match=r"contamination=.*set_threshold"):
            quick(contamination=rule).partial_fit(X)


class TestSetThreshold:
    @pytest.mark.parametrize("rule", [*RULES, *WITH_LABELS], ids=repr)
    def test_new_rows_set_it_and_nothing_is_refitted(self, fitted, rule):
        X, y = labeled_rows()
        detector = pickle.loads(pickle.dumps(fitted))
        before = detector.score_samples(X)
        assert detector.set_threshold(rule, X, y) is detector
        assert (detector.score_samples(X) == before).all()
        assert detector.contamination == fitted.contamination
        assert (detector.calibration_scores_ == np.sort(before[y == 0])).all()
        if rule in WITH_LABELS:
            assert detector.offset_ == rule.fit(before, y)
            assert detector.threshold_info_.source == "labeled rows given for the threshold"
        if isinstance(rule, Conformal):
            assert detector.offset_ == rule.fit(before[y == 0])
            assert detector.threshold_info_.source == "normal rows given for the threshold"

    def test_without_rows_it_takes_scores_that_are_known(self, fitted):
        detector = pickle.loads(pickle.dumps(fitted))
        detector.set_threshold(0.25)
        assert detector.offset_ == Contamination(0.25).fit(detector.training_scores_)
        detector.set_threshold(Conformal(0.1), normal_rows(200, 7))
        kept = detector.calibration_scores_
        detector.set_threshold(Conformal(0.02))
        assert detector.threshold_info_.source == "calibration rows"
        assert detector.offset_ == Conformal(0.02).fit(kept)
        detector.set_threshold("auto")
        assert detector.threshold_info_.source == "calibration rows"
        assert (detector.calibration_scores_ == kept).all()

    def test_a_custom_rule_is_accepted(self, fitted):
        class Lowest:
            def fit(self, scores):
                return float(scores.min())

        detector = pickle.loads(pickle.dumps(fitted)).set_threshold(Lowest(), normal_rows(50, 3))
        assert detector.offset_ == detector.calibration_scores_[0]
        assert detector.threshold_info_.guarantee == "has no known guarantee"

    @pytest.mark.parametrize("answer", [np.nan, np.inf, None, "low", [1.0]])
    def test_an_offset_that_is_not_a_number_is_refused_and_changes_nothing(self, fitted, answer):
        class Broken:
            def fit(self, scores):
                return answer

        detector = pickle.loads(pickle.dumps(fitted))
        with pytest.raises(ValueError, match="must return a finite number, the offset"):
            detector.set_threshold(Broken(), normal_rows(50, 3))
        assert parts(detector) == parts(fitted)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ((Conformal(0.1),), "needs scores of rows that were not used in training; call set_threshold"),
            ((BestF1(),), r"needs labeled rows; call set_threshold\(BestF1\(\), X, y\)"),
            ((0.1, None, [0, 1]), "y is given without X"),
            ((BestF1(), normal_rows(9, 1)), r"needs labels; call set_threshold\(BestF1\(\), X, y\)"),
            ((BestF1(), normal_rows(9, 1), [0, 1]), "X has 9 rows, but y has 2 labels; pass one label per row"),
            ((BestF1(), normal_rows(2, 1), [0, 0]), "all 2 labels are 0"),
            ((Conformal(0.01), normal_rows(9, 1)), "9 calibration rows guarantee a false-alarm rate of 0.1"),
            (("sometimes", normal_rows(9, 1)), "a threshold must be 'auto', a fraction"),
            ((Conformal, normal_rows(9, 1)), "a threshold must be 'auto', a fraction"),
            ((0.1, normal_rows(9, 1)[:, :3]), "X has 3 features"),
        ],
    )
    def test_invalid_arguments_are_refused_and_change_nothing(self, arguments, told):
        fitted = quick(contamination=0.1).fit(normal_rows(100))
        detector = pickle.loads(pickle.dumps(fitted))
        with pytest.raises(ValueError, match=told):
            detector.set_threshold(*arguments)
        assert parts(detector) == parts(fitted)

    def test_rows_it_was_trained_on_warn(self, fitted):
        X = normal_rows(600)
        detector = pickle.loads(pickle.dumps(fitted))
        with pytest.warns(UserWarning, match="have exactly the scores of training rows") as caught:
            detector.set_threshold(Conformal(0.1), X[:300])
        assert caught[0].filename == __file__
        assert "seem to be training rows" in detector.threshold_info_.source

    def test_rules_without_a_guarantee_accept_training_rows_but_p_values_do_not(self):
        detector = quick(contamination=0.1).fit(normal_rows(600))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            detector.set_threshold(0.2, normal_rows(600))
        assert (detector.predict(normal_rows(600)) == -1).mean() == pytest.approx(0.2, abs=0.01)
        with pytest.raises(ValueError, match="p_values needs scores"):
            detector.p_values(normal_rows(5, 1))

    def test_constant_scores_are_accepted(self, fitted):
        detector = pickle.loads(pickle.dumps(fitted))
        same = np.repeat(normal_rows(1, 8), 50, axis=0)
        for rule in (Conformal(0.1), 0.1, "auto"):
            detector.set_threshold(rule, same)
            assert (detector.predict(same) == 1).all()


class TestPValuesAndFlags:
    def test_they_are_those_of_the_scores(self, fitted):
        detector = pickle.loads(pickle.dumps(fitted)).set_threshold(Conformal(0.05), normal_rows(400, 7))
        X, y = labeled_rows()
        scores = detector.score_samples(X)
        p_values = detector.p_values(X)
        assert (p_values == conformal_p_values(detector.calibration_scores_, scores)).all()
        for fdr in (0.05, 0.2):
            assert (detector.flag(X, fdr=fdr) == flag_discoveries(p_values, fdr)).all()
        assert detector.flag(X, fdr=0.2)[y == 1].mean() > 0.5
        assert (detector.outlier_probability(X) == 1 - p_values).all()

    def test_an_independent_detector_of_sklearn_can_use_the_same_rules(self):
        X, y = labeled_rows()
        forest = IsolationForest(random_state=0).fit(normal_rows(500))
        calibration, scores = forest.score_samples(normal_rows(500, 3)), forest.score_samples(X)
        flagged = flag_discoveries(conformal_p_values(calibration, scores), 0.2)
        assert flagged[y == 1].mean() > flagged[y == 0].mean()
        assert Conformal(0.05).fit(calibration) < np.median(calibration)

    @pytest.mark.parametrize("method", ["p_values", "flag", "outlier_probability"])
    def test_without_calibration_they_raise_with_the_remedy(self, method):
        fitted = quick(contamination=0.1).fit(normal_rows(100))
        remedy = (
            rf"{'p_values' if method == 'flag' else method} needs scores of normal rows that were not used in "
            r"training, but there are none; call set_threshold\(Conformal\(0.01\), X\)"
        )
        with pytest.raises(ValueError, match=remedy):
            getattr(fitted, method)(normal_rows(5))
        with pytest.raises(NotFittedError):
            getattr(quick(), method)(normal_rows(5))

    @pytest.mark.parametrize("fdr", [0, 1, -1, "some", None])
    def test_rates_out_of_range_are_refused(self, fitted, fdr):
        detector = pickle.loads(pickle.dumps(fitted)).set_threshold(Conformal(0.05), normal_rows(400, 7))
        with pytest.raises(ValueError, match="flag: fdr must lie between 0 and 1; got"):
            detector.flag(normal_rows(5), fdr=fdr)


class TestOutlierProbability:
    def test_labels_calibrate_it_and_a_rate_moves_it(self, fitted):
        X, y = labeled_rows(400, 60)
        detector = pickle.loads(pickle.dumps(fitted)).set_threshold(BestF1(), X, y)
        new, labels = labeled_rows(4000, 600, seed=11)
        p = detector.outlier_probability(new)
        assert p.mean() == pytest.approx(labels.mean(), abs=0.04)
        assert detector.outlier_probability(new, rate=0.01).mean() < p.mean() / 2

    def test_a_rate_without_labels_is_refused(self, fitted):
        detector = pickle.loads(pickle.dumps(fitted)).set_threshold(Conformal(0.05), normal_rows(400, 7))
        with pytest.raises(ValueError, match="rate needs labels"):
            detector.outlier_probability(normal_rows(5), rate=0.1)
        for rate in (0, 1, "rare"):
            with pytest.raises((ValueError, TypeError), match="rate"):
                detector.outlier_probability(normal_rows(5), rate=rate)


class TestKeeping:
    @pytest.mark.parametrize("rule", [*RULES, *WITH_LABELS], ids=repr)
    def test_files_and_pickles_keep_every_decision(self, rule, tmp_path):
        X, y = labeled_rows()
        detector = quick(contamination=rule).fit(X, y)
        detector.save(tmp_path / "model.aea")
        for other in (load(tmp_path / "model.aea"), pickle.loads(pickle.dumps(detector))):
            assert parts(other) == parts(detector)
            assert other.contamination == rule
            assert (other.predict(X) == detector.predict(X)).all()
            if len(detector.calibration_scores_):
                assert (other.p_values(X) == detector.p_values(X)).all()
                assert (other.outlier_probability(X) == detector.outlier_probability(X)).all()
                assert other.set_threshold(Conformal(0.2)).offset_ == Conformal(0.2).fit(detector.calibration_scores_)

    @pytest.mark.parametrize("rule", [*RULES, *WITH_LABELS], ids=repr)
    def test_clones_carry_the_rule_and_no_decision(self, rule):
        X, y = labeled_rows()
        copy = clone(quick(contamination=rule).fit(X, y))
        assert copy.contamination == rule
        assert not hasattr(copy, "threshold_info_")

    def test_fitting_again_forgets_what_was_calibrated(self):
        X = normal_rows(300)
        detector = quick(contamination=0.1).fit(X).set_threshold(BestF1(), normal_rows(100, 8), np.arange(100) < 9)
        detector.fit(X)
        assert len(detector.calibration_scores_) == 0
        with pytest.raises(ValueError, match="outlier_probability needs"):
            detector.outlier_probability(X)

    def test_a_pipeline_and_a_search_take_rules(self):
        X, y = labeled_rows(200, 20)
        pipeline = make_pipeline(StandardScaler(), quick(contamination=Conformal(0.1))).fit(X)
        assert (pipeline.predict(X) == -1).any()
        grid = {"contamination": [0.1, Conformal(0.1), CrossConformal(0.1, 2), BestF1()]}
        search = GridSearchCV(quick(), grid, scoring="f1", cv=3).fit(X, np.where(y == 1, -1, 1))
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
