"""Fixtures and tables of all tests."""

import contextlib
import copy
import faulthandler
import functools
import multiprocessing
import os
import pickle
import tempfile
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

import aeanomaly
from aeanomaly.detectors import REGISTRY
from aeanomaly.fitting import folds
from aeanomaly.preprocessing import rows_of


@pytest.fixture(scope="module", autouse=True)
def clones(request):
    """Fit clones for the default threshold only in modules that ask for them by ``WITH_CLONES = True``.

    Clones make a fit four times as long, and most tests are not about thresholds.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not getattr(request.module, "WITH_CLONES", False):
            patch.setattr(folds, "_LEAST_ROWS", 10**9)
        yield


@pytest.fixture(params=sorted(REGISTRY))
def detector_class(request):
    """Return each detector class in turn."""
    return REGISTRY[request.param]


def mixed_rows(n=200, seed=0):
    """Rows with a linear relation, and among them a column of two values, 3 and 7."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    return np.column_stack([a, np.where(a > 0, 7.0, 3.0), 1e6 + 10 * b, a + b + 0.1 * rng.normal(size=n)])


@pytest.fixture
def rows():
    return mixed_rows()


@pytest.fixture
def adbench():
    """Return the folder of the public benchmark tables, or skip the test if it is missing."""
    shared = Path(__file__).parents[2] / "shared" / "adbench"
    folder = Path(os.environ.get("AEANOMALY_DATA", shared))
    if not folder.is_dir():
        pytest.skip("the benchmark tables are not here; set AEANOMALY_DATA to their folder")
    return folder


def at_the_same_time(calls):
    """Return the results of calls that start together, one thread each."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait(timeout=60)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(run, call) for call in calls]]


def in_a_forked_child(call, seconds=120):
    """Return the result of a call in a forked process; fail if it hangs, and say where."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with tempfile.TemporaryFile("w+") as trace:

        def run():
            faulthandler.dump_traceback_later(seconds / 2, file=trace)
            sender.send_bytes(call())

        child = context.Process(target=run, daemon=True)
        child.start()
        sender.close()
        try:
            hangs = not receiver.poll(seconds)
            trace.seek(0)
            assert not hangs, f"the child hangs:\n{trace.read()}"
            return receiver.recv_bytes()
        finally:
            child.kill()
            child.join(10)


@pytest.fixture
def two_threads():
    """Give torch two threads, for tests about threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def pytest_addoption(parser):
    parser.addoption("--every-fit", action="store_true", help="put every fit of every test through all that may follow")


@pytest.fixture(autouse=True)
def every_fit(request, monkeypatch):
    """With ``--every-fit``: each fitted detector is also saved, loaded, pickled, copied, chunked and shuffled."""
    if not request.config.getoption("--every-fit"):
        return
    for cls in REGISTRY.values():
        monkeypatch.setattr(cls, "fit", _and_check(cls.fit))


def _and_check(fit):
    @functools.wraps(fit)
    def fit_and_check(self, X, y=None):
        fit(self, X, y)
        assert_same_wherever_it_goes(self, X)
        return self

    return fit_and_check


def assert_same_wherever_it_goes(detector, X, most=300):
    """Scores are the same to the bit after a file, a pickle or a copy, row by row, in parts and in any order."""
    X = X if hasattr(X, "shape") or isinstance(X, list) else np.asarray(X)
    n = min(most, X.shape[0] if hasattr(X, "shape") else len(X))
    rows, order = rows_of(X, np.arange(n)), np.random.default_rng(0).permutation(n)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        expected, path = detector.score_samples(rows), Path(folder) / "model.aea"
        others = [copy.deepcopy(detector)]
        try:
            detector.save(path)
        except aeanomaly.ModelFileError as error:
            assert "cannot be written to a model file" in str(error)  # noqa: PT017 - a rule of the test's own
        else:
            others.append(aeanomaly.load(path))
            detector.save(path.with_name("again.aea"))
            assert path.read_bytes() == path.with_name("again.aea").read_bytes()
        with contextlib.suppress(pickle.PicklingError, AttributeError):  # a class within the test
            others.append(pickle.loads(pickle.dumps(detector)))
        for other in others:
            assert other.offset_ == detector.offset_
            np.testing.assert_array_equal(other.score_samples(rows), expected)
        np.testing.assert_array_equal(detector.score_samples(rows_of(X, order)), expected[order])
        parts = [part for part in np.split(np.arange(n), [1, max(1, n // 3)]) if len(part)]
        chunked = [detector.score_samples(rows_of(X, part)) for part in parts]
        np.testing.assert_array_equal(np.concatenate(chunked), expected)


def with_two_clusters(n_columns: int, seed: int) -> np.ndarray:
    """Return 1,000 normal rows in two clusters, 12 deviations apart in the first column."""
    rows = np.random.default_rng(seed).normal(size=(1000, n_columns))
    rows[:, 0] += np.repeat([-6, 6], 500)
    return rows
