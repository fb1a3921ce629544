"""Benchmark of missing values: the loss of accuracy with mean imputation and with ``missing="model"``.

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.missing_values --data FOLDER

The setting is one-class, as in ``benchmarks.detection``. A share of the cells is removed at random from the training
and test rows. The same detector is fitted to the complete rows, to the rows with mean imputation, and to the rows with
missing values.
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

#: Wider tables take long and add little information.
_WIDEST = 120


def run(
    folder: Path, datasets: Sequence[str] | None, detector: str, seeds: Sequence[int], shares: Sequence[float]
) -> pd.DataFrame:
    """Return the AUROC with complete rows, mean imputation and ``missing="model"``, per data set, seed and share."""
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
                incomplete = replace(whole, train=train, test=test)
                imputed = _auroc(make_pipeline(SimpleImputer(), fit()), incomplete)
                lines.append((share, name, seed, full, imputed, _auroc(fit(missing="model"), incomplete)))
    return pd.DataFrame(lines, columns=["share", "dataset", "seed", "whole", "mean imputed", "missing='model'"])


def _auroc(estimator: Any, rows: Split) -> float:
    return float(roc_auc_score(rows.y, -estimator.fit(rows.train).score_samples(rows.test)))


def report(found: pd.DataFrame) -> str:
    """Return the means over data sets, and the remaining share of the loss of mean imputation."""
    means = found.drop(columns=["dataset", "seed"]).groupby("share").mean()
    left = (means["whole"] - means["missing='model'"]) / (means["whole"] - means["mean imputed"])
    return means.round(4).assign(**{"loss left": left.round(3)}).to_string()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface."""
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
