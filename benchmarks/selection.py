"""Benchmark of model selection without labels: all criteria, and `recommend`, on suites of labeled tables.

From the root of a checkout::

    python -m benchmarks.selection --data FOLDER 'name=OTHER/cls-*.npz'

For each data set, candidates are fitted to at most 2,000 training rows of the one-class protocol
(`benchmarks.protocol`). A criterion uses these rows only, in three folds. The labels of the test rows then measure the
quality of its choice. `recommend` is compared with the default ensemble. Each candidate on each data set is a line of
``selection.csv`` in the results folder. The same command resumes an interrupted benchmark at the next data set. The
report shows all data sets, and apart those that confirm defaults (`benchmarks.sources`).
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata, spearmanr
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, ParameterGrid
from sklearn.pipeline import Pipeline
from tqdm import tqdm

from aeanomaly import (
    AutoencoderEnsemble,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    UndercompleteAutoencoder,
    VariationalAutoencoder,
)
from aeanomaly.model_selection import (
    StackedGridSearchCV,
    consensus,
    excess_mass,
    log_likelihood,
    pseudo_anomaly_auc,
    pseudo_anomaly_ratio,
    recommend,
    roc_auc,
    stability,
)
from benchmarks.protocol import Split, UsageError
from benchmarks.sources import PARTS, part
from benchmarks.suites import load, selected
from benchmarks.tables import markdown

#: Maximum number of training rows of a data set.
LARGEST = 2000
_KINDS = ("swapped", "local", "global", "dependency")
CRITERIA: dict[str, Callable[..., float]] = {
    "log_likelihood": log_likelihood,
    "excess_mass": excess_mass,
    **{f"pseudo_anomaly_auc, {kind}": partial(pseudo_anomaly_auc, kind=kind) for kind in _KINDS},
    **{f"pseudo_anomaly_ratio, {kind}": partial(pseudo_anomaly_ratio, kind=kind) for kind in _KINDS},
    "consensus": consensus,
    "stability": stability,
}
#: Sums of ranks of criteria, by name.
SUMS = {
    "sum of consensus and ratio, dependency": ["consensus", "pseudo_anomaly_ratio, dependency"],
    "sum of consensus and ratio, local": ["consensus", "pseudo_anomaly_ratio, local"],
    "sum of consensus and stability": ["consensus", "stability"],
    "sum of all": list(CRITERIA),
}
#: Sum of ranks with weights learned on the other data sets.
LEARNED = "weighted sum, learned on other data sets"
#: Ridge penalty of the weights, because the ranks are nearly collinear.
_RIDGE = 10.0
_DETECTORS = (
    DenoisingAutoencoder,
    UndercompleteAutoencoder,
    SparseAutoencoder,
    ContractiveAutoencoder,
    VariationalAutoencoder,
)
#: Pools of candidates by name; the first candidate is the default. "settings": one detector with half and double its
#: default values, and with noise levels around "auto". "detectors": different detectors.
POOLS: dict[str, list[Any]] = {
    "settings": [
        DenoisingAutoencoder(random_state=0, **settings)
        for settings in ParameterGrid(
            [
                {"learning_rate": [2e-3, 1e-3, 4e-3], "latent_dim": [1024, 512, 2048]},
                {"corruption_level": [0.125, 0.25, 0.5, 1.0, 2.0], "latent_dim": [1024, 512, 2048]},
            ]
        )
    ],
    "detectors": [
        detector(random_state=0, **settings) for settings in ({}, {"activation": "silu"}) for detector in _DETECTORS
    ],
}
#: Name of the comparison of `recommend` with the default ensemble, next to the pools.
RECOMMEND = "recommend"
_KEY = ["pool", "suite", "dataset", "seed"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface: return 0 on success; wrong usage exits with 2."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", nargs="+", metavar="[NAME=]PATH", help="suites: folders or quoted patterns; default: $AEANOMALY_DATA"
    )
    parser.add_argument("--label", metavar="COLUMN", help="label column of the CSV files; default: the last column")
    parser.add_argument("--datasets", nargs="+", metavar="NAME", help="default: all data sets of the suites")
    parser.add_argument("--part", choices=(*PARTS, "all"), default="all", help="part of the data sets; default: all")
    pools = [*POOLS, RECOMMEND]
    parser.add_argument("--pools", nargs="+", choices=pools, default=pools, help="default: all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="SEED", help="default: 0")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER", help="results folder"
    )
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    options = parser.parse_args(arguments)
    try:
        torch.set_num_threads(max(1, options.threads))
        sys.stdout.write(write_report(run(options), options.out))
    except UsageError as error:
        parser.error(str(error))
    return 0


def run(options: argparse.Namespace) -> pd.DataFrame:
    """Return all lines, including those of earlier commands."""
    datasets, file = selected(options.data, options.datasets, options.part), options.out / "selection.csv"
    options.out.mkdir(parents=True, exist_ok=True)
    lines = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=_KEY)
    done = set(lines[_KEY].itertuples(index=False, name=None))
    jobs = [
        (pool, dataset, seed)
        for dataset in datasets
        for pool in options.pools
        for seed in options.seeds
        if (pool, dataset.suite, dataset.name, seed) not in done
    ]
    with tqdm(jobs, unit="data set", file=sys.stderr) as bar:
        for pool, dataset, seed in bar:
            bar.set_description(f"{pool} on {dataset}")
            rows = load(dataset.path, options.label).split("one-class", seed)
            found = measure_recommend(rows, seed) if pool == RECOMMEND else measure(POOLS[pool], rows, seed)
            key = {"pool": pool, "suite": dataset.suite, "dataset": dataset.name, "seed": seed}
            lines = pd.concat([lines, pd.DataFrame(found).assign(**key)], ignore_index=True)
            lines.to_csv(file.with_suffix(".part"), index=False)
            file.with_suffix(".part").replace(file)
    return lines


def measure(candidates: Sequence[Any], rows: Split, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the value of each criterion for each candidate, and the AUROC on the test rows."""
    stream = np.random.default_rng(seed)
    train = rows.train[stream.permutation(len(rows.train))[:LARGEST]]
    folds = KFold(3, shuffle=True, random_state=seed)
    criteria = _search(candidates, CRITERIA, folds).fit(train).cv_results_
    everything = np.concatenate([train, rows.test])
    labels = np.concatenate([np.zeros(len(train), dtype=int), rows.y])
    once = [(np.arange(len(train)), np.arange(len(train), len(everything)))]
    truth = _search(candidates, {"auroc": roc_auc}, once).fit(everything, labels).cv_results_
    for number in range(len(candidates)):
        said = {name: criteria[f"mean_test_{name}"][number] for name in CRITERIA}
        yield {"candidate": number, "auroc": truth["mean_test_auroc"][number], **said}


def measure_recommend(rows: Split, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the AUROC of the default ensemble (candidate 0), and that of the detector that `recommend` fits."""
    for number, fit in enumerate((AutoencoderEnsemble(random_state=seed).fit, partial(recommend, random_state=seed))):
        yield {"candidate": number, "auroc": roc_auc(fit(rows.train), rows.test, rows.y)}


def _search(candidates: Sequence[Any], scoring: dict[str, Any], cv: Any) -> StackedGridSearchCV:
    pipeline = Pipeline([("detector", candidates[0])])
    return StackedGridSearchCV(pipeline, {"detector": list(candidates)}, scoring=scoring, cv=cv, refit=False)


def write_report(lines: pd.DataFrame, folder: Path) -> str:
    """Write ``selection.md`` and return its Markdown."""
    parts = ["# Selection benchmark"]
    is_confirming = np.array([part(name) == PARTS[1] for name in lines["dataset"]], dtype=bool)
    for of_part, title in ((lines, "all data sets"), (lines[is_confirming], "confirming part")):
        for pool, of_pool in of_part.groupby("pool", sort=False):
            parts += [f"## {pool}, {title}", *(_recommended if pool == RECOMMEND else _criteria)(of_pool)]
    text = "\n\n".join(parts) + "\n"
    (folder / "selection.md").write_text(text, encoding="utf-8")
    return text


def _criteria(lines: pd.DataFrame) -> list[str]:
    """Return a sentence on a pool of candidates, and the table of criteria."""
    table, settings = summary(lines), lines.groupby(_KEY)["auroc"]
    default = lines[lines["candidate"] == 0]["auroc"].mean()
    return [
        f"{lines['candidate'].nunique()} candidates, {_extent(lines)}. Mean AUROC of the default {default:.4f}, of a "
        f"random choice {settings.mean().mean():.4f}, of the best {settings.max().mean():.4f}. Regret: loss of the "
        "choice against the best, relative to that of a random choice. +-: standard error over the data sets.",
        markdown(["criterion", *(column.strip() for column in table)], _rows(table)),
    ]


def _recommended(lines: pd.DataFrame) -> list[str]:
    """Return a sentence on `recommend`."""
    aurocs = lines.pivot_table(index=_KEY, columns="candidate", values="auroc")
    gain = (aurocs[1] - aurocs[0]).to_numpy()
    return [
        f"{_extent(lines)}. Mean AUROC of the default ensemble {aurocs[0].mean():.4f}, of `recommend` "
        f"{aurocs[1].mean():.4f}; difference {gain.mean():+.4f}, standard error {_standard_error(gain):.4f}."
    ]


def _extent(lines: pd.DataFrame) -> str:
    n_datasets, seeds = len(lines[["suite", "dataset"]].drop_duplicates()), sorted(lines["seed"].unique())
    return f"{n_datasets} data sets, seeds {', '.join(map(str, seeds))}"


def summary(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the rank correlation with the true AUROC and the quality of the choice, for each criterion."""
    pairs = [pair.sort_values("candidate") for _, pair in lines.groupby(_KEY)]
    truth = np.array([pair["auroc"].to_numpy() for pair in pairs])
    random, best, default = truth.mean(axis=1), truth.max(axis=1), truth[:, 0]
    to_win = (best - random).mean()
    rows = {}
    for name, said in _everything_said(pairs, truth).items():
        rho = np.array([_correlation(s, t) for s, t in zip(said, truth, strict=True)])
        chosen = truth[np.arange(len(truth)), np.argmax(np.where(np.isnan(said), -np.inf, said), axis=1)]
        rows[name] = {
            "rank correlation": rho.mean(),
            "+-": _standard_error(rho),
            "AUROC of its choice": chosen.mean(),
            "regret": (best - chosen).mean() / to_win if to_win else float("nan"),
            "less the default's": (chosen - default).mean(),
            "+- ": _standard_error(chosen - default),
        }
    return pd.DataFrame(rows).T.sort_values("rank correlation", ascending=False)


def _everything_said(pairs: list[pd.DataFrame], truth: np.ndarray) -> dict[str, np.ndarray]:
    """Return the values of criteria and their combinations, of shape (N, C), for N data sets and C candidates."""
    said = {name: np.array([pair[name].to_numpy(dtype=float) for pair in pairs]) for name in CRITERIA}
    ranks = {name: _ranks(values) for name, values in said.items()}
    sums = {name: sum(ranks[part] for part in parts) for name, parts in SUMS.items()}
    datasets = np.array([pair["dataset"].iloc[0] for pair in pairs])
    learned = _learned(np.stack(list(ranks.values()), axis=2), _ranks(truth), datasets)
    return {**said, **sums, LEARNED: learned}


def _learned(ranks: np.ndarray, truth: np.ndarray, datasets: np.ndarray) -> np.ndarray:
    """Return weighted sums (N, C) of ranks (N, C, criteria); the weights are fitted on the other data sets."""
    said = np.zeros_like(truth)
    for dataset in set(datasets):
        here = datasets == dataset
        if not here.all():
            model = Ridge(_RIDGE, fit_intercept=False)
            model.fit(ranks[~here].reshape(-1, ranks.shape[2]), truth[~here].ravel())
            said[here] = ranks[here] @ model.coef_
    return said


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks of the candidates from -1/2 to 1/2; NaN ranks last."""
    ranks = rankdata(np.where(np.isnan(values), -np.inf, values), axis=1)
    return (ranks - 1) / max(1, values.shape[1] - 1) - 0.5


def _correlation(said: np.ndarray, truth: np.ndarray) -> float:
    """Return Spearman's rank correlation; 0 if either input is constant or contains NaN."""
    alike = len(set(said)) == 1 or len(set(truth)) == 1 or np.isnan(said).any()
    return 0.0 if alike else float(spearmanr(said, truth).statistic)


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _rows(table: pd.DataFrame) -> list[list[str]]:
    """Return the cells of a summary as text."""
    texts = table.map("{:.3f}".format)
    texts["AUROC of its choice"] = table["AUROC of its choice"].map("{:.4f}".format)
    return [[str(name), *row] for name, row in zip(texts.index, texts.to_numpy(), strict=True)]


if __name__ == "__main__":
    raise SystemExit(main())
