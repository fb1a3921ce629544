"""Suites of data sets: their names, their files, and the splits of each file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.protocol import (
    Split,
    UsageError,
    by_name,
    find,
    folder_of,
    labels_of,
    read_csv,
    read_npz,
    sample,
    split,
    text_columns,
)
from benchmarks.sources import part


class Dataset(NamedTuple):
    """File of a suite; its name is unique within the suite."""

    suite: str
    name: str
    path: Path

    def __str__(self) -> str:
        return f"{self.suite}/{self.name}"


class Suite(NamedTuple):
    """Folder or pattern of files, with a name."""

    name: str
    place: str

    def datasets(self) -> list[Dataset]:
        """Return the data sets in the order of their names."""
        path = Path(self.place)
        files = by_name(path.parent.glob(path.name), self.place) if _is_pattern(path) else find(path)
        return [Dataset(self.name, name, file) for name, file in files.items()]


def suites(words: Iterable[str]) -> list[Suite]:
    """Return the suites of the words ``[NAME=]PATH``; a suite without a name has the name of its folder."""
    found: dict[str, Suite] = {}
    for word in words:
        name, separator, place = word.partition("=")
        if not separator or "/" in name or not name:
            name, place = _folder_name(Path(word)), word
        if name in found:
            raise UsageError(
                f"--data: {found[name].place} and {place} are both named {name!r}; pass NAME=PATH, and quote patterns"
            )
        found[name] = Suite(name, place)
    return list(found.values())


def _is_pattern(path: Path) -> bool:
    return path.is_file() or (has_magic(path.name) and not path.is_dir())


def _folder_name(path: Path) -> str:
    return (path.parent if _is_pattern(path) else path).resolve().name


def select(datasets: Sequence[Dataset], names: Sequence[str] | None, only: str) -> list[Dataset]:
    """Return the data sets with the given names, all by default, and of the part `only`, or of "all"."""
    known = dict.fromkeys(dataset.name for dataset in datasets)
    if unknown := [name for name in names or () if name not in known]:
        raise UsageError(f"--datasets: {unknown[0]!r} is not one of {', '.join(known)}")
    chosen = [d for d in datasets if (names is None or d.name in names) and only in ("all", part(d.name))]
    if not chosen:
        raise UsageError(f"--part {only} contains none of the data sets; select another part or other data sets")
    return chosen


def selected(data: Sequence[str] | None, names: Sequence[str] | None, only: str) -> list[Dataset]:
    """Return the data sets of the suites `data`, by default of the folder $AEANOMALY_DATA; see `select`."""
    found = suites(data or [str(folder_of(None))])
    return select([dataset for suite in found for dataset in suite.datasets()], names, only)


@dataclass(frozen=True)
class Table:
    """Rows with labels (1 = anomaly), which are split by the protocol."""

    X: np.ndarray | pd.DataFrame
    y: np.ndarray

    def split(self, setting: str, seed: int) -> Split:
        """Return the training and test rows in one of `SETTINGS`."""
        return split(*sample(self.X, self.y, seed), setting, seed)


@dataclass(frozen=True)
class SplitTable:
    """Rows of a file with its own split: first the training rows, all normal, then the test rows with labels."""

    rows: np.ndarray | pd.DataFrame
    n_train: int
    y: np.ndarray

    def split(self, setting: str, seed: int) -> Split:
        """Return the training and test rows in one of `SETTINGS`; the seed has no effect."""
        if setting == "one-class":
            return Split(self.rows[: self.n_train], self.rows[self.n_train :], self.y, same_rows=False)
        y = np.concatenate([np.zeros(self.n_train, dtype=self.y.dtype), self.y])
        return Split(self.rows, self.rows, y, same_rows=True)


def load(path: Path, label: str | None = None) -> Table | SplitTable:
    """Read a data set: .npz with X and y, or with train, test and y; or CSV with a label column.

    Numbers become a float64 array. A table with text or missing values remains a frame.
    """
    if path.suffix == ".csv":
        frame, y = read_csv(path, label)
        return Table(_rows(path, frame), labels_of(path, frame, y))
    arrays = read_npz(path)
    if {"X", "y"} <= set(arrays):
        return Table(_rows(path, arrays["X"]), labels_of(path, arrays["X"], arrays["y"]))
    if {"train", "test", "y"} <= set(arrays):
        return _split_table(path, arrays["train"], arrays["test"], arrays["y"])
    shown = ", ".join(arrays) or "none of them"
    raise UsageError(f"{path}: arrays X and y, or train, test and y, are required; the file contains {shown}")


def _split_table(path: Path, train: np.ndarray, test: np.ndarray, y: np.ndarray) -> SplitTable:
    y = labels_of(path, test, y)
    if train.ndim != 2 or train.shape[1] != test.shape[1]:
        raise UsageError(
            f"{path}: train and test must have the same columns; train has shape {train.shape}, test {test.shape}"
        )
    return SplitTable(_rows(path, np.concatenate([train, test])), len(train), y)


def _rows(path: Path, rows: np.ndarray | pd.DataFrame) -> np.ndarray | pd.DataFrame:
    """Return complete numbers as an array, and other rows as a frame."""
    frame = pd.DataFrame(rows)
    text = text_columns(frame)
    numbers = frame.drop(columns=text).to_numpy(dtype=np.float64)
    if np.isinf(numbers).any():
        raise UsageError(f"{path}: values are infinite, and no detector supports them; replace them first")
    return frame if text or np.isnan(numbers).any() else numbers
