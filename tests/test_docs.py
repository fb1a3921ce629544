"""Every block of the documentation runs, page by page, in a new folder, and prints what the page shows."""

import ast
import contextlib
import importlib
import io
import re
import shlex
import textwrap
import warnings
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from aeanomaly.cli import main
from aeanomaly.cli.commands import COMMANDS

WITH_CLONES = True

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = DOCS.parent / "examples"
#: Folders of pages that Sphinx writes beside those of the repository, and of their templates.
_WRITTEN = {"_build", "_templates", "auto_examples", "reference"}
PAGES = [
    page
    for page in sorted(DOCS.rglob("*.rst"))
    if page.relative_to(DOCS).parts[0] not in _WRITTEN and page.stem != "sg_execution_times"
]
#: What a page or command needs beyond this package and the imports of its blocks.
NEEDS = {
    "large": ["pyarrow"],
    "reading": ["pyarrow"],
    "saving": ["onnxscript"],
    "start": ["jinja2"],
    "command_line": ["jinja2", "onnxscript"],
    "recipes/retraining": ["pyarrow"],
    "recipes/mlflow": ["sqlalchemy", "alembic"],
    "aeanomaly completion": ["shtab"],
}
#: Packages that a block may import and that are not always installed; the blocks before it run anyway.
OPTIONAL = {"dask": "dask.dataframe", "pyod": "pyod", "skops": "skops"}
#: Those that this project is not developed with; warnings about their own dependencies are ignored.
FOREIGN = {"mlflow": "mlflow", "optuna": "optuna", "shap": "shap"}
OPTIONAL |= FOREIGN
#: What people search for, each in a title or heading.
SEARCHED = ["MLflow", "Optuna", "retraining", "embeddings", "windows", "alerts per day", "semi-supervised", "SHAP"]


class Block(NamedTuple):
    """A code block of a page: its language, its first line and last line, and its code."""

    language: str
    first: int
    last: int
    code: str

    def padded(self):
        """Return the code after blank lines that keep line numbers right."""
        return "\n" * self.first + self.code


def name(page):
    """Return the name of a page in a toctree, from the top."""
    return page.relative_to(DOCS).with_suffix("").as_posix()


def blocks(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines, start=1):
        if match := re.fullmatch(r"\.\. code-block:: (\w+)", line):
            body = re.match(r"(?:(?:   .*)?\n)*", "\n".join(lines[number:]) + "\n").group()
            found.append(Block(match[1], number, number + body.count("\n"), textwrap.dedent(body)))
    return found


def expected(page):
    """Yield the Python and console blocks of a page, each with the output that directly follows it, or None."""
    for block, following in pairwise([*blocks(page), Block("", -1, -1, "")]):
        if block.language in ("python", "console"):
            shown = following.language == "output" and following.first == block.last + 1
            yield block, following.code if shown else None


def check(got, want, place):
    """Compare what a block printed with what the page shows, if it shows an output.

    Blanks count as in doctest with NORMALIZE_WHITESPACE, and ``...`` as with ELLIPSIS. Numbers may differ slightly,
    because the last digits of a fit depend on the machine.
    """
    if want is None:
        return
    message = f"{place}: the page shows\n{want}\nand the block prints\n{got}"
    numbers = [part for part in _PARTS.split(want.strip()) if _NUMBER.fullmatch(part)]
    found = re.fullmatch("".join(map(_to_pattern, _PARTS.split(want.strip()))), got.strip(), flags=re.DOTALL)
    assert found, message
    for shown, printed in zip(numbers, found.groups(), strict=True):
        shown, printed = (float(number.replace(",", "")) for number in (shown, printed))
        assert printed == pytest.approx(shown, rel=0.1, abs=0.02), message


_NUMBER = re.compile(r"[-+]?\d(?:[\d,]*\d)?(?:\.\d+)?(?:e[-+]?\d+)?")
_PARTS = re.compile(rf"(\.\.\.|\s+|{_NUMBER.pattern})")


def _to_pattern(part):
    """Return a regular expression for a part of an output: an ellipsis, blanks, a number or other text."""
    if _NUMBER.fullmatch(part):
        return f"({_NUMBER.pattern})"
    return ".*?" if part == "..." else r"\s+" if part.isspace() else re.escape(part)


def optional_imports(code):
    tree = ast.walk(ast.parse(code))
    names = {alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names}
    names |= {n.module for n in ast.walk(ast.parse(code)) if isinstance(n, ast.ImportFrom) and n.module}
    return {OPTIONAL[n.split(".")[0]] for n in names if n.split(".")[0] in OPTIONAL}


@pytest.mark.parametrize("page", [pytest.param(p, id=name(p)) for p in PAGES if list(expected(p))])
def test_blocks_run(page, tmp_path, monkeypatch):
    for needed in NEEDS.get(name(page), []):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    names = {"__name__": "__main__"}
    for block, output in expected(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            if block.language == "python":
                imported = optional_imports(block.code)
                for needed in imported:
                    pytest.importorskip(needed)
                if imported & set(FOREIGN):
                    warnings.simplefilter("ignore")
                exec(compile(block.padded(), str(page), "exec"), names)
            else:
                run_commands(block.code)
        check(printed.getvalue(), output, f"{page}:{block.first}")


def run_commands(code):
    for line in code.splitlines():
        if line.startswith("$ aeanomaly "):
            command, *rest = shlex.split(line)[2:]
            if all(importlib.util.find_spec(needed) for needed in NEEDS.get(f"aeanomaly {command}", [])):
                assert main([command, *rest]) == 0, line


def test_every_output_follows_a_block():
    for page in PAGES:
        shown = [block for block in blocks(page) if block.language == "output"]
        assert len(shown) == sum(output is not None for _, output in expected(page)), page


def test_every_page_is_in_the_contents():
    listed = {"index"}
    for page in PAGES:
        for contents in page.read_text(encoding="utf-8").split(".. toctree::")[1:]:
            for entry in re.findall(r"^   (?:.*<)?([\w/]+)>?$", contents, flags=re.MULTILINE):
                listed.add((page.parent / entry).resolve().relative_to(DOCS.resolve()).as_posix())
    assert {name(page) for page in PAGES} <= listed


def test_llms_txt_names_every_page():
    text = (DOCS / "_extra" / "llms.txt").read_text(encoding="utf-8")
    listed = re.findall(r"^- \[[^\]]+\]\(([\w/]+)\.html\): \S.*$", text, flags=re.MULTILINE)
    examples = {f"auto_examples/{path.stem}" for path in EXAMPLES.glob("*.py")}
    assert sorted(listed) == sorted({name(page) for page in PAGES} | examples | {"auto_examples/index"})


@pytest.mark.parametrize("word", SEARCHED)
def test_what_people_search_for_is_in_a_heading(word):
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    headings = re.findall(r"^(\S.*)\n[=~-]{4,}$", text, flags=re.MULTILINE)
    assert any(word.lower() in heading.lower() for heading in headings)


@pytest.fixture
def extension(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(DOCS / "_extensions")
    return importlib.import_module


def test_every_command_is_described_with_an_example():
    text = (DOCS / "command_line.rst").read_text(encoding="utf-8")
    for command in (module.__name__.rpartition(".")[2] for module in COMMANDS):
        section = text.partition(f"\naeanomaly {command}\n")[2].partition("\naeanomaly ")[0]
        assert f".. command-options:: {command}\n" in section
        assert f"   $ aeanomaly {command} " in section or f"   $ aeanomaly {command}\n" in section
    assert {".. command-options:: common", ".. command-options:: format"} <= set(text.splitlines())


def test_every_option_is_described(extension):
    commands = extension("commands")
    described = {
        command: {option for action in commands.actions(command) for option in action.option_strings}
        for command in (*commands.parsers(), "common", "format")
    }
    for command, parser in commands.parsers().items():
        options = {option for action in parser._actions for option in action.option_strings}
        assert options <= described[command] | described["common"] | described["format"]


def test_the_changelog_is_converted(extension):
    text = extension("changelog").to_restructured("## [1.0]\n\n- `name`: see [a page](https://a.org) and ``x``.\n")
    assert text == "1.0\n---\n\n- ``name``: see `a page <https://a.org>`__ and ``x``.\n"


@pytest.mark.parametrize(
    ("cell", "is_number"), [("0.751", True), ("-0.027 (0.014)", True), ("0.18 - 0.25", True), ("below 0", False)]
)
def test_numeric_cells_are_recognized(extension, cell, is_number):
    assert bool(extension("numbers_in_tables")._CELL.fullmatch(cell)) == is_number


@pytest.mark.parametrize(
    ("got", "want", "is_equal"),
    [
        ("area 1,250.3\n\n", "area 1,251", True),
        ("area 1,250.3", "area 1,451", False),
        ("a   b\n c", "a b c", True),
        ("a b c", "a ... c", True),
        ("a b d", "a ... c", False),
        ("-1 anomaly", "+1 anomaly", False),
        ("2 rows of 1", "2 rows", False),
    ],
)
def test_outputs_are_compared(got, want, is_equal):
    with contextlib.nullcontext() if is_equal else pytest.raises(AssertionError):
        check(got, want, "a page")
