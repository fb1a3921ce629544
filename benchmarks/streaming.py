"""Benchmark of tables larger than memory, and of Dask clusters.

From the root of a checkout::

    python -m benchmarks.streaming
    python -m benchmarks.streaming --dask --rows 20000000

Random rows near a curved surface are written to a Parquet file, which is deleted at the end. The file is read in parts
without processing. Then a default detector is fitted to the file and scores it, both in parts. Finally, the rows that
fit into memory are scored at once. Times are also reported relative to reading and training. With ``--dask``, fitting
and scoring run on a local cluster of one and of two workers with one thread each. They also run in one process without
a cluster. Writes ``streaming.csv``, or ``streaming_dask.csv``, to the results folder.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from aeanomaly import DenoisingAutoencoder, __version__
from aeanomaly.streaming import as_source
from benchmarks.machine import peak_memory, threads, timed
from benchmarks.tables import markdown

_GROUP = 500_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000, metavar="N", help="default: 10,000,000")
    parser.add_argument("--columns", type=int, default=20, metavar="N", help="default: 20")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--dask", action="store_true", help="use a cluster of one and of two workers")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER", help="results folder"
    )
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with threads(options.threads), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write_table(path, options.rows, options.columns)
        rounds = _on_workers(path) if options.dask else _in_parts(path, options)
        runs = pd.DataFrame([one for _ in range(options.repeats) for one in rounds()])
    runs = runs.assign(rows=options.rows, columns=options.columns, threads=options.threads, version=__version__)
    runs.to_csv(options.out / f"streaming{'_dask' if options.dask else ''}.csv", index=False)
    sys.stdout.write(report(runs))
    return 0


def write_table(path: Path, n_rows: int, n_columns: int, *, repeats: bool = False) -> None:
    """Write rows near a curved surface, as float32, in groups of half a million, which are equal if it `repeats`."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(4, n_columns))
    names = [f"x{j}" for j in range(n_columns)]
    rows = np.empty((0, n_columns), dtype=np.float32)
    with pq.ParquetWriter(path, pa.schema([(name, pa.float32()) for name in names])) as file:
        for first in range(0, n_rows, _GROUP):
            size = min(_GROUP, n_rows - first)
            if not (repeats and len(rows)):
                hidden, noise = rng.normal(size=(size, 4)), rng.normal(size=(size, n_columns))
                rows = (np.tanh(hidden @ weights) + 0.1 * noise).astype(np.float32)
            file.write_table(pa.table(list(rows[:size].T), names=names))


def _in_parts(path: Path, options: argparse.Namespace) -> Any:
    few = pq.ParquetFile(path).read_row_groups(range(min(2, pq.ParquetFile(path).num_row_groups))).to_pandas()

    def rounds() -> Iterator[dict[str, float]]:
        read = timed(lambda: sum(len(part.rows) for part in as_source(path).parts()))
        detector = DenoisingAutoencoder(random_state=0)
        fit = timed(lambda: detector.fit_batches(path))
        train = timed(lambda: DenoisingAutoencoder(random_state=0).fit(few[:100_000]))
        score = timed(lambda: sum(map(len, detector.score_batches(path))))
        with peak_memory() as peak:  # in a separate pass, because the measurement takes time
            sum(map(len, detector.score_batches(path)))
        at_once = timed(lambda: detector.score_samples(few)) / len(few) * options.rows
        yield {
            "read_s": read,
            "train_s": train,
            "fit_s": fit,
            "fit_of_limit": fit / (3 * read + train),
            "score_s": score,
            "score_rows_per_s": options.rows / score,
            "score_of_at_once": score / at_once,
            "score_mb": peak.extra / 1e6,
        }

    return rounds


def _on_workers(path: Path) -> Any:
    import dask.dataframe as dd
    from distributed import Client, LocalCluster

    import aeanomaly.dask

    def on(n_workers: int) -> tuple[float, float]:
        how = {"n_workers": n_workers, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
        with LocalCluster(**how) as cluster, Client(cluster) as client:
            client.submit(_warm_up).result()
            ddf, detector = dd.read_parquet(path, split_row_groups=1), DenoisingAutoencoder(random_state=0)
            fit = timed(lambda: aeanomaly.dask.fit(detector, ddf))
            return fit, timed(lambda: aeanomaly.dask.score_samples(detector, ddf).sum().compute())

    def rounds() -> Iterator[dict[str, float]]:
        (fit_1, score_1), (fit_2, score_2) = on(1), on(2)
        detector = DenoisingAutoencoder(random_state=0)
        fit = timed(lambda: detector.fit_batches(path))
        score = timed(lambda: sum(float(part.sum()) for part in detector.score_batches(path)))
        yield {
            "fit_1_s": fit_1,
            "fit_2_s": fit_2,
            "fit_ratio": fit_1 / fit_2,
            "score_1_s": score_1,
            "score_2_s": score_2,
            "score_ratio": score_1 / score_2,
            "fit_alone_s": fit,
            "score_alone_s": score,
        }

    return rounds


def _warm_up() -> None:
    X = np.random.default_rng(0).normal(size=(100, 3))
    DenoisingAutoencoder(max_iter=2, random_state=0).fit(X).score_samples(X)


def report(runs: pd.DataFrame) -> str:
    """Return medians and ranges over the rounds as Markdown."""
    about = ("rows", "columns", "threads", "version")
    figures = runs.drop(columns=list(about))
    lines = [
        [str(name), *(f"{number:,.3g}" for number in (values.median(), values.min(), values.max()))]
        for name, values in figures.items()
    ]
    rows, columns, threads, version = (runs[name].iloc[0] for name in about)
    title = f"{rows:,} rows x {columns} columns, {threads} threads, aeanomaly {version}, {time.strftime('%Y-%m-%d')}"
    return f"{title}\n\n{markdown(['', 'median', 'minimum', 'maximum'], lines)}\n"


if __name__ == "__main__":
    raise SystemExit(main())
