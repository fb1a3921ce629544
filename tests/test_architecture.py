"""Imports between subpackages point to lower layers only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "aeanomaly"
#: From the lowest layer up; a subpackage may import those of lower layers.
LAYERS = [
    {"streams", "threads", "exceptions", "_version", "_warnings", "_constraints"},
    {"nn", "likelihoods"},
    {"objectives"},
    {"training", "scoring", "preprocessing", "thresholds", "persistence"},
    {"streaming"},
    {"fitting"},
    {"detectors"},
    {"model_selection", "dask", "datasets", "onnx", "pyod"},
    {"inspection"},
    {"cli"},
]
WITHOUT_TABLES = ("nn", "likelihoods", "objectives", "training")
WITHOUT_TORCH = ("preprocessing", "thresholds")


def imports(path):
    """Names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not checked"
            yield node.module


def files(subpackage):
    return sorted((PACKAGE / subpackage).rglob("*.py")) or [PACKAGE / f"{subpackage}.py"]


def test_every_subpackage_has_a_layer():
    subpackages = {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert subpackages - {"__init__"} == set().union(*LAYERS)


@pytest.mark.parametrize("layer", range(len(LAYERS)))
def test_imports_point_to_lower_layers(layer):
    below = set().union(*LAYERS[:layer])
    for subpackage in LAYERS[layer]:
        for path in files(subpackage):
            for name in imports(path):
                parts = name.split(".")
                if parts[0] == "aeanomaly" and len(parts) > 1:
                    assert parts[1] == subpackage or parts[1] in below, f"{path} imports {name}"


@pytest.mark.parametrize("subpackage", WITHOUT_TABLES)
def test_networks_and_training_import_no_table_library(subpackage):
    for path in files(subpackage):
        assert not {name.split(".")[0] for name in imports(path)} & {"pandas", "sklearn"}, path


@pytest.mark.parametrize("subpackage", WITHOUT_TORCH)
def test_tables_and_thresholds_do_not_import_torch(subpackage):
    for path in files(subpackage):
        assert "torch" not in {name.split(".")[0] for name in imports(path)}, path
