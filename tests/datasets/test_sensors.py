"""Generated series of sensor readings with faults."""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import make_sensors
from aeanomaly.windows import WindowedDetector

KINDS = ["point", "level", "shape", "relation", "drift"]


def test_equal_seeds_give_equal_series():
    (X, y), (again, y_again) = make_sensors(1000, random_state=3), make_sensors(1000, random_state=3)
    pd.testing.assert_frame_equal(X, again, check_exact=True)
    pd.testing.assert_series_equal(y, y_again)
    assert not make_sensors(1000, random_state=4)[0].equals(X)
    drawn = [make_sensors(1000, random_state=np.random.default_rng(3))[0] for _ in range(2)]
    assert drawn[0].equals(drawn[1])


def test_no_global_generator_is_used():
    np.random.seed(0)  # noqa: NPY002 - a test of the global generator
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_sensors(1000)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(("n", "n_sensors"), [(800, 1), (801, 2), (5000, 8)])
def test_shapes_and_types(n, n_sensors):
    X, y = make_sensors(n, n_sensors=n_sensors, random_state=0)
    assert X.shape == (n, 1 + n_sensors)
    assert y.shape == (n,)
    assert X.columns[0] == "time"
    assert (X["time"].diff()[1:] == pd.Timedelta("1min")).all()
    assert (X.dtypes.iloc[1:] == "float64").all()
    assert np.isfinite(X.iloc[:, 1:]).all(axis=None)
    assert set(y) <= {0, 1}
    pd.testing.assert_index_equal(X.index, y.index)


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.025, 0.1])
def test_the_share_of_labels_is_the_rate_and_the_first_half_is_normal(rate):
    for seed in range(5):
        _, y = make_sensors(5000, anomaly_rate=rate, random_state=seed)
        assert y[:2500].sum() == 0
        assert y.mean() == pytest.approx(rate, abs=0.002)


def test_the_share_is_lower_if_faults_do_not_fit():
    for rate in (0.2, 0.5):
        _, y = make_sensors(2000, anomaly_rate=rate, random_state=0)
        assert y[:1000].sum() == 0
        assert 0.1 < y.mean() <= rate


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_each_fault_changes_one_sensor_in_labeled_rows_only(kind, seed):
    how = {"n_samples": 4000, "n_sensors": 5, "faults": [kind], "random_state": seed}
    (X, y), (normal, none) = make_sensors(**how), make_sensors(**how, anomaly_rate=0)
    assert none.sum() == 0
    assert X["time"].equals(normal["time"])
    changed = (X.drop(columns="time") != normal.drop(columns="time")).to_numpy()
    assert not changed[y == 0].any()
    assert (changed.sum(axis=1) <= 1).all()
    assert changed.any(axis=1)[y == 1].mean() > 0.95
    run = (y.diff() != 0).cumsum()[y == 1]
    for rows in run.groupby(run).groups.values():
        assert changed[rows].any(axis=0).sum() == 1


def size(kind, seed=0):
    """Return the shift of labeled readings in standard deviations of their sensor, and the lengths of faults."""
    how = {"n_samples": 8000, "n_sensors": 5, "faults": [kind], "random_state": seed}
    (X, y), (normal, _) = make_sensors(**how), make_sensors(**how, anomaly_rate=0)
    shift = (X.iloc[:, 1:] - normal.iloc[:, 1:]) / normal.iloc[:, 1:].std()
    runs = (y.diff() != 0).cumsum()[y == 1]
    return [shift.loc[rows].sum(axis=1).to_numpy() for rows in runs.groupby(runs).groups.values()]


def test_faults_have_the_sizes_that_are_documented():
    assert all(len(shift) <= 5 for shift in size("point"))
    for shift in size("level"):
        np.testing.assert_allclose(shift, shift[0], rtol=1e-6)
        assert 0.9 <= abs(shift[0]) <= 2.1
    for shift in size("drift"):
        assert (np.diff(np.abs(shift)) >= -1e-9).all()
        assert 1.8 <= np.abs(shift).max() <= 3.2
        assert np.abs(np.diff(shift)).max() < 0.5


def test_kinds_take_turns():
    together = {}
    for kinds in (KINDS, ["level", "drift"], ["point"]):
        _, y = make_sensors(4000, n_sensors=3, faults=kinds, random_state=0)
        together[tuple(kinds)] = ((y.diff() == 1).sum(), y.mean())
        assert y.sum() > 0
    assert together[("point",)][0] > together[("level", "drift")][0]


@pytest.mark.parametrize(
    ("how", "rule"),
    [
        ({"n_samples": 0}, "n_samples"),
        ({"n_samples": 500}, "n_samples|period"),
        ({"n_samples": 1000.5}, "n_samples"),
        ({"n_sensors": 0}, "n_sensors"),
        ({"n_sensors": "two"}, "n_sensors"),
        ({"faults": ["noise"]}, "faults"),
        ({"faults": "level"}, "faults"),
        ({"faults": []}, "faults"),
        ({"faults": None}, "faults"),
        ({"anomaly_rate": -0.1}, "anomaly_rate"),
        ({"anomaly_rate": 0.6}, "anomaly_rate"),
        ({"anomaly_rate": np.nan}, "anomaly_rate"),
        ({"anomaly_rate": "few"}, "anomaly_rate"),
        ({"period": 7}, "period"),
        ({"period": 9.5}, "period"),
        ({"period": 5000}, "period|n_samples"),
        ({"random_state": "seed"}, "random_state|seed"),
    ],
    ids=repr,
)
def test_an_invalid_parameter_is_one_sentence(how, rule):
    with pytest.raises(ValueError, match=rule) as caught:
        make_sensors(**how)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_the_least_series_are_accepted():
    for n, period in ((768, 96), (64, 8)):
        X, y = make_sensors(n, n_sensors=1, period=period, random_state=0)
        assert len(X) == len(y) == n


def test_the_season_has_the_period():
    X, _ = make_sensors(20_000, n_sensors=4, anomaly_rate=0, period=50, random_state=0)
    for name in X.columns[1:]:
        power = np.abs(np.fft.rfft(X[name] - X[name].mean())) ** 2
        band = power[390:411].sum()  # 20,000 / 50 = 400
        assert band > 3 * power[200:380].sum() / 9


def test_windows_find_faults_that_single_rows_hide():
    X, y = make_sensors(3000, n_sensors=4, random_state=0)
    how = {"max_iter": 100, "random_state": 0, "contamination": 0.05}
    plain = DenoisingAutoencoder(**how).fit(X.iloc[:1500, 1:])
    windows = WindowedDetector(DenoisingAutoencoder(**how), time="time", contamination=0.05).fit(X[:1500])
    later = slice(1500, None)
    of_rows = roc_auc_score(y[later], -plain.score_samples(X.iloc[later, 1:]))
    of_windows = roc_auc_score(y[later], -windows.score_samples(X)[later])
    assert of_windows > max(0.8, of_rows)


def test_the_names_of_faults_are_those_of_the_signature():
    assert list(inspect.signature(make_sensors).parameters["faults"].default) == KINDS
