"""``aeanomaly export``."""

import argparse
import sys

from aeanomaly.cli.outputs import check_output
from aeanomaly.detectors import load


def run_export(options: argparse.Namespace) -> None:
    """Load a model, export it to ONNX and print a message."""
    from aeanomaly.onnx import GRAPH, to_onnx  # optional dependencies

    check_output(options.output, GRAPH, [options.model], force=options.force)
    to_onnx(load(options.model), options.output, overwrite=options.force)
    print(f"ONNX graph written to {options.output}; its scores agree with those of {options.model}", file=sys.stderr)
