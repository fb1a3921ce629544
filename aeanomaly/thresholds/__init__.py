"""Scores -> offset: rows that score below it are flagged."""

from aeanomaly.thresholds.rules import Contamination, MedianAbsoluteDeviation, as_threshold, offset_of
from aeanomaly.thresholds.summary import MOST_SCORES, ScoreSummary

__all__ = ["MOST_SCORES", "Contamination", "MedianAbsoluteDeviation", "ScoreSummary", "as_threshold", "offset_of"]
