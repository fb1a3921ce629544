"""Record the bits of every kind of fit, and compare them after a change.

A change of structure must not change a score, a saved array or a pickled detector's answer. Run this before and after::

    python -m tests.bits record before.json
    python -m tests.bits compare before.json

Every detector is fitted on numbers and on a mixed table, with each way to treat missing values and in each way to fit.
Bits depend on the machine and on the number of threads, so a record is of use on the machine that made it only.
"""

import argparse
import hashlib
import json
import pickle
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import aeanomaly
from aeanomaly.detectors import REGISTRY
from aeanomaly.persistence import read_model
from aeanomaly.thresholds import Conformal, CrossConformal

N_ROWS = 160


def numbers(n_rows: int = N_ROWS) -> pd.DataFrame:
    """Real, two-valued and count columns."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, n_rows))
    return pd.DataFrame(
        {
            "a": a,
            "two": np.where(a > 0, 7.0, 3.0),
            "large": 1e6 + 10 * b,
            "sum": a + b + 0.1 * rng.normal(size=n_rows),
            "count": np.floor(np.exp(2 * np.abs(rng.normal(size=n_rows)) + 1)),
        }
    )


def mixed(n_rows: int = N_ROWS) -> pd.DataFrame:
    """Every kind of column."""
    rng = np.random.default_rng(1)
    table = numbers(n_rows)
    return table.assign(
        color=np.array(["red", "green", "blue"])[rng.integers(0, 3, n_rows)],
        size=pd.Categorical(np.array(["s", "m", "l"])[rng.integers(0, 3, n_rows)], ["s", "m", "l"], ordered=True),
        open=rng.random(n_rows) < 0.3,
        when=pd.date_range("2026-01-05", periods=n_rows, freq="7h"),
        took=pd.to_timedelta(rng.integers(1, 500, n_rows), unit="s"),
    )


def with_missing(table: pd.DataFrame) -> pd.DataFrame:
    """A tenth of the cells is missing, and one row misses all but one."""
    missing = np.random.default_rng(2).random(table.shape) < 0.1
    missing[3, 1:] = True
    return table.astype({"open": object} if "open" in table else {}).mask(missing)


def fits(detector: Any, table: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """The ways to fit, each on a detector of its own."""

    def new(**parameters: Any) -> Any:
        return type(detector)(**{**detector.get_params(deep=False), **parameters})

    yield "fit", lambda: new().fit(table)
    yield "fit, robust", lambda: new(robust=True).fit(table)
    yield "partial_fit", lambda: new().partial_fit(table[:100]).partial_fit(table[100:])
    yield "fit_batches", lambda: new().fit_batches([table[:50], table[50:]], sample_size=120)
    yield "warm_start", lambda: new(warm_start=True).fit(table).fit(table)
    yield "Conformal", lambda: new(contamination=Conformal(0.1)).fit(table)
    yield "CrossConformal", lambda: new(contamination=CrossConformal(0.1, n_splits=2)).fit(table)
    yield "early_stopping", lambda: new(early_stopping=True, max_iter=60).fit(table)
    yield "relu", lambda: new(activation="relu", hidden_layer_sizes=(16,)).fit(table)


def record() -> dict[str, dict[str, str]]:
    """SHA-256 of what every kind of fit leaves and answers, by the name of the fit."""
    torch.set_num_threads(1)
    found = {}
    for word, cls in sorted(REGISTRY.items()):
        for missing in ("error", "model", "informative"):
            for name, table in (("numbers", numbers()), ("mixed", mixed())):
                table = table if missing == "error" else with_missing(table)
                for way, fit in fits(cls(missing=missing, max_iter=20, random_state=0), table):
                    found[f"{word}, missing={missing}, {name}, {way}"] = _bits(fit(), table)
    return found


def _bits(fitted: Any, table: pd.DataFrame) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.aea"
        fitted.save(path)
        _, arrays = read_model(path)
        scores = fitted.score_samples(table)
        np.testing.assert_array_equal(aeanomaly.load(path).score_samples(table), scores)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).score_samples(table), scores)
    some = table[:8]
    answers = {
        "scores": scores,
        "errors": fitted.reconstruction_error(some, per_feature=True),
        "code": fitted.transform(some),
        "explain": fitted.explain(some).to_numpy(),
        "reconstruct": np.frombuffer(repr(np.asarray(fitted.reconstruct(some)).tolist()).encode(), np.uint8),
        "offset": np.array(fitted.offset_),
    }
    return {name: _hash(array) for name, array in {**answers, **{f"file: {n}": a for n, a in arrays.items()}}.items()}


def _hash(array: np.ndarray) -> str:
    head = f"{array.dtype} {array.shape} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def differences(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[str]:
    """Lines on what differs; an array of a file may have another name, if some array has its bits."""
    lines = [f"{name}: not fitted {when}" for name, when in _unpaired(before, after)]
    for name in before.keys() & after.keys():
        for key, bits in before[name].items():
            same = bits in after[name].values() if key.startswith("file: ") else after[name].get(key) == bits
            if not same:
                lines.append(f"{name}: {key}")
    return sorted(lines)


def _unpaired(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, "now") for name in before.keys() - after.keys()] + [
        (name, "before") for name in after.keys() - before.keys()
    ]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("record", "compare"))
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = record()
    if options.command == "record":
        options.file.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{len(found)} fits recorded")
        return 0
    lines = differences(json.loads(options.file.read_text()), found)
    print("\n".join(lines[:60]) or f"{len(found)} fits: all bits are the same")
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
