"""``aeanomaly export``."""

import argparse
import sys

from aeanomaly.detectors import load


def run_export(options: argparse.Namespace) -> None:
    """Load, write as ONNX, report."""
    detector = load(options.model)
    from aeanomaly.onnx import to_onnx  # an extra

    to_onnx(detector, options.output)
    print(f"ONNX graph written to {options.output}; its scores are those of {options.model}", file=sys.stderr)
