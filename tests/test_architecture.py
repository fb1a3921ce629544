"""The arrows of the house point down only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "aeanomaly"
#: From the ground up; a room may import those on floors below its own.
FLOORS = [
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
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            yield node.module


def files(room):
    return sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]


def test_every_room_has_a_floor():
    rooms = {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert rooms - {"__init__"} == set().union(*FLOORS)


@pytest.mark.parametrize("floor", range(len(FLOORS)))
def test_arrows_point_down_only(floor):
    below = set().union(*FLOORS[:floor])
    for room in FLOORS[floor]:
        for path in files(room):
            for name in imports(path):
                parts = name.split(".")
                if parts[0] == "aeanomaly" and len(parts) > 1:
                    assert parts[1] == room or parts[1] in below, f"{path} imports {name}"


@pytest.mark.parametrize("room", WITHOUT_TABLES)
def test_the_engine_knows_no_tables(room):
    for path in files(room):
        assert not {name.split(".")[0] for name in imports(path)} & {"pandas", "sklearn"}, path


@pytest.mark.parametrize("room", WITHOUT_TORCH)
def test_tables_and_thresholds_know_no_torch(room):
    for path in files(room):
        assert "torch" not in {name.split(".")[0] for name in imports(path)}, path
