"""Measurements of the GPU benchmark, by task."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV, ParameterGrid

import aeanomaly
from aeanomaly.model_selection import StackedGridSearchCV, log_likelihood
from benchmarks.card import copy_rate, product_rate, seconds_on, transfer_rate
from benchmarks.loop import PlainLoop
from benchmarks.machine import operations_of_row, timed
from benchmarks.peers import entries, surroundings
from benchmarks.search import GRID, few
from benchmarks.speed import Case, Ours, operations, seconds_per_step, table

#: Function that measures once and returns a value in the unit of the measurement.
Sample = Callable[[], float]
_COLUMNS, _BATCH, _FOLDS = 20, 128, 5
#: Widths of the plain loop, which are those of the default network.
_WIDTHS = [_COLUMNS, 1024, _COLUMNS]
_WIDE = {"hidden_layer_sizes": (2048, 1024), "latent_dim": 64}
_WIDE_WIDTHS = [1000, 2048, 1024, 64, 1024, 2048, 1000]
#: Maximum number of fits of a worker of GridSearchCV; the time of the others is extrapolated.
_FITS_OF_WORKER = 8
_PRODUCT, _COPY, _PINNED, _READING = "matrix product, float32", "copy on the device", "transfer, pinned", "read Parquet"


class Measurement(NamedTuple):
    """Quantity to measure on a device.

    Attributes
    ----------
    name : str
        Name, which is the same on all devices.
    unit : str
        Unit of the values; those of a rate end with "/s".
    prepare : callable
        Function that generates data, fits detectors, and returns the function that measures once.
    bound : callable
        Function from the medians of other measurements to the best possible value, or NaN.
    note : str
        Remark on the method.
    """

    name: str
    unit: str
    prepare: Callable[[], Sample]
    bound: Callable[[Mapping[str, float]], float] = lambda known: math.nan
    note: str = ""


@dataclass(frozen=True)
class Bench:
    """Device under test, and sizes.

    Attributes
    ----------
    device : torch.device
        Device on which the measurements run.
    main : torch.device
        First device of the benchmark; the other one is for comparison.
    scale : float
        Factor of all sizes.
    n_threads : int
        Number of threads and worker processes of the CPU.
    n_parquet : int or None
        Number of rows of the Parquet file; None scales the default.
    folder : Path
        Folder for temporary files.
    """

    device: torch.device
    main: torch.device
    scale: float
    n_threads: int
    n_parquet: int | None
    folder: Path

    @property
    def is_cpu(self) -> bool:
        return self.device.type == "cpu"

    def of(self, n: int, least: int = 100) -> int:
        """Return a scaled size."""
        return max(least, round(n * self.scale))

    def seconds(self, call: Callable[[], object]) -> float:
        """Return the duration of a call with its work on the device."""
        return seconds_on(self.device, call)

    def detector(self, name: str, **settings: Any) -> Any:
        """Build a detector on the device."""
        return getattr(aeanomaly, name)(device=str(self.device), random_state=0, **settings)


def rates(bench: Bench) -> Iterator[Measurement]:
    """Yield the rates of the hardware, from which limits follow."""
    yield _rate(_PRODUCT, "TFLOP/s", 1e12, partial(product_rate, bench.device))
    yield _rate(_COPY, "GB/s", 1e9, partial(copy_rate, bench.device))
    if not bench.is_cpu:
        yield _rate(_PINNED, "GB/s", 1e9, partial(transfer_rate, bench.device, pinned=bench.device.type == "cuda"))
        yield _rate("transfer, pageable", "GB/s", 1e9, partial(transfer_rate, bench.device, pinned=False))


def _rate(name: str, unit: str, scale: float, sample: Sample) -> Measurement:
    return Measurement(name, unit, lambda: lambda: sample() / scale)


def _seconds_at_best(known: Mapping[str, float], n_operations: float, n_bytes: float = 0) -> float:
    """Return the longer of the times of the matrix products and of the transfer, which can overlap."""
    times = [n_operations / known[_PRODUCT] / 1e12] if n_operations else []
    times += [n_bytes / known[_PINNED] / 1e9] if n_bytes and _PINNED in known else []
    return max(times, default=math.nan)


def steps(bench: Bench) -> Iterator[Measurement]:
    """Yield the times of a training step."""
    for members in (1, 16):
        case = Case("step", bench.of(5000), members=members)
        n_operations = operations(case, 1)
        yield Measurement(
            f"step, {members} member{'s' if members > 1 else ''}",
            "us",
            partial(_step, bench, case),
            lambda known, n=n_operations: 1e6 * _seconds_at_best(known, n),
        )


def _step(bench: Bench, case: Case) -> Sample:
    ours, X = Ours(str(bench.device)), table(case.rows, case.columns)
    n_steps = bench.of(400, least=5)
    return lambda: 1e6 * seconds_per_step(lambda n: ours.fit(case, X, n), n_steps, bench.seconds)


def loops(bench: Bench) -> Iterator[Measurement]:
    """Yield the times of a step of a plain torch loop with the same network; compiled on the main device only."""
    for compiled in (False, True) if bench.device == bench.main else (False,):
        name = f"step, plain loop{', torch.compile' if compiled else ''}"
        yield Measurement(name, "us", partial(_loop_step, bench, compiled=compiled))


def _loop_step(bench: Bench, *, compiled: bool) -> Sample:
    n_steps = bench.of(1000, least=5)
    loop = PlainLoop(_WIDTHS, "rbf", n_steps=n_steps, batch_size=_BATCH, device=bench.device, compiled=compiled)
    loop.start(table(bench.of(5000), _COLUMNS))
    loop.train(5)  # compiles
    return lambda: 1e6 * bench.seconds(lambda: loop.train(n_steps)) / n_steps


def fits(bench: Bench) -> Iterator[Measurement]:
    """Yield the times of whole fits."""
    for name in ("DenoisingAutoencoder", "AutoencoderEnsemble", "VariationalAutoencoder", "ContractiveAutoencoder"):
        yield _fit(bench, bench.of(5000), name)
    yield _fit(bench, bench.of(1_000_000), "DenoisingAutoencoder")


def pyod(bench: Bench) -> Iterator[Measurement]:
    """Yield the time of a fit of PyOD's autoencoder."""
    rows = bench.of(5000)
    yield Measurement(f"fit {rows:,} x {_COLUMNS}, PyOD AutoEncoder", "s", partial(_fit_pyod, bench, rows))


def _fit(bench: Bench, rows: int, name: str) -> Measurement:
    def prepare() -> Sample:
        X = table(rows, _COLUMNS)
        return lambda: bench.seconds(lambda: bench.detector(name).fit(X))

    return Measurement(f"fit {rows:,} x {_COLUMNS}, {name}", "s", prepare)


def _fit_pyod(bench: Bench, rows: int) -> Sample:
    entry, X = entries()["PyOD AutoEncoder"], table(rows, _COLUMNS)

    def fit() -> None:
        with surroundings(entry, 0):
            detector = entry.build(0, _COLUMNS, False)
            detector.device = bench.device
            detector.fit(X)

    return lambda: bench.seconds(fit)


def scores(bench: Bench) -> Iterator[Measurement]:
    """Yield the times of scoring float64 rows of the host, rows on the device, and one row."""
    rows = bench.of(1_000_000)
    n_bytes = 8 * rows * _COLUMNS
    n_operations = rows * operations_of_row(_WIDTHS, training=False)
    for name in ("DenoisingAutoencoder", "AutoencoderEnsemble", "VariationalAutoencoder"):
        least = n_operations if name == "DenoisingAutoencoder" else 0  # other detectors have other networks
        bound = partial(_seconds_at_best, n_operations=least, n_bytes=n_bytes)
        yield _score(bench, rows, name, bound)
    bound = partial(_seconds_at_best, n_operations=n_operations)
    yield _score(bench, rows, "DenoisingAutoencoder", bound, on_device=True)
    yield _score(bench, 1, "DenoisingAutoencoder")


def _score(bench: Bench, rows: int, name: str, *bound: Any, on_device: bool = False) -> Measurement:
    def prepare() -> Sample:
        detector = bench.detector(name).fit(table(bench.of(5000), _COLUMNS))
        X: Any = table(rows, _COLUMNS)
        X = torch.from_numpy(X).to(bench.device) if on_device else X
        return lambda: bench.seconds(lambda: detector.score_samples(X))

    place = ", tensor on the device" if on_device else ""
    return Measurement(f"score {rows:,} x {_COLUMNS}, {name}{place}", "s", prepare, *bound)


def parquet(bench: Bench) -> Iterator[Measurement]:
    """Yield the rates of scoring a Parquet file in parts, and of reading it alone."""
    rows = bench.n_parquet or bench.of(10_000_000)
    name = f"{rows:,} x {_COLUMNS}"
    if bench.is_cpu:
        yield Measurement(f"{_READING}, {name}", "rows/s", partial(_read, bench, rows))
    yield Measurement(
        f"score_batches of Parquet, {name}",
        "rows/s",
        partial(_score_batches, bench, rows),
        lambda known: known[f"{_READING}, {name}"],
    )


def _file(bench: Bench, rows: int) -> Path:
    """Write the file once for all devices."""
    try:
        from benchmarks.streaming import write_table
    except ImportError:
        raise ImportError("Parquet requires pyarrow; install it with: pip install 'aeanomaly[parquet]'") from None
    path = bench.folder / "rows.parquet"
    if not path.exists():
        write_table(path, rows, _COLUMNS)
    return path


def _batches(path: Path, size: int) -> Iterator[Any]:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, pre_buffer=False).iter_batches(size)


def _read(bench: Bench, rows: int) -> Sample:
    path = _file(bench, rows)
    return lambda: rows / timed(lambda: sum(len(batch) for batch in _batches(path, 1 << 16)))


def _score_batches(bench: Bench, rows: int) -> Sample:
    path = _file(bench, rows)
    detector = bench.detector("DenoisingAutoencoder").fit(next(_batches(path, bench.of(5000))).to_pandas())
    return lambda: rows / bench.seconds(lambda: sum(map(len, detector.score_batches(path))))


def searches(bench: Bench) -> Iterator[Measurement]:
    """Yield the times of a stacked search, and on the CPU of GridSearchCV, without final fits."""
    candidates = [{k: [v] for k, v in one.items()} for one in islice(ParameterGrid(GRID), bench.of(24, least=2))]
    rows = bench.of(2000)
    size = f"{len(candidates)} candidates x {_FOLDS} folds, {rows:,} x {_COLUMNS}"
    settings = {"scoring": log_likelihood, "cv": _FOLDS, "refit": False}

    def stacked() -> Sample:
        X, search = (
            table(rows, _COLUMNS),
            StackedGridSearchCV(bench.detector("DenoisingAutoencoder"), candidates, **settings),
        )
        return lambda: bench.seconds(lambda: search.fit(X))

    yield Measurement(f"StackedGridSearchCV, {size}", "s", stacked)
    if not bench.is_cpu:
        return
    timed_ones = candidates[: max(1, _FITS_OF_WORKER * bench.n_threads // _FOLDS)]

    def grid() -> Sample:
        X, detector = table(rows, _COLUMNS), bench.detector("DenoisingAutoencoder")
        search = GridSearchCV(detector, timed_ones, n_jobs=bench.n_threads, **settings)
        few(search).fit(X)  # starts the workers
        return lambda: timed(lambda: search.fit(X)) * len(candidates) / len(timed_ones)

    is_part = len(timed_ones) < len(candidates)
    note = f"extrapolated from {len(timed_ones)} of {len(candidates)} candidates" if is_part else ""
    yield Measurement(f"GridSearchCV, {size}", "s", grid, note=note)


def wide(bench: Bench) -> Iterator[Measurement]:
    """Yield the time of a fit of a wide and deep network."""
    n_steps, rows = bench.of(300, least=20), bench.of(20_000)
    batch = bench.of(2048)
    n_operations = n_steps * batch * operations_of_row(_WIDE_WIDTHS, training=True)
    part = max(1, n_steps // 60)

    def fit(n: int, X: np.ndarray) -> object:
        return bench.detector("UndercompleteAutoencoder", max_iter=n, batch_size=batch, **_WIDE).fit(X)

    def prepare() -> Sample:
        X = table(rows, _WIDE_WIDTHS[0])
        if not bench.is_cpu:
            return lambda: bench.seconds(lambda: fit(n_steps, X))

        def sample() -> float:
            few, many = (timed(lambda n=n: fit(n, X)) for n in (part, 3 * part))
            return few + (n_steps - part) * (many - few) / (2 * part)

        return sample

    yield Measurement(
        f"fit {rows:,} x 1000, 2048-1024-64, {n_steps} steps of {batch:,} rows",
        "s",
        prepare,
        partial(_seconds_at_best, n_operations=n_operations),
        f"extrapolated from {part} and {3 * part} steps" if bench.is_cpu else "",
    )


#: Functions that yield the measurements of each task for a device.
TASKS: dict[str, Callable[[Bench], Iterator[Measurement]]] = {
    "rates": rates,
    "step": steps,
    "fit": fits,
    "score": scores,
    "search": searches,
    "wide": wide,
    "pyod": pyod,
    "parquet": parquet,
    "loop": loops,
}
