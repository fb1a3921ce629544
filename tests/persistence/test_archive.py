"""The model file: same fit, same bytes; nothing but a whole model is read."""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import zipfile

import numpy as np
import pytest

import aeanomaly
from aeanomaly import DenoisingAutoencoder, ModelFileError
from aeanomaly.persistence import from_json, read_manifest, replace_file, to_json, write_atomically, write_model
from aeanomaly.thresholds import Contamination, MedianAbsoluteDeviation

OBJECTS = {"Contamination": Contamination}


@pytest.fixture
def model(rows, tmp_path):
    path = tmp_path / "model.aea"
    DenoisingAutoencoder(max_iter=30, random_state=0).fit(rows).save(path)
    return path


def parts_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path, parts):
    """Write a model file of these members, with checksums that agree."""
    named = [(name, parts[name]) for name in ("manifest.json", "weights.safetensors")]
    parts["SHA256SUMS"] = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in named).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def rewritten(path, change):
    """Change the manifest of a file."""
    parts = parts_of(path)
    manifest = json.loads(parts["manifest.json"])
    change(manifest)
    return packed(path, parts | {"manifest.json": json.dumps(manifest).encode()})


def test_a_file_is_a_zip_without_compression(model):
    with zipfile.ZipFile(model) as archive:
        assert archive.namelist() == ["manifest.json", "weights.safetensors", "SHA256SUMS"]
        assert {m.compress_type for m in archive.infolist()} == {zipfile.ZIP_STORED}


def test_a_file_of_another_version_of_the_package_is_read(rows, tmp_path, monkeypatch):
    fitted = DenoisingAutoencoder(max_iter=5, random_state=0).fit(rows)
    monkeypatch.setattr("aeanomaly.detectors._persistence.__version__", "99.0")
    fitted.save(tmp_path / "model.aea")
    assert read_manifest(tmp_path / "model.aea")["aeanomaly"] == "99.0"
    np.testing.assert_array_equal(
        aeanomaly.load(tmp_path / "model.aea").score_samples(rows), fitted.score_samples(rows)
    )


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


def test_a_custom_threshold_cannot_be_saved_and_the_error_names_the_remedy(rows, tmp_path):
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
        (lambda m: m.update(format=99), "its format is 99, but this version reads formats up to 2; upgrade aeanomaly"),
        (lambda m: m.update(detector="os.system"), "does not contain a complete detector"),
        (lambda m: m["parameters"].update(evil=1), "unexpected keyword argument 'evil'"),
        (lambda m: m["parameters"].update(learning_rate=-1), "learning_rate must be a number above 0"),
        (lambda m: m["parameters"].update(contamination={"object": "Popen", "fields": {}}), "an unknown value"),
        (lambda m: m["scorers"][0].update(hidden_layer_sizes=[10**12]), "names and shapes of the network"),
        (lambda m: m["scorers"][0].update(n_columns=5), "names and shapes of the network"),
        (lambda m: m["scorers"][0].update(hidden_layer_sizes=[1] * 10**6), "at most 100 hidden layers; got 1000000"),
        (lambda m: m.update(extra=1), "missing or unknown keys: extra"),
        (lambda m: m["fitted"].update(feature_names=["a"]), "feature_names are not 4 strings"),
        (lambda m: m["fitted"].pop("offset"), "offset"),
        (lambda m: m["fitted"].update(seed=-1), "seed is not an integer of at least 0"),
        (lambda m: m["scorers"][0].update(activation="foo"), "unknown network: code='point', activation='foo'"),
        (lambda m: m.update(detector="variational"), "does not contain a complete detector"),
        (lambda m: m.pop("fitted"), "missing or unknown keys: fitted"),
        (lambda m: m["fitted"].update(offset="low"), "offset is not a finite number"),
    ],
)
def test_an_inconsistent_manifest_is_refused(model, change, message):
    with pytest.raises(ModelFileError, match=message):
        aeanomaly.load(rewritten(model, change))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[" * 40 + b"]" * 40, "nested deeper than 32 levels"),
        (b'{"a":' * 10**5 + b"1" + b"}" * 10**5, "nested deeper than 32 levels"),
        (b'{"format": 1, "format": 1}', "a duplicate name"),
        (b'{"format": NaN}', "contains NaN"),
        (b'{"format": -Infinity}', "contains -Infinity"),
        (b'{"format": true}', "has no format number"),
        (b"[1]", "has no format number"),
        (b'{"format": ' + b"9" * 5000 + b"}", "cannot|limit|digits"),
        (b"\xff\xfe{", "is not a readable model file"),
        (b"", "is not a readable model file"),
    ],
)
def test_json_that_is_not_strict_is_refused(model, text, message):
    packed(model, parts_of(model) | {"manifest.json": text})
    for read in (aeanomaly.load, read_manifest):
        with pytest.raises(ModelFileError, match=message):
            read(model)


def test_brackets_within_texts_are_not_depth(rows, tmp_path):
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["[" * 99, '\\"[{' * 40, "]", "}"])
    DenoisingAutoencoder(max_iter=5, random_state=0).fit(frame).save(tmp_path / "model.aea")
    assert list(aeanomaly.load(tmp_path / "model.aea").feature_names_in_) == list(frame.columns)


def test_checksums_that_disagree_are_refused_and_info_looks_at_the_manifest_only(model):
    parts = parts_of(model)
    changed = bytearray(parts["weights.safetensors"])
    changed[-1] ^= 1
    with zipfile.ZipFile(model, "w") as archive:
        for name, data in (parts | {"weights.safetensors": bytes(changed)}).items():
            archive.writestr(name, data)
    with pytest.raises(ModelFileError, match="does not match its checksums"):
        aeanomaly.load(model)
    assert read_manifest(model)["detector"] == "denoising"
    with zipfile.ZipFile(model, "w") as archive:
        for name, data in (parts | {"manifest.json": parts["manifest.json"] + b" "}).items():
            archive.writestr(name, data)
    for read in (aeanomaly.load, read_manifest):
        with pytest.raises(ModelFileError, match="checksum"):
            read(model)


def test_the_checksums_are_those_of_sha256sum(model, tmp_path):
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum here")
    with zipfile.ZipFile(model) as archive:
        archive.extractall(tmp_path / "parts")
    assert (
        subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path / "parts", capture_output=True).returncode
        == 0
    )


def test_a_file_may_be_expected_by_its_sha256(model):
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert aeanomaly.load(model, expected_sha256=digest.upper())
    with pytest.raises(ModelFileError, match=f"its SHA-256 is {digest}, but 00 was expected"):
        aeanomaly.load(model, expected_sha256="00")


def test_a_path_that_is_not_a_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ModelFileError, match="it is not a regular file"):
            aeanomaly.load(path)
    with pytest.raises(IsADirectoryError):
        aeanomaly.load(tmp_path)


def test_a_file_of_many_gigabytes_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "vast.aea", "wb") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(ModelFileError, match="it has 1,099,511,627,776 bytes, but a model file has at most"):
        aeanomaly.load(tmp_path / "vast.aea")


def test_a_model_too_large_to_be_read_is_not_written(model, tmp_path, monkeypatch):
    monkeypatch.setattr("aeanomaly.persistence.archive._LARGEST", 100)
    manifest = json.loads(parts_of(model)["manifest.json"])
    with pytest.raises(ModelFileError, match=r"weights.safetensors takes .* bytes, but a model file holds at most 100"):
        write_model(tmp_path / "large.aea", manifest, {"a": np.zeros(99)})
    assert not (tmp_path / "large.aea").exists()


def test_temporary_files_of_killed_writers_are_removed_and_those_of_running_writers_kept(model):
    litter = [model.with_name(f".model.aea.{word}.tmp") for word in ("0123abcd", "deadbeef")]
    for path in litter:
        path.write_bytes(b"half")
    others = [model.with_name(name) for name in (".model.aea.tmp", ".other.aea.0123abcd.tmp", ".model.aea.xyz.tmp")]
    for path in others:
        path.write_bytes(b"not ours")
    with replace_file(model) as outer:
        outer.write(b"slow")
        assert not any(path.exists() for path in litter)
        write_atomically(model, b"fast")  # finds the temporary file of the writer that is still at work
    assert model.read_bytes() == b"slow"
    assert all(path.exists() for path in others)
    assert sorted(model.parent.iterdir()) == sorted([model, *others])


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        aeanomaly.load(tmp_path / "none.aea")


def test_writing_follows_links_keeps_the_umask_and_refuses_folders(tmp_path):
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


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (pickle.dumps({"a": 1}), "it seems to be a pickle, .* load it with joblib.load if you trust it"),
        ("é;b\n1;2\n".encode("cp1252"), "it seems to be a text file, such as a table; pass a model"),
        (b"PK\3\4 a workbook", "its last bytes are not those of a model file"),
        (bytes(range(100)), "its last bytes are not those of a model file"),
    ],
    ids=["pickle", "text", "zip", "bytes"],
)
def test_files_of_other_kinds_are_named(tmp_path, content, told):
    path = tmp_path / "other.aea"
    path.write_bytes(content * 20)
    with pytest.raises(ModelFileError, match=told):
        aeanomaly.load(path)
