"""Few rows: the smallest tables that can be fitted, and batches of any size."""

import re

import numpy as np
import pytest


def test_an_empty_chunk_of_a_stream_changes_nothing(either_detector, X):
    fitted = either_detector().partial_fit(X)
    before = fitted.score_samples(X)
    with pytest.raises(ValueError, match="n_samples=0"):
        fitted.partial_fit(X[:0])
    np.testing.assert_array_equal(fitted.score_samples(X), before)
    undisturbed = either_detector().partial_fit(X).partial_fit(X[:50])
    np.testing.assert_array_equal(fitted.partial_fit(X[:50]).score_samples(X), undisturbed.score_samples(X))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_two_rows_are_enough(any_detector, X, method):
    fitted = getattr(any_detector(), method)(X[:2])
    assert np.isfinite(fitted.score_samples(X)).all()
    assert np.isfinite(fitted.offset_)


def test_one_row_is_enough_for_a_later_chunk(any_detector, X):
    fitted = any_detector().partial_fit(X).partial_fit(X[:1])
    assert np.isfinite(fitted.score_samples(X)).all()


@pytest.mark.parametrize("n", [2, 3, 4, 10])
def test_early_stopping_on_few_rows_works_or_says_why(either_detector, X, n):
    try:
        fitted = either_detector(early_stopping=True).fit(X[:n])
    except ValueError as error:
        assert re.search("validation_fraction|early_stopping|n_samples", str(error))  # noqa: PT017
    else:
        assert np.isfinite(fitted.score_samples(X)).all()


@pytest.mark.parametrize("n", [2, 3])
def test_two_equal_rows_are_enough(any_detector, X, n):
    assert np.isfinite(any_detector().fit(np.repeat(X[:1], n, axis=0)).score_samples(X)).all()


@pytest.mark.parametrize("n", [3, 31, 33, 65])
def test_any_number_of_rows_fits_any_batch(either_detector, X, n):
    for method in ("fit", "partial_fit"):
        fitted = getattr(either_detector(batch_size=32), method)(X[:n])
        assert np.isfinite(fitted.score_samples(X)).all()
        assert len(fitted.training_scores_) == fitted.n_samples_seen_ == n


@pytest.mark.parametrize("batch_size", [1, 4, 100])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_no_row_is_dropped_from_training(detector, X, batch_size, method):
    rows, probe = X[:5], X[20:40]

    def fitted(rows):
        return getattr(detector(batch_size=batch_size, standardize=False, max_iter=12), method)(rows)

    plain = fitted(rows).score_samples(probe)
    for row in range(len(rows)):
        moved = rows.copy()
        moved[row] += 1.0
        assert (fitted(moved).score_samples(probe) != plain).any(), row


def test_one_pass_takes_every_row_in_whole_steps(either_detector, X):
    assert either_detector(batch_size=32).partial_fit(X[:97]).n_iter_ == 4
