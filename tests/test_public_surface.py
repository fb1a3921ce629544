"""The public names: `__all__`, `dir`, lazy subpackages, and the reference page."""

import importlib
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType

import pytest

import aeanomaly

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.rst"
#: Subpackages, and a package that each needs, if it is of an extra.
SUBPACKAGES = {
    "dask": "dask.dataframe",
    "datasets": None,
    "inspection": None,
    "model_selection": None,
    "onnx": "onnxscript",
    "pyod": "pyod",
    "thresholds": None,
    "windows": None,
}


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def documented():
    """Return the names on the reference page by module."""
    names, module, in_summary = {}, None, False
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = match[1]
        elif match := re.match(r"\.\. py:data:: (\S+)", line):
            names.setdefault(module, []).append(match[1])
        elif line.startswith(".. "):
            in_summary = line == ".. autosummary::"
        elif in_summary and (match := re.match(r"   (\w+)$", line)):
            names.setdefault(module, []).append(match[1])
        elif line and not line.startswith(" "):
            in_summary = False
    return names


def public(module):
    """Return `__all__`, or the public names that a module defines."""
    if hasattr(module, "__all__"):
        return module.__all__
    defined = [
        n for n, o in vars(module).items() if isinstance(o, (type, FunctionType)) and o.__module__ == module.__name__
    ]
    return [name for name in defined if not name.startswith("_")]


def test_dir_is_the_public_names_and_subpackages():
    assert dir(aeanomaly) == sorted([*aeanomaly.__all__, *SUBPACKAGES])


@pytest.mark.parametrize("name", [None, *SUBPACKAGES])
def test_the_reference_lists_exactly_the_public_names(name):
    if name is not None and SUBPACKAGES[name] is not None:
        pytest.importorskip(SUBPACKAGES[name])
    module = aeanomaly if name is None else importlib.import_module(f"aeanomaly.{name}")
    assert sorted(documented()[module.__name__]) == sorted(public(module))


def test_the_reference_lists_no_other_module():
    assert set(documented()) == {"aeanomaly", *(f"aeanomaly.{name}" for name in SUBPACKAGES)}


def test_subpackages_are_imported_on_first_access():
    installed = [name for name, extra in SUBPACKAGES.items() if extra is None or find_spec(extra.split(".")[0])]
    done = run(f"import aeanomaly; print(*[getattr(aeanomaly, name).__name__ for name in {installed}])")
    assert done.stdout.split() == [f"aeanomaly.{name}" for name in installed], done.stderr


def test_an_import_of_the_package_imports_no_other_subpackage():
    lazy = sorted(set(SUBPACKAGES) - {"thresholds"})  # detectors import thresholds
    done = run(
        "import sys, aeanomaly; dir(aeanomaly); "
        f"print([n for n in {lazy} if 'aeanomaly.' + n in sys.modules], 'pyod' in sys.modules, 'dask' in sys.modules)"
    )
    assert done.stdout.strip() == "[] False False", done.stderr


@pytest.mark.parametrize(("name", "extra"), [("dask", "dask"), ("onnx", "onnx"), ("pyod", "pyod")])
def test_a_missing_extra_is_named(name, extra):
    done = run(f"import sys; sys.modules['{name}'] = None; import aeanomaly; aeanomaly.{name}")
    assert "ImportError" in done.stderr
    assert f"aeanomaly[{extra}]" in done.stderr


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'detector'"):
        _ = aeanomaly.detector
