"""Imports between subpackages point to lower layers only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "aeanomaly"
#: From the lowest layer up; a subpackage may import those of lower layers.
LAYERS = [
    {"streams", "threads", "exceptions", "_version", "_warnings", "_constraints", "_counts", "graphs", "memory"},
    {"nn", "likelihoods", "reading"},
    {"objectives"},
    {"training", "scoring", "preprocessing", "thresholds", "persistence"},
    {"streaming"},
    {"fitting"},
    {"detectors"},
    {"model_selection", "dask", "datasets", "onnx", "pyod", "windows"},
    {"inspection"},
    {"cli"},
]
WITHOUT_TABLES = ("nn", "likelihoods", "objectives", "training")
WITHOUT_TORCH = ("reading", "preprocessing", "thresholds")


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


def definitions_and_reads(path):
    """Return the private names that a file defines, and (line, name) of the private attributes and modules it reads."""
    defined, read = set(), []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            defined.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            defined.add(node.id)
        elif isinstance(node, ast.Attribute):
            if isinstance(node.ctx, ast.Store):
                defined.add(node.attr)
            else:
                read.append((node.lineno, node.attr))
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("aeanomaly."):
            _, subpackage, *modules = node.module.split(".")
            if subpackage != owner(path):
                read += [(node.lineno, name) for name in (*modules, *(alias.name for alias in node.names))]
    return {name for name in defined if is_private(name)}, [(line, name) for line, name in read if is_private(name)]


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def owner(path):
    """Name of the subpackage, or of the module, that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_no_subpackage_reads_a_private_name_of_another():
    found = {path: definitions_and_reads(path) for path in sorted(PACKAGE.rglob("*.py"))}
    owners = {}
    for path, (defined, _) in found.items():
        for name in defined:
            owners.setdefault(name, set()).add(owner(path))
    assert owners["_read"]  # the detectors have private methods, so the search finds some
    foreign = [
        f"{path}:{line} reads {name} of {owners[name]}"
        for path, (_, reads) in found.items()
        for line, name in reads
        if name in owners and owner(path) not in owners[name]
    ]
    assert not foreign
