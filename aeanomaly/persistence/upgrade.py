"""Content of model files of older formats, in the words of the present one."""

from typing import Any

import numpy as np

_PARAMETERS = {"kernel": "kernel_member"}
#: Parameters that exist no longer, and those in their place; the saved networks do not depend on them.
_FORMER_PARAMETERS: dict[str, dict[str, Any]] = {"varieties": {"variational_member": False, "marginal_member": False}}
_ACTIVATIONS = {"softmax": "rbf"}


def upgrade(manifest: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return manifest and arrays of a file of any format as a file of the present format has them.

    Raises
    ------
    ValueError
        If the parts of an older file do not fit together.
    """
    if manifest["format"] > 1:
        return manifest, arrays
    upgraded, renamed = upgrade_manifest(manifest), _upgrade_arrays(arrays)
    numbers = [(kind, int(renamed.pop(f"schema.n_{kind}"))) for kind in ("gaussian", "bernoulli")]
    columns = upgraded["fitted"]["columns"]
    categories = [("categorical", len(column["levels"]) + 1) for column in columns if column["kind"] == "categorical"]
    blocks = [block for block in numbers if block[1]] + categories
    return {**upgraded, "fitted": {**upgraded["fitted"], "blocks": blocks}}, renamed


def upgrade_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest of any format as a file of the present format has it."""
    if manifest["format"] > 1:
        return manifest
    fitted = manifest["fitted"]
    networks = [network for network in (manifest["network"], manifest["kernel"]) if network is not None]
    parameters = {
        _PARAMETERS.get(name, name): value
        for name, value in manifest["parameters"].items()
        if name not in _FORMER_PARAMETERS
    }
    for name in _FORMER_PARAMETERS.keys() & manifest["parameters"].keys():
        parameters |= _FORMER_PARAMETERS[name]
    threshold = {("guarantee" if name == "promise" else name): value for name, value in fitted["threshold"].items()}
    kinds = {"point": "deviance", "gaussian": "elbo"}
    kept = {name: value for name, value in manifest.items() if name not in ("network", "kernel")}
    return {
        **kept,
        "parameters": _rename_activations(parameters),
        "scorers": [{"kind": kinds[network["code"]], **_rename_activations(network)} for network in networks],
        "fitted": {
            **fitted,
            "threshold": threshold,
            "calibration_is_estimated": "folds" in threshold["source"],
            "group_offsets": None,
            "table_format": None,
        },
    }


def _rename_activations(values: dict[str, Any]) -> dict[str, Any]:
    renamed = {name: _ACTIVATIONS.get(values[name], values[name]) for name in values if name.endswith("activation")}
    return {**values, **renamed}


def _upgrade_arrays(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename arrays, and drop scores of another threshold and the schema of the kernel member, that of the networks."""
    kernel = {name.removeprefix("kernel."): a for name, a in arrays.items() if name.startswith("kernel.schema.")}
    if kernel and not _are_equal(kernel, {name: a for name, a in arrays.items() if name.startswith("schema.")}):
        raise ValueError("the kernel member is not one of this detector's")
    names = {"validation_curve_": "validation_loss_curve_"}
    kept = {n: a for n, a in arrays.items() if n != "jittered_scores_" and not n.startswith("kernel.schema.")}
    return {names.get(name, name).replace("kernel.", "scorer1.", 1): a for name, a in kept.items()}


def _are_equal(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)
