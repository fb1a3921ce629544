"""The protocol: from a file to rows to learn from, rows to score, and the answers, which no detector sees."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

#: one-class: learn from half of the normal rows. contaminated: learn from all rows, without labels.
SETTINGS = ("one-class", "contaminated")
#: Larger tables are sampled down to so many rows.
LARGEST = 10_000
#: Lists of a folder's files, which are no data.
_NOT_DATA = {"manifest.csv"}


class UsageError(Exception):
    """One sentence for standard error; the exit code is 2."""


@dataclass(frozen=True)
class Split:
    """Rows to learn from, rows to score, and which of those are anomalies (1)."""

    train: np.ndarray
    test: np.ndarray
    y: np.ndarray
    same_rows: bool

    def standardized(self) -> "Split":
        """The same split in units of the training rows: mean 0 and variance 1 per column."""
        scaler = StandardScaler().fit(self.train)
        return replace(self, train=scaler.transform(self.train), test=scaler.transform(self.test))


def folder_of(data: Path | None) -> Path:
    """The folder of data sets: the one given, or that of $AEANOMALY_DATA."""
    folder = data or os.environ.get("AEANOMALY_DATA")
    if not folder:
        raise UsageError("no data: pass --data FOLDER, or set AEANOMALY_DATA, to a folder of .npz or .csv files")
    return Path(folder)


def named(option: str, names: Iterable[str] | None, known: Iterable[str]) -> list[str]:
    """The known ones that were asked for, in their own order; all where none was."""
    known = list(known)
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise UsageError(f"{option}: {unknown[0]!r} is none of {', '.join(known)}")
    return [name for name in known if names is None or name in names]


def find(folder: Path) -> dict[str, Path]:
    """The data sets of a folder by name: its .npz and .csv files."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; pass --data the folder that holds the .npz or .csv files")
    paths = sorted(p for p in folder.iterdir() if p.suffix in {".npz", ".csv"} and p.name.lower() not in _NOT_DATA)
    if not paths:
        raise UsageError(f"{folder} holds no .npz or .csv file; pass --data the folder that holds the data sets")
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise UsageError(f"{folder}: {found[path.stem].name} and {path.name} share a name; rename one of them")
        found[path.stem] = path
    return found


def read(path: Path, label: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Rows as float64 (n, columns) and labels (n,), 1 = anomaly."""
    X, y = _read_npz(path) if path.suffix == ".npz" else _read_csv(path, label)
    if X.ndim != 2 or len(X) != len(y):
        raise UsageError(f"{path}: X must be a table with one row per label; X has shape {X.shape}, y {y.shape}")
    seen = list(pd.unique(y))
    if set(seen) != {0, 1}:
        shown = ", ".join(map(str, seen[:5])) or "nothing"
        raise UsageError(f"{path}: labels must be 0 and 1 (1 = anomaly), both; they hold {shown}")
    if not np.isfinite(X).all():
        raise UsageError(f"{path}: values are missing or infinite, which the peers do not take; fill them in first")
    return X, y.astype(np.int64)


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(path) as data:
            return data["X"].astype(np.float64), data["y"].ravel()
    except Exception as error:  # numpy lets those of zipfile, zlib and pickle through
        raise UsageError(f"{path}: not an .npz file with numbers X and labels y: {error}") from None


def _read_csv(path: Path, label: str | None) -> tuple[np.ndarray, np.ndarray]:
    try:
        frame = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise UsageError(f"{path}: not a CSV table: {error}") from None
    label = frame.columns[-1] if label is None else label
    if label not in frame.columns:
        raise UsageError(f"{path}: there is no column {label!r} for --label; it has {_some(frame.columns)}")
    X = frame.drop(columns=label)
    text = X.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in X.dtypes]]
    if len(text):
        raise UsageError(f"{path}: columns must hold numbers only, which {_some(text)} does not; drop or encode it")
    return X.to_numpy(dtype=np.float64), frame[label].to_numpy()


def _some(names: Iterable[str]) -> str:
    return ", ".join(list(map(repr, names))[:10])


def sample(X: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `LARGEST` rows at about the table's rate of anomalies, and with 100 anomalies at least if it has them."""
    if len(X) <= LARGEST:
        return X, y
    rng = np.random.default_rng(seed)
    k = min(int(y.sum()), max(100, round(LARGEST * y.mean())))
    anomalies = rng.choice(np.flatnonzero(y == 1), k, replace=False)
    normal = rng.choice(np.flatnonzero(y == 0), LARGEST - k, replace=False)
    kept = np.concatenate([anomalies, normal])
    return X[kept], y[kept]


def split(X: np.ndarray, y: np.ndarray, setting: str, seed: int) -> Split:
    """Who is learned from and who is scored, in one of `SETTINGS`."""
    if setting == "contaminated":
        return Split(X, X, y, same_rows=True)
    normal = np.random.default_rng(seed + 1000).permutation(np.flatnonzero(y == 0))
    half = len(normal) // 2
    test = np.concatenate([normal[half:], np.flatnonzero(y == 1)])
    return Split(X[normal[:half]], X[test], y[test], same_rows=False)
