"""Benchmark of searches: `StackedGridSearchCV` compared with scikit-learn's `GridSearchCV`, alternating in one run.

From the root of a checkout::

    python -m benchmarks.search

The search has 24 candidates on 5 folds of a table, including the final fit, with small networks and with default
networks. scikit-learn's worker processes are warmed up first, and the time of a cold start is reported in a separate
column. Writes ``search.csv`` and ``search.md`` to the results folder.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib.externals.loky import get_reusable_executor
from sklearn.model_selection import GridSearchCV
from tqdm import tqdm

from aeanomaly import DenoisingAutoencoder, __version__
from aeanomaly.model_selection import StackedGridSearchCV, log_likelihood
from benchmarks.machine import matrix_product_rate, operations_of_row, threads, timed
from benchmarks.tables import markdown

#: Fixed parameters, by name.
NETWORKS: dict[str, dict[str, Any]] = {"small": {"hidden_layer_sizes": (32,), "latent_dim": 4}, "default": {}}
GRID = {
    "learning_rate": [1e-3, 2e-3, 4e-3],
    "weight_decay": [0.0, 1e-5],
    "corruption_level": [0.1, 0.2, 0.4, 0.8],
}
_FOLDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="default: both")
    parser.add_argument("--rows", type=int, default=2000, metavar="N", help="default: 2000")
    parser.add_argument("--columns", type=int, default=20, metavar="N", help="default: 20")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds per network; default: 5")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads or processes; default: 2")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER", help="results folder"
    )
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with threads(options.threads):
        runs = pd.DataFrame(_runs(options)).assign(version=__version__, threads=options.threads)
    runs.to_csv(options.out / "search.csv", index=False)
    text = report(runs)
    (options.out / "search.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


def _runs(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield one line per network and round."""
    X = np.random.default_rng(0).normal(size=(options.rows, options.columns))
    with tqdm(total=len(options.networks) * options.repeats, unit="round", file=sys.stderr) as bar:
        for name in options.networks:
            detector = DenoisingAutoencoder(random_state=0, **NETWORKS[name])
            stacked, grid = _stacked(detector), _grid(detector, options.threads)
            stacked.fit(X[: options.rows // 4])
            get_reusable_executor().shutdown(wait=True)
            cold = timed(lambda grid=grid: _few(grid).fit(X))
            warm = timed(lambda grid=grid: _few(grid).fit(X))
            for number in range(options.repeats):
                rate = matrix_product_rate()
                ours, theirs = timed(lambda s=stacked: s.fit(X)), timed(lambda g=grid: g.fit(X))
                yield {
                    "network": name,
                    "round": number,
                    "stacked": ours,
                    "grid": theirs,
                    "cold_start": cold - warm,
                    "share": operations(stacked, options.columns) / ours / rate,
                    "largest_difference": _difference(stacked, grid),
                }
                bar.update()


def _stacked(detector: Any) -> StackedGridSearchCV:
    return StackedGridSearchCV(detector, GRID, scoring=log_likelihood, cv=_FOLDS)


def _grid(detector: Any, n_jobs: int) -> GridSearchCV:
    return GridSearchCV(detector, GRID, scoring=log_likelihood, cv=_FOLDS, n_jobs=n_jobs)


def _few(grid: GridSearchCV) -> GridSearchCV:
    """Return a search that is long enough to start every worker."""
    return GridSearchCV(grid.estimator, {"learning_rate": [1e-3, 2e-3]}, scoring=grid.scoring, cv=3, n_jobs=grid.n_jobs)


def operations(search: StackedGridSearchCV, n_columns: int) -> float:
    """Return the operations of the matrix products that train all candidates on all folds and refit the best."""
    best = search.best_estimator_
    widths = [n_columns, *best.hidden_layer_sizes, best.latent_dim_]
    of_row = operations_of_row([*widths, *widths[-2::-1]], training=True)
    n_fits = len(search.cv_results_["params"]) * search.n_splits_
    return of_row * best.batch_size * (n_fits * _steps_in_folds(search) + best.n_iter_)


def _steps_in_folds(search: StackedGridSearchCV) -> float:
    """Return the number of steps on a fold, which is proportional to the square root of the number of rows."""
    best = search.best_estimator_
    return best.n_iter_ * np.sqrt(1 - 1 / search.n_splits_)


def _difference(stacked: Any, grid: Any) -> float:
    """Return the largest relative difference between the scores of the two searches."""
    found, expected = (search.cv_results_["mean_test_score"] for search in (stacked, grid))
    return float(np.max(np.abs(found / expected - 1)))


def report(runs: pd.DataFrame) -> str:
    """Return the medians over the rounds as Markdown."""
    body = []
    for name, of_name in runs.groupby("network", sort=False):
        ratios = of_name["grid"] / of_name["stacked"]
        middle = of_name.drop(columns=["network", "version"]).median()
        body.append(
            [
                str(name),
                f"{middle['stacked']:.2f}",
                f"{middle['grid']:.2f}",
                f"{ratios.median():.2f} ({ratios.min():.2f} to {ratios.max():.2f})",
                f"{middle['share']:.0%}",
                f"{middle['cold_start']:.1f}",
                f"{of_name['largest_difference'].max():.1g}",
            ]
        )
    head = ["network", "stacked, s", "grid, s", "grid / stacked", "share", "cold start, s", "difference"]
    about = (
        f"aeanomaly {runs['version'][0]}; {runs['threads'][0]} threads or processes. Medians over rounds. Share: "
        "rate of the matrix products of the stacked search, relative to a large matrix product in the same round. Cold "
        "start: time to start scikit-learn's worker processes once, not included in the time of the grid. Difference: "
        "largest relative difference between the mean scores of the two searches."
    )
    return f"# Search benchmark\n\n{about}\n\n{markdown(head, body)}\n"


if __name__ == "__main__":
    raise SystemExit(main())
