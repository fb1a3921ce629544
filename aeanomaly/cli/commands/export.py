"""``aeanomaly export``."""

import argparse
import sys
from pathlib import Path

from aeanomaly.cli.arguments import add_force
from aeanomaly.cli.outputs import check_output
from aeanomaly.detectors import load


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = commands.add_parser("export", help="export a model to ONNX")
    command.add_argument("model", type=Path, help="model file")
    command.add_argument("output", type=Path, metavar="GRAPH.onnx", help="graph to write")
    add_force(command)
    command.set_defaults(run=run_export)


def run_export(options: argparse.Namespace) -> None:
    """Load a model, export it to ONNX and print a message."""
    from aeanomaly.onnx import GRAPH, to_onnx  # optional dependencies

    check_output(options.output, GRAPH, [options.model], force=options.force)
    to_onnx(load(options.model), options.output, overwrite=options.force)
    print(f"ONNX graph written to {options.output}; its scores agree with those of {options.model}", file=sys.stderr)
