"""Benchmark of ordered rows: detection of faults in series, false alarms, and cost.

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.series [--skab FOLDER] [--seeds N] [--detectors NAME ...] [--cost]

- made: series of `make_sensors` with 4,000 rows of 8 sensors, one kind of fault each, and periods of 24 to 200 rows. A
  detector is fitted to the first half, which is normal, and scores the whole series; the second half is evaluated. The
  seeds from 0 did not choose any setting; those from 100 did. Also, the share of the normal rows that the default
  threshold flags: rows without a fault in the 60 rows before, and all.
- plateau: a sine wave with noise, and 20 rows at one level.
- SKAB (with ``--skab``, the folder of its 34 files with labels): the first 400 rows of a file are for training and for
  the threshold, the others are evaluated. AUROC is the mean over files, F1 is that of the rows of all files. Faults
  began at about the same row in all files: the rule that flags rows 570 to 969 without the data is shown beside.
- cost (with ``--cost``): fit and scores of 1,000,000 rows of 8 columns with windows of 60 rows, and one update of a
  stream.

All detectors have their default parameters; those of PyOD get standardized readings. MatrixProfile, which scores its
training rows only, is fitted to the whole series. "same features" is a peer behind
`WindowedDetector`, "same windows" with ``features="lags"``.
"""

import argparse
import contextlib
import io
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pyod.models.ts_kshape import KShape
from pyod.models.ts_lstm import LSTMAD
from pyod.models.ts_matrix_profile import MatrixProfile
from pyod.models.ts_od import TimeSeriesOD
from pyod.models.ts_sand import SAND
from pyod.models.ts_spectral_residual import SpectralResidual
from sklearn.ensemble import IsolationForest
from sklearn.metrics import f1_score, roc_auc_score

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder
from aeanomaly.datasets import make_sensors
from aeanomaly.datasets.sensors import FAULT_KINDS
from aeanomaly.windows import WindowedDetector

_PERIODS = (24, 48, 96, 200)
_TRAINED_OF_SKAB = 400
_LONGEST_WINDOW = 60
#: Rows of each file of SKAB that the rule without data flags.
_RULE = (570, 970)

#: Detectors that take minutes for one series; they run only if they are named.
_SLOW = ("PyOD LSTMAD", "PyOD KShape", "PyOD SAND")

Build = Callable[[int], Any]


class Series(NamedTuple):
    """Series with its labels; the first `n_trained` rows are for training."""

    name: str
    readings: np.ndarray
    labels: np.ndarray
    n_trained: int


class Result(NamedTuple):
    """Scores (higher = worse) and flags of the evaluated rows of a series."""

    series: Series
    errors: np.ndarray
    is_flagged: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Labels of the evaluated rows."""
        return self.series.labels[self.series.n_trained :]

    @property
    def auroc(self) -> float:
        """Area under the ROC curve."""
        return float(roc_auc_score(self.labels, self.errors))


DETECTORS: dict[str, Build] = {
    "windows of a denoiser": lambda seed: WindowedDetector(DenoisingAutoencoder(random_state=seed)),
    "windows of an ensemble": lambda seed: WindowedDetector(AutoencoderEnsemble(random_state=seed)),
    "single rows, denoiser": lambda seed: WindowedDetector(DenoisingAutoencoder(random_state=seed), window=1),
    "IsolationForest, same features": lambda seed: WindowedDetector(IsolationForest(random_state=seed)),
    "IsolationForest, same windows": lambda seed: WindowedDetector(IsolationForest(random_state=seed), features="lags"),
    "PyOD TimeSeriesOD": lambda seed: TimeSeriesOD(),
    "PyOD LSTMAD": lambda seed: LSTMAD(),
    "PyOD MatrixProfile": lambda seed: MatrixProfile(),
    "PyOD KShape": lambda seed: KShape(),
    "PyOD SAND": lambda seed: SAND(),
    "PyOD SpectralResidual": lambda seed: SpectralResidual(),
}


def made(seeds: range) -> Iterator[Series]:
    """Yield series with one kind of fault each, and plateaus."""
    for seed in seeds:
        for kind in FAULT_KINDS:
            period = _PERIODS[seed % len(_PERIODS)]
            X, y = make_sensors(4000, faults=[kind], period=period, random_state=seed)
            yield Series(kind, X.drop(columns="time").to_numpy(), y.to_numpy(), 2000)
        yield plateau(seed)


def plateau(seed: int) -> Series:
    """Return a sine wave with noise, and 20 rows at the level of one of them."""
    stream = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * np.arange(4000) / stream.integers(25, 101)) + 0.05 * stream.standard_normal(4000)
    start, labels = int(stream.integers(2500, 3500)), np.zeros(4000, dtype=int)
    wave[start : start + 21] = wave[start]
    labels[start + 1 : start + 21] = 1  # the first row is as expected
    return Series("plateau", wave[:, None], labels, 2000)


def skab(folder: Path) -> Iterator[Series]:
    """Yield the labeled files of SKAB."""
    for path in sorted(folder.rglob("*.csv")):
        table = pd.read_csv(path, sep=";")
        if "anomaly" in table:
            readings = table.drop(columns=["datetime", "anomaly", "changepoint"]).to_numpy(np.float64)
            yield Series("SKAB", readings, table["anomaly"].to_numpy(np.int64), _TRAINED_OF_SKAB)


def run(build: Build, series: Series, seed: int) -> Result:
    """Fit a detector to the training rows of a series, and score the others."""
    detector, n_trained = build(seed), series.n_trained
    if isinstance(detector, WindowedDetector):
        detector.fit(series.readings[:n_trained])
        errors = -detector.score_samples(series.readings)[n_trained:]
        return Result(series, errors, errors > -detector.offset_)
    trained = series.readings[:n_trained]
    rows = (series.readings - trained.mean(axis=0)) / np.where(trained.std(axis=0) > 0, trained.std(axis=0), 1)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            errors = np.asarray(detector.fit(rows[:n_trained]).decision_function(rows), dtype=float)[n_trained:]
        except NotImplementedError:  # a detector that scores its training rows only
            errors = np.asarray(detector.fit(rows).decision_scores_, dtype=float)[n_trained:]
    errors = np.nan_to_num(errors, nan=np.nanmin(errors))
    return Result(series, errors, errors > detector.threshold_)


def summary(name: str, results: list[Result], seconds: float) -> str:
    """Return a row of a table of made series: AUROC by kind, their mean with its standard error, and false alarms."""
    by_kind = {kind: [r.auroc for r in results if r.series.name == kind] for kind in (*FAULT_KINDS, "plateau")}
    faults = np.array([by_kind[kind] for kind in FAULT_KINDS]).mean(axis=0)
    error = faults.std(ddof=1) / np.sqrt(len(faults)) if len(faults) > 1 else np.nan
    of_faults = [r for r in results if r.series.name in FAULT_KINDS]
    alarms = [np.mean([r.is_flagged[where(r.labels)].mean() for r in of_faults]) for where in (_is_far, np.logical_not)]
    cells = [f"{np.mean(values):.3f}" for values in by_kind.values()]
    cells += [f"{faults.mean():.3f} ({error:.3f})", "; ".join(f"{share:.3f}" for share in alarms), f"{seconds:.0f}"]
    return f"| {name} | {' | '.join(cells)} |"


def _is_far(labels: np.ndarray) -> np.ndarray:
    """Return True for normal rows without a fault among the rows before, as far as the longest automatic window."""
    return np.convolve(labels, np.ones(_LONGEST_WINDOW), "full")[: len(labels)] == 0


def summary_of_skab(name: str, results: list[Result], seconds: float) -> str:
    """Return a row of the table of SKAB."""
    auroc = np.array([r.auroc for r in results])
    labels, flags = (np.concatenate([getattr(r, part) for r in results]) for part in ("labels", "is_flagged"))
    f1, false, missed = f1_score(labels, flags), flags[labels == 0].mean(), 1 - flags[labels == 1].mean()
    error = auroc.std(ddof=1) / np.sqrt(len(auroc))
    return f"| {name} | {auroc.mean():.3f} ({error:.3f}) | {f1:.3f} | {false:.3f} | {missed:.3f} | {seconds:.0f} |"


def flag_by_position(files: list[Series]) -> list[Result]:
    """Flag the same rows of each file."""
    results = []
    for file in files:
        rows = np.arange(file.n_trained, len(file.labels))
        flags = (rows >= _RULE[0]) & (rows < _RULE[1])
        results.append(Result(file, flags.astype(float), flags))
    return results


def cost() -> None:
    """Print the cost of a long series, and of an update."""
    readings = np.random.default_rng(0).normal(size=(1_000_000, 8)).cumsum(axis=0) % 1
    detector, before = WindowedDetector(DenoisingAutoencoder(random_state=0), window=60), _peak()
    started = time.perf_counter()
    detector.fit(readings)
    fitted = time.perf_counter()
    detector.score_samples(readings)
    scored = time.perf_counter()
    stream = detector.stream()
    for row in readings[:100]:
        stream.update(row)
    updates = [_seconds(stream.update, row) for row in readings[100:1100]]
    _say(
        f"\n1,000,000 x 8, windows of 60 rows: fit {fitted - started:.1f} s, scores {scored - fitted:.1f} s, "
        f"{_peak() - before:.2f} GB more at the peak; one update {1e3 * float(np.median(updates)):.2f} ms (median)"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _peak() -> float:
    """Peak memory of the process in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30


def _seconds(function: Callable[[Any], Any], argument: Any) -> float:
    started = time.perf_counter()
    function(argument)
    return time.perf_counter() - started


def _run_all(build: Build, series: list[Series], seeds: range) -> tuple[list[Result], float]:
    started = time.perf_counter()
    results = [run(build, one, seeds.start) for one in series]
    return results, time.perf_counter() - started


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--skab", type=Path, metavar="FOLDER")
    parser.add_argument("--seeds", type=int, default=4, help="number of made series of each kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--detectors", nargs="+", choices=DETECTORS, metavar="NAME", help="all but the slowest by default"
    )
    parser.add_argument("--cost", action="store_true")
    given = parser.parse_args(arguments)
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    names = given.detectors or [name for name in DETECTORS if name not in _SLOW]
    series = list(made(seeds))
    if series:
        columns = [*FAULT_KINDS, "plateau", "mean of faults (SE)", "normal rows flagged (far; all)", "seconds"]
        _say(f"| AUROC | {' | '.join(columns)} |\n{'|---' * (len(columns) + 1)}|")
    for name in names if series else ():
        _say(summary(name, *_run_all(DETECTORS[name], series, seeds)))
    if given.skab is not None:
        files = list(skab(given.skab))
        _say("\n| SKAB | AUROC in files (SE) | F1 | false alarms | missed alarms | seconds |")
        _say("|---" * 6 + "|")
        _say(summary_of_skab("rows 570 to 969, without data", flag_by_position(files), 0.0))
        for name in names:
            _say(summary_of_skab(name, *_run_all(DETECTORS[name], files, seeds)))
    if given.cost:
        cost()


if __name__ == "__main__":
    main()
