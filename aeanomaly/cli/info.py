"""``aeanomaly info``."""

import argparse
import json
from typing import Any

from aeanomaly.persistence import read_manifest


def run_info(options: argparse.Namespace) -> None:
    """Print what the manifest says."""
    manifest = read_manifest(options.model)
    print(json.dumps(manifest) if options.json else _in_words(manifest))


def _in_words(manifest: dict[str, Any]) -> str:
    fitted, network = manifest["fitted"], manifest["network"]
    names = fitted["feature_names"] or [f"column {j}" for j in range(network["n_columns"])]
    columns = [f"  {name} ({kind})" for name, kind in zip(names, fitted["column_kinds"], strict=True)]
    parameters = [f"  {name} = {_value(value)}" for name, value in manifest["parameters"].items()]
    widths = [network["n_columns"], *network["hidden_layer_sizes"], network["latent_dim"]]
    return "\n".join(
        [
            f"{manifest['detector']} autoencoder, aeanomaly {manifest['aeanomaly']}, file format {manifest['format']}",
            f"encoder widths {' - '.join(map(str, widths))}, {network['activation']}",
            f"trained on {fitted['n_samples_seen']:,} rows; rows that score below {fitted['offset']:.6g} are anomalies",
            f"{len(columns)} columns:",
            *columns[:40],
            *([f"  and {len(columns) - 40} more"] if len(columns) > 40 else []),
            "parameters:",
            *parameters,
        ]
    )


def _value(value: Any) -> str:
    match value:
        case {"tuple": items}:
            return str(tuple(items))
        case {"object": key, "fields": fields}:
            return f"{key}({', '.join(f'{name}={field}' for name, field in fields.items())})"
    return repr(value)
