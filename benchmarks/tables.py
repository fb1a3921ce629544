"""Report of the runs: Markdown tables, and a diagram of ranks with the critical difference [1]_.

References
----------
.. [1] J. Demsar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, studentized_range

#: Peer that serves as the reference for ratios of times.
_REFERENCE = "PyOD AutoEncoder"
_ALPHA = 0.05
_PAIR = ["dataset", "seed"]


def write_report(runs: pd.DataFrame, folder: Path) -> str:
    """Write ``detection.md`` and ``ranks-<setting>.png`` from the runs, and return the Markdown."""
    parts = [f"# Detection benchmark\n\n{_provenance(runs)}"]
    for setting, of_setting in runs.groupby("setting", sort=False):
        figure = diagram(of_setting, str(setting), folder / f"ranks-{setting}.png")
        parts += [f"## {setting}", *_section(of_setting), *figure]
    text = "\n\n".join(parts) + "\n"
    (folder / "detection.md").write_text(text, encoding="utf-8")
    return text


def _provenance(runs: pd.DataFrame) -> str:
    versions, threads = (", ".join(sorted(map(str, runs[column].unique()))) for column in ("version", "threads"))
    return f"aeanomaly {versions}; threads of each detector: {threads}."


def _section(runs: pd.DataFrame) -> list[str]:
    grid, complete = by_pair(runs, "auroc"), common(runs)
    seeds = ", ".join(map(str, sorted(runs["seed"].unique())))
    about = (
        f"Data sets: {runs['dataset'].nunique()}. Seeds: {seeds}. Pairs of both: {len(grid)}. Sorted by mean AUROC; sd "
        "is its standard deviation over seeds. Mean rank by AUROC, 1 = best, over the "
        f"{len(complete)} pairs finished by every detector (detectors that finished none have no rank). Seconds are "
        "totals over the data sets, per seed. Peers receive standardized rows."
    )
    table = summary(runs)
    return [about, _summary_table(table, len(grid)), *_faults(runs, grid), _per_dataset(grid[table.index])]


def by_pair(runs: pd.DataFrame, value: str) -> pd.DataFrame:
    """Pivot a value to pairs of data set and seed (rows) by detectors (columns); NaN for failed or missing runs."""
    return runs.pivot(index=_PAIR, columns="detector", values=value)


def common(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the AUROC of the pairs that every detector finished, except detectors that finished none."""
    return by_pair(runs, "auroc").dropna(axis=1, how="all").dropna()


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the figures of each detector, sorted by decreasing mean AUROC."""
    auroc, fit = by_pair(runs, "auroc"), by_pair(runs, "fit_seconds")
    table = pd.DataFrame(
        {
            "AUROC": auroc.mean(),
            "sd": auroc.groupby("seed").mean().std(ddof=1),
            "average precision": by_pair(runs, "average_precision").mean(),
            "mean rank": common(runs).rank(axis=1, ascending=False).mean(),
            "fit seconds": _per_seed(fit),
            "score seconds": _per_seed(by_pair(runs, "score_seconds")),
            f"fit time / {_REFERENCE}": fit.apply(_ratio, reference=fit.get(_REFERENCE)),
            "runs": auroc.notna().sum(),
        }
    )
    return table.sort_values("AUROC", ascending=False, kind="stable")


def _per_seed(seconds: pd.DataFrame) -> pd.Series:
    return seconds.groupby("seed").sum(min_count=1).mean()


def _ratio(seconds: pd.Series, reference: pd.Series | None) -> float:
    """Return the ratio of the total to that of the reference, over runs that both finished."""
    if reference is None:
        return math.nan
    both = seconds.notna() & reference.notna()
    return seconds[both].sum() / reference[both].sum() if both.any() else math.nan


def _summary_table(table: pd.DataFrame, planned: int) -> str:
    digits = dict(zip(table.columns, (3, 3, 3, 2, 2, 2, 2), strict=False))
    cells = [[_number(row[name], digits[name]) for name in digits] for _, row in table.iterrows()]
    runs = [f"{n:.0f}" if n == planned else f"**{n:.0f} of {planned}**" for n in table["runs"]]
    body = [[name, *row, n] for name, row, n in zip(table.index, cells, runs, strict=True)]
    return markdown(["detector", *table.columns], body)


def _per_dataset(grid: pd.DataFrame) -> str:
    """Return the mean AUROC per data set over seeds, with the best values in bold."""
    mean, finished = grid.groupby("dataset").mean(), grid.notna().groupby("dataset").sum()
    most = grid.groupby("dataset").size()
    body = []
    for name, row in mean.iterrows():
        texts = [_number(value, 3) for value in row]
        best = _number(row.max(), 3)
        marks = [f" ({n}/{most[name]})" if 0 < n < most[name] else "" for n in finished.loc[name]]
        cells = [f"**{t}**{m}" if t == best != "-" else t + m for t, m in zip(texts, marks, strict=True)]
        body.append([str(name), *cells])
    return markdown(["AUROC", *map(str, mean.columns)], body)


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def markdown(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with left-aligned names and right-aligned numbers."""
    rows = [head, *body]
    widths = [max(len(row[j]) for row in rows) for j in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [[row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:]))


def _faults(runs: pd.DataFrame, grid: pd.DataFrame) -> list[str]:
    """Return a list of the failed and the missing runs."""
    failed = runs[runs["auroc"].isna()]
    lines = []
    for (detector, error), of_error in failed.groupby(["detector", "error"]):
        where = ", ".join(f"{d} (seed {s})" for d, s in of_error[_PAIR].itertuples(index=False))
        lines.append(f"- {detector} failed on {where}: {error}")
    missing = len(grid) - runs.groupby("detector").size()
    lines += [f"- {detector} has not run on {n} of {len(grid)} pairs" for detector, n in missing[missing > 0].items()]
    return ["\n".join(["These runs are not included:", "", *lines])] if lines else []


def dataset_ranks(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the ranks by mean AUROC per data set (rows), over the seeds that every detector finished."""
    return common(runs).groupby("dataset").mean().rank(axis=1, ascending=False)


def critical_difference(n_detectors: int, n_datasets: int, alpha: float = _ALPHA) -> float:
    """Return the critical difference of two mean ranks in the Nemenyi test."""
    q = studentized_range.ppf(1 - alpha, n_detectors, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(n_detectors * (n_detectors + 1) / (6 * n_datasets)))


def groups(ranks: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """Return the first and last index of each maximal run of sorted mean ranks that do not differ."""
    found: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = int(np.searchsorted(ranks, rank + difference, side="right")) - 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found


def diagram(runs: pd.DataFrame, setting: str, path: Path) -> list[str]:
    """Plot the ranks as a PNG if matplotlib is installed and there are ranks to compare; return the Markdown."""
    ranks = dataset_ranks(runs)
    n_datasets, n_detectors = ranks.shape
    if min(ranks.shape) < 2:
        return []
    try:
        from matplotlib.figure import Figure
    except ImportError:
        sys.stderr.write("the rank diagram requires matplotlib; install it with: pip install 'aeanomaly[benchmark]'\n")
        return []
    difference = critical_difference(n_detectors, n_datasets)
    title = f"{setting}: mean rank by AUROC over {n_datasets} data sets"
    _draw(Figure(), ranks.mean().sort_values(kind="stable"), difference, title).savefig(path, dpi=150)
    p = _friedman(ranks) if n_detectors > 2 else math.nan
    test = "" if math.isnan(p) else f" Friedman test: p = {p:.2g}."
    about = f"Ranks over {n_datasets} data sets, averaged over seeds; bars join detectors that do not differ"
    return [f"![Mean ranks, {setting}]({path.name})", f"{about} (Nemenyi, critical difference {difference:.2f}).{test}"]


def _friedman(ranks: pd.DataFrame) -> float:
    """Return the p-value of the Friedman test; NaN if all detectors tie on every data set."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(friedmanchisquare(*ranks.to_numpy().T).pvalue)


def _draw(figure: Any, mean: pd.Series, difference: float, title: str) -> Any:
    """Draw the diagram with the best rank on the left and half of the names on each side; y counts lines of text."""
    names, ranks = list(mean.index), mean.to_numpy()
    # The axis covers the range of the ranks, and at least the critical difference.
    low = math.floor(ranks[0])
    high = max(math.ceil(ranks[-1]), low + math.ceil(difference))
    levels = _levels(groups(ranks, difference))
    top = 4.6 + 0.45 * max(levels.values(), default=-1)
    n_left = (len(names) + 1) // 2
    side = max(2.0, 0.45 + 0.085 * max(map(len, names)))  # width of the longest name in inches
    figure.set_size_inches(5 + 2 * side, 0.26 * (top + n_left + 0.3))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.axis("off")
    inch = (high - low) / 5
    ax.set(xlim=(low - side * inch, high + side * inch), ylim=(top + n_left + 0.3, 0))
    ax.text((low + high) / 2, 0.7, title, ha="center", va="center", weight="bold")
    _draw_axis(ax, low, high, difference)
    for (first, last), level in levels.items():
        ends = ranks[first] - 0.03 * inch, ranks[last] + 0.03 * inch
        ax.plot(ends, [3.75 + 0.45 * level] * 2, color="tab:red", lw=3.5, solid_capstyle="round")
    for j, (name, rank) in enumerate(zip(names, ranks, strict=True)):
        line, end, align = (j, low, "right") if j < n_left else (len(names) - 1 - j, high, "left")
        away = end + (-0.15 if align == "right" else 0.15) * inch
        ax.plot([rank, rank, away], [3.2, top + line, top + line], color="0.35", lw=0.9)
        label = f"{name}  {rank:.2f}" if align == "right" else f"{rank:.2f}  {name}"
        ax.text(away + (away - end) / 3, top + line, label, ha=align, va="center", fontsize=9)
    return figure


def _draw_axis(ax: Any, low: int, high: int, difference: float) -> None:
    ax.plot([low, high], [3.2, 3.2], color="black", lw=1.2)
    for rank in range(low, high + 1):
        ax.plot([rank, rank], [3.2, 3.0], color="black", lw=1.2)
        ax.text(rank, 2.6, str(rank), ha="center", va="center", fontsize=9)
    ax.plot([low, low + difference], [1.8, 1.8], color="black", lw=1.2, marker="|")
    ax.text(low + difference, 1.8, f"   critical difference {difference:.2f}", ha="left", va="center", fontsize=9)


def _levels(spans: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Assign each bar to the first line without overlap."""
    ends: list[int] = []
    levels = {}
    for first, last in spans:
        level = next((i for i, end in enumerate(ends) if end < first), len(ends))
        ends[level : level + 1] = [last]
        levels[first, last] = level
    return levels
