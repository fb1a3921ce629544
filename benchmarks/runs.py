"""Runs of the detection benchmark: the detectors of a job, one after the other, on one split of a data set."""

import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.peers import Entry, surroundings
from benchmarks.protocol import Split
from benchmarks.suites import Dataset, SplitTable, Table, load


class Job(NamedTuple):
    """Detectors to run on one split of a data set."""

    dataset: Dataset
    label: str | None
    seed: int
    setting: str
    entries: tuple[Entry, ...]

    def key(self, entry: Entry) -> dict[str, Any]:
        """Return the columns that identify the run of a detector."""
        return {
            "setting": self.setting,
            "suite": self.dataset.suite,
            "dataset": self.dataset.name,
            "seed": self.seed,
            "detector": entry.name,
        }

    def rest(self) -> "Job | None":
        """Return the job without its first detector, or None after the last one."""
        return self._replace(entries=self.entries[1:]) if len(self.entries) > 1 else None


def lines(job: Job) -> Iterator[dict[str, Any]]:
    """Run the detectors of the job, and yield a line as soon as a run ends."""
    raw = _loaded(job.dataset.path, job.label).split(job.setting, job.seed)
    standardized = raw.standardized()
    for entry in job.entries:
        yield job.key(entry) | measure(entry, raw if entry.ours else standardized, job.seed)


@lru_cache(maxsize=1)  # consecutive jobs often have the same file
def _loaded(path: Path, label: str | None) -> Table | SplitTable:
    return load(path, label)


def measure(entry: Entry, rows: Split, seed: int) -> dict[str, Any]:
    """Fit to the training rows without labels and score the test rows; exceptions of a detector are recorded."""
    line: dict[str, Any] = {"n_train": len(rows.train), "n_columns": rows.train.shape[1]}
    parameters = {"missing": "model"} if entry.ours and rows.missing else {}
    try:
        with surroundings(entry, seed):
            detector = entry.build(seed, rows.train.shape[1], rows.same_rows, **parameters)
            start = time.perf_counter()
            detector.fit(rows.train)
            fitted = time.perf_counter()
            score = entry.anomaly_score(detector, rows.test, rows.same_rows)
            scored = time.perf_counter()
        line["auroc"] = f"{roc_auc_score(rows.y, score):.6f}"
        line["average_precision"] = f"{average_precision_score(rows.y, score):.6f}"
        line |= _flagged(detector, score, rows)
    except Exception as error:
        # A single line, so that a truncated file is repaired by dropping its last line.
        return line | {"error": " ".join(f"{type(error).__name__}: {error}".split()), "auroc": ""}
    return line | {"fit_seconds": f"{fitted - start:.4f}", "score_seconds": f"{scored - fitted:.4f}"}


def _flagged(detector: Any, score: np.ndarray, rows: Split) -> dict[str, str]:
    """Return the shares of normal rows and of anomalies that a detector with scikit-learn's `offset_` flags."""
    if not hasattr(detector, "offset_"):
        return {}
    flagged = -score < detector.offset_
    return {
        "flagged_normal": f"{flagged[rows.y == 0].mean():.6f}",
        "flagged_anomalies": f"{flagged[rows.y == 1].mean():.6f}",
    }
