"""Benchmark of a GPU, compared with the CPU of the same machine and with the rates of the hardware.

From the root of a checkout, on a machine with a GPU, with the extra ``aeanomaly[benchmark,parquet]`` installed::

    python -m benchmarks.gpu

Training steps, fits, scores, a Parquet file in parts, a search and a wide network are timed on the GPU, then on the
CPU. A plain torch loop and PyOD run on the same devices. The run takes less than three minutes, and leaves out what it
cannot measure by then. Writes ``gpu.csv``, after each measurement, and ``gpu.md`` to the results folder.
"""

import argparse
import contextlib
import logging
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from aeanomaly import __version__, graphs
from aeanomaly.training import resolve_device
from benchmarks.card import describe
from benchmarks.gpu_tasks import TASKS
from benchmarks.machine import threads
from benchmarks.measurement import Bench, Measurement, Sample
from benchmarks.tables import markdown

#: Limit in seconds on all rounds of a measurement after the warm-up.
_LONGEST = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface."""
    options = _parser().parse_args(arguments)
    try:
        device = resolve_device(options.device)
    except ValueError:
        sys.stderr.write(
            f"--device {options.device} is not available here (torch {torch.__version__}); run the benchmark on a "
            "machine with this device, or try it with --device cpu --scale 0.01\n"
        )
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    with threads(options.threads), tempfile.TemporaryDirectory() as folder:
        devices = dict.fromkeys((device, torch.device("cpu")))
        benches = [Bench(one, device, options.scale, options.threads, options.rows, Path(folder)) for one in devices]
        measurements = [(bench, one) for bench in benches for task in options.tasks for one in TASKS[task](bench)]
        runs = _runs(measurements, options)
    text = report(runs, limits(runs, [one for _, one in measurements]), _heading(device, options))
    (options.out / "gpu.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", metavar="NAME", help="cuda, cuda:1 or cpu; default: cuda")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="default: all")
    parser.add_argument("--scale", type=float, default=1.0, metavar="SHARE", help="share of all sizes; default: 1")
    parser.add_argument("--rows", type=int, metavar="N", help="rows of the Parquet file; default: 10,000,000 x scale")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds of a measurement; default: 5")
    parser.add_argument(
        "--seconds", type=float, default=150.0, metavar="S", help="no measurement starts later; default: 150"
    )
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), metavar="N", help="threads of the CPU; default: all"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER", help="results folder"
    )
    return parser


def _runs(measurements: list[tuple[Bench, Measurement]], options: argparse.Namespace) -> pd.DataFrame:
    """Run all measurements, and write ``gpu.csv`` after each, so that an interrupted run leaves its results."""
    end, lines = time.monotonic() + options.seconds, list[dict[str, Any]]()
    about = {"version": __version__, "torch": torch.__version__, "threads": options.threads}
    for bench, one in tqdm(measurements, unit="measurement", file=sys.stderr):
        identity = {"measurement": one.name, "unit": one.unit, "device": bench.device.type}
        if time.monotonic() < end:
            results = list(rounds(one, options.repeats, warm_up_counts=bench.is_cpu))
        else:
            results = [{"value": math.nan, "note": f"not started within {options.seconds:g} s"}]
        lines += [identity | {"round": number} | line | about for number, line in enumerate(results)]
        pd.DataFrame(lines).to_csv(options.out / "gpu.csv", index=False)
    return pd.DataFrame(lines)


def rounds(measurement: Measurement, n_rounds: int, *, warm_up_counts: bool) -> Iterator[dict[str, Any]]:
    """Yield the value of each round after a warm-up, or the reason why there is none.

    A long measurement has fewer rounds. On a CPU, a long warm-up is the only round.
    """
    try:
        with messages() as told:
            values = list(_values(measurement.prepare(), n_rounds, warm_up_counts=warm_up_counts))
    except Exception as error:
        yield {"value": math.nan, "note": " ".join(f"not available: {type(error).__name__}: {error}".split())}
        return
    note = "; ".join(filter(None, [measurement.note, *dict.fromkeys(told)]))
    yield from ({"value": value, "note": note} for value in values)


def _values(sample: Sample, n_rounds: int, *, warm_up_counts: bool) -> Iterator[float]:
    start = time.monotonic()
    warm_up = sample()
    now = time.monotonic()
    if warm_up_counts and now - start > _LONGEST:
        yield warm_up
        return
    for _ in range(n_rounds):
        yield sample()
        if time.monotonic() - now > _LONGEST:
            return


@contextlib.contextmanager
def messages() -> Iterator[list[str]]:
    """Collect log messages that say why a CUDA graph is not used."""
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(" ".join(record.getMessage().split()))  # type: ignore[method-assign]
    logger = logging.getLogger(graphs.__name__)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield told
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


def limits(runs: pd.DataFrame, measurements: Sequence[Measurement]) -> dict[str, float]:
    """Return the best possible value of each measurement on the first device, for the rates that were measured."""
    medians = runs.groupby(["device", "measurement"], sort=False)["value"].median()
    known: dict[str, float] = {}
    for (_, name), value in medians.items():
        known.setdefault(str(name), value)
    return {one.name: _bound(one, known) for one in measurements}


def _bound(measurement: Measurement, known: Mapping[str, float]) -> float:
    try:
        return measurement.bound(known)
    except KeyError:  # a rate that was not measured
        return math.nan


def report(runs: pd.DataFrame, limit_of: Mapping[str, float], heading: str) -> str:
    """Return medians, ranges, ratios and limits as Markdown."""
    devices = list(dict.fromkeys(runs["device"]))[::-1]  # the CPU first
    head = [
        "measurement",
        "unit",
        *(name.upper() for name in devices),
        *(["ratio"] if len(devices) > 1 else []),
        "limit",
    ]
    body, notes = [], []
    for name, of_name in runs.groupby("measurement", sort=False):
        values = {device: of_device["value"].dropna() for device, of_device in of_name.groupby("device")}
        unit = of_name["unit"].iloc[0]
        cells = [_spread(values.get(device, pd.Series(dtype=float))) for device in devices]
        ratio = [_ratio(values, devices, unit)] if len(devices) > 1 else []
        body.append([str(name), unit, *cells, *ratio, _number(limit_of.get(str(name), math.nan))])
        told = of_name[["device", "note"]].drop_duplicates().itertuples(index=False)
        notes += [f"- {name}, {device.upper()}: {note}" for device, note in told if note]
    return "\n\n".join([heading, markdown(head, body), *(["\n".join(notes)] if notes else [])]) + "\n"


def _spread(values: pd.Series) -> str:
    if len(values) == 0:
        return "-"
    middle = _number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({_number(values.min())} to {_number(values.max())})"


def _ratio(values: Mapping[str, pd.Series], devices: Sequence[str], unit: str) -> str:
    """Return how many times as fast the GPU is as the CPU."""
    cpu, card = (values[name].median() if name in values else math.nan for name in devices)
    return _number(card / cpu if unit.endswith("/s") else cpu / card)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _heading(device: torch.device, options: argparse.Namespace) -> str:
    cpu = torch.device("cpu")
    machine = [describe(one) for one in dict.fromkeys((device, cpu))]
    return (
        f"# GPU benchmark\n\naeanomaly {__version__}, torch {torch.__version__} (float32 products: "
        f"{torch.get_float32_matmul_precision()}), {time.strftime('%Y-%m-%d')}; {'; '.join(machine)}, "
        f"{options.threads} threads. Sizes x {options.scale:g}. Medians over rounds, with minimum and maximum. Ratio: "
        "how many times as fast the GPU is. Limit: time or rate if only matrix products, the transfer of the rows or "
        "reading took time, at the rates measured in the same run."
    )


if __name__ == "__main__":
    raise SystemExit(main())
