"""Benchmark of accuracy and speed: the detectors and their peers on a folder of labeled tables.

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.detection --data FOLDER

Each run is a line of ``detection.csv`` in the results folder. The same command resumes an interrupted benchmark. To
repeat a run, delete its line. ``--report`` creates the tables and plots from this file only.
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score
from tqdm import tqdm

from aeanomaly import __version__
from benchmarks.machine import threads
from benchmarks.peers import Entry, entries, surroundings, warm_up
from benchmarks.protocol import SETTINGS, Split, UsageError, find, folder_of, named, read, sample, split
from benchmarks.tables import write_report

COLUMNS = (
    "setting",
    "dataset",
    "seed",
    "detector",
    "n_train",
    "n_columns",
    "auroc",
    "average_precision",
    "fit_seconds",
    "score_seconds",
    "error",
    "version",
    "threads",
)
_KEY = list(COLUMNS[:4])
_INTERRUPTED = 130


class Job(NamedTuple):
    """A detector to run on a split."""

    dataset: str
    seed: int
    setting: str
    entry: Entry

    @property
    def key(self) -> tuple[str, str, int, str]:
        """Return the key of the line, in the order of `COLUMNS`."""
        return self.setting, self.dataset, self.seed, self.entry.name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface: return 0 on success and 130 on interruption; wrong usage exits with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        if options.list:
            sys.stdout.write(_listing(options))
            return 0
        if not options.report:
            run(options)
        sys.stdout.write(write_report(_chosen(options), options.out))
    except UsageError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run the same command to resume\n")
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="data sets (.npz, .csv); default: $AEANOMALY_DATA")
    parser.add_argument("--label", metavar="COLUMN", help="label column of the CSV files; default: the last column")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS), help="default: both")
    parser.add_argument("--seeds", nargs="+", type=_whole, metavar="SEED", help="default: 0 1 2")
    parser.add_argument("--detectors", nargs="+", metavar="NAME", help="default: all detectors of --list")
    parser.add_argument("--datasets", nargs="+", metavar="NAME", help="default: all data sets in the folder")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER", help="results folder"
    )
    parser.add_argument("--threads", type=_whole, default=2, metavar="N", help="threads for each detector; default: 2")
    parser.add_argument("--list", action="store_true", help="only list detectors and data sets")
    parser.add_argument("--report", action="store_true", help="only create tables and plots of all runs so far")
    return parser


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _listing(options: argparse.Namespace) -> str:
    datasets = list(find(folder_of(options.data))) if options.data or "AEANOMALY_DATA" in os.environ else []
    lines = ["detectors:", *(f"  {name}" for name in entries()), *(["data sets:"] if datasets else [])]
    return "\n".join([*lines, *(f"  {name}" for name in datasets)]) + "\n"


def run(options: argparse.Namespace) -> None:
    """Execute all requested runs that are not done yet, and write each to the file as soon as it ends."""
    if options.threads == 0:
        raise UsageError("--threads must be at least 1")
    paths, jobs = _plan(options)
    for name in dict.fromkeys(job.dataset for job in jobs):
        read(paths[name], options.label)  # detect faults of all files before the first run
    with threads(options.threads), _progress(len(jobs)) as bar:
        bar.set_description("warming up")
        _warm_up({job.entry.name: job.entry for job in jobs}.values())
        with open(_runs_file(options), "a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            for line in _lines(jobs, paths, options.label, bar):
                writer.writerow({**line, "version": __version__, "threads": options.threads})
                file.flush()


def _progress(total: int) -> Any:
    """Return a progress bar on standard error, with rare updates if it is not a terminal."""
    return tqdm(total=total, unit="run", file=sys.stderr, mininterval=0.1 if sys.stderr.isatty() else 30)


def _plan(options: argparse.Namespace) -> tuple[dict[str, Path], list[Job]]:
    """Return the files and the remaining jobs, grouped by data set so that each file is read once."""
    paths, known = find(folder_of(options.data)), entries()
    datasets = named("--datasets", options.datasets, paths)
    detectors = named("--detectors", options.detectors, known)
    seeds = (0, 1, 2) if options.seeds is None else dict.fromkeys(options.seeds)
    settings = dict.fromkeys(options.settings)
    done = set(_runs(_prepared(_runs_file(options)))[_KEY].itertuples(index=False, name=None))
    grid = (Job(d, s, t, known[n]) for d in datasets for s in seeds for t in settings for n in detectors)
    return paths, [job for job in grid if job.key not in done]


def _warm_up(taking_part: Iterable[Entry]) -> None:
    for entry in taking_part:
        try:
            warm_up(entry)
        except ImportError as error:
            raise UsageError(str(error)) from None


def _lines(jobs: list[Job], paths: dict[str, Path], label: str | None, bar: Any) -> Iterator[dict[str, Any]]:
    for dataset, of_dataset in groupby(jobs, lambda job: job.dataset):
        X, y = read(paths[dataset], label)
        for (seed, setting), of_split in groupby(of_dataset, lambda job: (job.seed, job.setting)):
            raw = split(*sample(X, y, seed), setting, seed)
            standardized = raw.standardized()
            for job in of_split:
                bar.set_description(f"{job.entry.name} on {dataset}", refresh=sys.stderr.isatty())
                line = measure(job.entry, raw if job.entry.ours else standardized, seed)
                if line.get("error"):
                    bar.write(f"{job.entry.name} failed on {dataset}, seed {seed}: {line['error']}", file=sys.stderr)
                yield dict(zip(_KEY, job.key, strict=True)) | line
                bar.update()


def measure(entry: Entry, rows: Split, seed: int) -> dict[str, Any]:
    """Fit to the training rows without labels and score the test rows; exceptions of a detector are recorded."""
    line: dict[str, Any] = {"n_train": len(rows.train), "n_columns": rows.train.shape[1]}
    try:
        with surroundings(entry, seed):
            detector = entry.build(seed, rows.train.shape[1], rows.same_rows)
            start = time.perf_counter()
            detector.fit(rows.train)
            fitted = time.perf_counter()
            score = entry.anomaly_score(detector, rows.test, rows.same_rows)
            scored = time.perf_counter()
        line["auroc"] = f"{roc_auc_score(rows.y, score):.6f}"
        line["average_precision"] = f"{average_precision_score(rows.y, score):.6f}"
    except Exception as error:
        # A single line, so that a truncated file is repaired by dropping its last line.
        return line | {"error": " ".join(f"{type(error).__name__}: {error}".split()), "auroc": ""}
    return line | {"fit_seconds": f"{fitted - start:.4f}", "score_seconds": f"{scored - fitted:.4f}"}


def _runs_file(options: argparse.Namespace) -> Path:
    return options.out / "detection.csv"


def _prepared(path: Path) -> Path:
    """Prepare the file of runs for appending: write a missing header and drop a truncated last line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = _whole_lines(path) or (",".join(COLUMNS) + "\n").encode()
    if not path.exists() or path.stat().st_size != len(whole):
        path.write_bytes(whole)
    return path


def _whole_lines(path: Path) -> bytes:
    text = path.read_bytes() if path.exists() else b""
    return text[: text.rfind(b"\n") + 1]


def _runs(path: Path) -> pd.DataFrame:
    """Return all complete lines of the file of runs; the last line of a repeated run counts."""
    reader = csv.DictReader(_whole_lines(path).decode().splitlines())
    if tuple(reader.fieldnames or COLUMNS) != COLUMNS:
        raise UsageError(f"{path}: its columns are not {', '.join(COLUMNS)}; move the file or choose another --out")
    frame = pd.DataFrame(list(reader), columns=COLUMNS)
    numbers = ["seed", "auroc", "average_precision", "fit_seconds", "score_seconds"]
    try:
        frame[numbers] = frame[numbers].apply(pd.to_numeric)
    except ValueError as error:
        raise UsageError(f"{path}: a line is damaged: {error}; correct or delete the line") from None
    return frame.drop_duplicates(_KEY, keep="last", ignore_index=True)


def _chosen(options: argparse.Namespace) -> pd.DataFrame:
    """Return the runs of the file that are selected by the options."""
    runs = _runs(_runs_file(options))
    named = {"dataset": options.datasets, "seed": options.seeds, "detector": options.detectors}
    for column, values in {"setting": options.settings, **named}.items():
        if values is not None:
            runs = runs[runs[column].isin(values)]
    if runs.empty:
        raise UsageError(f"{_runs_file(options)} contains no run to report on; omit --report to execute runs")
    return runs


if __name__ == "__main__":
    raise SystemExit(main())
