"""Training engine: train(network, objective, data, settings) -> result."""

from aeanomaly.training.device import check_memory, resolve_device
from aeanomaly.training.engine import StepHook, is_worth_threads, train
from aeanomaly.training.optimizer import FlatParameters, OptimizerState
from aeanomaly.training.result import TrainingResult
from aeanomaly.training.settings import EarlyStopping, TrainingData, TrainingSettings

__all__ = [
    "EarlyStopping",
    "FlatParameters",
    "OptimizerState",
    "StepHook",
    "TrainingData",
    "TrainingResult",
    "TrainingSettings",
    "check_memory",
    "is_worth_threads",
    "resolve_device",
    "train",
]
