"""Tables of ADBench: the folders that are searched, and the errors if they are missing."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from aeanomaly.datasets import adbench, load_adbench

X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 1, 0, 0])
CONNECTION_LOST = OSError("no route to host")


def write(path, **arrays):
    np.savez(path, **(arrays or {"X": X, "y": Y}))


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, request):
    """No folder, and no pooch: each test sets up its own."""
    if "adbench" not in request.fixturenames:
        monkeypatch.delenv("AEANOMALY_DATA", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)


@pytest.fixture
def pooch(monkeypatch, tmp_path):
    """A pooch whose network holds the table of these tests, and that notes what was asked of it."""
    asked = SimpleNamespace(fetched=[], failure=None)

    def create(path, base_url, registry):
        def fetch(name):
            asked.fetched.append(base_url + name)
            if asked.failure:
                raise asked.failure
            assert name in registry
            file = path / "download.npz"
            write(file)
            return str(file)

        return SimpleNamespace(fetch=fetch)

    module = SimpleNamespace(create=create, os_cache=lambda project: tmp_path)
    monkeypatch.setitem(sys.modules, "pooch", module)
    return asked


@pytest.mark.parametrize("file", ["thyroid", "38_thyroid"])
@pytest.mark.parametrize("name", ["thyroid", "38_thyroid"])
def test_either_name_finds_either_file(tmp_path, file, name):
    write(tmp_path / f"{file}.npz")
    data, target = load_adbench(name, data_home=tmp_path, return_X_y=True)
    np.testing.assert_array_equal(data, X)
    np.testing.assert_array_equal(target, Y)


def test_a_bunch(tmp_path):
    write(tmp_path / "thyroid.npz", X=X.astype(np.uint8), y=Y[:, None].astype(np.int8))
    bunch = load_adbench("thyroid", data_home=str(tmp_path))
    assert bunch.data.dtype == np.float64
    assert bunch.target.dtype == np.int64
    assert bunch.target.shape == (4,)
    assert bunch.target_names == ["normal", "anomaly"]
    assert bunch.filename == str(tmp_path / "thyroid.npz")
    assert "4 rows, 3 columns, 1 anomalies" in bunch.DESCR


def test_a_file_of_ones_own(tmp_path):
    write(tmp_path / "20news_mine.npz")
    assert load_adbench("20news_mine", data_home=tmp_path).data.shape == (4, 3)


def test_the_folder_of_the_environment(tmp_path, monkeypatch):
    near, far = tmp_path / "near", tmp_path / "far"
    near.mkdir()
    far.mkdir()
    write(far / "wine.npz")
    monkeypatch.setenv("AEANOMALY_DATA", str(far))
    assert load_adbench("wine", data_home=near).filename == str(far / "wine.npz")
    write(near / "45_wine.npz")
    assert load_adbench("wine", data_home=near).filename == str(near / "45_wine.npz")


def test_unknown_names():
    with pytest.raises(ValueError, match=r"no table 'thyriod' \(did you mean 'thyroid' or .*put thyriod.npz into"):
        load_adbench("thyriod")
    with pytest.raises(ValueError, match=r"no table 'pima' \(did you mean 'Pima'"):
        load_adbench("pima")
    with pytest.raises(ValueError, match="no table 'xyzzy'; to read your own file"):
        load_adbench("xyzzy")


@pytest.mark.parametrize("name", ["", "../thyroid", "a/b", 38, None])
def test_values_that_are_not_names(name, tmp_path):
    with pytest.raises(ValueError, match="name must be the name of a table"):
        load_adbench(name, data_home=tmp_path)


DAMAGED = {
    "no y": {"X": X},
    "objects": {"X": X.astype(object), "y": Y},
    "text": {"X": X.astype(str) + "a", "y": Y},
}


@pytest.mark.parametrize("arrays", DAMAGED.values(), ids=DAMAGED)
def test_files_without_the_arrays(tmp_path, arrays):
    write(tmp_path / "wine.npz", **arrays)
    with pytest.raises(ValueError, match=r"wine.npz does not contain arrays X and y \(.*replace it"):
        load_adbench("wine", data_home=tmp_path)


def test_files_that_are_not_archives(tmp_path):
    path = tmp_path / "wine.npz"
    write(path)
    whole = path.read_bytes()
    middle = len(whole) // 4
    for data in (b"", b"not an archive", whole[:-100], whole[:middle] + b"\xff" * 64 + whole[middle + 64 :]):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="does not contain arrays X and y"):
            load_adbench("wine", data_home=tmp_path)
    with open(path, "wb") as file:
        np.save(file, X)
    with pytest.raises(ValueError, match="does not contain arrays X and y"):
        load_adbench("wine", data_home=tmp_path)


@pytest.mark.parametrize(("rows", "labels"), [(X, Y[:3]), (X[0], Y), (X, Y + 1), (X[:, None], Y)])
def test_arrays_of_other_shapes_or_labels(tmp_path, rows, labels):
    write(tmp_path / "wine.npz", X=rows, y=labels)
    with pytest.raises(ValueError, match="must contain X of shape"):
        load_adbench("wine", data_home=tmp_path)


def test_without_pooch():
    with pytest.raises(ImportError, match=r"needs pooch; install it with: pip install 'aeanomaly\[datasets\]'"):
        load_adbench("thyroid")


def test_tables_without_a_checksum_are_not_downloaded(pooch):
    with pytest.raises(LookupError, match=r"its checksum is unknown; download https://.*/Classical/25_musk.npz"):
        load_adbench("musk")
    assert not pooch.fetched


def test_a_download_is_checked(pooch, monkeypatch):
    with pytest.raises(ValueError, match=r"does not have the checksum of Classical/38_thyroid; delete the file"):
        load_adbench("thyroid")
    checksum = "a41b4a82cbaa31c03ea0ae1af0eac2e9a2df35c1ff13d6d4b8c18a3b6f4c4d4b"
    monkeypatch.setitem(adbench._CHECKSUMS, "Classical/38_thyroid", checksum)
    with pytest.raises(ValueError, match="does not have the checksum"):
        load_adbench("thyroid")
    monkeypatch.setitem(adbench._CHECKSUMS, "Classical/38_thyroid", adbench._checksum(X, Y))
    np.testing.assert_array_equal(load_adbench("38_thyroid").data, X)
    assert set(pooch.fetched) == {adbench._URL + "Classical/38_thyroid.npz"}


def test_without_a_network(pooch):
    pooch.failure = CONNECTION_LOST
    with pytest.raises(OSError, match=r"could not be downloaded \(no route to host\); connect to the network, or put"):
        load_adbench("20news_3")
    assert pooch.fetched == [adbench._URL + "NLP_by_BERT/20news_3.npz"]


def test_checksums_are_of_values_and_not_of_how_they_are_kept():
    kept = [X, X.astype(np.float32), np.asfortranarray(X), X.astype(">f8")]
    assert len({adbench._checksum(rows, labels) for rows in kept for labels in (Y, Y.astype(np.int8))}) == 1
    assert adbench._checksum(X, Y) != adbench._checksum(X, 1 - Y)


def test_the_benchmark_tables_have_the_checksums_that_are_known(adbench):  # the fixture: a folder
    from aeanomaly.datasets.adbench import _CHECKSUMS, _checksum

    for path in ("Classical/38_thyroid", "Classical/4_breastw", "Classical/32_shuttle", "NLP_by_BERT/20news_3"):
        name = path.split("/")[1]
        assert _checksum(*load_adbench(name, data_home=adbench, return_X_y=True)) == _CHECKSUMS[path]
