"""Every example runs without a warning, and writes the figures that it names."""

import re
import runpy
from pathlib import Path

import pytest

WITH_CLONES = True

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
#: Lines of an example at most.
MOST = 80


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, tmp_path, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    matplotlib.pyplot.close("all")
    for name in re.findall(r"``(\w+\.png)``", path.read_text(encoding="utf-8")):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_short_and_numbered(path):
    assert re.fullmatch(r"\d\d_\w+", path.stem)
    assert len(path.read_text(encoding="utf-8").splitlines()) < MOST
