"""Steps of a fit, from validated rows to the fitted state, for single detectors and for stacks."""

from aeanomaly.fitting.calibration import LATEST, Calibration, CalibrationRequest, UnseenScores, group_columns
from aeanomaly.fitting.consequences import find_consequences
from aeanomaly.fitting.decimal_marks import decimal_mark
from aeanomaly.fitting.device_encoder import DeviceEncoder, ErrorModule
from aeanomaly.fitting.encoding import rows_at_start
from aeanomaly.fitting.explanation import (
    Explanation,
    Sentences,
    contributions,
    format_cell,
    largest_columns,
    redistribute,
    to_cells,
    to_frame,
    to_text,
)
from aeanomaly.fitting.finish import finish_fit, finish_pass, state_so_far
from aeanomaly.fitting.folds import Folds, train_fit
from aeanomaly.fitting.initializer import CachedInitializer, Initializer
from aeanomaly.fitting.job import FitJob, PreparedFit
from aeanomaly.fitting.member_errors import member_errors
from aeanomaly.fitting.members import Members
from aeanomaly.fitting.model import FittedModel, device_or_cpu
from aeanomaly.fitting.prepare import prepare_first_pass, prepare_fit, prepare_next_pass
from aeanomaly.fitting.recipe import Recipe, TrainingOptions
from aeanomaly.fitting.reference import TrainingReference
from aeanomaly.fitting.robust import fit_robust_scorers
from aeanomaly.fitting.rows import TrainingRows, some_places, spaced_rows
from aeanomaly.fitting.scorers import feature_units, likelihood_for
from aeanomaly.fitting.stacked import fit_stacked
from aeanomaly.fitting.state import FittedState

__all__ = [
    "LATEST",
    "CachedInitializer",
    "Calibration",
    "CalibrationRequest",
    "DeviceEncoder",
    "ErrorModule",
    "Explanation",
    "FitJob",
    "FittedModel",
    "FittedState",
    "Folds",
    "Initializer",
    "Members",
    "PreparedFit",
    "Recipe",
    "Sentences",
    "TrainingOptions",
    "TrainingReference",
    "TrainingRows",
    "UnseenScores",
    "contributions",
    "decimal_mark",
    "device_or_cpu",
    "feature_units",
    "find_consequences",
    "finish_fit",
    "finish_pass",
    "fit_robust_scorers",
    "fit_stacked",
    "format_cell",
    "group_columns",
    "largest_columns",
    "likelihood_for",
    "member_errors",
    "prepare_first_pass",
    "prepare_fit",
    "prepare_next_pass",
    "redistribute",
    "rows_at_start",
    "some_places",
    "spaced_rows",
    "state_so_far",
    "to_cells",
    "to_frame",
    "to_text",
    "train_fit",
]
