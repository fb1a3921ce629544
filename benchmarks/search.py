"""What does a search cost? `StackedGridSearchCV` against scikit-learn's `GridSearchCV`, in turn, in one run.

From the root of a checkout::

    python -m benchmarks.search

24 candidates on 5 folds of a table, the last fit included, with small networks and with default ones. scikit-learn's
worker processes are started and warmed up before, and what a cold start takes is a column of its own. Writes
``search.csv`` and ``search.md`` into the folder of results.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib.externals.loky import get_reusable_executor
from sklearn.model_selection import GridSearchCV
from tqdm import tqdm

from aeanomaly import DenoisingAutoencoder, __version__
from aeanomaly.model_selection import StackedGridSearchCV, log_likelihood
from benchmarks.machine import matrix_product_rate, threads, timed
from benchmarks.tables import markdown

#: By name, what is not searched.
NETWORKS: dict[str, dict[str, Any]] = {"small": {"hidden_layer_sizes": (32,), "latent_dim": 4}, "default": {}}
GRID = {
    "learning_rate": [1e-3, 2e-3, 4e-3],
    "weight_decay": [0.0, 1e-5],
    "corruption_level": [0.1, 0.2, 0.4, 0.8],
}
_FOLDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="default: both")
    parser.add_argument("--rows", type=int, default=2000, metavar="N", help="default: 2000")
    parser.add_argument("--columns", type=int, default=20, metavar="N", help="default: 20")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds of each network; default: 5")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="or processes; default: 2")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER", help="results")
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
    """A line for each round of each network."""
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
    """A search that is long enough to start every worker."""
    return GridSearchCV(grid.estimator, {"learning_rate": [1e-3, 2e-3]}, scoring=grid.scoring, cv=3, n_jobs=grid.n_jobs)


def operations(search: StackedGridSearchCV, n_columns: int) -> float:
    """Floating-point operations of the matrix products that train all candidates on all folds, and the best one."""
    best = search.best_estimator_
    widths = [n_columns, *best.hidden_layer_sizes, best.latent_dim_]
    first, *rest = (n_in * n_out for n_in, n_out in pairwise([*widths, *widths[-2::-1]]))
    # Forward once; backward twice, but once for the first layer, as nobody asks for the rows' gradient.
    of_row = 2 * (2 * first + 3 * sum(rest))
    n_fits = len(search.cv_results_["params"]) * search.n_splits_
    return of_row * best.batch_size * (n_fits * _steps_in_folds(search) + best.n_iter_)


def _steps_in_folds(search: StackedGridSearchCV) -> float:
    """Steps on the rows of a fold: they go with the root of the rows."""
    best = search.best_estimator_
    return best.n_iter_ * np.sqrt(1 - 1 / search.n_splits_)


def _difference(stacked: Any, grid: Any) -> float:
    """The largest one between the scores of both searches, relative."""
    found, expected = (search.cv_results_["mean_test_score"] for search in (stacked, grid))
    return float(np.max(np.abs(found / expected - 1)))


def report(runs: pd.DataFrame) -> str:
    """Markdown: medians over the rounds."""
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
        f"aeanomaly {runs['version'][0]}; {runs['threads'][0]} threads, or processes. Medians over rounds. Share: of "
        "the rate of a large matrix product in the same round, by the matrix products of training alone, of the "
        "stacked search. Cold start: what scikit-learn's worker processes take once, which is not in its time. "
        "Difference: the largest between mean scores of the two, relative."
    )
    return f"# Search benchmark\n\n{about}\n\n{markdown(head, body)}\n"


if __name__ == "__main__":
    raise SystemExit(main())
