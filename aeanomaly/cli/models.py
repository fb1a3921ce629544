"""Models that the command line reads."""

import os

from aeanomaly.cli.errors import CommandError
from aeanomaly.detectors import BaseDetector, load


def load_detector(path: str | os.PathLike[str]) -> BaseDetector:
    """Load the detector of a model file; windows of rows are for Python only."""
    detector = load(path)
    if not isinstance(detector, BaseDetector):
        raise CommandError(
            f"{path} holds a {type(detector).__name__}, which scores rows in order, and the command line scores each "
            f"row for itself; in Python, aeanomaly.load({str(path)!r}) reads the detector"
        )
    return detector
