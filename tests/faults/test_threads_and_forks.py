"""Many threads, forked processes, and machines without an accelerator."""

import multiprocessing
import pickle
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import aeanomaly
from aeanomaly.detectors import REGISTRY
from aeanomaly.threads import check_fork
from tests.conftest import at_the_same_time, in_a_forked_child

#: Threads of this process in the operating system.
THREADS = Path("/proc/self/task")

# Fits in threads


def test_fits_at_the_same_time_equal_fits_in_turn(any_detector, X, answers):
    def fitted(seed):
        return answers(any_detector(random_state=seed).fit(X), X)

    in_turn = [fitted(seed) for seed in range(3)]
    assert at_the_same_time([lambda seed=seed: fitted(seed) for seed in range(3)]) == in_turn


def test_fits_of_different_detectors_at_the_same_time_equal_fits_in_turn(X, answers):
    def fitted(cls):
        return answers(cls(max_iter=12, batch_size=32, random_state=0).fit(X), X)

    in_turn = [fitted(cls) for cls in REGISTRY.values()]
    assert at_the_same_time([lambda cls=cls: fitted(cls) for cls in REGISTRY.values()]) == in_turn


def test_streams_at_the_same_time_equal_streams_in_turn(either_detector, X, answers):
    def fitted(seed):
        return answers(either_detector(random_state=seed).partial_fit(X[:60]).partial_fit(X[60:]), X)

    in_turn = [fitted(seed) for seed in range(4)]
    assert at_the_same_time([lambda seed=seed: fitted(seed) for seed in range(4)]) == in_turn


@pytest.mark.usefixtures("two_threads")
def test_fits_in_threads_leave_the_thread_count_alone(detector, X):
    def counts():
        return [torch.get_num_threads(), *at_the_same_time([torch.get_num_threads] * 2)]

    before = counts()
    for _ in range(3):
        at_the_same_time([lambda seed=seed: detector(random_state=seed, max_iter=40).fit(X) for seed in range(4)])
        assert counts() == before


# Scoring in threads


def test_scoring_at_the_same_time_equals_scoring_in_turn(any_detector, methods_on_rows):
    X = np.random.default_rng(0).normal(size=(300, 5))
    fitted = any_detector().fit(X)
    names = methods_on_rows(fitted)
    in_turn = [getattr(fitted, name)(X) for name in names]
    for _ in range(2):
        at_once = at_the_same_time([lambda name=name: getattr(fitted, name)(X) for name in names])
        for name, left, right in zip(names, at_once, in_turn, strict=True):
            np.testing.assert_array_equal(left, right, name)


def test_one_detector_serves_many_threads(either_detector, X):
    fitted = either_detector().fit(X)

    def serve(offset):
        return {fitted.score_samples(X[offset::7]).tobytes() for _ in range(10)}

    in_turn = [serve(offset) for offset in range(6)]
    assert at_the_same_time([lambda offset=offset: serve(offset) for offset in range(6)]) == in_turn


def test_scoring_writes_nothing_to_the_detector(any_detector, X, methods_on_rows):
    fitted = any_detector().fit(X)
    before = pickle.dumps(fitted), sorted(vars(fitted))
    for name in methods_on_rows(fitted):
        getattr(fitted, name)(X + 1)
    fitted.reconstruction_error(X, per_feature=True)
    fitted.inverse_transform(fitted.transform(X))
    fitted.encoder_module()
    fitted.score(X)
    assert (pickle.dumps(fitted), sorted(vars(fitted))) == before


def test_scoring_while_another_thread_fits_gives_the_old_or_the_new_scores(either_detector, X):
    fitted = either_detector().fit(X)
    possible = {either_detector(random_state=seed).fit(X).score_samples(X).tobytes() for seed in range(4)}
    stop, seen = threading.Event(), set()

    def score():
        while not stop.is_set():
            seen.add(fitted.score_samples(X).tobytes())

    def refit():
        for seed in (1, 2, 3, 0):
            fitted.set_params(random_state=seed).fit(X)
        stop.set()

    try:
        at_the_same_time([score, refit])
    finally:
        stop.set()
    assert seen <= possible


# Forked processes


def with_fork(test):
    """Mark a test that forks while torch has threads."""
    for mark in (
        pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here"),
        pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
        pytest.mark.usefixtures("two_threads"),
    ):
        test = mark(test)
    return test


@with_fork
def test_a_forked_child_scores_as_its_parent(variational):
    X = np.random.default_rng(0).normal(size=(5000, 8))
    fitted = variational(hidden_layer_sizes=(64,)).fit(X)
    expected = fitted.score_samples(X).tobytes()
    assert in_a_forked_child(lambda: fitted.score_samples(X).tobytes()) == expected
    assert fitted.score_samples(X).tobytes() == expected


@with_fork
def test_a_forked_child_can_fit(variational, X):
    parent = variational(hidden_layer_sizes=(64,)).fit(np.tile(X, (40, 1)))
    parent.score_samples(np.tile(X, (40, 1)))
    scores = np.frombuffer(in_a_forked_child(lambda: variational().fit(X).score_samples(X).tobytes()))
    np.testing.assert_allclose(scores, variational().fit(X).score_samples(X), rtol=1e-3)


@pytest.mark.skipif(not THREADS.is_dir(), reason="threads are not listed here")
@pytest.mark.usefixtures("two_threads")
def test_scoring_leaves_no_thread_that_holds_a_lock_in_a_forked_child(detector):
    X = np.random.default_rng(0).normal(size=(5000, 8))
    fitted = detector(hidden_layer_sizes=(64,)).fit(X)
    fitted.score_samples(X)
    before = set(THREADS.iterdir())
    for _ in range(50):
        fitted.score_samples(X)
        assert set(THREADS.iterdir()) <= before


@with_fork
def test_a_forked_child_of_threads_that_score_does_not_hang(detector):
    X = np.random.default_rng(0).normal(size=(5000, 8))
    fitted = detector(hidden_layer_sizes=(64,)).fit(X)
    expected = fitted.score_samples(X).tobytes()
    stop = threading.Event()

    def keep_scoring():
        while not stop.is_set():
            fitted.score_samples(X)

    busy = threading.Thread(target=keep_scoring)
    busy.start()
    try:
        time.sleep(0.05)
        assert in_a_forked_child(lambda: fitted.score_samples(X).tobytes()) == expected
    finally:
        stop.set()
        busy.join()


# Devices

without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")


@without_cuda
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_cuda_where_there_is_none_is_refused_with_a_remedy(detector, X, device, method):
    with pytest.raises(ValueError, match=r"(?i)cuda") as raised:
        getattr(detector(device=device), method)(X)
    assert re.search("device", str(raised.value))
    assert re.search("auto|cpu", str(raised.value))


@without_cuda
@pytest.mark.skipif(torch.accelerator.is_available(), reason="an accelerator is here")
def test_auto_is_the_cpu_where_there_is_nothing_else(either_detector, X, answers):
    assert answers(either_detector(device="auto").fit(X), X) == answers(either_detector(device="cpu").fit(X), X)


@pytest.mark.parametrize("device", ["gpu", "", "cpu:99:1", "banana", 0, None, "meta"])
def test_a_device_that_does_not_exist_is_refused(detector, X, device):
    with pytest.raises((ValueError, TypeError), match="device"):
        detector(device=device).fit(X)


@without_cuda
def test_a_model_meant_for_cuda_loads_and_scores_without(either_detector, X, tmp_path):
    fitted = either_detector().fit(X)
    expected = fitted.score_samples(X)
    fitted.set_params(device="cuda").save(tmp_path / "model.aea")
    for copy in (aeanomaly.load(tmp_path / "model.aea"), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(copy.score_samples(X), expected)


def test_a_forked_child_that_would_use_cuda_gets_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    with pytest.raises(RuntimeError, match=r"cuda:0 cannot be used in a process that was forked .* by spawn"):
        check_fork(torch.device("cuda:0"))
    check_fork(torch.device("cpu"))


def test_the_cpu_is_chosen_without_a_look_at_cuda(monkeypatch, X):
    def touched(*_):
        raise AssertionError("CUDA was touched")

    for name in ("is_available", "device_count", "_is_in_bad_fork", "get_device_properties"):
        monkeypatch.setattr(torch.cuda, name, touched)
    assert len(aeanomaly.DenoisingAutoencoder(device="cpu", max_iter=2, random_state=0).fit(X).score_samples(X)) == len(
        X
    )
