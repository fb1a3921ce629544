"""Benchmark protocol: training rows, test rows and labels from a file. Detectors never receive the labels."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from benchmarks.preparation import prepared

#: Type of a table of rows: an array of numbers, or a frame.
Rows = TypeVar("Rows", np.ndarray, pd.DataFrame)
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

    train: np.ndarray | pd.DataFrame
    test: np.ndarray | pd.DataFrame
    y: np.ndarray
    same_rows: bool

    @property
    def missing(self) -> bool:
        """Return True if any value is missing."""
        return any(np.asarray(pd.isna(rows)).any() for rows in (self.train, self.test))

    def standardized(self) -> "Split":
        """Return the split as numbers, with mean 0 and variance 1 per numeric column of the training rows."""
        mixed = isinstance(self.train, pd.DataFrame)
        scaler = (prepared() if mixed else StandardScaler()).fit(self.train)
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
    return by_name(folder.iterdir(), str(folder))


def by_name(files: Iterable[Path], place: str) -> dict[str, Path]:
    """Return the .npz and .csv files by the name of the data set; `place` is named in errors."""
    paths = sorted(p for p in files if p.suffix in {".npz", ".csv"} and p.name.lower() not in _NOT_DATA)
    if not paths:
        raise UsageError(f"{place} contains no .npz or .csv file; pass the folder of the data sets as --data")
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise UsageError(f"{place}: {found[path.stem].name} and {path.name} have the same name; rename one of them")
        found[path.stem] = path
    return found


def read(path: Path, label: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows as float64, of shape (n, columns), and the labels, of shape (n,); 1 = anomaly."""
    if path.suffix == ".npz":
        arrays = read_npz(path)
        if not {"X", "y"} <= set(arrays):
            raise UsageError(f"{path}: arrays X and y are required; the file contains {_some(arrays)}")
        X, y = arrays["X"], arrays["y"]
    else:
        frame, y = read_csv(path, label)
        if text := text_columns(frame):
            raise UsageError(f"{path}: columns must be numeric, but {_some(text)} is not; drop or encode it")
        X = frame.to_numpy(dtype=np.float64)
    y = labels_of(path, X, y)
    if not np.isfinite(X).all():
        raise UsageError(
            f"{path}: values are missing or infinite, and the peers do not support them; impute them first"
        )
    return X, y


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays X, train, test (as float64) and y (with one axis) of the file, if they exist."""
    try:
        with np.load(path) as data:
            tables = {name: data[name].astype(np.float64) for name in ("X", "train", "test") if name in data}
            return tables | ({"y": data["y"].ravel()} if "y" in data else {})
    except Exception as error:  # numpy passes on exceptions of zipfile, zlib and pickle
        raise UsageError(f"{path}: not an .npz file with numeric X and labels y: {error}") from None


def read_csv(path: Path, label: str | None) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the table without its label column, and the labels; `label` is the last column by default."""
    try:
        frame = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise UsageError(f"{path}: not a CSV table: {error}") from None
    label = frame.columns[-1] if label is None else label
    if label not in frame.columns:
        raise UsageError(f"{path}: column {label!r} of --label does not exist; the columns are {_some(frame.columns)}")
    return frame.drop(columns=label), frame[label].to_numpy()


def text_columns(frame: pd.DataFrame) -> list[str]:
    """Return the names of the columns that are not numeric."""
    return [name for name, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]


def labels_of(path: Path, X: np.ndarray | pd.DataFrame, y: np.ndarray) -> np.ndarray:
    """Return the labels of the rows of X as integers, after validation."""
    if X.ndim != 2 or len(X) != len(y):
        raise UsageError(
            f"{path}: X must be a table with one row per label; X has shape {X.shape}, and y has shape {y.shape}"
        )
    seen = list(pd.unique(y))
    if set(seen) != {0, 1}:
        shown = ", ".join(map(str, seen[:5])) or "nothing"
        raise UsageError(f"{path}: labels must contain both 0 and 1 (1 = anomaly); they contain {shown}")
    return y.astype(np.int64)


def _some(names: Iterable[str]) -> str:
    return ", ".join(list(map(repr, names))[:10])


def sample(X: Rows, y: np.ndarray, seed: int) -> tuple[Rows, np.ndarray]:
    """Sample at most `LARGEST` rows at about the anomaly rate of the table, at least 100 anomalies if available."""
    if len(X) <= LARGEST:
        return X, y
    rng = np.random.default_rng(seed)
    k = min(int(y.sum()), max(100, round(LARGEST * y.mean())))
    anomalies = rng.choice(np.flatnonzero(y == 1), k, replace=False)
    normal = rng.choice(np.flatnonzero(y == 0), LARGEST - k, replace=False)
    kept = np.concatenate([anomalies, normal])
    return _take(X, kept), y[kept]


def split(X: np.ndarray | pd.DataFrame, y: np.ndarray, setting: str, seed: int) -> Split:
    """Split the rows into training and test rows, for one of `SETTINGS`."""
    if setting == "contaminated":
        return Split(X, X, y, same_rows=True)
    normal = np.random.default_rng(seed + 1000).permutation(np.flatnonzero(y == 0))
    half = len(normal) // 2
    test = np.concatenate([normal[half:], np.flatnonzero(y == 1)])
    return Split(_take(X, normal[:half]), _take(X, test), y[test], same_rows=False)


def _take(X: Rows, rows: np.ndarray) -> Rows:
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]
