"""Conversion of parameter values to JSON and back, with their types, and names of arrays with a prefix."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aeanomaly.exceptions import ModelFileError

_PLAIN = (type(None), bool, int, float, str)


def to_json(value: Any, name: str, classes: Mapping[str, type]) -> Any:
    """Encode a parameter value.

    Parameters
    ----------
    value : None, bool, int, float, str, tuple, list, dict of text or integers, or a dataclass in `classes`
    name : str
        Name of the parameter, for the error message.
    classes : mapping of str to dataclass
        Dataclasses that a file may hold, by registry key.

    Raises
    ------
    ModelFileError
        For any other value.

    Examples
    --------
    >>> to_json((64, 32), "hidden_layer_sizes", {})
    {'tuple': [64, 32]}
    """
    if isinstance(value, (np.number, np.bool_)):
        value = value.item()
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (tuple, list)):
        return {"tuple" if isinstance(value, tuple) else "list": [to_json(v, name, classes) for v in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: to_json(v, name, classes) for key, v in value.items()}}
    if isinstance(value, dict) and all(type(key) in (str, int) for key in value):
        return {"pairs": [[key, to_json(v, name, classes)] for key, v in value.items()]}
    for key, known in classes.items():
        if type(value) is known:
            return {"object": key, "fields": {f: to_json(v, name, classes) for f, v in vars(value).items()}}
    raise ModelFileError(
        f"{name}={value!r} cannot be written to a model file, which holds no code; "
        f"set {name} to a plain value before saving (the fitted model keeps its threshold)"
    )


def from_json(value: Any, classes: Mapping[str, type]) -> Any:
    """Decode the output of `to_json`; raise a ModelFileError for any other value."""
    if type(value) in _PLAIN:
        return value
    match value:
        case {"tuple": list(items), **rest} if not rest:
            return tuple(from_json(v, classes) for v in items)
        case {"list": list(items), **rest} if not rest:
            return [from_json(v, classes) for v in items]
        case {"dict": dict(items), **rest} if not rest:
            return {key: from_json(v, classes) for key, v in items.items()}
        case {"pairs": list(items), **rest} if not rest and all(type(key) in (str, int) for key, _ in items):
            return {key: from_json(v, classes) for key, v in items}
        case {"object": str(key), "fields": dict(fields), **rest} if not rest and key in classes:
            return classes[key](**{f: from_json(v, classes) for f, v in fields.items()})
    raise ModelFileError(f"the model file contains an unknown value: {str(value)[:80]}")


def add_prefix(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays under the names ``prefix.name``."""
    return {f"{prefix}.{name}": values for name, values in arrays.items()}


def take_prefix(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Remove and return the arrays with a prefix; the inverse of `add_prefix`."""
    names = [name for name in arrays if name.startswith(f"{prefix}.")]
    return {name.removeprefix(f"{prefix}."): arrays.pop(name) for name in names}
