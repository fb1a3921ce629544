"""Report of the runs as Markdown tables, per setting, part of the data sets, and suite."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.protocol import SETTINGS
from benchmarks.sources import part

#: Peer with which each detector is compared.
REFERENCE = "nearest neighbor (k=1)"
#: Number of training rows from which the largest share of flagged rows is shown.
_LARGE = 200
_SET = ["suite", "dataset"]
_PAIR = [*_SET, "seed"]
_ABOUT = f"""\
AUROC and AP (average precision) are means over data sets, after a mean over seeds. Differences are paired: detector
minus {REFERENCE} on the same data set and seed, with the standard error of the mean over data sets.
Won: share of the data sets with a higher AUROC than {REFERENCE}; ties count half. Sets: data sets with a
result. If one of the two failed on a data set, it is not included in the differences. Seconds are totals over the data
sets, per seed. Peers receive standardized rows. Defaults are chosen on the choosing part, and confirmed on the
confirming part; tables of one source are in one part. Flagged: rows below the default threshold of detectors with an
`offset_`; in the one-class setting, normal rows are new, and flagged ones are false alarms."""


def write_report(runs: pd.DataFrame, folder: Path) -> str:
    """Write ``detection.md`` from the runs, and return the Markdown."""
    setting = pd.Categorical(runs["setting"], SETTINGS)
    runs = runs.assign(setting=setting, part=[f"{part(name)} part" for name in runs["dataset"]])
    parts = ["# Detection benchmark", _provenance(runs), _ABOUT]
    for setting, of_setting in runs.groupby("setting", observed=True):
        parts += [f"## {setting}", *_sections(of_setting)]
        if faults := _faults(of_setting):
            parts += ["### Failed and missing runs", faults]
        parts += ["### AUROC of each data set", _per_dataset(of_setting)]
    text = "\n\n".join(parts) + "\n"
    (folder / "detection.md").write_text(text, encoding="utf-8")
    return text


def _provenance(runs: pd.DataFrame) -> str:
    versions, threads, processes = (
        ", ".join(sorted(map(str, runs[column].unique()))) for column in ("version", "threads", "processes")
    )
    seeds = ", ".join(map(str, sorted(runs["seed"].unique())))
    return f"aeanomaly {versions}; seeds: {seeds}; processes: {processes}; threads of each process: {threads}."


def _sections(runs: pd.DataFrame) -> Iterator[str]:
    """Yield a table of all suites and one of each suite, for all data sets and for each part."""
    for title, of_part in _groups(runs, "part", "all data sets"):
        yield f"### {title.capitalize()}"
        for name, of_suite in _groups(of_part, "suite", "all suites"):
            n = len(of_suite[_SET].drop_duplicates())
            yield f"#### {title.capitalize()}, {name}: {n} data set{'s' if n > 1 else ''}"
            yield _summary_table(summary(of_suite), n)
            yield from _flagged_table(of_suite)


def _groups(runs: pd.DataFrame, column: str, everything: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield all runs, and the runs of each value of the column; only the latter if there is one value."""
    groups = [(str(name), of_name) for name, of_name in runs.groupby(column)]
    yield from [(everything, runs)] if len(groups) > 1 else []
    yield from groups


def by_pair(runs: pd.DataFrame, value: str) -> pd.DataFrame:
    """Pivot a value to pairs of data set and seed (rows) by detectors (columns); NaN for failed or missing runs."""
    return runs.pivot(index=_PAIR, columns="detector", values=value)


def by_set(runs: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return the mean of a value over seeds for data sets (rows) and detectors (columns)."""
    return by_pair(runs, value).groupby(_SET, sort=False).mean()


def differences(runs: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return detector minus `REFERENCE` per data set, as the mean over the seeds that both finished."""
    pairs = by_pair(runs, value)
    reference = pairs[REFERENCE] if REFERENCE in pairs else pd.Series(np.nan, index=pairs.index)
    return pairs.sub(reference, axis=0).drop(columns=REFERENCE, errors="ignore").groupby(_SET, sort=False).mean()


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the figures of each detector, sorted by decreasing mean AUROC."""
    auroc = by_set(runs, "auroc")
    figures = {"AUROC": auroc.mean(), "AP": by_set(runs, "average_precision").mean()}
    for name, value in {"AUROC": "auroc", "AP": "average_precision"}.items():
        paired = differences(runs, value)
        figures |= {f"{name} difference": paired.mean(), f"{name} error": paired.sem()}
    figures |= {
        "won": _won(differences(runs, "auroc")),
        "sets": auroc.notna().sum(),
        "paired sets": differences(runs, "auroc").notna().sum(),
        "fit s": by_set(runs, "fit_seconds").sum(min_count=1),
        "score s": by_set(runs, "score_seconds").sum(min_count=1),
    }
    return pd.DataFrame(figures, index=auroc.columns).sort_values("AUROC", ascending=False, kind="stable")


def _won(paired: pd.DataFrame) -> pd.Series:
    """Return the share of positive differences, with ties as half; rounding errors of means are ties."""
    paired = paired.round(9)
    return ((paired > 0) + 0.5 * (paired == 0)).where(paired.notna()).mean()


def _summary_table(table: pd.DataFrame, n_sets: int) -> str:
    body = []
    for name, row in table.iterrows():
        differences = [_difference(row[f"{value} difference"], row[f"{value} error"]) for value in ("AUROC", "AP")]
        sets = f"{row['sets']:.0f}" if row["sets"] == n_sets else f"**{row['sets']:.0f} of {n_sets}**"
        seconds = [_number(row[column], 1) for column in ("fit s", "score s")]
        won = "-" if math.isnan(row["won"]) else f"{100 * row['won']:.0f}%"
        means = [_number(row[value], 3) for value in ("AUROC", "AP")]
        body.append([str(name), *means, *differences, won, sets, *seconds])
    head = ["detector", "AUROC", "AP", "AUROC difference", "AP difference", "won", "sets", "fit s", "score s"]
    return markdown(head, body)


def _flagged_table(runs: pd.DataFrame) -> Iterator[str]:
    """Yield a table of the rows that are flagged by default, if any are recorded."""
    body = []
    for name, of_detector in runs[runs["flagged_normal"].notna()].groupby("detector"):
        normal, large = of_detector["flagged_normal"], of_detector["n_train"] >= _LARGE
        figures = [normal.mean(), normal.quantile(0.9), normal[large].max(), of_detector["flagged_anomalies"].mean()]
        body.append([str(name), *(_number(100 * figure, 1) for figure in figures)])
    if body:
        worst = f"largest from {_LARGE} training rows"
        yield markdown(["flagged, %", "normal rows", "nine tenths of sets below", worst, "anomalies"], body)


def _difference(mean: float, error: float) -> str:
    if math.isnan(mean):
        return "-"
    return f"{mean:+.3f}" if math.isnan(error) else f"{mean:+.3f} ± {error:.3f}"


def _per_dataset(runs: pd.DataFrame) -> str:
    """Return the mean AUROC per data set over seeds, with the best values in bold."""
    mean, pairs = by_set(runs, "auroc"), by_pair(runs, "auroc").groupby(_SET, sort=False)
    names = mean.mean().sort_values(ascending=False, kind="stable").index
    finished, most = pairs.count(), pairs.size()
    body = []
    for key, row in mean[names].iterrows():
        best = _number(row.max(), 3)
        marks = [f" ({n}/{most[key]})" if 0 < n < most[key] else "" for n in finished.loc[key, names]]
        texts = [_number(value, 3) for value in row]
        cells = [f"**{t}**{m}" if t == best != "-" else t + m for t, m in zip(texts, marks, strict=True)]
        body.append(["/".join(key), part(key[1]), *cells])
    return markdown(["data set", "part", *map(str, names)], body)


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def markdown(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with left-aligned names and right-aligned numbers."""
    rows = [head, *body]
    widths = [max(len(row[j]) for row in rows) for j in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [[row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:]))


def _faults(runs: pd.DataFrame) -> str:
    """Return a list of the failed and the missing runs."""
    lines = []
    for (detector, error), of_error in runs[runs["auroc"].isna()].groupby(["detector", "error"]):
        where = ", ".join(f"{suite}/{d} (seed {s})" for suite, d, s in of_error[_PAIR].itertuples(index=False))
        lines.append(f"- {detector} failed on {where}: {error}")
    n = len(runs[_PAIR].drop_duplicates())
    missing = n - runs.groupby("detector").size()
    lines += [f"- {detector} has not run on {m} of {n} pairs" for detector, m in missing[missing > 0].items()]
    return "\n".join(lines)
