"""Options of ``aeanomaly export``."""

import argparse
from pathlib import Path

from aeanomaly.cli.arguments import add_force, new_command


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = new_command(
        commands,
        "export",
        "Export a model to ONNX.",
        "aeanomaly export model.aea model.onnx",
    )
    command.add_argument("model", type=Path, help="model file")
    command.add_argument("output", type=Path, metavar="GRAPH.onnx", help="graph to write")
    add_force(command)
    command.add_argument("--json", action="store_true", help="print a summary as JSON")
