"""Benchmark of a GPU, compared with the CPU of the same machine and with the rates of the hardware.

From the root of a checkout, on a machine with a GPU, with the extra ``aeanomaly[benchmark,parquet]`` installed::

    python -m benchmarks.gpu

Training steps, fits, scores, a search, a wide network and a Parquet file in parts are timed on the GPU and on the CPU.
A plain torch loop and PyOD run on the same devices. The run takes less than three minutes, and leaves out what it
cannot measure by then. Writes ``gpu.csv`` and ``gpu.md`` to the results folder after each measurement.
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
from textwrap import shorten
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

#: Limit in seconds on all rounds of a measurement after the warm-up, and least duration of the warm-up, in which a GPU
#: reaches its full clock rate.
_LONGEST, _WARM_UP = 1.0, 0.2
#: Maximum number of characters of an error in a note.
_MESSAGE = 200


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
        measurements = [(bench, one) for task in options.tasks for bench in benches for one in TASKS[task](bench)]
        text = _run(measurements, options, _heading(device, options))
    sys.stdout.write(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", metavar="NAME", help="cuda, cuda:1 or cpu; default: cuda")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="in this order; default: all")
    parser.add_argument("--scale", type=float, default=1.0, metavar="SHARE", help="share of all sizes; default: 1")
    parser.add_argument("--rows", type=int, metavar="N", help="rows of the Parquet file; default: 10,000,000 x scale")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds of a measurement; default: 5")
    parser.add_argument(
        "--seconds", type=float, default=160.0, metavar="S", help="skip what would end later; default: 160"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=torch.get_num_threads(),
        metavar="N",
        help="threads of the CPU; default: those of torch",
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER", help="results folder"
    )
    return parser


def _run(measurements: list[tuple[Bench, Measurement]], options: argparse.Namespace, heading: str) -> str:
    """Run all measurements, and return the report; an interrupted run leaves what it has measured in the files."""
    end, lines, text = time.monotonic() + options.seconds, list[dict[str, Any]](), heading
    about = {"version": __version__, "torch": torch.__version__, "threads": options.threads}
    quantities = [one for _, one in measurements]
    with tqdm(measurements, unit="measurement", file=sys.stderr) as bar:
        for bench, one in bar:
            bar.set_description(f"{one.name}, {bench.device.type.upper()}")
            identity = {"measurement": one.name, "unit": one.unit, "device": bench.device.type}
            if time.monotonic() + one.longest * min(1, options.scale) < end:
                results = list(rounds(one, options.repeats, warm_up_counts=bench.is_cpu))
            else:
                results = [{"value": math.nan, "note": f"would not have ended within {options.seconds:g} s"}]
            lines += [identity | {"round": number} | line | about for number, line in enumerate(results)]
            runs = pd.DataFrame(lines)
            runs.to_csv(options.out / "gpu.csv", index=False)
            text = report(runs, quantities, heading)
            (options.out / "gpu.md").write_text(text, encoding="utf-8")
    return text


def rounds(measurement: Measurement, n_rounds: int, *, warm_up_counts: bool) -> Iterator[dict[str, Any]]:
    """Yield the value of each round after a warm-up, or the reason why there is none.

    A long measurement has fewer rounds. On a CPU, a long warm-up is the only round.
    """
    try:
        with messages() as told:
            values = list(_values(measurement.prepare(), n_rounds, warm_up_counts=warm_up_counts))
    except Exception as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        yield {"value": math.nan, "note": f"not available: {shorten(message, _MESSAGE)}"}
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
    while now - start < _WARM_UP:
        sample()
        now = time.monotonic()
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


def report(runs: pd.DataFrame, measurements: Sequence[Measurement], heading: str) -> str:
    """Return medians, ranges, ratios, limits and comparisons with peers as Markdown."""
    devices = list(dict.fromkeys(runs["device"]))[::-1]  # the CPU first
    limit_of = limits(runs, measurements)
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
    lists = ["\n".join(lines) for lines in (_comparisons(runs, measurements, devices[-1]), notes) if lines]
    return "\n\n".join([heading, markdown(head, body), *lists]) + "\n"


def _comparisons(runs: pd.DataFrame, measurements: Sequence[Measurement], device: str) -> list[str]:
    """Return a line for each measurement of a device with a peer, on the device if possible, else on the CPU."""
    medians, lines = runs.groupby(["measurement", "device"])["value"].median().dropna(), []
    for name, peer in {one.name: one.peer for one in measurements if one.peer}.items():
        found = next((other for other in (device, "cpu") if (peer, other) in medians), None)
        if found and (name, device) in medians:
            ratio = _number(medians[peer, found] / medians[name, device])
            lines.append(f"- {name}, {device.upper()}: {ratio} times as fast as {peer}, {found.upper()}")
    return lines


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
        "reading took time, at the rates measured in the same run; it does not count traffic within the memory."
    )


if __name__ == "__main__":
    raise SystemExit(main())
