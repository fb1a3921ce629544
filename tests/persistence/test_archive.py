"""The model file: same fit, same bytes; nothing but a whole model is read."""

import json
import os
import zipfile

import numpy as np
import pytest

import aeanomaly
from aeanomaly import DenoisingAutoencoder, ModelFileError
from aeanomaly.persistence import from_json, to_json, write_atomically
from aeanomaly.thresholds import Contamination, MedianAbsoluteDeviation

OBJECTS = {"Contamination": Contamination}


@pytest.fixture
def model(rows, tmp_path):
    path = tmp_path / "model.aea"
    DenoisingAutoencoder(max_iter=30, random_state=0).fit(rows).save(path)
    return path


def rewritten(path, change):
    """The same file with a changed manifest."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(parts["manifest.json"])
    change(manifest)
    parts["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def test_every_detector_comes_back_whole(detector_class, rows, tmp_path):
    detector = detector_class(max_iter=30, random_state=0, contamination=0.1, hidden_layer_sizes=(8, 4)).fit(rows)
    detector.save(tmp_path / "model.aea")
    again = aeanomaly.load(tmp_path / "model.aea")
    assert again.get_params() == detector.get_params()
    for method in ("score_samples", "predict", "transform", "reconstruct"):
        np.testing.assert_array_equal(getattr(again, method)(rows), getattr(detector, method)(rows))
    for name in ("offset_", "n_iter_", "n_features_in_", "latent_dim_", "n_samples_seen_"):
        assert getattr(again, name) == getattr(detector, name)
    for name in ("training_scores_", "loss_curve_", "validation_curve_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(detector, name))
    np.testing.assert_array_equal(again.fit(rows).score_samples(rows), detector.score_samples(rows))


def test_the_same_fit_gives_the_same_bytes_in_a_stored_zip(model, rows, tmp_path):
    DenoisingAutoencoder(max_iter=30, random_state=0).fit(rows).save(tmp_path / "twin.aea")
    assert (tmp_path / "twin.aea").read_bytes() == model.read_bytes()
    with zipfile.ZipFile(model) as archive:
        assert archive.namelist() == ["manifest.json", "weights.safetensors"]
        assert {m.compress_type for m in archive.infolist()} == {zipfile.ZIP_STORED}


def test_column_names_are_kept(rows, tmp_path):
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["a", "b", "c", "d"])
    DenoisingAutoencoder(max_iter=5, random_state=0).fit(frame).save(tmp_path / "model.aea")
    again = aeanomaly.load(tmp_path / "model.aea")
    assert list(again.feature_names_in_) == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        again.score_samples(frame[["b", "a", "c", "d"]])


def test_a_generator_is_saved_as_the_seed_that_it_gave(rows, tmp_path):
    detector = DenoisingAutoencoder(max_iter=5, random_state=np.random.default_rng(3)).fit(rows)
    detector.save(tmp_path / "model.aea")
    again = aeanomaly.load(tmp_path / "model.aea")
    np.testing.assert_array_equal(again.fit(rows).score_samples(rows), detector.score_samples(rows))


def test_a_threshold_of_ones_own_cannot_be_saved_and_the_error_says_what_to_do(rows, tmp_path):
    class Own:
        def fit(self, scores):
            return float(scores.min())

    detector = DenoisingAutoencoder(max_iter=5, contamination=Own()).fit(rows)
    with pytest.raises(ModelFileError, match=r"contamination=.* cannot be written to a model file"):
        detector.save(tmp_path / "model.aea")
    assert list(tmp_path.iterdir()) == []
    offset = detector.offset_
    detector.set_params(contamination=MedianAbsoluteDeviation(2.5)).save(tmp_path / "model.aea")
    again = aeanomaly.load(tmp_path / "model.aea")
    assert again.contamination == MedianAbsoluteDeviation(2.5)
    assert again.offset_ == offset


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format=99), "its format is 99, and this version reads up to 1; upgrade"),
        (lambda m: m.update(detector="os.system"), "does not hold a whole detector"),
        (lambda m: m["parameters"].update(evil=1), "unexpected keyword argument 'evil'"),
        (lambda m: m["parameters"].update(learning_rate=-1), "learning_rate must be a number above 0"),
        (lambda m: m["parameters"].update(contamination={"object": "Popen", "fields": {}}), "does not know"),
        (lambda m: m["network"].update(hidden_layer_sizes=[10**12]), "names and shapes of the network"),
        (lambda m: m["network"].update(n_columns=5), "names and shapes of the network"),
        (lambda m: m["sha256"].update({"weights.safetensors": "0" * 64}), "do not agree with their checksum"),
        (lambda m: m["fitted"].update(feature_names=["a"]), "feature_names are not 4 texts"),
        (lambda m: m["fitted"].pop("offset"), "offset"),
        (lambda m: m["fitted"].update(seed=-1), "seed is not a whole number of at least 0"),
        (lambda m: m["network"].update(activation="foo"), "there is no network with 'point' code, 'foo'"),
        (lambda m: m.update(detector="variational"), "does not hold a whole detector"),
        (lambda m: m.pop("fitted"), "its manifest lacks fitted"),
        (lambda m: m["fitted"].update(offset="low"), "offset is not a finite number"),
    ],
)
def test_a_manifest_that_lies_is_refused(model, change, message):
    with pytest.raises(ModelFileError, match=message):
        aeanomaly.load(rewritten(model, change))


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        aeanomaly.load(tmp_path / "none.aea")


def test_writing_follows_links_keeps_the_umask_and_refuses_what_is_no_file(tmp_path):
    target, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(target)
    before = os.umask(0o027)
    try:
        write_atomically(link, b"one")
    finally:
        os.umask(before)
    assert target.read_bytes() == b"one"
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    with pytest.raises(ValueError, match="is not a regular file; choose another name"):
        write_atomically(tmp_path, b"two")


@pytest.mark.parametrize(
    "value", [None, True, 3, 0.1, "auto", (64, 32), [1, (2.5, "x")], {"a": (1,)}, Contamination(0.1)]
)
def test_values_keep_their_type(value):
    again = from_json(json.loads(json.dumps(to_json(value, "name", OBJECTS))), OBJECTS)
    assert again == value
    assert type(again) is type(value)
