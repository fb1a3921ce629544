"""Conversion between detectors and model files, with checks that all parts of a file are consistent."""

import importlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from aeanomaly._version import __version__
from aeanomaly.detectors._parameters import check_parameters
from aeanomaly.exceptions import ModelFileError
from aeanomaly.fitting import Calibration, FittedModel, FittedState, TrainingReference, device_or_cpu
from aeanomaly.persistence import (
    add_prefix,
    from_json,
    model_file_error,
    read_model,
    take_prefix,
    to_json,
    upgrade,
    write_model,
)
from aeanomaly.preprocessing import Column, column_from_json
from aeanomaly.reading import TableFormat
from aeanomaly.streams import MemberKey
from aeanomaly.thresholds import RULES, GroupOffsets, ScoreCalibrator, ScoreSummary, ThresholdInfo
from aeanomaly.training import FlatParameters

if TYPE_CHECKING:
    from aeanomaly.detectors._base import BaseDetector

#: Detector classes by their names in files and on the command line.
REGISTRY: dict[str, Any] = {}
_CURVES = ("training_scores_", "calibration_scores_", "loss_curve_", "validation_loss_curve_")
_OPTIMIZER = ("mean", "square", "n_steps")
_THRESHOLD_INFO = {"rule", "source", "n_scores", "guarantee"}

#: Modules that read the files of wrapped detectors, by the key of the manifest that such a file has.
_WRAPPERS = {"windows": "aeanomaly.windows.files"}

D = TypeVar("D", bound=Any)


def register(name: str) -> Callable[[D], D]:
    """Return a class decorator that registers a detector for files and the command line."""

    def decorate(cls: D) -> D:
        REGISTRY[name] = cls
        cls.registry_name = name
        return cls

    return decorate


def save(detector: "BaseDetector", path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a fitted detector to a model file."""
    write_model(path, *to_parts(detector), overwrite=overwrite)


def to_parts(detector: "BaseDetector") -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the manifest and the arrays of the model file of a fitted detector."""
    state = detector.state_
    parameters = detector.get_params(deep=False)
    if isinstance(detector.random_state, (np.random.RandomState, np.random.Generator)):
        parameters["random_state"] = state.seed
    parameters["device"] = str(detector.device)
    names = getattr(detector, "feature_names_in_", None)
    scorers, parts = state.model.to_state()
    threshold, schema = state.calibration.threshold, state.model.schema
    manifest = {
        "aeanomaly": __version__,
        "detector": detector.registry_name,
        "parameters": {name: to_json(value, name, RULES) for name, value in parameters.items()},
        "scorers": scorers,
        "fitted": {
            "offset": float(threshold.offset),
            "threshold": threshold.to_dict(),
            "group_offsets": None if (groups := state.calibration.groups) is None else groups.to_dict(),
            "calibration_is_estimated": state.calibration.is_estimated,
            "n_samples_seen": int(state.calibration.summary.n_rows),
            "feature_names": None if names is None else list(names),
            "columns": [column.to_json() for column in schema.columns],
            "blocks": [list(block) for block in schema.blocks],
            "column_kinds": schema.kinds,
            "seed": state.seed,
            "n_calls": state.n_runs,
            "table_format": None if state.table_format is None else state.table_format.to_json(),
        },
    }
    return manifest, _arrays_of(state, parts)


def _arrays_of(state: FittedState, parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    calibration = state.calibration
    probability = {} if calibration.probability is None else calibration.probability.arrays()
    return {
        **parts[0],
        **{n: a for k, part in enumerate(parts[1:], 1) for n, a in add_prefix(f"scorer{k}", part).items()},
        "training_scores_": calibration.summary.values,
        "calibration_scores_": calibration.calibration_scores,
        "loss_curve_": state.loss_curve,
        "validation_loss_curve_": state.validation_loss_curve,
        **add_prefix("reference", state.reference.arrays()),
        **add_prefix("probability", probability),
        **add_prefix("optimizer", state.optimizer or {}),
    }


def load(path: str | os.PathLike[str], *, expected_sha256: str | None = None) -> Any:
    """Load a fitted detector from a model file.

    No code in the file is run, and nothing is imported at the request of the file.

    Parameters
    ----------
    path : path-like
        Model file, written by the method `save` of a detector.
    expected_sha256 : str, optional
        SHA-256 digest of the whole file, 64 hexadecimal digits as printed by ``sha256sum``. The checksums within a file
        detect damage; only a digest stored elsewhere detects a deliberate change.

    Returns
    -------
    detector : estimator of this package
        Detector whose scores are bitwise equal to those of the saved detector on the same machine. It uses the device
        of its parameter `device` on this machine, or the CPU if the device is not available.

    Raises
    ------
    ModelFileError
        If the file is damaged, has a newer format, does not have the expected digest, or is not a model.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import numpy as np, tempfile, aeanomaly
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> detector = aeanomaly.UndercompleteAutoencoder(random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     detector.save(folder + "/model.aea")
    ...     again = aeanomaly.load(folder + "/model.aea")
    >>> bool((again.score_samples(X) == detector.score_samples(X)).all())
    True
    """
    manifest, arrays = read_model(path, expected_sha256)
    try:
        manifest, arrays = upgrade(manifest, arrays)
        wrapper = next((name for name in _WRAPPERS if name in manifest), None)
        read = from_parts if wrapper is None else importlib.import_module(_WRAPPERS[wrapper]).from_parts
        return read(manifest, arrays)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, MemoryError) as error:
        raise model_file_error(path, error, "does not contain a complete detector") from None


def from_parts(manifest: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """Return a fitted detector from the parts of a model file."""
    cls = REGISTRY[manifest["detector"]]
    parameters = {name: from_json(value, RULES) for name, value in manifest["parameters"].items()}
    detector = cls(**parameters)
    check_parameters(detector, cls.constraints)
    fitted = manifest["fitted"]
    columns = [column_from_json(column) for column in fitted["columns"]]
    if fitted["feature_names"] is not None:
        detector.feature_names_in_ = _checked_names(fitted["feature_names"], len(columns))
    detector.n_features_in_ = len(columns)
    detector.state_ = _state_from(manifest, arrays, detector, columns)
    return detector


def _state_from(
    manifest: dict[str, Any], arrays: dict[str, np.ndarray], detector: "BaseDetector", columns: list[Column]
) -> FittedState:
    fitted = manifest["fitted"]
    optimizer = take_prefix("optimizer", arrays)
    reference, probability = take_prefix("reference", arrays), take_prefix("probability", arrays)
    curves = {name: _curve(arrays.pop(name), name) for name in _CURVES}
    seed = _checked_count(fitted["seed"], "seed")
    model = _model_from(manifest, arrays, detector, columns, seed)
    calibration = Calibration(
        summary=ScoreSummary(curves["training_scores_"], _checked_count(fitted["n_samples_seen"], "n_samples_seen")),
        calibration_scores=_checked_calibration(curves["calibration_scores_"]),
        threshold=_checked_threshold(fitted["threshold"], _checked_offset(fitted["offset"])),
        probability=ScoreCalibrator.from_arrays(probability) if probability else None,
        is_estimated=_checked_boolean(fitted["calibration_is_estimated"], "calibration_is_estimated"),
        groups=None if (groups := fitted["group_offsets"]) is None else GroupOffsets.from_dict(groups),
    )
    return FittedState(
        model=model,
        calibration=calibration,
        compared=TrainingReference.from_arrays(reference, len(columns)),
        loss_curve=curves["loss_curve_"],
        validation_loss_curve=curves["validation_loss_curve_"],
        seed=seed,
        n_runs=_checked_count(fitted["n_calls"], "n_calls"),
        optimizer=_checked_optimizer(optimizer, model),
        table_format=None if (format_ := fitted["table_format"]) is None else TableFormat.from_json(format_),
    )


def _model_from(
    manifest: dict[str, Any],
    arrays: dict[str, np.ndarray],
    detector: "BaseDetector",
    columns: list[Column],
    seed: int,
) -> FittedModel:
    scorers = manifest["scorers"]
    others = [take_prefix(f"scorer{number}", arrays) for number in range(1, len(scorers))]
    draws = (getattr(detector, "n_draws", 1), MemberKey(seed))
    blocks = [(str(kind), int(width)) for kind, width in manifest["fitted"]["blocks"]]
    device = device_or_cpu(detector.device)
    model = FittedModel.from_state(scorers, [arrays, *others], columns, blocks, device, draws)
    if (model.spec.code, model.spec.n_members) != (detector.code, getattr(detector, "n_estimators", 1)):
        raise ModelFileError("the network does not match the detector")
    return model


def _checked_count(value: Any, name: str) -> int:
    if type(value) is not int or value < 0:
        raise ModelFileError(f"{name} is not an integer of at least 0")
    return value


def _checked_boolean(value: Any, name: str) -> bool:
    if type(value) is not bool:
        raise ModelFileError(f"{name} is not true or false")
    return value


def _checked_offset(value: Any) -> float:
    if type(value) not in (int, float) or not np.isfinite(value):
        raise ModelFileError("offset is not a finite number")
    return float(value)


def _checked_threshold(values: Any, offset: float) -> ThresholdInfo:
    if set(values) != _THRESHOLD_INFO or not all(isinstance(values[n], str) for n in _THRESHOLD_INFO - {"n_scores"}):
        raise ModelFileError("threshold does not have the fields of a ThresholdInfo")
    _checked_count(values["n_scores"], "n_scores")
    return ThresholdInfo(offset, **values)


def _checked_calibration(scores: np.ndarray) -> np.ndarray:
    if not np.isfinite(scores).all() or (np.diff(scores) < 0).any():
        raise ModelFileError("calibration_scores_ are not finite numbers in ascending order")
    return scores


def _curve(array: np.ndarray, name: str) -> np.ndarray:
    if array.ndim != 1 or array.dtype != np.float64:
        raise ModelFileError(f"{name} is not a one-dimensional float64 array")
    return array


def _checked_names(names: Any, n_columns: int) -> np.ndarray:
    if not isinstance(names, list) or len(names) != n_columns or not all(isinstance(n, str) for n in names):
        raise ModelFileError(f"feature_names are not {n_columns} strings")
    return np.array(names, dtype=object)


def _checked_optimizer(arrays: dict[str, np.ndarray], model: FittedModel) -> dict[str, np.ndarray] | None:
    if not arrays:
        return None
    if sorted(arrays) != sorted(_OPTIMIZER):
        raise ModelFileError("the state of the optimizer is incomplete")
    shape = FlatParameters(model.scorer.copied().network.requires_grad_(True)).values.shape
    for name in ("mean", "square"):
        moment = arrays[name]
        if moment.shape != shape or moment.dtype != np.float32 or not np.isfinite(moment).all():
            raise ModelFileError(f"the optimizer's {name} is not a finite float32 number for each weight")
    return arrays
