"""Detectors of this package in PyOD, and detectors of PyOD in scikit-learn."""

import builtins
import importlib
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import OneClassSVM
from sklearn.utils.estimator_checks import estimator_checks_generator

from aeanomaly import DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.model_selection import StackedGridSearchCV, consensus, excess_mass, roc_auc

pytest.importorskip("pyod")

from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.lscp import LSCP
from pyod.utils.data import evaluate_print, generate_data
from pyod.utils.utility import precision_n_scores, standardizer

from aeanomaly.pyod import FromPyOD, PyODDetector, from_pyod

CONTAMINATION = 0.1
TRAIN, TEST, LABELS_OF_TRAIN, LABELS_OF_TEST = generate_data(
    n_train=200, n_test=100, n_features=5, contamination=CONTAMINATION, random_state=42
)


def quick(seed=0, **parameters):
    settings = {"hidden_layer_sizes": (16,), "latent_dim": 4, "max_iter": 20, "random_state": seed, **parameters}
    return DenoisingAutoencoder(**settings)


def bridged(seed=0):
    return PyODDetector(quick(seed), contamination=CONTAMINATION)


@pytest.fixture(scope="module")
def fitted():
    return PyODDetector(DenoisingAutoencoder(max_iter=100, random_state=0), contamination=CONTAMINATION).fit(TRAIN)


# What PyOD asks of each of its detectors.


def test_a_fit_leaves_what_pyods_leave(fitted):
    assert fitted.decision_scores_.shape == fitted.labels_.shape == (len(TRAIN),)
    assert fitted.decision_scores_.dtype == np.float64
    assert fitted.threshold_ == np.percentile(fitted.decision_scores_, 100 * (1 - CONTAMINATION))
    assert set(fitted.labels_) == {0, 1}
    assert fitted.labels_.sum() == CONTAMINATION * len(TRAIN)
    assert (fitted._mu, fitted._sigma) == (fitted.decision_scores_.mean(), fitted.decision_scores_.std())
    assert fitted._classes == 2


def test_scores_are_minus_ours_and_find_the_anomalies(fitted):
    np.testing.assert_array_equal(fitted.decision_scores_, -fitted.detector_.score_samples(TRAIN))
    np.testing.assert_array_equal(fitted.decision_function(TEST), -fitted.detector_.score_samples(TEST))
    assert roc_auc_score(LABELS_OF_TEST, fitted.decision_function(TEST)) > 0.95
    robust = PyODDetector(DenoisingAutoencoder(robust=True, max_iter=100, random_state=0)).fit(TRAIN)
    assert roc_auc_score(LABELS_OF_TRAIN, robust.decision_scores_) > 0.95


def test_labels_are_zero_and_one(fitted):
    labels = fitted.predict(TEST)
    assert labels.shape == LABELS_OF_TEST.shape
    np.testing.assert_array_equal(labels, fitted.decision_function(TEST) > fitted.threshold_)
    np.testing.assert_array_equal(fitted.predict(TRAIN), fitted.labels_)


@pytest.mark.parametrize("method", ["linear", "unify"])
def test_probabilities(fitted, method):
    probabilities = fitted.predict_proba(TEST, method=method)
    assert probabilities.shape == (len(TEST), 2)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    again, confidence = fitted.predict_proba(TEST, method=method, return_confidence=True)
    np.testing.assert_array_equal(again, probabilities)
    assert confidence.shape == (len(TEST),)


def test_an_unknown_kind_of_probability_is_refused(fitted):
    with pytest.raises(ValueError, match="something"):
        fitted.predict_proba(TEST, method="something")


def test_confidence(fitted):
    labels, confidence = fitted.predict(TEST, return_confidence=True)
    np.testing.assert_array_equal(labels, fitted.predict(TEST))
    np.testing.assert_array_equal(confidence, fitted.predict_confidence(TEST))
    assert confidence.min() >= 0
    assert confidence.max() <= 1


def test_rejection(fitted):
    labels = fitted.predict_with_rejection(TEST, c_r=CONTAMINATION)
    assert set(labels) <= {-2, 0, 1}
    _, rates = fitted.predict_with_rejection(TEST, c_r=CONTAMINATION, return_stats=True)
    assert 0 <= rates[0] <= rates[1]


def test_ranks(fitted):
    ranks, shares = fitted._predict_rank(TEST), fitted._predict_rank(TEST, normalized=True)
    assert ranks.min() >= 0
    assert ranks.max() <= len(TRAIN)
    np.testing.assert_array_equal(np.argsort(ranks, kind="stable"), np.argsort(shares, kind="stable"))
    assert 0 <= shares.min() <= shares.max() == 1


@pytest.mark.filterwarnings("ignore:Function fit_predict is deprecated:FutureWarning")
def test_fit_predict():
    detector = bridged()
    np.testing.assert_array_equal(detector.fit_predict(TRAIN), detector.labels_)


@pytest.mark.filterwarnings("ignore:Function fit_predict_score is deprecated:FutureWarning")
def test_fit_predict_score():
    detector = bridged()
    area = detector.fit_predict_score(TRAIN, LABELS_OF_TRAIN)
    assert area == roc_auc_score(LABELS_OF_TRAIN, detector.decision_scores_)
    precision = detector.fit_predict_score(TRAIN, LABELS_OF_TRAIN, scoring="prc_n_score")
    assert precision == precision_n_scores(LABELS_OF_TRAIN, detector.decision_scores_)
    with pytest.raises(NotImplementedError):
        detector.fit_predict_score(TRAIN, LABELS_OF_TRAIN, scoring="something")


def test_clones_and_parameters():
    detector = bridged().fit(TRAIN)
    copied = clone(detector)
    assert not hasattr(copied, "decision_scores_")
    assert copied.get_params()["detector__latent_dim"] == 4
    copied.set_params(detector__latent_dim=2, contamination=0.2)
    assert copied.fit(TRAIN).detector_.latent_dim_ == 2
    assert copied.labels_.sum() == 40
    assert detector.detector.latent_dim == 4
    assert "contamination=0.1" in repr(detector)


def test_the_contamination_is_checked_as_pyod_does_and_again_in_fit():
    with pytest.raises(ValueError, match="contamination"):
        PyODDetector(contamination=0.6)
    for wrong in (0.6, "auto", np.float32(0.1)):
        with pytest.raises(ValueError, match=r"contamination must be a float in \(0, 0.5\], or a PyThresh object; got"):
            bridged().set_params(contamination=wrong).fit(TRAIN)


# What else is promised of ours in PyOD.


def test_a_y_changes_nothing():
    detector = bridged().fit(TRAIN, np.zeros(len(TRAIN)))
    np.testing.assert_array_equal(detector.decision_scores_, bridged().fit(TRAIN).decision_scores_)
    assert detector.predict_proba(TEST).shape == (len(TEST), 2)


def test_without_a_detector_it_is_the_default_one():
    assert isinstance(PyODDetector().fit(TRAIN[:20]).detector_, DenoisingAutoencoder)


@pytest.mark.parametrize(
    "detector", [make_pipeline(PCA(2), quick()), VariationalAutoencoder(max_iter=20, random_state=0), OneClassSVM()]
)
def test_pipelines_and_other_outlier_estimators_work(detector):
    bridge = PyODDetector(detector).fit(TRAIN)
    np.testing.assert_array_equal(bridge.decision_function(TEST), -clone(detector).fit(TRAIN).score_samples(TEST))
    assert not hasattr(detector, "offset_")


def test_frames_reach_the_detector_with_names_and_types():
    frame = pd.DataFrame(TRAIN[:, :2], columns=["a", "b"]).assign(c=np.where(TRAIN[:, 2] > 0, "x", "y"))
    encoder = ColumnTransformer([("words", OneHotEncoder(), ["c"])], remainder="passthrough")
    bridge = PyODDetector(make_pipeline(encoder, quick())).fit(frame)
    assert bridge.decision_function(frame[:7]).shape == (7,)
    named = bridged().fit(frame[["a", "b"]])
    assert list(named.detector_.feature_names_in_) == ["a", "b"]
    with pytest.raises(ValueError, match="feature names"):
        named.decision_function(frame[["b", "a"]])


@pytest.mark.parametrize("wrong", [LocalOutlierFactor(), DenoisingAutoencoder, KNN(), 3])
def test_an_estimator_without_scores_is_refused(wrong):
    with pytest.raises(TypeError, match="detector must be an estimator with fit and score_samples"):
        PyODDetector(wrong).fit(TRAIN)


def test_a_failed_fit_changes_nothing():
    bridge = bridged()
    with pytest.raises(NotFittedError):
        bridge.decision_function(TEST)
    scores = bridge.fit(TRAIN).decision_function(TEST)
    with pytest.raises(ValueError, match="NaN"):
        bridge.fit(np.full((5, 5), np.nan))
    np.testing.assert_array_equal(bridge.decision_function(TEST), scores)


def test_copies_score_alike(tmp_path):
    for bridge in (bridged().fit(TRAIN), from_pyod(KNN()).fit(TRAIN)):
        expected = bridge.decision_function(TEST)
        joblib.dump(bridge, tmp_path / "bridge.joblib")
        for copied in (pickle.loads(pickle.dumps(bridge)), joblib.load(tmp_path / "bridge.joblib")):
            np.testing.assert_array_equal(copied.decision_function(TEST), expected)
            np.testing.assert_array_equal(copied.predict(TEST), bridge.predict(TEST))


# Among PyOD's own.


def test_a_list_of_detectors_as_pyod_loops_over_it(capsys):
    detectors = [bridged(0), bridged(1), KNN(), IForest(n_estimators=10, random_state=0)]
    train = np.column_stack([detector.fit(TRAIN).decision_scores_ for detector in detectors])
    test = np.column_stack([detector.decision_function(TEST) for detector in detectors])
    _, standardised = standardizer(train, test)
    assert roc_auc_score(LABELS_OF_TEST, standardised.mean(axis=1)) > 0.95
    evaluate_print("ours", LABELS_OF_TEST, test[:, 0])
    assert "ours ROC:" in capsys.readouterr().out


def test_score_combinations():
    pytest.importorskip("combo")
    from pyod.models.combination import aom, average, maximization, moa

    scores = standardizer(np.column_stack([bridged(s).fit(TRAIN).decision_scores_ for s in range(4)]))
    np.testing.assert_allclose(average(scores), scores.mean(axis=1))
    np.testing.assert_array_equal(maximization(scores), scores.max(axis=1))
    for combine in (aom, moa):
        assert roc_auc_score(LABELS_OF_TRAIN, combine(scores, n_buckets=2)) > 0.9


@pytest.mark.filterwarnings("ignore:The number of histogram bins:UserWarning")
@pytest.mark.filterwarnings("ignore:Local region size:UserWarning")
def test_lscp():
    ensemble = LSCP([bridged(0), bridged(1), KNN()], contamination=CONTAMINATION, random_state=0).fit(TRAIN)
    assert roc_auc_score(LABELS_OF_TEST, ensemble.decision_function(TEST)) > 0.9


def test_feature_bagging_reseeds_its_members():
    pytest.importorskip("combo")
    from pyod.models.feature_bagging import FeatureBagging

    ensemble = FeatureBagging(bridged(), n_estimators=3, random_state=0).fit(TRAIN)
    assert roc_auc_score(LABELS_OF_TEST, ensemble.decision_function(TEST)) > 0.9
    assert len({member.detector.random_state for member in ensemble.estimators_}) == 3


@pytest.mark.filterwarnings("ignore::UserWarning:suod")
def test_suod():
    pytest.importorskip("suod")
    from pyod.models.suod import SUOD

    members = [bridged(0), bridged(1), KNN()]
    ensemble = SUOD(members, n_jobs=1, rp_flag_global=False, approx_flag_global=False).fit(TRAIN)
    assert roc_auc_score(LABELS_OF_TEST, ensemble.decision_function(TEST)) > 0.9


class HalfOfTheWorst:
    """Threshold in its own units, like those of PyThresh."""

    def fit(self, scores):
        self.top_ = scores.max()
        self.thresh_ = 0.5
        self.labels_ = self.predict(scores)

    def predict(self, scores):
        return (scores / self.top_ > self.thresh_).astype(int)


def test_thresholding_objects():
    ours = PyODDetector(quick(), contamination=HalfOfTheWorst()).fit(TRAIN)
    assert ours.threshold_ == 0.5
    np.testing.assert_array_equal(ours.predict(TRAIN), ours.labels_)
    assert 0 < ours.labels_.sum() < len(TRAIN)
    back = from_pyod(ours).fit(TRAIN)
    np.testing.assert_array_equal(back.predict(TRAIN) == -1, ours.labels_ == 1)


# PyOD's in scikit-learn.


@pytest.mark.parametrize("detector", [ECOD(), KNN(), IForest(n_estimators=10, random_state=0)])
@pytest.mark.parametrize("contamination", [None, 0.25])
def test_pyods_scores_with_the_other_sign_and_its_labels(detector, contamination):
    ours = from_pyod(detector, contamination).fit(TRAIN)
    pyods = clone(detector).set_params(contamination=contamination or detector.contamination).fit(TRAIN)
    np.testing.assert_array_equal(ours.score_samples(TEST), -pyods.decision_function(TEST))
    np.testing.assert_array_equal(ours.decision_function(TEST), pyods.threshold_ - pyods.decision_function(TEST))
    np.testing.assert_array_equal(ours.predict(TEST), 1 - 2 * pyods.predict(TEST))
    np.testing.assert_array_equal(ours.detector_.labels_, pyods.labels_)
    assert (ours.offset_, ours.n_features_in_) == (-pyods.threshold_, TRAIN.shape[1])
    assert not hasattr(detector, "decision_scores_")


#: Checks that fail, and why; nothing in a wrapper could mend them.
EXPECTED_FAILURES = {
    "ECOD": {"check_methods_subset_invariance": "a row's score depends on the others that are scored with it"},
    "KNN": {
        "check_outliers_train": "training rows are scored without themselves, so that the threshold is another",
        "check_outliers_fit_predict": "training rows are scored without themselves, so that the threshold is another",
    },
}


@pytest.mark.parametrize("detector", [ECOD(), KNN(), IForest(n_estimators=10, random_state=0), bridged()])
def test_scikit_learn_checks(detector):
    expected = EXPECTED_FAILURES.get(type(detector).__name__, {})
    failed = set()
    for estimator, check in estimator_checks_generator(from_pyod(detector)):
        try:
            check(estimator)
        except AssertionError:
            failed.add(check.func.__name__)
        except BaseException as skip:
            if type(skip).__name__ not in {"SkipTest", "Skipped"}:
                raise
    assert failed == set(expected)


def test_there_and_back():
    back = from_pyod(bridged()).fit(TRAIN)
    np.testing.assert_array_equal(back.score_samples(TEST), quick().fit(TRAIN).score_samples(TEST))
    there = PyODDetector(from_pyod(KNN())).fit(TRAIN)
    np.testing.assert_array_equal(there.decision_function(TEST), KNN().fit(TRAIN).decision_function(TEST))


def test_names_of_columns_are_kept_and_checked():
    frame = pd.DataFrame(TRAIN, columns=list("abcde"))
    detector = from_pyod(ECOD()).fit(frame)
    assert list(detector.feature_names_in_) == list("abcde")
    np.testing.assert_array_equal(detector.score_samples(frame), from_pyod(ECOD()).fit(TRAIN).score_samples(TRAIN))
    with pytest.raises(ValueError, match="feature names"):
        detector.score_samples(frame[list("edcba")])


def test_small_integers_do_not_wrap_and_rows_are_not_kept():
    small = np.random.default_rng(0).integers(0, 255, size=(50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        from_pyod(ECOD()).fit(small).score_samples(small), ECOD().fit(small.astype(float)).decision_function(small) * -1
    )
    rows = TRAIN.copy()
    detector = from_pyod(ECOD()).fit(rows)
    expected = detector.score_samples(TEST)
    rows[:] = 0
    np.testing.assert_array_equal(detector.score_samples(TEST), expected)


def test_in_pipelines_cross_validation_and_searches():
    y, cv = 1 - 2 * LABELS_OF_TRAIN.astype(int), StratifiedKFold(3)
    pipeline = make_pipeline(PCA(4), from_pyod(KNN()))
    assert cross_val_score(pipeline, TRAIN, y, scoring=roc_auc, cv=cv).mean() > 0.9
    assert cross_val_score(pipeline, TRAIN, y, scoring="roc_auc", cv=cv).mean() > 0.9
    assert np.isfinite(cross_val_score(from_pyod(KNN()), TRAIN, scoring=excess_mass, cv=2)).all()
    search = GridSearchCV(from_pyod(KNN()), {"detector__n_neighbors": [1, 5]}, scoring=roc_auc, cv=cv).fit(TRAIN, y)
    k = search.best_params_["detector__n_neighbors"]
    best = KNN(n_neighbors=k).fit(TRAIN)
    np.testing.assert_array_equal(search.best_estimator_.score_samples(TEST), -best.decision_function(TEST))


def test_stacked_searches_take_them_beside_ours():
    estimators = [from_pyod(KNN()), from_pyod(ECOD()), from_pyod(bridged())]
    for scoring in (consensus, excess_mass):
        search = StackedGridSearchCV(make_pipeline("passthrough", quick()), {"denoisingautoencoder": estimators})
        search.set_params(scoring=scoring, cv=2).fit(TRAIN)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert isinstance(search.best_estimator_[-1], FromPyOD)


def test_a_fitted_detector_is_fitted_again():
    detector = KNN().fit(TEST)
    wrapped = from_pyod(detector)
    with pytest.raises(NotFittedError):
        wrapped.score_samples(TEST)
    assert len(wrapped.fit(TRAIN).detector_.decision_scores_) == len(TRAIN)
    assert len(detector.decision_scores_) == len(TEST)


@pytest.mark.parametrize("wrong", [quick(), KNN, OneClassSVM(), None])
def test_an_object_that_is_not_a_pyod_detector_is_refused(wrong):
    with pytest.raises(TypeError, match="must be an instance of a PyOD detector, such as ECOD"):
        from_pyod(wrong)
    with pytest.raises(TypeError, match="must be an instance of a PyOD detector, such as ECOD"):
        FromPyOD(wrong).fit(TRAIN)


def test_those_that_want_labels_are_refused():
    class WithLabels(ECOD):  # as XGBOD and DevNet
        def fit(self, X, y):
            return super().fit(X)

    with pytest.raises(TypeError, match="WithLabels, whose fit needs y"):
        from_pyod(WithLabels())


def test_bad_values_are_refused_and_a_failed_fit_changes_nothing():
    with pytest.raises(ValueError, match=r"FromPyOD: contamination must be None, or a number in \(0, 0.5\]; got 0.9"):
        from_pyod(KNN(), contamination=0.9).fit(TRAIN)
    detector = from_pyod(KNN()).fit(TRAIN)
    with pytest.raises(ValueError, match="NaN in column 0"):
        detector.fit(np.full((5, 1), np.nan))
    assert detector.n_features_in_ == TRAIN.shape[1]
    with pytest.raises(ValueError, match="n_samples=1"):
        from_pyod(KNN()).fit(TRAIN[:1])


# Where PyOD is not.


def test_the_package_does_not_import_pyod():
    code = "import sys, aeanomaly; assert not {'pyod', 'aeanomaly.pyod'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_without_pyod_one_sentence_says_what_to_install(monkeypatch):
    genuine = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] == "pyod":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return genuine(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delitem(sys.modules, "aeanomaly.pyod")
    with pytest.raises(ImportError, match=r"pip install 'aeanomaly\[pyod\]'"):
        importlib.import_module("aeanomaly.pyod")
