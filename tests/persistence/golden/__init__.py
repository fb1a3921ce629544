"""Model files of every released format, and the answers that they must always give.

A folder for each format number, never changed once it is released: ``NAME.aea``, and in ``answers.json`` the scores of
the rows of `table`, the offset and the parameters of each. When the number rises, write the folder of the new one by
``python -m tests.persistence.golden``, and leave the others as they are.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import aeanomaly
from aeanomaly.persistence.archive import FORMAT
from aeanomaly.thresholds import Conformal, TargetRecall

FOLDER = Path(__file__).parent


def table() -> pd.DataFrame:
    """Twenty-four rows of every kind of cell, made without random numbers."""
    steps = np.arange(24.0)
    return pd.DataFrame(
        {
            "size": np.sin(steps) + 0.1 * steps,
            "cost": np.exp(np.cos(steps) * 4),
            "colour": np.array(["red", "green", "blue"])[(steps % 3).astype(int)],
            "open": steps % 5 < 2,
            "when": pd.date_range("2026-01-05", periods=24, freq="7h"),
        }
    ).assign(size=lambda t: t["size"].where(steps % 11 != 7))


def detectors() -> dict[str, Any]:
    """Return one detector of each class, with settings as different as possible."""
    how = {"max_iter": 8, "random_state": 0, "missing": "model"}
    return {
        "undercomplete": aeanomaly.UndercompleteAutoencoder(hidden_layer_sizes=(6, 4), activation="relu", **how),
        "sparse": aeanomaly.SparseAutoencoder(contamination=0.1, column_types={"cost": "logarithmic"}, **how),
        "contractive": aeanomaly.ContractiveAutoencoder(contamination=TargetRecall(0.5), **how),
        "denoising": aeanomaly.DenoisingAutoencoder(contamination=Conformal(0.2, 0.3), early_stopping=True, **how),
        "variational": aeanomaly.VariationalAutoencoder(hidden_layer_sizes=(6,), latent_dim=2, **how),
        "ensemble": aeanomaly.AutoencoderEnsemble(n_estimators=2, **how),
    }


def answers(fitted: Any) -> dict[str, Any]:
    """Return the answers that a file must give."""
    return {
        "class": type(fitted).__name__,
        "parameters": repr(sorted(fitted.get_params().items())),
        "offset": fitted.offset_,
        "scores": fitted.score_samples(table()).tolist(),
        "rule": fitted.threshold_info_.rule,
    }


def write() -> None:
    """Write the folder of today's format."""
    folder = FOLDER / f"format_{FORMAT}"
    folder.mkdir(exist_ok=True)
    known = {}
    for name, detector in detectors().items():
        detector.fit(table(), np.arange(24) % 6 == 0).save(folder / f"{name}.aea")
        known[name] = answers(detector)
    (folder / "answers.json").write_text(json.dumps(known, indent=1) + "\n")
