"""Training that diverges, is interrupted or meets an error leaves no half-trained detector behind."""

import contextlib
import signal
import threading
import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import aeanomaly

# Divergence


def outcome(call):
    """Return "warned" or "failed"; anything else is an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call()
        except aeanomaly.FitError:
            return "failed"
    assert all(issubclass(one.category, ConvergenceWarning) for one in caught), caught
    return "warned" if caught else "passed"


def assert_all_finite(fitted, X, methods_on_rows):
    assert np.isfinite(fitted.offset_)
    assert np.isfinite(fitted.training_scores_).all()
    for name in methods_on_rows(fitted):
        assert np.isfinite(getattr(fitted, name)(X)).all(), name
    for name, value in fitted.encoder_module().state_dict().items():
        assert torch.isfinite(value).all(), name


def assert_warns_or_fails(detector, method, X, methods_on_rows):
    result = outcome(lambda: getattr(detector, method)(X))
    assert result in ("warned", "failed")
    if result == "warned":
        assert_all_finite(detector, X, methods_on_rows)
    else:
        assert set(vars(detector)) == set(detector.get_params())
        with pytest.raises(NotFittedError):
            detector.score_samples(X)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_diverging_fit_warns_or_fails(any_detector, X, methods_on_rows, method):
    detector = any_detector(learning_rate=1e30, max_iter=60, batch_size=4)
    assert_warns_or_fails(detector, method, X, methods_on_rows)


@pytest.mark.parametrize("learning_rate", [1e10, 1e30])
def test_a_diverging_fit_with_early_stopping_warns_or_fails(either_detector, X, methods_on_rows, learning_rate):
    detector = either_detector(learning_rate=learning_rate, early_stopping=True, max_iter=60, batch_size=4)
    assert_warns_or_fails(detector, "fit", X, methods_on_rows)


@pytest.mark.parametrize("learning_rate", [1.0, 100.0, 1e5])
def test_a_rate_too_high_never_gives_scores_that_are_not_finite(any_detector, X, methods_on_rows, learning_rate):
    detector = any_detector(learning_rate=learning_rate, max_iter=60)
    if outcome(lambda: detector.fit(X)) != "failed":
        assert_all_finite(detector, X, methods_on_rows)


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_divergence_after_a_good_fit_warns_or_leaves_the_good_one(
    either_detector, X, methods_on_rows, method, warm_start
):
    fitted = either_detector().fit(X)
    before = state_of(fitted, X)
    fitted.set_params(learning_rate=1e30, warm_start=warm_start, batch_size=4)
    result = outcome(lambda: getattr(fitted, method)(X))
    assert result in ("warned", "failed")
    if result == "failed":
        assert state_of(fitted, X) == before
    assert_all_finite(fitted, X, methods_on_rows)


def test_a_fit_error_is_a_value_error_with_a_remedy(detector, X):
    assert issubclass(aeanomaly.FitError, ValueError)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            detector(learning_rate=1e30).fit(X)
        except aeanomaly.FitError as error:
            message = str(error)
        else:
            message = str(caught[0].message)
    assert "learning_rate" in message


def test_a_fit_after_divergence_equals_a_fresh_one(either_detector, X):
    used = either_detector(learning_rate=1e30)
    outcome(lambda: used.fit(X))
    used.set_params(learning_rate=0.002)
    fresh = either_detector(learning_rate=0.002)
    np.testing.assert_array_equal(used.fit(X).score_samples(X), fresh.fit(X).score_samples(X))


# Errors and interruptions


class StopError(Exception):
    pass


class StopsAt:
    """A callback of scikit-learn that raises at the n-th event."""

    def __init__(self, event, error):
        self.left, self.error = event, error

    def _count(self, *_, **__):
        self.left -= 1
        if self.left == 0:
            raise self.error

    setup = on_fit_task_begin = on_fit_task_end = _count

    def teardown(self, *_, **__):
        pass


class FailingThreshold:
    """A threshold that fails when training is over."""

    def __init__(self, error):
        self.error = error

    def fit(self, scores):
        raise self.error


@contextlib.contextmanager
def ctrl_c_after(seconds):
    """Send this process the signal of Ctrl-C, once."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_kill"):
        pytest.skip("signals reach the main thread only")
    timer = threading.Timer(seconds, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    try:
        yield
        timer.join()
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, old)


def state_of(fitted, X):
    """Return the whole fitted state of a detector, without parameters that a test has set."""
    parameters = set(fitted.get_params(deep=False))
    names = sorted(name for name in vars(fitted) if name not in parameters and name != "_skl_callbacks")
    return names, fitted.score_samples(X).tobytes(), fitted.predict(X).tobytes(), fitted.n_iter_, fitted.n_samples_seen_


ERRORS = [KeyboardInterrupt(), StopError("enough")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_an_error_in_the_first_fit_leaves_it_unfitted(either_detector, X, error, method):
    detector = either_detector(contamination=FailingThreshold(error))
    with pytest.raises(type(error)):
        getattr(detector, method)(X)
    assert set(vars(detector)) == set(detector.get_params())
    with pytest.raises(NotFittedError):
        detector.score_samples(X)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("method", "warm_start"), [("fit", False), ("fit", True), ("partial_fit", False), ("set_threshold", False)]
)
def test_an_error_in_a_later_fit_leaves_the_earlier_one(either_detector, X, error, method, warm_start):
    fitted = either_detector(warm_start=warm_start).fit(X)
    before = state_of(fitted, X)
    failing = FailingThreshold(error)
    call = (
        fitted.set_threshold if method == "set_threshold" else getattr(fitted.set_params(contamination=failing), method)
    )
    with pytest.raises(type(error)):
        call(failing if method == "set_threshold" else X[:60] + 1)
    assert state_of(fitted, X) == before


def test_an_error_does_not_disturb_the_next_fit(either_detector, X, answers):
    used = either_detector(contamination=FailingThreshold(StopError()))
    for _ in range(2):
        with pytest.raises(StopError):
            used.fit(X)
    used.set_params(contamination="auto")
    assert answers(used.fit(X), X) == answers(either_detector().fit(X), X)


def test_an_error_does_not_disturb_the_stream(either_detector, X, answers):
    used, undisturbed = (either_detector().partial_fit(X[:60]) for _ in range(2))
    with pytest.raises(StopError):
        used.set_params(contamination=FailingThreshold(StopError())).partial_fit(X[60:] + 3)
    used.set_params(contamination="auto")
    assert answers(used.partial_fit(X[60:]), X) == answers(undisturbed.partial_fit(X[60:]), X)


def test_bad_rows_do_not_disturb_the_stream(either_detector, X, answers):
    used, undisturbed = (either_detector().partial_fit(X[:60]) for _ in range(2))
    for bad in (X[:, :4], np.full_like(X, np.nan), X[:0]):
        with contextlib.suppress(ValueError):
            used.partial_fit(bad)
    assert answers(used.partial_fit(X[60:]), X) == answers(undisturbed.partial_fit(X[60:]), X)


def test_a_refused_fit_leaves_the_earlier_one(either_detector, X):
    fitted = either_detector().fit(X)
    before = state_of(fitted, X)
    for rows, parameters in [
        (np.full_like(X, np.inf), {}),
        (X[:1], {}),
        (X, {"learning_rate": -1.0}),
        (X, {"tol": "x"}),
    ]:
        old = {name: getattr(fitted, name) for name in parameters}
        with pytest.raises((ValueError, TypeError)):
            fitted.set_params(**parameters).fit(rows)
        fitted.set_params(**old)
        assert state_of(fitted, X) == before


@pytest.mark.parametrize("event", [1, 2, 7])
def test_a_callback_that_raises_leaves_the_detector_as_it_was(either_detector, X, answers, event):
    error = KeyboardInterrupt()
    pytest.importorskip("sklearn.callback")
    unfitted = either_detector(max_iter=30, batch_size=8)
    with pytest.raises(type(error)):
        unfitted.set_callbacks(StopsAt(event, error)).fit(X)
    with pytest.raises(NotFittedError):
        unfitted.score_samples(X)
    fitted = either_detector(max_iter=30, batch_size=8).fit(X)
    before = state_of(fitted, X)
    with pytest.raises(type(error)):
        fitted.set_callbacks(StopsAt(event, error)).fit(X + 1)
    assert state_of(fitted, X) == before
    fresh = either_detector(max_iter=30, batch_size=8).fit(X)
    assert answers(fitted.set_callbacks().fit(X), X) == answers(fresh, X)


def test_ctrl_c_stops_a_first_fit_and_leaves_it_unfitted(either_detector, X, answers):
    detector = either_detector(max_iter=10_000_000)
    with pytest.raises(KeyboardInterrupt), ctrl_c_after(0.2):
        detector.fit(X)
    assert set(vars(detector)) == set(detector.get_params())
    detector.set_params(max_iter=12)
    assert answers(detector.fit(X), X) == answers(either_detector().fit(X), X)


@pytest.mark.parametrize("verbose", [0, 1])
def test_ctrl_c_in_a_later_fit_leaves_the_earlier_one(either_detector, X, verbose):
    fitted = either_detector(warm_start=True, verbose=verbose).fit(X)
    before = state_of(fitted, X)
    threads, random_state = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt), ctrl_c_after(0.1):
        fitted.set_params(max_iter=10_000_000).fit(X + 1)
    assert state_of(fitted, X) == before
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.is_grad_enabled()


def test_ctrl_c_in_a_stream_leaves_the_stream(detector, X, answers):
    rows = np.random.default_rng(0).normal(size=(200_000, 5))
    used, undisturbed = (detector(batch_size=1).partial_fit(X) for _ in range(2))
    with pytest.raises(KeyboardInterrupt), ctrl_c_after(0.3):
        used.partial_fit(rows)
    assert answers(used.partial_fit(X), X) == answers(undisturbed.partial_fit(X), X)


@pytest.mark.long
def test_ctrl_c_at_any_moment_leaves_the_detector_as_it_was(any_detector, X):
    fitted = any_detector().fit(X)
    before = state_of(fitted, X)
    fitted.set_params(max_iter=10_000_000)
    for moment in np.random.default_rng(0).uniform(0, 0.2, size=40):
        with pytest.raises(KeyboardInterrupt), ctrl_c_after(moment):
            fitted.fit(X + 1)
        assert state_of(fitted, X) == before
