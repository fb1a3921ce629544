"""Benchmark protocol: training rows, test rows and labels from a file. Detectors never receive the labels."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

#: one-class: train on half of the normal rows. contaminated: train on all rows, without labels.
SETTINGS = ("one-class", "contaminated")
#: Maximum number of rows; larger tables are sampled.
LARGEST = 10_000
#: Files that are not data sets.
_NOT_DATA = {"manifest.csv"}


class UsageError(Exception):
    """Error with a one-sentence message for standard error and exit code 2."""


@dataclass(frozen=True)
class Split:
    """Training rows, test rows, and the labels of the test rows (1 = anomaly)."""

    train: np.ndarray
    test: np.ndarray
    y: np.ndarray
    same_rows: bool

    def standardized(self) -> "Split":
        """Return the split standardized by the training rows: mean 0 and variance 1 per column."""
        scaler = StandardScaler().fit(self.train)
        return replace(self, train=scaler.transform(self.train), test=scaler.transform(self.test))


def folder_of(data: Path | None) -> Path:
    """Return the folder of data sets: `data` if given, otherwise $AEANOMALY_DATA."""
    folder = data or os.environ.get("AEANOMALY_DATA")
    if not folder:
        raise UsageError("no data: pass --data FOLDER, or set AEANOMALY_DATA, with a folder of .npz or .csv files")
    return Path(folder)


def named(option: str, names: Iterable[str] | None, known: Iterable[str]) -> list[str]:
    """Return the requested names in the order of `known`, or all known names if none is requested."""
    known = list(known)
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise UsageError(f"{option}: {unknown[0]!r} is not one of {', '.join(known)}")
    return [name for name in known if names is None or name in names]


def find(folder: Path) -> dict[str, Path]:
    """Return the data sets of a folder by name: its .npz and .csv files."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; pass a folder of .npz or .csv files as --data")
    paths = sorted(p for p in folder.iterdir() if p.suffix in {".npz", ".csv"} and p.name.lower() not in _NOT_DATA)
    if not paths:
        raise UsageError(f"{folder} contains no .npz or .csv file; pass the folder of the data sets as --data")
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise UsageError(
                f"{folder}: {found[path.stem].name} and {path.name} have the same name; rename one of them"
            )
        found[path.stem] = path
    return found


def read(path: Path, label: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows as float64, of shape (n, columns), and the labels, of shape (n,); 1 = anomaly."""
    X, y = _read_npz(path) if path.suffix == ".npz" else _read_csv(path, label)
    if X.ndim != 2 or len(X) != len(y):
        raise UsageError(
            f"{path}: X must be a table with one row per label; X has shape {X.shape}, and y has shape {y.shape}"
        )
    seen = list(pd.unique(y))
    if set(seen) != {0, 1}:
        shown = ", ".join(map(str, seen[:5])) or "nothing"
        raise UsageError(f"{path}: labels must contain both 0 and 1 (1 = anomaly); they contain {shown}")
    if not np.isfinite(X).all():
        raise UsageError(
            f"{path}: values are missing or infinite, and the peers do not support them; impute them first"
        )
    return X, y.astype(np.int64)


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(path) as data:
            return data["X"].astype(np.float64), data["y"].ravel()
    except Exception as error:  # numpy passes on exceptions of zipfile, zlib and pickle
        raise UsageError(f"{path}: not an .npz file with numeric X and labels y: {error}") from None


def _read_csv(path: Path, label: str | None) -> tuple[np.ndarray, np.ndarray]:
    try:
        frame = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise UsageError(f"{path}: not a CSV table: {error}") from None
    label = frame.columns[-1] if label is None else label
    if label not in frame.columns:
        raise UsageError(f"{path}: column {label!r} of --label does not exist; the columns are {_some(frame.columns)}")
    X = frame.drop(columns=label)
    text = X.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in X.dtypes]]
    if len(text):
        raise UsageError(f"{path}: columns must be numeric, but {_some(text)} is not; drop or encode it")
    return X.to_numpy(dtype=np.float64), frame[label].to_numpy()


def _some(names: Iterable[str]) -> str:
    return ", ".join(list(map(repr, names))[:10])


def sample(X: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample at most `LARGEST` rows at about the anomaly rate of the table, at least 100 anomalies if available."""
    if len(X) <= LARGEST:
        return X, y
    rng = np.random.default_rng(seed)
    k = min(int(y.sum()), max(100, round(LARGEST * y.mean())))
    anomalies = rng.choice(np.flatnonzero(y == 1), k, replace=False)
    normal = rng.choice(np.flatnonzero(y == 0), LARGEST - k, replace=False)
    kept = np.concatenate([anomalies, normal])
    return X[kept], y[kept]


def split(X: np.ndarray, y: np.ndarray, setting: str, seed: int) -> Split:
    """Split the rows into training and test rows, for one of `SETTINGS`."""
    if setting == "contaminated":
        return Split(X, X, y, same_rows=True)
    normal = np.random.default_rng(seed + 1000).permutation(np.flatnonzero(y == 0))
    half = len(normal) // 2
    test = np.concatenate([normal[half:], np.flatnonzero(y == 1)])
    return Split(X[normal[:half]], X[test], y[test], same_rows=False)
