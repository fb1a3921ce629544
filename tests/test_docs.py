"""Every block of the documentation runs, page by page, in a new folder."""

import re
import shlex
import textwrap
from pathlib import Path

import pytest

from aeanomaly.cli import main

WITH_CLONES = True

DOCS = Path(__file__).parents[1] / "docs"
#: All but the one that Sphinx writes beside them.
PAGES = [page for page in sorted(DOCS.glob("*.rst")) if page.stem != "sg_execution_times"]
#: What a page needs beyond this package.
NEEDS = {"pyod": ["pyod"], "large": ["pyarrow", "dask.dataframe"], "saving": ["onnxscript", "skops"]}


def blocks(page, language):
    """Blocks of a language, each with the blank lines before it that keep line numbers right."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines, start=1):
        if line == f".. code-block:: {language}":
            body = re.match(r"(?:(?:   .*)?\n)*", "\n".join(lines[number:]) + "\n").group()
            found.append("\n" * number + textwrap.dedent(body))
    return found


def with_blocks(language):
    return [pytest.param(page, id=page.stem) for page in PAGES if blocks(page, language)]


def test_pages_are_there():
    assert {page.stem for page in PAGES} == {
        "index",
        "start",
        "reading",
        "tables",
        "detectors",
        "scores",
        "decisions",
        "choosing",
        "accuracy",
        "large",
        "saving",
        "pyod",
        "questions",
        "reference",
    }


@pytest.mark.parametrize("page", with_blocks("python"))
def test_python_blocks_run(page, tmp_path, monkeypatch):
    for needed in NEEDS.get(page.stem, []):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", with_blocks("console"))
def test_commands_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in blocks(page, "console"):
        for line in block.splitlines():
            if line.startswith("$ aeanomaly "):
                assert main(shlex.split(line)[2:]) == 0, line


def test_every_page_is_in_the_contents():
    contents = (DOCS / "index.rst").read_text(encoding="utf-8").split(".. toctree::")[1]
    assert {page.stem for page in PAGES} - {"index"} <= set(re.findall(r"\w+", contents))
