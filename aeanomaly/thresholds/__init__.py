"""Threshold rules, p-values and probabilities from scores.

A rule is an object with a method ``fit(scores) -> offset``; rows that score below the offset are flagged. Rules work
on the scores of any detector, with higher scores for more normal rows.
"""

from aeanomaly.thresholds._checks import is_anomaly
from aeanomaly.thresholds.conformal import (
    Conformal,
    CrossConformal,
    conformal_p_values,
    flag_discoveries,
    p_values_of_sorted,
)
from aeanomaly.thresholds.default import ExpectedRate
from aeanomaly.thresholds.groups import GroupOffsets
from aeanomaly.thresholds.labeled import BestF1, ExpectedCost, TargetPrecision, TargetRecall
from aeanomaly.thresholds.probability import ScoreCalibrator
from aeanomaly.thresholds.rule import ThresholdRule
from aeanomaly.thresholds.rules import Contamination, MedianAbsoluteDeviation
from aeanomaly.thresholds.sketch import ScoreSketch
from aeanomaly.thresholds.summary import MOST_SCORES, ScoreSummary
from aeanomaly.thresholds.tails import PeaksOverThreshold
from aeanomaly.thresholds.threshold_info import Threshold, ThresholdInfo, as_threshold, decide

#: Threshold rules by name.
RULES = {
    rule.__name__: rule
    for rule in (
        BestF1,
        Conformal,
        Contamination,
        CrossConformal,
        ExpectedCost,
        ExpectedRate,
        MedianAbsoluteDeviation,
        PeaksOverThreshold,
        TargetPrecision,
        TargetRecall,
    )
}

__all__ = [
    "MOST_SCORES",
    "RULES",
    "BestF1",
    "Conformal",
    "Contamination",
    "CrossConformal",
    "ExpectedCost",
    "ExpectedRate",
    "GroupOffsets",
    "MedianAbsoluteDeviation",
    "PeaksOverThreshold",
    "ScoreCalibrator",
    "ScoreSketch",
    "ScoreSummary",
    "TargetPrecision",
    "TargetRecall",
    "Threshold",
    "ThresholdInfo",
    "ThresholdRule",
    "as_threshold",
    "conformal_p_values",
    "decide",
    "flag_discoveries",
    "is_anomaly",
    "p_values_of_sorted",
]
