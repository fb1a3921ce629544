"""Finite values at the limits: huge values, tiny differences, constant columns, equal rows."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import aeanomaly


def with_value(X, value, *places):
    rows = X.copy()
    for place in places:
        rows[place] = value
    return rows


def test_a_threshold_is_not_set_on_nan(detector, X):
    fitted = detector().fit(X)
    before = fitted.offset_
    with pytest.raises(ValueError, match=r"(?i)nan"):
        fitted.set_threshold(0.1, with_value(X, np.nan, (0, 0)))
    assert fitted.offset_ == before


# Huge values

HUGE = [1e25, -1e39, 1e154, -1e300, np.finfo(np.float64).max]


def test_a_huge_value_gives_the_lowest_finite_score(any_detector, X):
    fitted = any_detector().fit(X)
    for huge in HUGE:
        for column in range(X.shape[1]):
            scores = fitted.score_samples(np.vstack([X, with_value(X[:1], huge, (0, column))]))
            assert np.isfinite(scores).all(), huge
            assert scores[-1] < scores[:-1].min(), huge
        assert fitted.predict(with_value(X[:1], huge, (0, 0))) == [-1]
        scores = fitted.score_samples(np.vstack([X, np.full((1, 5), huge), X[:1]]))
        assert np.isfinite(scores).all(), huge
        assert scores.argmin() == len(X), huge


@pytest.mark.parametrize("parameters", [{"standardize": False}, {"activation": "identity"}, {"hidden_layer_sizes": ()}])
def test_no_network_overflows(any_detector, X, parameters, methods_on_rows):
    fitted = any_detector(**parameters).fit(X)
    rows = np.vstack([X, np.full((1, 5), 1e300), [[1e300, -1e300, 0, 0, 0]]])
    for name in methods_on_rows(fitted):
        assert np.isfinite(getattr(fitted, name)(rows)).all(), name
    assert (fitted.score_samples(rows)[-2:] < fitted.score_samples(X).min()).all()


def test_a_huge_value_in_a_two_valued_column_is_the_most_anomalous(any_detector, X):
    rows = np.hstack([X, (X[:, :1] > 0)])
    scores = any_detector().fit(rows).score_samples(np.vstack([rows, with_value(rows[:1], 1e25, (0, 5))]))
    assert np.isfinite(scores).all()
    assert scores.argmin() == len(rows)


@pytest.mark.parametrize("scale", [1e25, 1e160, 1e300, 1e-25, 1e-160, 1e-300])
def test_scores_do_not_depend_on_the_unit(detector, X, scale):
    plain = detector().fit(X).score_samples(X)
    np.testing.assert_allclose(detector().fit(X * scale).score_samples(X * scale), plain, rtol=1e-3)


@pytest.mark.parametrize("huge", [1e25, -1e300])
def test_a_huge_value_in_training_leaves_scores_finite(any_detector, X, huge):
    rows = with_value(X, huge, (0, 0))
    fitted = any_detector().fit(rows)
    assert np.isfinite(fitted.score_samples(rows)).all()
    assert np.isfinite(fitted.reconstruct(rows)).all()
    assert np.isfinite(fitted.offset_)


def test_both_ends_of_float64_in_one_column(either_detector, X):
    largest = np.finfo(np.float64).max
    rows = with_value(with_value(X, largest, (0, 0), (1, 0)), -largest, (2, 0))
    fitted = either_detector().fit(rows)
    assert np.isfinite(fitted.score_samples(rows)).all()
    assert np.isfinite(fitted.reconstruct(rows)).all()


def test_any_finite_row_has_finite_answers(any_detector, X, methods_on_rows):
    fitted = any_detector().fit(X)
    finite = st.floats(allow_nan=False, allow_infinity=False)

    @settings(deadline=None, derandomize=True, max_examples=12, database=None)
    @given(arrays(np.float64, (3, 5), elements=finite))
    def check(rows):
        for name in methods_on_rows(fitted):
            assert np.isfinite(getattr(fitted, name)(rows)).all(), name
        parts = fitted.reconstruction_error(rows, per_feature=True)
        np.testing.assert_allclose(parts.sum(axis=1), fitted.reconstruction_error(rows), rtol=1e-6)

    check()


def test_a_code_far_away_gives_a_finite_row(any_detector, X):
    fitted = any_detector().fit(X)
    for huge in (1e20, -1e20, 1e300):
        assert np.isfinite(fitted.inverse_transform(np.full((1, fitted.latent_dim_), huge))).all()


# Constant columns


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9, 1e-300, 1e300])
def test_a_constant_column_that_changes_is_finite_and_found(detector, X, constant):
    assert_finds_change_of_constant(detector, X, constant)


def test_every_detector_finds_a_change_of_a_constant_column(any_detector, X):
    assert_finds_change_of_constant(any_detector, X, 0.1)


def assert_finds_change_of_constant(build, X, constant):
    fitted = build().fit(np.hstack([X, np.full((len(X), 1), constant)]))
    typical = np.append(np.median(X, axis=0), constant)[None]
    for change in (1e3, 1e25, 1e300):
        moved = with_value(typical, constant * 1.7 + change, (0, 5))
        scores = fitted.score_samples(np.vstack([typical, moved]))
        assert np.isfinite(scores).all()
        if moved[0, 5] - constant >= 1e3:
            assert scores[1] < scores[0]
            assert fitted.reconstruction_error(moved, per_feature=True)[0].argmax() == 5
            assert fitted.predict(moved) == [-1]


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e9 + 0.1, -1e12])
def test_rounding_in_a_constant_column_is_not_a_change(detector, X, constant):
    rows = np.hstack([X, np.full((len(X), 1), constant)])
    fitted = detector().fit(rows)
    moved = rows.copy()
    moved[:, 5] = np.nextafter(constant, np.inf)
    np.testing.assert_allclose(fitted.score_samples(moved), fitted.score_samples(rows), rtol=1e-3)


def test_a_table_of_constants_works(any_detector):
    rows = np.full((50, 4), 3.7)
    fitted = any_detector().fit(rows)
    assert np.isfinite(fitted.score_samples(rows)).all()
    assert fitted.score_samples(rows + 100)[0] < fitted.score_samples(rows)[0]


# Nearly constant columns


def assert_ignores_last_column(fitted, rows, constant):
    steady = rows.copy()
    steady[:, -1] = constant
    np.testing.assert_allclose(fitted.score_samples(rows), fitted.score_samples(steady), rtol=1e-3, atol=1e-3)
    parts = [fitted.reconstruction_error(table, per_feature=True)[:, -1] for table in (rows, steady)]
    np.testing.assert_allclose(*parts, atol=1e-3)


@pytest.mark.parametrize("constant", [1e9, -1e9, 1e10])
def test_noise_of_rounding_size_is_not_amplified(either_detector, X, constant):
    noise = np.random.default_rng(1).normal(size=(len(X), 1)) * abs(constant) * 1e-16
    rows = np.hstack([X, constant + noise])
    assert len(np.unique(rows[:, 5])) > 2
    assert_ignores_last_column(either_detector().fit(rows), rows, constant)


def test_two_adjacent_floats_are_not_a_two_valued_column(either_detector, X):
    column = np.where(np.arange(len(X)) % 2 == 0, 1e9, np.nextafter(1e9, np.inf))[:, None]
    rows = np.hstack([X, column])
    assert_ignores_last_column(either_detector().fit(rows), rows, 1e9)


@pytest.mark.parametrize("spread", [1.0, 1e-2])
def test_a_small_spread_around_a_large_mean_survives(any_detector, X, spread):
    noise = np.random.default_rng(1).normal(size=(len(X), 1))
    rows = np.hstack([X, 1e9 + spread * noise])
    fitted = any_detector().fit(rows)
    moved = with_value(rows[:1], 1e9 + 30 * spread, (0, 5))
    assert fitted.predict(moved) == [-1]
    assert fitted.reconstruction_error(moved, per_feature=True)[0].argmax() == 5


# Equal rows and columns


def test_equal_rows_have_equal_scores(any_detector, X, methods_on_rows):
    rows = np.vstack([X, X[::-1], X[:7]])
    fitted = any_detector().fit(rows)
    for name in methods_on_rows(fitted):
        values = getattr(fitted, name)(rows)
        assert (values[: len(X)] == values[len(X) : 2 * len(X)][::-1]).all(), name
        assert (values[:7] == values[-7:]).all(), name


def test_training_scores_of_equal_rows_are_equal(any_detector, X):
    scores = any_detector().fit(np.vstack([X, X])).training_scores_
    assert (scores[: len(X)] == scores[len(X) :]).all()


def test_one_row_repeated_can_be_fitted(any_detector, X):
    scores = any_detector().fit(np.repeat(X[:1], 40, axis=0)).score_samples(np.repeat(X[:1], 40, axis=0))
    assert np.isfinite(scores).all()
    assert len(set(scores)) == 1


def test_duplicate_columns_can_be_fitted(any_detector, X):
    rows = np.hstack([X, X, X[:, :1]])
    assert np.isfinite(any_detector().fit(rows).score_samples(rows)).all()


def test_minus_zero_is_zero(either_detector, X):
    rows = np.hstack([X, np.zeros((len(X), 1))])
    fitted = either_detector().fit(rows)
    other = rows.copy()
    other[:, 5] = -0.0
    assert (fitted.score_samples(rows) == fitted.score_samples(other)).all()


def test_no_numpy_warning_escapes_from_hard_values(X):
    rows = with_value(with_value(X, 1e300, (0, 0)), 5e-324, (1, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            aeanomaly.UndercompleteAutoencoder(max_iter=30, random_state=0).fit(rows).score_samples(rows)
