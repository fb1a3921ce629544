"""Displays and reports for fitted detectors: scores, contributions, reconstructions, codes, training and drift."""

from aeanomaly.inspection.contributions import ContributionsDisplay
from aeanomaly.inspection.drift import column_drift
from aeanomaly.inspection.heatmap import ContributionsHeatmapDisplay
from aeanomaly.inspection.labeled import precision_recall_display, roc_curve_display
from aeanomaly.inspection.latent_space import LatentSpaceDisplay
from aeanomaly.inspection.loss_curve import LossCurveDisplay
from aeanomaly.inspection.reconstruction import ReconstructionDisplay
from aeanomaly.inspection.report import report
from aeanomaly.inspection.score_distribution import ScoreDistributionDisplay

__all__ = [
    "ContributionsDisplay",
    "ContributionsHeatmapDisplay",
    "LatentSpaceDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
    "ScoreDistributionDisplay",
    "column_drift",
    "precision_recall_display",
    "report",
    "roc_curve_display",
]
