"""``aeanomaly export``."""

import argparse
import json

from aeanomaly.cli.models import load_detector
from aeanomaly.cli.notes import note, working
from aeanomaly.cli.outputs import check_output


def run(options: argparse.Namespace) -> None:
    """Load a model, export it to ONNX and print a message."""
    from aeanomaly.onnx import GRAPH, to_onnx  # optional dependencies

    check_output(options.output, GRAPH, [options.model], force=options.force)
    with working(f"writing {options.output}"):
        to_onnx(load_detector(options.model), options.output, overwrite=options.force)
    if options.json:
        print(json.dumps({"graph": str(options.output), "model": str(options.model)}))
    else:
        note(f"ONNX graph written to {options.output}; its scores agree with those of {options.model}")
