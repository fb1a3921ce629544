"""Narrow and wide tables, large networks, any number of threads, and every back end of joblib."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from joblib import parallel_backend
from sklearn.model_selection import GridSearchCV

# Few columns


def test_one_column_is_enough(any_detector):
    for n_rows in (2, 60):
        for spread in (1.0, 0.0):
            X = 5 + spread * np.linspace(-1, 1, n_rows)[:, None]
            fitted = any_detector().fit(X)
            assert np.isfinite(fitted.score_samples(X)).all()
            assert fitted.score_samples([[500.0]])[0] < fitted.score_samples(X).min()
            assert fitted.explain(X).shape[0] == n_rows


# Many columns, large networks


def test_a_network_beyond_all_memory_is_refused_before_any_is_taken(any_detector):
    X = np.random.default_rng(0).normal(size=(10, 5_000)).astype(np.float32)
    detector = any_detector(hidden_layer_sizes=(200_000_000,))
    told = r"training a network of [\d,]+ weights takes [\d,.]+ GB, but cpu has [\d.,]+ GB; reduce hidden_layer"
    with pytest.raises(ValueError, match=told):
        detector.fit(X)
    assert not hasattr(detector, "offset_")


def test_fifty_thousand_columns_are_fitted(detector):
    X = np.random.default_rng(0).normal(size=(6, 50_000)).astype(np.float32)
    X[0] *= 9
    scores = detector(hidden_layer_sizes=(2,), max_iter=2).fit(X).score_samples(X)
    assert scores.argmin() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")
def test_a_limit_on_memory_counts_as_all_there_is():
    program = """
        import resource
        import numpy
        from aeanomaly import UndercompleteAutoencoder

        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20),) * 2)
        X = numpy.random.default_rng(0).normal(size=(50, 200))
        few = UndercompleteAutoencoder(hidden_layer_sizes=(8,), max_iter=2).fit(X)
        try:
            UndercompleteAutoencoder(hidden_layer_sizes=(2_000_000,), max_iter=2).fit(X)
        except ValueError as error:
            print(error)
        print(few.score_samples(X).shape)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120)
    assert "weights takes" in done.stdout, done.stderr[-2000:]
    assert "(50,)" in done.stdout


# Any number of threads


def test_scores_by_any_number_of_threads_are_the_same(any_detector, X):
    fitted, rows = any_detector().fit(X), np.tile(X, (40, 1))
    expected, decision = fitted.score_samples(rows), fitted.decision_function(rows)
    for n_threads in (1, 2, 4):
        torch.set_num_threads(n_threads)
        np.testing.assert_allclose(fitted.score_samples(rows), expected, rtol=1e-5)
        away = np.abs(decision) > 1e-4 * np.abs(fitted.offset_)
        np.testing.assert_array_equal(fitted.predict(rows)[away], np.where(decision[away] >= 0, 1, -1))


# Back ends of joblib


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_search_on_every_back_end_equals_the_serial_one(detector, X, backend):
    grid = {"latent_dim": [1, 2]}
    serial = GridSearchCV(detector(), grid, cv=2).fit(X)
    with parallel_backend(backend, n_jobs=2):
        spread = GridSearchCV(detector(), grid, cv=2).fit(X)
    np.testing.assert_array_equal(spread.cv_results_["mean_test_score"], serial.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(spread.best_estimator_.score_samples(X), serial.best_estimator_.score_samples(X))
