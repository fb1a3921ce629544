"""What do missing cells cost, and how much of that does ``missing="model"`` save?

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.missing_values --data FOLDER

One-class, as in ``benchmarks.detection``; then a share of the cells is removed at random from rows to train on and rows
to score. The same detector gets the rows whole, with each hole filled by its column's mean, and with holes.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from tqdm import tqdm

import aeanomaly
from benchmarks.protocol import Split, UsageError, find, folder_of, named, read, sample, split

#: Wider tables take long, and tell little more.
_WIDEST = 120


def run(
    folder: Path, datasets: Sequence[str] | None, detector: str, seeds: Sequence[int], shares: Sequence[float]
) -> pd.DataFrame:
    """AUROC with whole rows, mean imputation and ``missing="model"``, a line for each data set, seed and share."""
    paths, lines = find(folder), []
    for name in tqdm(named("--datasets", datasets, paths), file=sys.stderr):
        X, y = read(paths[name])
        if X.shape[1] > _WIDEST:
            continue
        for seed in seeds:
            whole = split(*sample(X, y, seed), "one-class", seed)
            fit = partial(getattr(aeanomaly, detector), random_state=seed)
            full = _auroc(fit(), whole)
            for share in shares:
                rng = np.random.default_rng(seed + 2000)
                train, test = (np.where(rng.random(r.shape) < share, np.nan, r) for r in (whole.train, whole.test))
                holed = replace(whole, train=train, test=test)
                imputed = _auroc(make_pipeline(SimpleImputer(), fit()), holed)
                lines.append((share, name, seed, full, imputed, _auroc(fit(missing="model"), holed)))
    return pd.DataFrame(lines, columns=["share", "dataset", "seed", "whole", "mean imputed", "missing='model'"])


def _auroc(estimator: Any, rows: Split) -> float:
    return float(roc_auc_score(rows.y, -estimator.fit(rows.train).score_samples(rows.test)))


def report(found: pd.DataFrame) -> str:
    """Means over data sets, and what part of mean imputation's loss is left."""
    means = found.drop(columns=["dataset", "seed"]).groupby("share").mean()
    left = (means["whole"] - means["missing='model'"]) / (means["whole"] - means["mean imputed"])
    return means.round(4).assign(**{"loss left": left.round(3)}).to_string()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of .npz or .csv files; default: $AEANOMALY_DATA")
    parser.add_argument("--datasets", nargs="+", metavar="NAME")
    parser.add_argument("--detector", default="DenoisingAutoencoder")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--shares", nargs="+", type=float, default=[0.1, 0.3])
    options = parser.parse_args(arguments)
    try:
        found = run(folder_of(options.data), options.datasets, options.detector, options.seeds, options.shares)
    except UsageError as error:
        parser.error(str(error))
    sys.stdout.write(report(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
