"""Detectors <-> model files: which class a file means, and whether all of it fits together."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from aeanomaly._version import __version__
from aeanomaly.detectors._model import Model, device_or_cpu
from aeanomaly.detectors._reference import Reference
from aeanomaly.detectors._rules import check_parameters
from aeanomaly.exceptions import ModelFileError
from aeanomaly.persistence import from_json, model_file_error, read_model, to_json, write_model
from aeanomaly.preprocessing import column_from_json
from aeanomaly.thresholds import RULES, ScoreCalibrator, ThresholdInfo
from aeanomaly.training import FlatParameters

#: Every detector by the word that names it in files and on the command line.
REGISTRY: dict[str, Any] = {}
_CURVES = ("training_scores_", "jittered_scores_", "calibration_scores_", "loss_curve_", "validation_curve_")
_OPTIMIZER = ("mean", "square", "n_steps")
_DECISION = {"rule", "source", "n_scores", "promise"}

D = TypeVar("D", bound=Any)


def registered(word: str) -> Callable[[D], D]:
    """Class decorator: make a detector known to files and to the command line."""

    def register(cls: D) -> D:
        REGISTRY[word] = cls
        cls._word = word
        return cls

    return register


def save(detector: Any, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a fitted detector to a model file."""
    parameters = detector.get_params(deep=False)
    if isinstance(detector.random_state, (np.random.RandomState, np.random.Generator)):
        parameters["random_state"] = detector._seed
    parameters["device"] = str(detector.device)
    spec, arrays = detector._model.to_state()
    kernel, stored = (None, {}) if detector._kernel is None else detector._kernel.to_state()
    arrays |= {f"kernel.{name}": value for name, value in stored.items()}
    arrays |= {name: getattr(detector, name) for name in _CURVES}
    arrays |= {f"reference.{name}": value for name, value in detector._reference.arrays().items()}
    probability = {} if detector._probability is None else detector._probability.arrays()
    arrays |= {f"probability.{name}": value for name, value in probability.items()}
    arrays |= {f"optimizer.{name}": value for name, value in (detector._optimizer or {}).items()}
    names = getattr(detector, "feature_names_in_", None)
    manifest = {
        "aeanomaly": __version__,
        "detector": detector._word,
        "parameters": {name: to_json(value, name, RULES) for name, value in parameters.items()},
        "network": spec,
        "kernel": kernel,
        "fitted": {
            "offset": float(detector.offset_),
            "threshold": detector.threshold_.to_dict(),
            "n_samples_seen": int(detector.n_samples_seen_),
            "feature_names": None if names is None else list(names),
            "columns": [column.to_json() for column in detector._model.schema.columns],
            "column_kinds": detector._model.schema.kinds,
            "seed": detector._seed,
            "n_calls": detector._n_calls,
        },
    }
    write_model(path, manifest, arrays, overwrite=overwrite)


def load(path: str | os.PathLike[str], *, expected_sha256: str | None = None) -> Any:
    """Read a fitted detector from a model file.

    No code in the file is run, and nothing is imported because the file says so.

    Parameters
    ----------
    path : path-like
    expected_sha256 : str, optional
        What the file must be, as ``sha256sum`` prints it: 64 hexadecimal digits. The checksums within a file tell of
        damage; only this one, kept elsewhere, tells of a file that was changed on purpose.

    Returns
    -------
    detector : one of the classes of this package
        Scores as the one that was saved, to the bit on the same machine. On the device that its
        `device` parameter means here, or on the CPU where that device is missing.

    Raises
    ------
    ModelFileError
        If the file is damaged, from a newer format, not the one expected, or not a model.
    OSError
        If it cannot be read.

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
        return _built(manifest, arrays)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, MemoryError) as error:
        raise model_file_error(path, error, "does not hold a whole detector") from None


def _built(manifest: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    cls = REGISTRY[manifest["detector"]]
    parameters = {name: from_json(value, RULES) for name, value in manifest["parameters"].items()}
    detector = cls(**parameters)
    check_parameters(detector, cls._rules)
    shape = manifest["network"]
    if (shape["code"], shape["n_members"]) != (detector._code, detector._n_members):
        raise ModelFileError("the network is not one of this detector's")
    fitted = manifest["fitted"]
    optimizer = {n.removeprefix("optimizer."): arrays.pop(n) for n in list(arrays) if n.startswith("optimizer.")}
    curves = {name: _curve(arrays.pop(name), name) for name in _CURVES}
    kernel = {n.removeprefix("kernel."): arrays.pop(n) for n in list(arrays) if n.startswith("kernel.")}
    reference = {n.removeprefix("reference."): arrays.pop(n) for n in list(arrays) if n.startswith("reference.")}
    probability = {n.removeprefix("probability."): arrays.pop(n) for n in list(arrays) if n.startswith("probability.")}
    device = device_or_cpu(detector.device)
    columns = [column_from_json(column) for column in fitted["columns"]]
    model = Model.from_state(manifest["network"], arrays, columns, device)
    state: dict[str, Any] = {
        **curves,
        "_model": model,
        "_reference": Reference.from_arrays(reference, len(columns)),
        "_kernel": _checked_kernel(manifest["kernel"], kernel, model),
        "_seed": _checked_count(fitted["seed"], "seed"),
        "_n_calls": _checked_count(fitted["n_calls"], "n_calls"),
        "_optimizer": _checked_optimizer(optimizer, model),
        "offset_": _checked_offset(fitted["offset"]),
        "threshold_": _checked_decision(fitted["threshold"], fitted["offset"]),
        "calibration_scores_": _checked_calibration(curves["calibration_scores_"]),
        "_probability": ScoreCalibrator.from_arrays(probability) if probability else None,
        "n_samples_seen_": _checked_count(fitted["n_samples_seen"], "n_samples_seen"),
        "n_features_in_": len(columns),
        "latent_dim_": model.code_width,
        "n_iter_": len(curves["loss_curve_"]),
    }
    if fitted["feature_names"] is not None:
        state["feature_names_in_"] = _checked_names(fitted["feature_names"], len(columns))
    vars(detector).update(state)
    return detector


def _checked_kernel(spec: dict[str, Any] | None, arrays: dict[str, np.ndarray], model: Model) -> Model | None:
    if spec is None and not arrays:
        return None
    if spec is None or not arrays:
        raise ModelFileError("the kernel member is not whole")
    kernel = Model.from_state(spec, arrays, model.schema.columns, model.device)
    if not kernel.stands_beside(model):
        raise ModelFileError("the kernel member is not one of this detector's")
    return kernel


def _checked_count(value: Any, name: str) -> int:
    if type(value) is not int or value < 0:
        raise ModelFileError(f"{name} is not a whole number of at least 0")
    return value


def _checked_offset(value: Any) -> float:
    if type(value) not in (int, float) or not np.isfinite(value):
        raise ModelFileError("offset is not a finite number")
    return float(value)


def _checked_decision(values: Any, offset: float) -> ThresholdInfo:
    if set(values) != _DECISION or not all(isinstance(values[n], str) for n in _DECISION - {"n_scores"}):
        raise ModelFileError("threshold does not say what set it")
    return ThresholdInfo.from_dict(
        {**values, "n_scores": _checked_count(values["n_scores"], "n_scores")}, float(offset)
    )


def _checked_calibration(scores: np.ndarray) -> np.ndarray:
    if not np.isfinite(scores).all() or (np.diff(scores) < 0).any():
        raise ModelFileError("calibration_scores_ are not finite numbers in ascending order")
    return scores


def _curve(array: np.ndarray, name: str) -> np.ndarray:
    if array.ndim != 1 or array.dtype != np.float64:
        raise ModelFileError(f"{name} is not a row of float64 numbers")
    return array


def _checked_names(names: Any, n_columns: int) -> np.ndarray:
    if not isinstance(names, list) or len(names) != n_columns or not all(isinstance(n, str) for n in names):
        raise ModelFileError(f"feature_names are not {n_columns} texts")
    return np.array(names, dtype=object)


def _checked_optimizer(arrays: dict[str, np.ndarray], model: Model) -> dict[str, np.ndarray] | None:
    if not arrays:
        return None
    if sorted(arrays) != sorted(_OPTIMIZER):
        raise ModelFileError("the optimiser's state is not whole")
    shape = FlatParameters(model.copy().network).values.shape
    for name in ("mean", "square"):
        moment = arrays[name]
        if moment.shape != shape or moment.dtype != np.float32 or not np.isfinite(moment).all():
            raise ModelFileError(f"the optimiser's {name} is not a finite float32 number for each weight")
    return arrays
