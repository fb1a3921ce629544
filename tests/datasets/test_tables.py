"""The three tables: what is loaded, how it was made, and that it is of use."""

import hashlib
import re
import runpy
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

import aeanomaly.datasets
from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import (
    _files,
    load_factory,
    load_payments,
    load_questionnaire,
    make_factory,
    make_payments,
    make_questionnaire,
)

LOADERS = {"factory": load_factory, "payments": load_payments, "answers": load_questionnaire}
MAKERS = {"factory": make_factory, "payments": make_payments, "answers": make_questionnaire}
SHAPES = {"factory": (2000, 10), "payments": (6000, 10), "answers": (1500, 30)}
ANOMALIES = {"factory": 60, "payments": 90, "answers": 60}
FOLDER = _files.folder()
NAMES = sorted(LOADERS)


@pytest.mark.parametrize("name", NAMES)
def test_a_bunch(name):
    bunch = LOADERS[name]()
    assert bunch.data.shape == SHAPES[name]
    assert bunch.target.sum() == ANOMALIES[name]
    assert bunch.target.dtype == np.int64
    assert list(bunch.frame) == [*bunch.feature_names, "anomaly"]
    pd.testing.assert_frame_equal(bunch.frame[bunch.feature_names], bunch.data)
    assert bunch.target_names == ["normal", "anomaly"]
    assert bunch.DESCR.startswith(f"# {name}")
    assert bunch.filename.endswith(f"{name}.csv")


@pytest.mark.parametrize("name", NAMES)
def test_arrays_hold_the_same(name):
    bunch, arrays = LOADERS[name](), LOADERS[name](as_frame=False)
    assert arrays.frame is None
    assert arrays.data.dtype == (object if name == "payments" else np.float64)
    assert arrays.target.dtype == np.int64
    np.testing.assert_array_equal(arrays.target, bunch.target)
    pd.testing.assert_frame_equal(
        pd.DataFrame(arrays.data, columns=bunch.feature_names).astype(bunch.data.dtypes), bunch.data
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("as_frame", [True, False])
def test_data_and_target_alone(name, as_frame):
    bunch = LOADERS[name](as_frame=as_frame)
    X, y = LOADERS[name](return_X_y=True, as_frame=as_frame)
    assert type(X) is type(bunch.data)
    pd.testing.assert_frame_equal(pd.DataFrame(X), pd.DataFrame(bunch.data))
    np.testing.assert_array_equal(y, bunch.target)


def test_payments_keep_their_types_and_missing_values():
    X = load_payments().data
    assert [name for name in X if isinstance(X[name].dtype, pd.CategoricalDtype)] == ["category", "country", "device"]
    assert len(X["category"].cat.categories) == 12
    assert X["timestamp"].dtype == "datetime64[ns]"
    assert X["timestamp"].is_monotonic_increasing
    assert X["card_present"].dtype == bool
    assert (X["device"].isna() == X["card_present"]).all()
    assert 0.03 < X["customer_age"].isna().mean() < 0.07
    assert set(X.columns[X.isna().any()]) == {"device", "customer_age", "minutes_since_last", "distance_km"}
    assert (X["amount_eur"] > 0).all()


def test_every_fault_lies_in_the_range_of_the_normal_rows():
    X, y = load_factory(return_X_y=True)
    assert X[y == 1].ge(X[y == 0].min()).all(axis=None)
    assert X[y == 1].le(X[y == 0].max()).all(axis=None)


@pytest.mark.parametrize("n_samples", [2, 40, 700])
def test_that_range_holds_however_many_rows_there_are(n_samples):
    X, y = make_factory(n_samples, anomaly_rate=0.4, random_state=3)
    assert y.sum() == round(0.4 * n_samples)
    assert X[y == 1].ge(X[y == 0].min()).all(axis=None)
    assert X[y == 1].le(X[y == 0].max()).all(axis=None)


def test_faults_break_relations_and_nothing_else():
    X, y = load_factory(return_X_y=True)
    normal = np.random.default_rng(0).permutation(np.flatnonzero(y == 0))
    train, test = normal[: len(normal) // 2], np.setdiff1d(np.arange(len(y)), normal[: len(normal) // 2])
    assert len(train) <= 1000
    areas = {
        detector: roc_auc_score(y[test], -detector.fit(X.iloc[train]).score_samples(X.iloc[test]))
        for detector in (DenoisingAutoencoder(random_state=0), IsolationForest(random_state=0))
    }
    ours, forest = areas.values()
    assert ours > 0.9
    assert forest < 0.75


def test_careless_people_are_found_by_their_answers():
    X, y = load_questionnaire(return_X_y=True, as_frame=False)
    normal = np.flatnonzero(y == 0)
    train, test = normal[::2], np.concatenate([normal[1::2], np.flatnonzero(y == 1)])
    scores = DenoisingAutoencoder(random_state=0).fit(X[train]).score_samples(X[test])
    assert roc_auc_score(y[test], -scores) > 0.85


def generator():
    """Return the names in the program that wrote the files; only a checkout has it."""
    return runpy.run_path(str(FOLDER / "generate.py"))


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_what_its_generator_gives(name):
    assert generator()["table"](name) == (FOLDER / f"{name}.csv").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_loaded_tables_equal_generated_tables(name):
    X, y = MAKERS[name](random_state=generator()["SEED"])
    loaded = LOADERS[name]()
    pd.testing.assert_frame_equal(loaded.data, X, check_exact=True)
    pd.testing.assert_series_equal(loaded.target, y)


@pytest.mark.parametrize("name", NAMES)
def test_card_and_checksums_fit_the_file(name):
    data = (FOLDER / f"{name}.csv").read_bytes()
    assert len(data) < 400_000
    checksum = hashlib.sha256(data).hexdigest()
    card = LOADERS[name]().DESCR
    assert re.findall("[0-9a-f]{64}", card) == [checksum]
    assert f"{checksum}  {name}.csv" in (FOLDER / "CHECKSUMS").read_text(encoding="utf-8").splitlines()
    shown = card.replace("`q01` ... `q30`", " ".join(f"`q{number:02d}`" for number in range(1, 31)))
    assert all(f"`{column}`" in shown for column in LOADERS[name]().frame)


def test_the_generator_writes_the_same_files_elsewhere(tmp_path):
    (tmp_path / "answers.md").write_text(f"`{'0' * 64}`", encoding="utf-8")
    generator()["write"](tmp_path)
    for name in ("answers.csv", "factory.csv", "payments.csv", "CHECKSUMS"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()
    assert (tmp_path / "answers.md").read_text(encoding="utf-8").strip("`") in (tmp_path / "CHECKSUMS").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_seeds(name):
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    X, y = MAKERS[name](120, random_state=5)
    same, other = MAKERS[name](120, random_state=5), MAKERS[name](120, random_state=6)
    pd.testing.assert_frame_equal(X, same[0])
    pd.testing.assert_series_equal(y, same[1])
    assert not X.equals(other[0])
    assert not MAKERS[name](50)[0].equals(MAKERS[name](50)[0])
    for kind in (np.random.RandomState, np.random.default_rng):
        pd.testing.assert_frame_equal(*(MAKERS[name](50, random_state=kind(1))[0] for _ in range(2)))
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n_samples", "rate", "anomalies"), [(200, 0.1, 20), (200, 0, 0), (1, 0.5, 0), (4, 0.5, 2)])
def test_rates(name, n_samples, rate, anomalies):
    X, y = MAKERS[name](n_samples, anomaly_rate=rate, random_state=0)
    assert X.shape == (n_samples, SHAPES[name][1])
    assert y.sum() == anomalies
    assert y.dtype == np.int64
    assert (X.dtypes == LOADERS[name]().data.dtypes).all()
    assert X.index.equals(pd.RangeIndex(n_samples))


@pytest.mark.parametrize("name", NAMES)
def test_impossible_tables(name):
    for n_samples in (0, -1, 2.5, True, "many"):
        with pytest.raises(
            ValueError, match=f"{MAKERS[name].__name__}: n_samples must be an integer of at least 1; got"
        ):
            MAKERS[name](n_samples)
    for rate in (-0.1, 0.6, np.nan, True, "few"):
        with pytest.raises(
            ValueError, match=f"{MAKERS[name].__name__}: anomaly_rate must be a number from 0 to 0.5; got"
        ):
            MAKERS[name](10, anomaly_rate=rate)
    with pytest.raises(ValueError, match="random_state must be"):
        MAKERS[name](10, random_state="seed")


def test_a_missing_file(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "_PACKAGE", tmp_path / "aeanomaly")
    with pytest.raises(OSError, match=r"load_factory: .*factory\.csv is missing; install the package again"):
        load_factory()


def test_the_package_alone_does_not_import_it():
    code = "import sys, aeanomaly; assert 'aeanomaly.datasets' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_all_that_is_public_is_listed():
    public = {name for name in vars(aeanomaly.datasets) if name.startswith(("load_", "make_"))}
    assert public == set(aeanomaly.datasets.__all__)
