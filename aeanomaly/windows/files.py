"""Model files of windowed detectors: the file of the wrapped detector, with a part on windows."""

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from aeanomaly.detectors import BaseDetector, to_parts
from aeanomaly.detectors import from_parts as detector_from_parts
from aeanomaly.exceptions import ModelFileError
from aeanomaly.persistence import add_prefix, from_json, take_prefix, to_json, write_model
from aeanomaly.preprocessing import column_from_json
from aeanomaly.thresholds import RULES
from aeanomaly.windows.features import WindowFeatures
from aeanomaly.windows.model import WindowedModel, WindowedState
from aeanomaly.windows.prediction import LagPredictor
from aeanomaly.windows.rows import SeriesOrder

if TYPE_CHECKING:
    from aeanomaly.windows.detector import WindowedDetector

#: Parameters besides the wrapped detector.
_PARAMETERS = ("window", "stride", "features", "time", "groups", "max_gap", "contamination")
_PARTS = {"parameters", "has_estimator", "feature_names", "names", "columns", "longest_gap", "features"}
_KINDS = ("summary", "lags", "both")


def save(detector: "WindowedDetector", path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a fitted detector to a model file."""
    model = detector.state_.model
    wrapped = detector.wrapped(detector.state_.calibration)
    if not isinstance(wrapped, BaseDetector):
        raise TypeError(
            f"a model file holds detectors of this package only, not {type(wrapped).__name__}; pickle the detector"
        )
    manifest, arrays = to_parts(wrapped)
    names = getattr(detector, "feature_names_in_", None)
    manifest["windows"] = {
        "parameters": {name: to_json(_as_text(getattr(detector, name)), name, RULES) for name in _PARAMETERS},
        "has_estimator": detector.estimator is not None,
        "feature_names": None if names is None else list(names),
        "names": [int(name) if isinstance(name, np.integer) else name for name in model.names],
        "columns": [column.to_json() for column in model.types],
        "longest_gap": model.order.longest_gap,
        "features": None if model.features is None else [model.features.window, model.features.kind],
    }
    write_model(path, manifest, {**arrays, **add_prefix("windows", _arrays_of(model.features))}, overwrite=overwrite)


def from_parts(manifest: dict[str, Any], arrays: dict[str, np.ndarray]) -> "WindowedDetector":
    """Return a fitted detector from the parts of a model file."""
    from aeanomaly.windows.detector import WindowedDetector

    part, of_windows = manifest["windows"], take_prefix("windows", arrays)
    if set(part) != _PARTS or set(part["parameters"]) != set(_PARAMETERS):
        raise ModelFileError("the part on windows has missing or unknown keys")
    wrapped = detector_from_parts(manifest, arrays)
    parameters = {name: from_json(part["parameters"][name], RULES) for name in _PARAMETERS}
    detector = WindowedDetector(clone(wrapped) if part["has_estimator"] else None, **parameters)
    types, names = tuple(map(column_from_json, part["columns"])), part["feature_names"]
    if names is not None:
        if len(names) != len(types) or not all(isinstance(name, str) for name in names):
            raise ModelFileError(f"feature_names are not {len(types)} strings")
        detector.feature_names_in_ = np.array(names, dtype=object)
    detector.n_features_in_ = len(types)
    order = SeriesOrder(detector.time, detector.group_columns, _checked_gap(part["longest_gap"]))
    labels = part["names"]
    if len(labels) != len(types) or not all(type(label) in (int, str) for label in labels):
        raise ModelFileError(f"names are not {len(types)} strings or numbers")
    model = WindowedModel(labels, types, order, detector=wrapped)
    if part["features"] is not None:
        model = replace(model, features=_features_from(part["features"], of_windows, len(model.readings)))
    if len(model.inputs) != wrapped.n_features_in_:
        raise ModelFileError("the windows do not match the detector")
    detector.state_ = WindowedState(model, wrapped.state_.calibration, wrapped.state_.table_format)
    return detector


def _as_text(value: Any) -> Any:
    """Return a duration as text; another value as it is."""
    return str(pd.Timedelta(value)) if isinstance(value, (timedelta, np.timedelta64)) else value


def _arrays_of(features: WindowFeatures | None) -> dict[str, np.ndarray]:
    if features is None:
        return {}
    predictor = features.predictor
    return {
        "center": features.center,
        "scale": features.scale,
        "low": features.low,
        "high": features.high,
        "typical": features.typical,
        "predictor.center": predictor.center,
        "predictor.weights": predictor.weights,
    }


def _features_from(described: list[Any], arrays: dict[str, np.ndarray], n_columns: int) -> WindowFeatures:
    """Return features with arrays of consistent shapes."""
    window, kind = described
    if type(window) is not int or window < 2 or kind not in _KINDS:
        raise ModelFileError("the windows have an unknown kind or length")
    predictor = LagPredictor(arrays["predictor.center"], arrays["predictor.weights"])
    n_lags, n_errors = len(predictor.center), n_columns * len(predictor.kinds)
    shapes = {
        "center": (n_columns,),
        "scale": (n_columns,),
        "low": (n_errors,),
        "high": (n_errors,),
        "typical": (n_columns,),
        "predictor.center": (n_lags, n_columns),
        "predictor.weights": (n_lags * n_columns, n_errors),
    }
    for name, shape in shapes.items():
        array = arrays[name]
        if array.shape != shape or array.dtype != np.float64 or not np.isfinite(array).all():
            raise ModelFileError(f"the array {name} of the windows does not hold finite numbers of shape {shape}")
    if not 2 <= n_lags <= window or (arrays["scale"] <= 0).any():
        raise ModelFileError("the number of lags or a scale of the windows is invalid")
    own = {name: arrays[name] for name in ("center", "scale", "low", "high", "typical")}
    return WindowFeatures(window=window, kind=kind, predictor=predictor, **own)


def _checked_gap(gap: Any) -> float | None:
    if gap is not None and not (isinstance(gap, float) and gap > 0):
        raise ModelFileError("the longest gap is not a positive number")
    return gap
