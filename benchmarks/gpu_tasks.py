"""Measurements of the GPU benchmark, by task."""

import os
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.utils.parallel import Parallel, delayed

from aeanomaly.model_selection import StackedGridSearchCV, log_likelihood
from aeanomaly.streaming import as_source
from benchmarks.card import copy_rate, product_rate, transfer_rate
from benchmarks.loop import PlainLoop
from benchmarks.machine import operations_of_row, timed
from benchmarks.measurement import COPY, PINNED, PRODUCT, Bench, Measurement, Sample, seconds_at_best
from benchmarks.peers import entries, surroundings, warm_up
from benchmarks.search import GRID
from benchmarks.speed import Case, Ours, operations, seconds_per_step
from benchmarks.speed import table as generate

_COLUMNS, _BATCH, _FOLDS = 20, 128, 5
#: Widths of the plain loop, which are those of the default network.
_WIDTHS = [_COLUMNS, 1024, _COLUMNS]
_WIDE_COLUMNS, _WIDE_LAYERS, _WIDE_CODE = 1000, (2048, 1024), 64
_DENOISER, _PYOD = "DenoisingAutoencoder", "PyOD AutoEncoder"
_SEARCH: dict[str, Any] = {"scoring": log_likelihood, "cv": _FOLDS, "refit": False}
#: Maximum number of fits of a worker of GridSearchCV; the time of the others is extrapolated.
_FITS_OF_WORKER = 8
_READING = "read Parquet in parts"
_LOOP = "step, plain loop"
#: Number of rows that are scored one by one.
_SINGLE_ROWS = 100


#: Function that generates a table, which several measurements share.
table = lru_cache(maxsize=4)(generate)


def rates(bench: Bench) -> Iterator[Measurement]:
    """Yield the rates of the hardware, from which limits follow."""
    yield _rate(PRODUCT, "TFLOP/s", 1e12, partial(product_rate, bench.device))
    yield _rate(COPY, "GB/s", 1e9, partial(copy_rate, bench.device))
    if not bench.is_cpu:
        yield _rate(PINNED, "GB/s", 1e9, partial(transfer_rate, bench.device, pinned=bench.device.type == "cuda"))
        yield _rate("transfer, pageable", "GB/s", 1e9, partial(transfer_rate, bench.device, pinned=False))


def _rate(name: str, unit: str, scale: float, sample: Sample) -> Measurement:
    return Measurement(name, unit, lambda: lambda: sample() / scale)


def steps(bench: Bench) -> Iterator[Measurement]:
    """Yield the times of a training step."""
    for members in (1, 16):
        case = Case("step", bench.of(5000), members=members)
        n_operations = operations(case, 1)
        yield Measurement(
            f"step, {members} member{'s' if members > 1 else ''}",
            "us",
            partial(_step, bench, case),
            lambda known, n=n_operations: 1e6 * seconds_at_best(known, n),
            peer=_LOOP if members == 1 else "",
        )


def _step(bench: Bench, case: Case) -> Sample:
    ours, X = Ours(str(bench.device)), table(case.rows, case.columns)
    n_steps = bench.of(400 if bench.is_cpu else 2000, least=5)  # the rest of a fit would hide few steps of a GPU
    return lambda: 1e6 * seconds_per_step(lambda n: ours.fit(case, X, n), n_steps, bench.seconds)


def loops(bench: Bench) -> Iterator[Measurement]:
    """Yield the time of a step of a plain torch loop with the same network."""
    yield Measurement(_LOOP, "us", partial(_loop_step, bench, compiled=False))


def compiled_loops(bench: Bench) -> Iterator[Measurement]:
    """Yield the time of a step of the plain loop with `torch.compile`, on the main device only."""
    if bench.device == bench.main:
        yield Measurement(f"{_LOOP}, torch.compile", "us", partial(_loop_step, bench, compiled=True), longest=45.0)


def _loop_step(bench: Bench, *, compiled: bool) -> Sample:
    n_steps = bench.of(1000, least=5)
    loop = PlainLoop(_WIDTHS, "rbf", n_steps=n_steps, batch_size=_BATCH, device=bench.device, compiled=compiled)
    loop.start(table(bench.of(5000), _COLUMNS))
    loop.train(5)  # compiles
    return lambda: 1e6 * bench.seconds(lambda: loop.train(n_steps)) / n_steps


def fits(bench: Bench) -> Iterator[Measurement]:
    """Yield the times of whole fits."""
    for name in (_DENOISER, "AutoencoderEnsemble", "VariationalAutoencoder", "ContractiveAutoencoder"):
        yield _fit(bench, bench.of(5000), name)
    yield _fit(bench, bench.of(1_000_000), _DENOISER)


def pyod(bench: Bench) -> Iterator[Measurement]:
    """Yield the time of a fit of PyOD's autoencoder."""
    rows = bench.of(5000)
    yield Measurement(_name_of_fit(rows, _PYOD), "s", partial(_fit_pyod, bench, rows))


def _name_of_fit(rows: int, name: str) -> str:
    return f"fit {rows:,} x {_COLUMNS}, {name}"


def _fit(bench: Bench, rows: int, name: str) -> Measurement:
    def prepare() -> Sample:
        X = table(rows, _COLUMNS)
        return lambda: bench.seconds(lambda: bench.detector(name).fit(X))

    peer = _name_of_fit(rows, _PYOD) if (rows, name) == (bench.of(5000), _DENOISER) else ""
    return Measurement(_name_of_fit(rows, name), "s", prepare, peer=peer)


def _fit_pyod(bench: Bench, rows: int) -> Sample:
    entry, X = entries()[_PYOD], table(rows, _COLUMNS)
    warm_up(entry)

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
    for name in (_DENOISER, "AutoencoderEnsemble", "VariationalAutoencoder"):
        least = n_operations if name == _DENOISER else 0  # other detectors have other networks
        bound = partial(seconds_at_best, n_operations=least, n_bytes=n_bytes)
        yield _score(bench, rows, name, bound)
    if not bench.is_cpu or bench.device == bench.main:
        yield _score(bench, rows, _DENOISER, partial(seconds_at_best, n_operations=n_operations), on_device=True)
    yield Measurement(f"score 1 x {_COLUMNS}, {_DENOISER}", "s", partial(_score_single_rows, bench))


def _score(bench: Bench, rows: int, name: str, *bound: Any, on_device: bool = False) -> Measurement:
    def prepare() -> Sample:
        X: Any = table(rows, _COLUMNS)
        X = torch.from_numpy(X).to(bench.device) if on_device else X
        detector = bench.detector(name).fit(table(bench.of(5000), _COLUMNS))
        return lambda: bench.seconds(lambda: detector.score_samples(X))

    place = ", tensor on the device" if on_device else ""
    return Measurement(f"score {rows:,} x {_COLUMNS}, {name}{place}", "s", prepare, *bound)


def _score_single_rows(bench: Bench) -> Sample:
    X = table(bench.of(5000), _COLUMNS)
    detector, rows = bench.detector(_DENOISER).fit(X), [X[[n % len(X)]] for n in range(_SINGLE_ROWS)]
    return lambda: bench.seconds(lambda: [detector.score_samples(row) for row in rows]) / len(rows)


def parquet(bench: Bench) -> Iterator[Measurement]:
    """Yield the rates of reading a Parquet file in parts, as `score_batches` does, and of scoring it."""
    rows = bench.n_parquet or bench.of(10_000_000)
    name = f"{rows:,} x {_COLUMNS}"
    if bench.device == bench.main:
        yield Measurement(f"{_READING}, {name}", "rows/s", partial(_read, bench, rows), longest=25.0)
    yield Measurement(
        f"score_batches of Parquet, {name}",
        "rows/s",
        partial(_score_batches, bench, rows),
        lambda known: known[f"{_READING}, {name}"],
        longest=15.0,
    )


def _file(bench: Bench, rows: int) -> Path:
    """Write the file once for all devices."""
    try:
        from benchmarks.streaming import write_table
    except ImportError:
        raise ImportError("Parquet requires pyarrow; install it with: pip install 'aeanomaly[parquet]'") from None
    path = bench.folder / "rows.parquet"
    if not path.exists():
        write_table(path, rows, _COLUMNS, repeats=True)
    return path


def _read(bench: Bench, rows: int) -> Sample:
    path = _file(bench, rows)
    return lambda: rows / timed(lambda: sum(len(part.rows) for part in as_source(path).parts()))


def _score_batches(bench: Bench, rows: int) -> Sample:
    path = _file(bench, rows)
    first = next(as_source(path).parts()).rows
    detector = bench.detector(_DENOISER).fit(first[: bench.of(5000)])
    return lambda: rows / bench.seconds(lambda: sum(map(len, detector.score_batches(path))))


def searches(bench: Bench) -> Iterator[Measurement]:
    """Yield the times of a stacked search, and on the CPU of GridSearchCV, without final fits."""
    candidates = [{k: [v] for k, v in one.items()} for one in islice(ParameterGrid(GRID), bench.of(24, least=2))]
    rows = bench.of(2000)
    size = f"{len(candidates)} candidates x {_FOLDS} folds, {rows:,} x {_COLUMNS}"
    if bench.device == bench.main:
        prepare = partial(_stacked_search, bench, rows, candidates)
        yield Measurement(f"StackedGridSearchCV, {size}", "s", prepare, longest=30.0, peer=f"GridSearchCV, {size}")
    if bench.is_cpu:
        part = candidates[: max(1, _FITS_OF_WORKER * bench.n_threads // _FOLDS)]
        is_whole = len(part) == len(candidates)
        note = "each fit also sets a threshold, by scores of clones, which the stacked search omits"
        note += "" if is_whole else f"; extrapolated from {len(part)} of {len(candidates)} candidates"
        prepare = partial(_grid_search, bench, rows, part, len(candidates) / len(part))
        yield Measurement(f"GridSearchCV, {size}", "s", prepare, note=note, longest=40.0)


def _stacked_search(bench: Bench, rows: int, candidates: list[dict[str, Any]]) -> Sample:
    X, search = table(rows, _COLUMNS), StackedGridSearchCV(bench.detector(_DENOISER), candidates, **_SEARCH)
    return lambda: bench.seconds(lambda: search.fit(X))


def _grid_search(bench: Bench, rows: int, candidates: list[dict[str, Any]], factor: float) -> Sample:
    X = table(rows, _COLUMNS)
    search = GridSearchCV(bench.detector(_DENOISER), candidates, n_jobs=bench.n_threads, **_SEARCH)
    _start_workers(search.estimator, X[:100], bench.n_threads)
    return lambda: factor * timed(lambda: search.fit(X))


def _start_workers(estimator: Any, X: np.ndarray, n_workers: int) -> None:
    """Let each worker process run a fit, so that its start and its imports are not timed."""
    started: set[int] = set()
    for _ in range(3):
        calls = (delayed(_small_fit)(estimator, X) for _ in range(2 * n_workers))
        started.update(Parallel(n_jobs=n_workers, batch_size=1)(calls))
        if len(started) >= n_workers:
            return


def _small_fit(estimator: Any, X: np.ndarray) -> int:
    """Run a small fit, and return the number of the process."""
    clone(estimator).set_params(max_iter=5).fit(X)
    return os.getpid()


def wide(bench: Bench) -> Iterator[Measurement]:
    """Yield the time of a fit of a wide and deep network, which the matrix products limit."""
    n_steps, rows, batch = bench.of(300, least=20), bench.of(20_000), bench.of(2048)
    widths = [_WIDE_COLUMNS, *_WIDE_LAYERS, _WIDE_CODE, *_WIDE_LAYERS[::-1], _WIDE_COLUMNS]
    # Twice, as the default threshold fits a clone that does not see some of the rows.
    n_operations = 2 * n_steps * batch * operations_of_row(widths, training=True)
    few = max(1, n_steps // 60)  # on a CPU
    yield Measurement(
        f"fit {rows:,} x {_WIDE_COLUMNS}, {'-'.join(map(str, widths[1:4]))}, {n_steps} steps of {batch:,} rows",
        "s",
        partial(_fit_wide, bench, rows, batch, (few, n_steps)),
        partial(seconds_at_best, n_operations=n_operations),
        f"extrapolated from {few} and {5 * few} steps" if bench.is_cpu else "",
        longest=25.0,
    )


def _fit_wide(bench: Bench, rows: int, batch: int, n_steps: tuple[int, int]) -> Sample:
    few, all_steps = n_steps
    X, network = table(rows, _WIDE_COLUMNS), {"hidden_layer_sizes": _WIDE_LAYERS, "latent_dim": _WIDE_CODE}

    def seconds(n: int) -> float:
        detector = bench.detector("UndercompleteAutoencoder", max_iter=n, batch_size=batch, **network)
        return bench.seconds(lambda: detector.fit(X))

    def extrapolated() -> float:
        of_few, of_more = seconds(few), seconds(5 * few)
        return of_few + (all_steps - few) * (of_more - of_few) / (4 * few)

    if not bench.is_cpu:
        return partial(seconds, all_steps)
    seconds(1)  # the extrapolation would multiply the time of a first call
    return extrapolated


#: Functions that yield the measurements of each task for a device.
TASKS: dict[str, Callable[[Bench], Iterator[Measurement]]] = {
    "rates": rates,
    "step": steps,
    "loop": loops,
    "fit": fits,
    "pyod": pyod,
    "score": scores,
    "search": searches,
    "wide": wide,
    "parquet": parquet,
    "compile": compiled_loops,
}
