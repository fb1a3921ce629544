"""Closed forms: trailing means, linear predictions, and lengths of windows."""

import numpy as np
import pytest

from aeanomaly.windows.length import automatic_window
from aeanomaly.windows.prediction import LagPredictor
from aeanomaly.windows.trailing import lagged, spread, trailing_means, unchanged


def segments(n, seed):
    """Return values with ties, and ages in segments of random lengths."""
    rng = np.random.default_rng(seed)
    starts = np.sort(np.append(0, rng.choice(np.arange(1, n), n // 40, replace=False)))
    age = np.arange(n) - np.repeat(starts, np.diff(np.append(starts, n)))
    return rng.integers(0, 3, size=(n, 3)) + 0.0, age


@pytest.mark.parametrize("seed", range(3))
def test_trailing_means_are_those_of_a_loop(seed):
    values, age = segments(300, seed)
    values += np.random.default_rng(seed).normal(size=values.shape)
    widths = (1, 2, 3, 7, 8, 20, 63, 64)
    for width, means in zip(widths, trailing_means(values, age, widths), strict=True):
        loop = [values[i - min(width - 1, age[i]) : i + 1].mean(axis=0) for i in range(300)]
        np.testing.assert_allclose(means, loop, rtol=1e-12, atol=1e-14)


def test_trailing_means_do_not_depend_on_earlier_rows():
    values, age = np.random.default_rng(0).normal(size=(200, 2)), np.arange(200)
    for width in (3, 13, 40):
        (whole,) = trailing_means(values, age, (width,))
        (part,) = trailing_means(values[50:], age[50:], (width,))
        np.testing.assert_array_equal(part[width - 1 :], whole[50 + width - 1 :])
        spoiled = values.copy()
        spoiled[:50] = 1e300
        (other,) = trailing_means(spoiled, age, (width,))
        np.testing.assert_array_equal(other[50 + width - 1 :], whole[50 + width - 1 :])


def test_a_mean_of_equal_values_is_the_value():
    for mean in trailing_means(np.full((100, 1), 0.1), np.arange(100), (3, 7, 48)):
        np.testing.assert_allclose(mean, 0.1, rtol=1e-15)


@pytest.mark.parametrize("most", [1, 5, 60])
def test_rows_without_a_change_are_those_of_a_loop(most):
    values, age = segments(300, 0)
    values[100:180, 0] = 7
    expected = np.zeros(values.shape)
    for i in range(300):
        for j in range(3):
            k = 0
            while k < min(most, age[i]) and values[i - k - 1, j] == values[i, j]:
                k += 1
            expected[i, j] = k
    np.testing.assert_array_equal(unchanged(values, age, most), expected)


def test_lags_are_those_of_a_loop():
    values, age = segments(200, 1)
    found = lagged(values, age, 9)
    expected = [[values[i - min(k, age[i])] for k in range(9)] for i in range(200)]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(lagged(values, age, 9, np.array([3, 150])), found[[3, 150]])


def test_rows_are_spread_in_order_without_a_fixed_step():
    rows = np.arange(10_000)
    chosen = spread(rows, 1000)
    assert len(chosen) <= 1000
    assert len(chosen) > 900
    assert (np.diff(chosen) > 0).all()
    assert len(set(np.diff(chosen))) > 1
    counts = np.histogram(chosen, bins=20, range=(0, 10_000))[0]
    assert counts.max() - counts.min() <= 6
    for season in (2, 7, 10, 24):
        assert np.ptp(np.bincount(chosen % season)) <= 0.15 * len(chosen) / season + 3
    np.testing.assert_array_equal(spread(rows[:10], 10), rows[:10])


def autoregression(n=6000, seed=0):
    """Return a standardized series of three columns, each driven by its past, another column and common noise."""
    rng = np.random.default_rng(seed)
    A = np.array([[0.6, 0.2, 0], [0, 0.5, 0.3], [0.2, 0, 0.4]])
    noise = rng.normal(size=(n, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.3], [0, 0, 1]])
    values = np.zeros((n, 3))
    for t in range(1, n):
        values[t] = A @ values[t - 1] + noise[t]
    return (values - values.mean(axis=0)) / values.std(axis=0)


def residuals(target, given):
    """Residuals of least squares."""
    given = np.column_stack([given, np.ones(len(given))])
    return target - given @ np.linalg.lstsq(given, target, rcond=None)[0]


@pytest.mark.parametrize("window", [6, 12, 30])
def test_errors_of_predictions_are_those_of_least_squares(window):
    values, age = autoregression(), np.arange(6000)
    predictor = LagPredictor.fit(values, age, window)
    q = predictor.n_lags
    assert 2 <= q <= window // 3
    errors = predictor.errors(values, age)[q - 1 :]
    lags = np.stack([values[q - 1 - k : 6000 - k] for k in range(q)], axis=1)
    past = residuals(lags[:, 0], lags[:, 1:].reshape(len(lags), -1))
    others = [residuals(lags[:, 0, j], np.delete(lags, j, axis=2).reshape(len(lags), -1)) for j in range(3)]
    expected = np.column_stack([past, *others])
    assert predictor.kinds == ["past", "others"]
    assert errors.shape == expected.shape
    for k in range(6):
        assert np.corrcoef(errors[:, k], expected[:, k])[0, 1] > 0.999
        assert np.abs(errors[:, k] - expected[:, k]).std() < 0.03 * expected[:, k].std()


def test_the_error_given_the_past_is_the_innovation():
    values, age = autoregression(), np.arange(6000)
    errors = LagPredictor.fit(values, age, 12).errors(values, age)[20:]
    for k in range(3):
        for lag in (1, 2, 5):
            assert abs(np.corrcoef(errors[lag:, k], errors[:-lag, k])[0, 1]) < 0.05
    assert (errors[:, :3].std(axis=0) < values.std(axis=0)).all()


def test_errors_are_reduced_in_the_first_rows():
    values = np.ones((100, 2)) * 5.0
    predictor = LagPredictor.fit(autoregression()[:, :2], np.arange(6000), 30)
    errors = np.abs(predictor.errors(values, np.arange(100)))
    assert (errors[0] <= errors[predictor.n_lags - 1] + 1e-12).all()
    np.testing.assert_array_equal(errors[predictor.n_lags :], np.tile(errors[-1], (100 - predictor.n_lags, 1)))


def test_errors_do_not_depend_on_other_rows():
    values, age = autoregression(), np.arange(6000)
    predictor = LagPredictor.fit(values, age, 30)
    q, errors = predictor.n_lags, predictor.errors(values, age)
    for start, end in ((0, 1), (10, 57), (4000, 5999)):
        part = predictor.errors(values[start:end], age[start:end])
        skip = 0 if start == 0 else q - 1
        np.testing.assert_array_equal(part[skip:], errors[start:end][skip:])


def red_noise(memory, n=4000, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n)
    for t in range(1, n):
        values[t] += np.exp(-1 / memory) * values[t - 1]
    return ((values - values.mean()) / values.std())[:, None]


def test_automatic_windows_follow_the_memory_of_the_series():
    lengths = [automatic_window(red_noise(memory), np.arange(4000)) for memory in (1, 10, 25, 100)]
    assert lengths == sorted(lengths)
    assert lengths[0] == 40
    assert lengths[-1] == 60
    assert 40 <= automatic_window(red_noise(25, 50_000), np.arange(50_000)) <= 60
    assert abs(automatic_window(red_noise(25, 50_000), np.arange(50_000)) - 50) <= 6


def test_automatic_windows_are_at_most_a_tenth_of_the_longest_segment():
    values = red_noise(100)
    assert automatic_window(values[:300], np.arange(300)) == 30
    age = np.concatenate([np.arange(100), np.arange(200), np.arange(100)])
    assert automatic_window(values[:400], age) == 20
    for n in (1, 2, 5, 20):
        assert automatic_window(values[:n], np.arange(n)) >= 1
