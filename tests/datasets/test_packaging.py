"""The tables travel in the wheel and in the source archive."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CARRIED = {f"aeanomaly/_data/{name}.{kind}" for name in ("answers", "factory", "payments") for kind in ("csv", "md")}
PROGRAM = """
import aeanomaly.datasets
from aeanomaly.datasets import load_questionnaire, load_factory, load_payments
for load in (load_questionnaire, load_factory, load_payments):
    bunch = load()
    print(bunch.filename, len(bunch.data), len(bunch.DESCR) > 500)
"""


def build(source, target, *kinds):
    """Build a source tree with hatchling, the build backend, without network."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(target), *(f"-t{kind}" for kind in kinds)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def loaded(folder, cwd):
    """Return the tables that a new process loads if the package is found in a folder first."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def assert_all(rows, folder):
    assert [(number, card) for _, number, card in rows] == [("1500", "True"), ("2000", "True"), ("6000", "True")]
    assert [Path(file).parent for file, _, _ in rows] == [folder] * 3


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    build(ROOT, folder, "wheel", "sdist")
    return folder


@pytest.fixture(scope="module")
def source(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


def test_a_wheel_has_the_tables_within(built, tmp_path):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        wheel.extractall(tmp_path / "site")
    assert {name for name in names if "/_data/" in name} == CARRIED
    assert not {name for name in names if name.startswith("datasets")}
    assert_all(loaded(tmp_path / "site", tmp_path), tmp_path / "site" / "aeanomaly" / "_data")


def test_a_source_archive_has_them_at_its_top(source, tmp_path):
    names = {path.name for path in (source / "datasets").iterdir()}
    assert names == {Path(name).name for name in CARRIED} | {"CHECKSUMS", "generate.py"}
    assert_all(loaded(source, tmp_path), source / "datasets")


def test_a_wheel_of_the_source_archive_holds_the_same(built, source, tmp_path):
    build(source, tmp_path, "wheel")
    contents = []
    for folder in (built, tmp_path):
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            contents.append({info.filename: info.CRC for info in wheel.infolist()})
    assert contents[0] == contents[1]
