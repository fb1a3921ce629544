"""Model files of windowed detectors."""

import hashlib
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

import aeanomaly
from aeanomaly import AutoencoderEnsemble, ModelFileError, VariationalAutoencoder
from aeanomaly.thresholds import Conformal
from aeanomaly.windows import WindowedDetector
from tests.windows.tables import interleaved, is_a_sentence, readings, same, small, waves, windowed


def table(n=100, seed=0):
    X = interleaved(n, seed)
    return X.assign(mode=np.random.default_rng(seed).choice(["idle", "busy"], len(X)))


CASES = {
    "groups": ({"time": "time", "groups": ["machine"], "max_gap": "5min"}, table),
    "lags": ({"features": "lags", "stride": 2, "contamination": Conformal(0.1)}, waves),
    "both": ({"features": "both", "max_gap": None, "contamination": "auto"}, waves),
    "windows of one row": ({"time": "time", "window": 1}, readings),
    "missing values": ({"time": "time", "estimator": small(missing="model")}, readings),
    "variational": ({"estimator": VariationalAutoencoder(max_iter=3, latent_dim=16, random_state=0)}, waves),
    "ensemble": ({"estimator": AutoencoderEnsemble(n_estimators=2, latent_dim=16, max_iter=3, random_state=0)}, waves),
}
CASES["automatic windows"] = ({"window": "auto", "groups": 2}, lambda n=200, seed=0: np.c_[waves(n), np.arange(n) % 2])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "model.aea"
    windowed(time="time", groups="machine").fit(table()).save(path)
    return path


@pytest.fixture
def model(saved, tmp_path):
    return Path(shutil.copy(saved, tmp_path))


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_detector_has_equal_bits(case, tmp_path):
    how, make = CASES[case]
    detector, new = windowed(**how).fit(make()), make(60, seed=1)
    detector.save(tmp_path / "model.aea")
    again = aeanomaly.load(tmp_path / "model.aea")
    assert type(again) is WindowedDetector
    same(again.score_samples(new), detector.score_samples(new))
    same(again.decision_function(new), detector.decision_function(new))
    same(again.training_scores_, detector.training_scores_)
    same(again.calibration_scores_, detector.calibration_scores_)
    assert again.threshold_info_ == detector.threshold_info_
    assert again.window_ == detector.window_
    assert again.n_features_in_ == detector.n_features_in_
    assert list(again.explain_text(new)) == list(detector.explain_text(new))
    assert again.events(new).equals(detector.events(new))
    assert repr(again.get_params()) == repr(detector.get_params())
    again.save(tmp_path / "again.aea")
    assert (tmp_path / "model.aea").read_bytes() == (tmp_path / "again.aea").read_bytes()


def test_a_loaded_detector_can_be_fitted_again(model):
    X = table(seed=3)
    again, fresh = aeanomaly.load(model).fit(X), windowed(time="time", groups="machine").fit(X)
    same(again.decision_function(X), fresh.decision_function(X))


def test_a_loaded_detector_streams(model):
    X = table(20, seed=1)
    detector = aeanomaly.load(model)
    stream = detector.stream()
    same([stream.update(row).score for row in X.to_dict("records")], detector.score_samples(X))


def test_a_later_threshold_is_saved(model, tmp_path):
    detector = aeanomaly.load(model).set_threshold(0.3)
    detector.save(tmp_path / "other.aea")
    assert aeanomaly.load(tmp_path / "other.aea").offset_ == detector.offset_
    assert aeanomaly.load(model).offset_ < detector.offset_


def test_names_of_columns_are_kept_and_checked(model):
    detector = aeanomaly.load(model)
    assert list(detector.feature_names_in_) == list(table().columns)
    with pytest.raises(ValueError, match="names"):
        detector.score_samples(table().rename(columns={"a": "c"}))


def test_a_file_is_reproducible(model, tmp_path):
    windowed(time="time", groups="machine").fit(table()).save(tmp_path / "again.aea")
    assert model.read_bytes() == (tmp_path / "again.aea").read_bytes()


def test_a_file_of_another_kind_is_not_replaced(model, tmp_path):
    detector = aeanomaly.load(model)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="aea"):
        detector.save(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    detector.save(tmp_path / "notes.txt", overwrite=True)
    assert aeanomaly.load(tmp_path / "notes.txt").offset_ == detector.offset_


def rewritten(path, change):
    """Change the part on windows of a model file, with right checksums."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(parts["manifest.json"])
    change(manifest["windows"], manifest)
    parts["manifest.json"] = json.dumps(manifest).encode()
    lines = parts.pop("SHA256SUMS").decode().splitlines()
    sums = [f"{hashlib.sha256(parts[line.split()[-1]]).hexdigest()}  {line.split()[-1]}\n" for line in lines]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (parts | {"SHA256SUMS": "".join(sums).encode()}).items():
            archive.writestr(name, data)
    return path


def test_the_test_rewrites_files_correctly(model):
    same(aeanomaly.load(rewritten(model, lambda w, m: None)).window_, 12)


DAMAGE = {
    "no window": lambda w, m: w.pop("features"),
    "another window": lambda w, m: w.update(features=[999, "summary"]),
    "a negative window": lambda w, m: w.update(features=[-1, "summary"]),
    "a window as text": lambda w, m: w.update(features=["12", "summary"]),
    "another kind": lambda w, m: w.update(features=[12, "lags"]),
    "an unknown kind": lambda w, m: w.update(features=[12, "all"]),
    "no features": lambda w, m: w.update(features=None),
    "an unknown key": lambda w, m: w.update(evil=1),
    "no parameters": lambda w, m: w.pop("parameters"),
    "an unknown parameter": lambda w, m: w["parameters"].update(evil=1),
    "a missing parameter": lambda w, m: w["parameters"].pop("stride"),
    "parameters as a list": lambda w, m: w.update(parameters=[1]),
    "columns": lambda w, m: w.update(columns=w["columns"][:-1]),
    "columns of another type": lambda w, m: w["columns"][1].update(kind="odd"),
    "no columns": lambda w, m: w.update(columns=None),
    "names": lambda w, m: w.update(feature_names=["a"]),
    "names as numbers": lambda w, m: w.update(feature_names=[1, 2, 3, 4, 5]),
    "a time without a column": lambda w, m: w["parameters"].update(time="then"),
    "groups without columns": lambda w, m: w["parameters"].update(groups=["then"]),
    "gap": lambda w, m: w.update(longest_gap="long"),
    "a negative gap": lambda w, m: w.update(longest_gap=-1.0),
    "no part": lambda w, m: m.update(windows=None),
    "a list": lambda w, m: m.update(windows=[1]),
    "text": lambda w, m: m.update(windows="text"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_part_on_windows_is_refused(model, name):
    with pytest.raises(ModelFileError) as caught:
        aeanomaly.load(rewritten(model, DAMAGE[name]))
    assert "\n" not in str(caught.value)


def test_other_estimators_cannot_be_saved_but_work_and_can_be_pickled(tmp_path):
    X = waves()
    detector = windowed(estimator=IsolationForest(n_estimators=5, random_state=0)).fit(X)
    with pytest.raises(TypeError, match="IsolationForest") as caught:
        detector.save(tmp_path / "model.aea")
    assert is_a_sentence(caught.value)
    assert not (tmp_path / "model.aea").exists()
    assert set(detector.predict(X)) == {-1, 1}
    assert len(detector.events(X)) > 0
    same(pickle.loads(pickle.dumps(detector)).decision_function(X), detector.decision_function(X))


def test_a_pickled_detector_has_equal_bits():
    X = table()
    detector = windowed(time="time", groups="machine").fit(X)
    copied = pickle.loads(pickle.dumps(detector))
    same(copied.decision_function(X), detector.decision_function(X))
    assert list(copied.explain_text(X)) == list(detector.explain_text(X))


def test_a_detector_that_is_not_fitted_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        windowed().save(tmp_path / "model.aea")
