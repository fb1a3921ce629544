"""Benchmark of the error rates of thresholds, on simulated scores and on a folder of labeled tables.

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.decisions --data FOLDER

``--parts`` selects any of four parts. simulated: false alarm rates of `Conformal` and `PeaksOverThreshold`, and false
discovery rates of `flag_discoveries`, on scores with known distributions and exact realized rates. tables: the same
rates for detectors in the one-class setting. f1: label-free thresholds on contaminated tables, compared with PyThresh
on the same training scores. time: seconds on a million scores.
"""

import argparse
import importlib
import pkgutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import f1_score
from tqdm import tqdm

import aeanomaly
from aeanomaly.thresholds import (
    BestF1,
    Conformal,
    Contamination,
    CrossConformal,
    ExpectedCost,
    MedianAbsoluteDeviation,
    PeaksOverThreshold,
    TargetPrecision,
    TargetRecall,
    conformal_p_values,
    flag_discoveries,
)
from benchmarks.protocol import UsageError, find, folder_of, named, read, sample, split

ALPHAS = (0.1, 0.05, 0.01, 0.001)
LEVELS = (0.05, 0.1, 0.2)
#: Distributions of errors; higher = worse.
ERRORS = {
    "normal": stats.norm(),
    "exponential": stats.expon(),
    "t4": stats.t(4),
    "lognormal": stats.lognorm(1),
}
#: Shift of the anomalies, in standard deviations.
_SHIFT = 3.5
#: Modules of PyThresh without a rule.
_NO_RULES = {"base", "comb", "dummy", "meta", "thresh_utility"}
#: Rules that take minutes for a few thousand scores; run only if requested by name.
_SLOW = {"pythresh gamgmm", "pythresh vae"}


def conformal_simulated(n_repetitions: int) -> pd.DataFrame:
    """Return the mean of the exact realized false alarm rates, and the share within the 95% limits."""
    lines = []
    for n in (100, 1000, 10_000):
        scores = np.sort(-np.random.default_rng(0).normal(size=(n_repetitions, n)), axis=1)
        for alpha in (a for a in ALPHAS if (n + 1) * a >= 1):
            realized = stats.norm().cdf([Conformal(alpha).fit(row) for row in scores])
            k = int((n + 1) * alpha * (1 + 1e-12))
            low, high = stats.beta(k, n + 1 - k).ppf([0.025, 0.975])
            within = ((realized >= low) & (realized <= high)).mean()
            error = realized.std() / np.sqrt(n_repetitions)
            lines.append((n, alpha, k / (n + 1), realized.mean(), error, within))
    columns = ["calibration rows", "alpha", "promised", "realized", "standard error", "within 95% limits"]
    return pd.DataFrame(lines, columns=columns)


def discoveries_simulated(n_repetitions: int) -> pd.DataFrame:
    """Return the false discovery rate and power on 1,000 rows, a tenth anomalous, and with 100,000 calibration rows."""
    lines = []
    for n in (500, 1000, 2000, 5000):
        rng = np.random.default_rng(n)
        found: dict[float, list[tuple[float, float, float, float]]] = {level: [] for level in LEVELS}
        for _ in range(n_repetitions):
            few, many, test = rng.normal(size=n), rng.normal(size=100_000), rng.normal(size=1000)
            test[:100] -= _SHIFT
            p_few, p_many = conformal_p_values(few, test), conformal_p_values(many, test)
            for level in LEVELS:
                flags = (flag_discoveries(p, level) for p in (p_few, p_many))
                found[level].append(tuple(number for f in flags for number in _discoveries(f, np.arange(1000) < 100)))
        for level, numbers in found.items():
            fdp, power, _, best = np.mean(numbers, axis=0)
            lines.append((n, level, fdp, np.std(numbers, axis=0)[0] / np.sqrt(n_repetitions), power, power / best))
    columns = ["calibration rows", "level", "false discoveries", "standard error", "power", "relative to 100,000"]
    return pd.DataFrame(lines, columns=columns)


def _discoveries(flagged: np.ndarray, anomalous: np.ndarray) -> tuple[float, float]:
    """Return the share of normal rows among the flagged rows, and the share of anomalies that are flagged."""
    return (flagged & ~anomalous).sum() / max(1, flagged.sum()), (flagged & anomalous).sum() / anomalous.sum()


def tails_simulated(n_repetitions: int) -> pd.DataFrame:
    """Return the ratio of realized to promised false alarm rates, at a tenth of 1 / n: median and central 90%."""
    lines = []
    for n in (1000, 10_000, 100_000):
        risk = 0.1 / n
        for name, errors in ERRORS.items():
            rng = np.random.default_rng(0)
            samples = (-errors.rvs(n, random_state=rng) for _ in range(n_repetitions))
            ratios = [errors.sf(-PeaksOverThreshold(risk).fit(scores)) / risk for scores in samples]
            lines.append((n, risk, name, *np.quantile(ratios, [0.5, 0.05, 0.95])))
    return pd.DataFrame(lines, columns=["calibration rows", "risk", "errors", "median ratio", "5%", "95%"])


def rates_on_tables(
    folder: Path, datasets: Sequence[str] | None, detector: str, seeds: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """Yield the realized false alarm rate on the remaining normal rows, for each rule with a guaranteed rate."""
    paths = find(folder)
    for name in tqdm(named("--datasets", datasets, paths), file=sys.stderr):
        X, y = read(paths[name])
        for seed in seeds:
            rows = split(*sample(X, y, seed), "one-class", seed)
            normal = rows.test[rows.y == 0]
            for rule in [kind(alpha) for kind in (Conformal, CrossConformal) for alpha in ALPHAS]:
                model = getattr(aeanomaly, detector)(contamination=rule, random_state=seed)
                try:
                    model.fit(rows.train)
                except ValueError as error:
                    if "calibration rows guarantee" not in str(error):
                        raise
                    continue
                n, m = len(model.calibration_scores_), len(normal)
                alarms, k = int((model.predict(normal) == -1).sum()), int((n + 1) * rule.alpha * (1 + 1e-12))
                # Mid-distribution function of the count: uniform on [0, 1] if the promised rate holds.
                law = stats.betabinom(m, k, n + 1 - k)
                place = law.cdf(alarms - 1) + 0.5 * law.pmf(alarms)
                line = {"dataset": name, "seed": seed, "rule": type(rule).__name__, "alpha": rule.alpha, "n": n, "m": m}
                yield {**line, "promised": k / (n + 1), "realized": alarms / m, "place": place}
            if (model := _calibrated(detector, rows.train, seed)) is not None:
                for level in LEVELS:
                    false, power = _discoveries(model.flag(rows.test, level), rows.y == 1)
                    line = {"dataset": name, "seed": seed, "rule": "flag", "alpha": level, "m": len(rows.test)}
                    yield {**line, "n": len(model.calibration_scores_), "realized": false, "power": power}


def _calibrated(detector: str, train: np.ndarray, seed: int) -> Any:
    return getattr(aeanomaly, detector)(contamination=Conformal(0.1), random_state=seed).fit(train)


def summary_of_rates(found: pd.DataFrame) -> pd.DataFrame:
    """Return means over data sets, and the shares of counts within the 95% and 99.9% beta-binomial limits."""
    groups = found.groupby(["rule", "alpha"])
    places = groups["place"]
    return pd.DataFrame(
        {
            "fits": groups.size(),
            "promised": groups["promised"].mean(),
            "realized": groups["realized"].mean(),
            "within 95%": places.agg(partial(_within, share=0.95)),
            "within 99.9%": places.agg(partial(_within, share=0.999)),
            "power": groups["power"].mean(),
        }
    ).reset_index()


def _within(places: pd.Series, share: float) -> float:
    if places.isna().all():
        return float("nan")
    return float(places.between((1 - share) / 2, (1 + share) / 2).mean())


def peers() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Return the importable rules of PyThresh by name; a rule maps errors (higher = worse) to 1 for anomalies."""
    try:
        thresholds = importlib.import_module("pythresh.thresholds")
    except ImportError:
        raise UsageError("PyThresh is missing; install it with: pip install 'aeanomaly[benchmark]'") from None
    found: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
    for module in pkgutil.iter_modules(thresholds.__path__):
        if module.name in _NO_RULES:
            continue
        try:
            rule = getattr(importlib.import_module(f"pythresh.thresholds.{module.name}"), module.name.upper())
            found[f"pythresh {module.name}"] = rule().eval
        except Exception as error:  # a dependency of the rule may be missing or broken
            sys.stderr.write(f"skipped: {module.name}: {error}\n")
    return found


def f1_on_tables(
    folder: Path, datasets: Sequence[str] | None, seeds: Sequence[int], rules: Sequence[str] | None
) -> Iterator[dict[str, Any]]:
    """Yield the F1 score of each rule on training rows that contain anomalies."""
    paths, others = find(folder), peers()
    others = {name: others[name] for name in named("--rules", rules or set(others) - _SLOW, others)}
    detectors = {
        "DenoisingAutoencoder": aeanomaly.DenoisingAutoencoder,
        "DenoisingAutoencoder, robust": partial(aeanomaly.DenoisingAutoencoder, robust=True),
        "AutoencoderEnsemble, robust": partial(aeanomaly.AutoencoderEnsemble, robust=True),
    }
    for name in tqdm(named("--datasets", datasets, paths), file=sys.stderr):
        X, y = read(paths[name])
        for seed in seeds:
            rows = split(*sample(X, y, seed), "contaminated", seed)
            for detector, kind in detectors.items():
                model = kind(random_state=seed).fit(rows.train)
                line = {"dataset": name, "seed": seed, "detector": detector}
                flagged = model.predict(rows.test) == -1
                yield {**line, "rule": "auto", "f1": f1_score(rows.y, flagged, zero_division=0)}
                scores = model.training_scores_
                for rule in (Contamination(0.1), *map(MedianAbsoluteDeviation, (2, 2.5, 3))):
                    yield {**line, "rule": repr(rule), "f1": f1_score(rows.y, scores < rule.fit(scores))}
                for label, peer in others.items():
                    yield {**line, "rule": label, "f1": _f1_of(peer, rows.y, -scores)}


def _f1_of(rule: Callable[[np.ndarray], np.ndarray], y: np.ndarray, errors: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return float(f1_score(y, np.asarray(rule(errors)).astype(int), zero_division=0))
        except Exception:  # a peer that fails on a data set scores 0
            return 0.0


def seconds() -> pd.DataFrame:
    """Return the median time of five runs to set each threshold on a million scores."""
    rng = np.random.default_rng(0)
    y = rng.random(1_000_000) < 0.01
    scores = rng.normal(size=len(y)) - 3 * y
    plain = [Contamination(0.01), MedianAbsoluteDeviation(), Conformal(0.001), PeaksOverThreshold(1e-7)]
    priced = ExpectedCost(miss=10, false_alarm=1, rate=0.01)
    jobs = [*((rule, (scores,)) for rule in [*plain, priced])]
    jobs += [(rule, (scores, y)) for rule in (priced, BestF1(), TargetPrecision(0.5), TargetRecall(0.5))]
    lines = []
    for rule, given in jobs:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            rule.fit(*given)
            times.append(time.perf_counter() - start)
        lines.append((repr(rule), len(given) == 2, float(np.median(times))))
    return pd.DataFrame(lines, columns=["rule", "with labels", "seconds"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of .npz or .csv files; default: $AEANOMALY_DATA")
    parts = ("simulated", "tables", "f1", "time")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--datasets", nargs="+", metavar="NAME")
    parser.add_argument(
        "--detector", default="DenoisingAutoencoder", help="detector for the part tables; default: %(default)s"
    )
    parser.add_argument(
        "--rules", nargs="*", metavar="NAME", help="PyThresh rules, such as 'pythresh iqr'; default: all fast rules"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument(
        "--repetitions", type=int, default=1000, help="number of simulations; half as many for the slower ones"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write the rows of each part as CSV")
    options = parser.parse_args(arguments)
    try:
        for name, table, shown in _parts(options):
            sys.stdout.write(f"{name}\n{shown.to_string(index=False, float_format='{:.4g}'.format)}\n\n")
            if options.out is not None:
                options.out.mkdir(parents=True, exist_ok=True)
                table.to_csv(options.out / f"{name}.csv", index=False)
    except UsageError as error:
        parser.error(str(error))
    return 0


def _parts(options: argparse.Namespace) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield the name, the rows and the displayed summary of each part."""
    if "simulated" in options.parts:
        half = max(1, options.repetitions // 2)
        for name, table in (
            ("conformal", conformal_simulated(options.repetitions)),
            ("discoveries", discoveries_simulated(half)),
            ("tails", tails_simulated(half)),
        ):
            yield name, table, table
    if "tables" in options.parts:
        folder = folder_of(options.data)
        found = pd.DataFrame(rates_on_tables(folder, options.datasets, options.detector, options.seeds))
        yield "tables", found, summary_of_rates(found)
    if "f1" in options.parts:
        found = pd.DataFrame(f1_on_tables(folder_of(options.data), options.datasets, options.seeds, options.rules))
        means = found.pivot_table(index="rule", columns="detector", values="f1")
        yield "f1", found, means.sort_values(means.columns[0], ascending=False).reset_index()
    if "time" in options.parts:
        found = seconds()
        yield "time", found, found


if __name__ == "__main__":
    sys.exit(main())
