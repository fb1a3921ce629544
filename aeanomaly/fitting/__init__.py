"""From rows to a fitted state: prepared trainings, stacks of them, and what a fit leaves behind."""

from aeanomaly.fitting.calibration import Calibration, CalibrationRequest
from aeanomaly.fitting.explanation import Explanation, as_frame, cells_of, contributions, in_words, shared_out, shown
from aeanomaly.fitting.finish import finish_fit, finish_pass, state_so_far
from aeanomaly.fitting.initializer import CachedInitializer, EncoderOptions, Initializer
from aeanomaly.fitting.job import FitJob, PreparedFit
from aeanomaly.fitting.members import Members
from aeanomaly.fitting.model import FittedModel, device_or_cpu, likelihood_for, likelihood_of
from aeanomaly.fitting.prepare import prepare_first_pass, prepare_fit, prepare_next_pass
from aeanomaly.fitting.recipe import Recipe, TrainingOptions
from aeanomaly.fitting.reference import TrainingReference
from aeanomaly.fitting.rows import TrainingRows, some_rows
from aeanomaly.fitting.stacked import fit_stacked
from aeanomaly.fitting.state import FittedState

__all__ = [
    "CachedInitializer",
    "Calibration",
    "CalibrationRequest",
    "EncoderOptions",
    "Explanation",
    "FitJob",
    "FittedModel",
    "FittedState",
    "Initializer",
    "Members",
    "PreparedFit",
    "Recipe",
    "TrainingOptions",
    "TrainingReference",
    "TrainingRows",
    "as_frame",
    "cells_of",
    "contributions",
    "device_or_cpu",
    "finish_fit",
    "finish_pass",
    "fit_stacked",
    "in_words",
    "likelihood_for",
    "likelihood_of",
    "prepare_first_pass",
    "prepare_fit",
    "prepare_next_pass",
    "shared_out",
    "shown",
    "some_rows",
    "state_so_far",
]
