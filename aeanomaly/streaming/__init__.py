"""Tables that are larger than memory: where their rows come from, and what a fit keeps of them. No detectors."""

from aeanomaly.streaming.checkpoint import Checkpoint
from aeanomaly.streaming.sample import RowSample
from aeanomaly.streaming.sources import Source, as_source
from aeanomaly.streaming.survey import Survey

__all__ = ["Checkpoint", "RowSample", "Source", "Survey", "as_source"]
