"""Detectors of anomalies in ordered rows, by the rows before each row."""

from aeanomaly.detectors import ScoredRow
from aeanomaly.windows.detector import WindowedDetector
from aeanomaly.windows.stream import WindowStream

__all__ = ["ScoredRow", "WindowStream", "WindowedDetector"]
