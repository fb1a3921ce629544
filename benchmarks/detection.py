"""Benchmark of accuracy and speed: the detectors and their peers on suites of labeled tables.

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.detection --data FOLDER 'NAME=FOLDER/PATTERN-*.npz'

A suite is a folder, or a quoted pattern of files. Data sets are .npz files with X and y, .npz files with their own
split (train, test, and y of the test rows), and CSV files, also with text and missing values. Defaults of detectors
are chosen on the choosing part of the data sets, and confirmed on the confirming part (`benchmarks.sources`).

Each run is a line of ``detection.csv`` in the results folder. The same command resumes an interrupted benchmark. To
repeat a run, delete its line. ``--report`` creates ``detection.md`` from this file only.
"""

import argparse
import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from aeanomaly import __version__
from benchmarks.machine import threads
from benchmarks.peers import Entry, entries, warm_up
from benchmarks.protocol import SETTINGS, UsageError, named
from benchmarks.record import COLUMNS, KEY, repaired, runs_of
from benchmarks.runs import Job, lines
from benchmarks.sources import PARTS, part, source
from benchmarks.suites import load, selected, suites
from benchmarks.tables import write_report
from benchmarks.workers import Lost, WorkerError, distribute

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface.

    Return 0 on success, 1 if a worker process died, and 130 on interruption; wrong usage exits with 2.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        if options.list:
            sys.stdout.write(_listing(options))
            return 0
        all_ended = options.report or run(options)
        sys.stdout.write(write_report(_chosen(options), options.out))
    except UsageError as error:
        parser.error(str(error))
    except WorkerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run the same command to resume\n")
        return _INTERRUPTED
    return 0 if all_ended else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", nargs="+", metavar="[NAME=]PATH", help="suites: folders or quoted patterns; default: $AEANOMALY_DATA")
    add("--label", metavar="COLUMN", help="label column of the CSV files; default: the last column")
    add("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS), help="default: both")
    add("--seeds", nargs="+", type=_whole, metavar="SEED", help="default: 0")
    add("--detectors", nargs="+", metavar="NAME", help="default: in each setting, those that --list marks with it")
    add("--datasets", nargs="+", metavar="NAME", help="default: all data sets of the suites")
    add("--part", choices=(*PARTS, "all"), default="all", help="part of the data sets; default: all")
    add("--out", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER", help="results folder")
    add("--processes", type=_positive, default=2, metavar="N", help="splits at the same time; default: 2")
    add("--threads", type=_positive, default=1, metavar="N", help="threads of each process; default: 1")
    add("--list", action="store_true", help="only list detectors and data sets")
    add("--report", action="store_true", help="only create the tables of all runs so far")
    return parser


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _listing(options: argparse.Namespace) -> str:
    detectors = [_line(entry.name, *entry.settings) for entry in entries().values()]
    has_data = options.data or "AEANOMALY_DATA" in os.environ
    datasets = selected(options.data, options.datasets, options.part) if has_data else []
    found = [_line(str(d), source(d.name), part(d.name)) for d in datasets]
    data = ["data sets (source, part):", *found] if found else []
    return "\n".join(["detectors (settings in which they run by default):", *detectors, *data]) + "\n"


def _line(name: str, *marks: str) -> str:
    return f"  {name}: {', '.join(marks)}" if marks else f"  {name}"


def run(options: argparse.Namespace) -> bool:
    """Execute all requested runs that are not done yet, and write each to the file as soon as it ends.

    Return False if a run was lost with its worker process.
    """
    jobs, all_ended = _plan(options), True
    for path in dict.fromkeys(job.dataset.path for job in jobs):
        load(path, options.label)  # detect faults of all files before the first run
    common = {"version": __version__, "threads": options.threads, "processes": options.processes}
    with (
        open(_runs_file(options), "a", encoding="utf-8", newline="") as file,
        _progress(jobs) as bar,
        closing(_lines(jobs, options)) as received,
    ):
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        for line in received:
            if isinstance(line, Lost):
                all_ended = False
            else:
                writer.writerow({**line, **common})
                file.flush()
            _show(line, bar)
    return all_ended


def _plan(options: argparse.Namespace) -> list[Job]:
    """Return the remaining jobs, grouped by data set, with the detectors of each setting."""
    datasets, known = selected(options.data, options.datasets, options.part), entries()
    detectors = [known[name] for name in named("--detectors", options.detectors, known)]
    done = set(runs_of(repaired(_runs_file(options)))[KEY].itertuples(index=False, name=None))
    jobs = []
    for dataset in datasets:
        for seed in dict.fromkeys(options.seeds or [0]):
            for setting in dict.fromkeys(options.settings):
                taking_part = (e for e in detectors if options.detectors or setting in e.settings)
                job = Job(dataset, options.label, seed, setting, tuple(taking_part))
                left = tuple(entry for entry in job.entries if tuple(job.key(entry).values()) not in done)
                jobs += [job._replace(entries=left)] if left else []
    return jobs


def _lines(jobs: list[Job], options: argparse.Namespace) -> Iterator[dict[str, Any] | Lost]:
    """Yield the line of each run, from this process or from worker processes."""
    taking_part = {entry.name: entry for job in jobs for entry in job.entries}.values()
    _check_imports(taking_part)
    if options.processes > 1:
        yield from distribute(jobs, taking_part, options.processes, options.threads)
        return
    with threads(options.threads):
        for entry in taking_part:
            warm_up(entry)
        for job in jobs:
            yield from lines(job)


def _check_imports(taking_part: Iterable[Entry]) -> None:
    try:
        for entry in taking_part:
            entry.build(0, 1, False)
    except ImportError as error:
        raise UsageError(str(error)) from None


def _progress(jobs: list[Job]) -> Any:
    """Return a progress bar on standard error, with rare updates if it is not a terminal."""
    total, seconds = sum(len(job.entries) for job in jobs), 0.1 if sys.stderr.isatty() else 30
    return tqdm(total=total, unit="run", file=sys.stderr, mininterval=seconds)


def _show(line: dict[str, Any] | Lost, bar: Any) -> None:
    """Show the progress, and a sentence on a run without a result."""
    key = line.key if isinstance(line, Lost) else line
    where = f"{key['suite']}/{key['dataset']} ({key['setting']}, seed {key['seed']})"
    if isinstance(line, Lost):
        bar.write(
            f"a worker process ended with exit code {line.exit_code} while it ran {key['detector']} on {where}; the "
            "other runs continue, and the same command repeats this run",
            file=sys.stderr,
        )
    elif line.get("error"):
        bar.write(f"{key['detector']} failed on {where}: {line['error']}", file=sys.stderr)
    bar.set_postfix_str(f"{key['detector']} on {where}", refresh=sys.stderr.isatty())
    bar.update()


def _runs_file(options: argparse.Namespace) -> Path:
    return options.out / "detection.csv"


def _chosen(options: argparse.Namespace) -> pd.DataFrame:
    """Return the runs of the file that are selected by the options."""
    runs = runs_of(_runs_file(options))
    selected = {
        "setting": options.settings,
        "suite": [suite.name for suite in suites(options.data)] if options.data else None,
        "dataset": options.datasets,
        "seed": options.seeds,
        "detector": options.detectors,
    }
    for column, values in selected.items():
        if values is not None:
            runs = runs[runs[column].isin(values)]
    if options.part != "all":
        runs = runs[runs["dataset"].map(part) == options.part]
    if runs.empty:
        raise UsageError(f"{_runs_file(options)} contains no run to report on; omit --report to execute runs")
    return runs


if __name__ == "__main__":
    raise SystemExit(main())
