"""Tables larger than memory: sources of rows, and summaries for a fit."""

from aeanomaly.streaming.checkpoint import Checkpoint
from aeanomaly.streaming.passes import score_parts, summarize_source
from aeanomaly.streaming.sample import RowSample, sample_indices
from aeanomaly.streaming.sources import Part, Source, arrow, as_source, fingerprint_of
from aeanomaly.streaming.summary import PartSummary, TableSummary, merge_summaries, summarize_part

__all__ = [
    "Checkpoint",
    "Part",
    "PartSummary",
    "RowSample",
    "Source",
    "TableSummary",
    "arrow",
    "as_source",
    "fingerprint_of",
    "merge_summaries",
    "sample_indices",
    "score_parts",
    "summarize_part",
    "summarize_source",
]
