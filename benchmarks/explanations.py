"""Benchmark of explanations: the rank of a wrong cell among the contributions to the error of its row.

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.explanations [--data FOLDER]

One cell of each new row is replaced by a wrong value. The value occurs in the column between its 1% and 99%
quantiles. It differs by more than 4 residual standard deviations from the prediction of a random forest on the other
columns. Only columns with at least four fifths of their variance explained by the forest are used, because no value is
impossible in the others. The tables are the factory table, two simulated tables, and the normal rows of the data sets
in FOLDER, if given. The baseline is the standardized residual of the forests. If a column can be predicted from only
one other column, the wrong one of the two cannot be identified.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

import aeanomaly
from aeanomaly.datasets import make_factory
from benchmarks.protocol import find, folder_of, read

_ROWS, _PLANTED, _FEWEST, _WIDEST = 3000, 300, 30, 60
_IMPOSSIBLE, _EXPLAINED = 4.0, 0.8
DETECTORS = (
    "DenoisingAutoencoder",
    "AutoencoderEnsemble",
    "UndercompleteAutoencoder",
    "ContractiveAutoencoder",
    "SparseAutoencoder",
    "VariationalAutoencoder",
)


def tables(data: Path | None) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the normal rows of each table, with its name."""
    X, y = make_factory(_ROWS, random_state=1)
    yield "factory", X[np.asarray(y) == 0].to_numpy(dtype=np.float64)
    yield "curved, 2 of 8", _curved(8, 2)
    yield "curved, 3 of 12", _curved(12, 3)
    if data is not None:
        for name, path in find(folder_of(data)).items():
            X, y = read(path)
            X = X[y == 0]
            X = X[np.random.default_rng(0).permutation(len(X))[:_ROWS]]
            if X.shape[1] <= _WIDEST:
                yield name, X[:, X.std(axis=0) > 0]


def _curved(n_columns: int, n_causes: int) -> np.ndarray:
    """Return columns that are functions of a few latent variables, with a tenth of noise."""
    rng = np.random.default_rng(n_columns)
    causes = rng.uniform(-1, 1, size=(_ROWS, n_causes))
    first, second = rng.normal(size=(2, n_causes, n_columns))
    X = np.tanh(causes @ first) + 0.5 * (causes @ second) ** 2
    return X + 0.1 * X.std(axis=0) * rng.normal(size=X.shape)


class Planted(NamedTuple):
    """Training rows, new rows with one wrong cell each, the columns of these cells, and residuals of the forests."""

    train: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    deviations: np.ndarray


def planted(X: np.ndarray) -> Planted | None:
    """Insert one wrong cell into each new row; return None if too few cells can be wrong."""
    rng, cut = np.random.default_rng(0), len(X) * 2 // 3
    train, test = X[:cut], X[cut:]
    forests = [_Forest(train[:1500], column) for column in range(X.shape[1])]
    residuals = [np.std(test[:, f.column] - f.expected(test)) for f in forests]
    known = [f for f, r in zip(forests, residuals, strict=True) if r**2 <= (1 - _EXPLAINED) * test[:, f.column].var()]
    known = [forest for forest in known if residuals[forest.column] > 0]
    expected = {forest.column: forest.expected(test) for forest in known}
    rows, columns = [], []
    for row in range(len(test) if known else 0):
        column = int(rng.choice(list(expected)))
        values = rng.choice(train[:, column], size=50)
        low, high = np.quantile(train[:, column], [0.01, 0.99])
        usual = (values >= low) & (values <= high)
        wrong = values[usual & (np.abs(values - expected[column][row]) > _IMPOSSIBLE * residuals[column])]
        if len(wrong) and len(rows) < _PLANTED:
            rows.append(np.where(np.arange(X.shape[1]) == column, wrong[0], test[row]))
            columns.append(column)
    if len(rows) < _FEWEST:
        return None
    off = [
        np.abs(np.array(rows)[:, f.column] - f.expected(np.array(rows))) / max(residuals[f.column], 1e-9)
        for f in forests
    ]
    return Planted(train, np.array(rows), np.array(columns), np.stack(off, axis=1))


class _Forest:
    """Random forest that predicts one column from the others."""

    def __init__(self, train: np.ndarray, column: int):
        self.column = column
        forest = RandomForestRegressor(30, min_samples_leaf=3, max_features=0.5, random_state=0)
        self._forest = forest.fit(np.delete(train, column, axis=1), train[:, column])

    def expected(self, rows: np.ndarray) -> np.ndarray:
        return self._forest.predict(np.delete(rows, self.column, axis=1))


def run(data: Path | None, detectors: Sequence[str]) -> pd.DataFrame:
    """Return, for each table and detector, how often the wrong column ranks first and among the top three."""
    lines = []
    for name, X in tables(data):
        found = planted(X)
        if found is None:
            continue
        lines.append((name, "one forest per column", *_hits(found.deviations, found.columns), np.nan))
        for detector in detectors:
            fitted = getattr(aeanomaly, detector)(random_state=0).fit(found.train)
            start = time.perf_counter()
            contributions = fitted.explain(found.rows).drop(columns="kl", errors="ignore").to_numpy()
            seconds = time.perf_counter() - start
            lines.append((name, detector, *_hits(contributions, found.columns), seconds))
            sys.stderr.write("{} {}: {:.3f} {:.3f}, {:.2f} s\n".format(*lines[-1]))
    return pd.DataFrame(lines, columns=["table", "detector", "first", "among three", "seconds"])


def _hits(parts: np.ndarray, columns: np.ndarray) -> tuple[float, float]:
    """Return how often the given column has the largest part of its row, and one of the three largest."""
    largest = np.argsort(-parts, axis=1, kind="stable")[:, :3] == columns[:, None]
    return float(largest[:, 0].mean()), float(largest.any(axis=1).mean())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of .npz or .csv files, in addition to the built-in tables")
    parser.add_argument("--detectors", nargs="+", default=list(DETECTORS), choices=DETECTORS)
    options = parser.parse_args(arguments)
    found = run(options.data, options.detectors)
    sys.stdout.write(found.pivot_table(index="detector", columns="table", values="first").round(3).to_string() + "\n")
    sys.stdout.write(found.groupby("detector")[["first", "among three", "seconds"]].mean().round(3).to_string() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
