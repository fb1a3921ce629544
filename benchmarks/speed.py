"""How fast, and how does the cost grow? Against PyOD and a plain torch loop, each run beside the machine's own rate.

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.speed

Contenders take turns on the same rows, after a warm-up, with equal threads. Writes ``speed.csv``, ``speed.md`` and
``speed.png`` into the folder of results.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, __version__
from benchmarks.loop import PlainLoop
from benchmarks.machine import matrix_product_rate, peak_memory, threads, timed
from benchmarks.peers import entries, surroundings
from benchmarks.tables import markdown

_OURS, _LOOP, _PEERS = "aeanomaly", "plain loop", ("PyOD AutoEncoder", "PyOD VAE")
#: Prototypes of the default network, and rows of a batch.
_WIDTH, _BATCH = 512, 128
#: Rows that a detector is fitted on where only scoring is timed.
_FITTED_ON = 2000
#: Steps of the shorter of two fits whose difference is the time of a step.
_STEPS = 200
#: Who took longer than this is not asked again.
_ONCE = 10.0


class Case(NamedTuple):
    """A task of one size."""

    task: str
    rows: int
    columns: int = 20
    members: int = 1


_ROWS = (1000, 5000, 10_000, 100_000, 500_000, 1_000_000)
_COLUMNS = (5, 100, 1000)
_MEMBERS = (4, 16, 64)
_WIDE = Case("score, widths 256", 100_000, 100)
_MAPPED = Case("score a memory map", 10_000_000)
#: Sizes that stay as they are while another is varied.
_USUAL = {
    "fit": {"rows": 5000, "columns": 20, "members": 1},
    "score": {"rows": 100_000, "columns": 20, "members": 1},
}
CASES = (
    *(Case("step", 5000, members=members) for members in (1, *_MEMBERS)),
    Case("fit", 300, 10),
    *(Case("fit", rows) for rows in _ROWS),
    *(Case("fit", 5000, columns) for columns in _COLUMNS),
    *(Case("fit", 5000, members=members) for members in _MEMBERS),
    *(Case("score", rows) for rows in _ROWS),
    *(Case("score", 100_000, columns) for columns in _COLUMNS),
    *(Case("score", 100_000, members=members) for members in _MEMBERS),
    _WIDE,
    _MAPPED,
)


class Ours:
    """The default denoising autoencoder; an ensemble of its like where there are members."""

    name = _OURS
    by_steps = True

    def fit(self, case: Case, X: np.ndarray, n_steps: int | None = None) -> Any:
        steps = {} if n_steps is None else {"max_iter": n_steps}
        if case.members > 1:
            alike = {"latent_dim": _WIDTH, "max_samples": 1.0, "kernel": False}
            return AutoencoderEnsemble(n_estimators=case.members, random_state=0, **alike, **steps).fit(X)
        wide = {"hidden_layer_sizes": (256,), "latent_dim": 256, "activation": "relu"} if case == _WIDE else {}
        return DenoisingAutoencoder(random_state=0, **wide, **steps).fit(X)

    def score(self, fitted: Any, X: np.ndarray) -> np.ndarray:
        return fitted.score_samples(X)


class Loop:
    """The same network by hand."""

    name = _LOOP
    by_steps = True

    def fit(self, case: Case, X: np.ndarray, n_steps: int) -> Any:
        activation = "relu" if case == _WIDE else "softmax"
        return PlainLoop(_widths(case), activation, n_steps=n_steps, batch_size=_BATCH).fit(X)

    def score(self, fitted: Any, X: np.ndarray) -> np.ndarray:
        return fitted.anomaly_score(X)


class Peer:
    """A detector of PyOD with its defaults, on rows as they are."""

    by_steps = False  # it counts epochs

    def __init__(self, name: str):
        self.name = name
        self._entry = entries()[name]

    def fit(self, case: Case, X: np.ndarray, n_steps: int) -> Any:
        with surroundings(self._entry, 0):
            return self._entry.build(0, X.shape[1], False).fit(X)

    def score(self, fitted: Any, X: np.ndarray) -> np.ndarray:
        with surroundings(self._entry, 0):
            return self._entry.anomaly_score(fitted, X, False)


def contenders(case: Case) -> list[Any]:
    """Who does this case; ours first."""
    if case == _MAPPED or case.members > 1:
        return [Ours()]
    if case == _WIDE or case.task == "step":
        return [Ours(), Loop()]
    return [Ours(), Loop(), *(Peer(name) for name in _PEERS)]


def table(rows: int, columns: int) -> np.ndarray:
    """Rows (rows, columns) near a curved sheet of a few dimensions."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(rows, max(2, columns // 5)))
    return np.tanh(hidden @ rng.normal(size=(hidden.shape[1], columns))) + 0.1 * rng.normal(size=(rows, columns))


def _widths(case: Case) -> list[int]:
    return [case.columns, *([256] * 3 if case == _WIDE else [_WIDTH]), case.columns]


def operations(case: Case, n_steps: int) -> float:
    """Floating-point operations that the matrix products of our network, or of the loop's, take in a case."""
    widths = _widths(case)
    first, *rest = (2 * case.members * n_in * n_out for n_in, n_out in pairwise(widths))
    if case.task.startswith("score"):
        return case.rows * float(first + sum(rest))
    # Backward, a layer takes twice its forward pass; the first takes it once, as nobody asks for the rows' gradient.
    return (1 if case.task == "step" else n_steps) * _BATCH * float(2 * first + 3 * sum(rest))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=sorted({case.task for case in CASES}), help="default: all")
    parser.add_argument("--largest", type=int, default=CASES[-1].rows, metavar="ROWS", help="leave out larger tables")
    parser.add_argument("--longest", type=float, default=60.0, metavar="SECONDS", help="of a peer's run, by its last")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds of each case; default: 5")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="for every contender alike; default: 2")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER", help="results")
    options = parser.parse_args(arguments)
    cases = [c for c in CASES if c.rows <= options.largest and (options.tasks is None or c.task in options.tasks)]
    options.out.mkdir(parents=True, exist_ok=True)
    with threads(options.threads):
        runs = pd.DataFrame(_runs(cases, options)).assign(version=__version__, threads=options.threads)
    runs.to_csv(options.out / "speed.csv", index=False)
    sys.stdout.write(write_report(runs, options.out))
    return 0


def _runs(cases: list[Case], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    paces: dict[tuple[str, str], float] = {}  # seconds for a cell of the table, when last seen
    for case in tqdm(cases, unit="case", file=sys.stderr):
        if case == _MAPPED:
            yield _mapped(case)
            continue
        X = table(case.rows, case.columns)
        able = [
            who
            for who in contenders(case)
            if who.by_steps or paces.get((case.task, who.name), 0) * X.size <= options.longest
        ]
        for line in _rounds(case, able, X, options.repeats):
            paces[case.task, line["contender"]] = line["seconds"] / X.size
            yield line


def _rounds(case: Case, taking_part: list[Any], X: np.ndarray, n_rounds: int) -> Iterator[dict[str, Any]]:
    """Every contender in turn, as often as is wanted, each beside the rate that the machine has just then."""
    # As many steps as our defaults take for so many rows.
    n_steps = Ours().fit(case, X).n_iter_ if case.task == "fit" else _STEPS
    tasks = [_Task(case, who, X, n_steps) for who in taking_part]
    for number in range(n_rounds):
        for task in tasks:
            rate = matrix_product_rate()
            task.seconds = task.time()
            share = operations(case, n_steps) / task.seconds / rate if task.who.by_steps else math.nan
            line = {"contender": task.who.name, "round": number, "seconds": task.seconds, "share": share}
            yield {**case._asdict(), **line, "megabytes": task.megabytes() if number == 0 else math.nan}
        tasks = [task for task in tasks if task.seconds <= _ONCE]


class _Task:
    """A contender at a case, warm."""

    seconds = math.nan

    def __init__(self, case: Case, who: Any, X: np.ndarray, n_steps: int):
        self.case, self.who, self.X, self._n_steps = case, who, X, n_steps
        self._fitted = who.fit(case, X[:_FITTED_ON], _STEPS)
        if case.task.startswith("score"):
            who.score(self._fitted, X[:_FITTED_ON])

    def time(self) -> float:
        """Seconds of the task; of one step, where that is the task."""
        if self.case.task == "step":
            few, many = (timed(lambda n=n: self.who.fit(self.case, self.X, n)) for n in (_STEPS, 3 * _STEPS))
            return (many - few) / (2 * _STEPS)
        return timed(self._call)

    def megabytes(self) -> float:
        """Memory of the task, beyond what was held before."""
        with peak_memory() as peak:
            self._call()
        return peak.extra / 1e6

    def _call(self) -> None:
        if self.case.task.startswith("score"):
            self.who.score(self._fitted, self.X)
        else:
            self.who.fit(self.case, self.X, self._n_steps)


def _mapped(case: Case) -> dict[str, Any]:
    """Score a table that is on the disk, and larger than what may be held."""
    shape = (case.rows, case.columns)
    fitted, rows = Ours().fit(case, table(_FITTED_ON, case.columns)), table(100_000, case.columns).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        written = np.memmap(Path(folder) / "rows", np.float32, "w+", shape=shape)
        for first in range(0, case.rows, len(rows)):
            written[first : first + len(rows)] = rows[: case.rows - first]
        written.flush()
        del written
        mapped = np.memmap(Path(folder) / "rows", np.float32, "r", shape=shape)
        rate = matrix_product_rate()
        with peak_memory() as peak:
            seconds = timed(lambda: Ours().score(fitted, mapped))
    share = operations(case, 0) / seconds / rate
    output = 8 * case.rows
    line = {"contender": _OURS, "round": 0, "seconds": seconds, "share": share}
    return {**case._asdict(), **line, "megabytes": (peak.extra - output) / 1e6}


def write_report(runs: pd.DataFrame, folder: Path) -> str:
    """Write ``speed.md`` and ``speed.png``; gives the Markdown."""
    parts = ["# Speed benchmark", _provenance(runs)]
    for task, of_task in runs.groupby("task", sort=False):
        parts += [f"## {task}", markdown(*_section(of_task))]
    if figure := _figure(runs, folder / "speed.png"):
        parts.append(figure)
    text = "\n\n".join(parts) + "\n"
    (folder / "speed.md").write_text(text, encoding="utf-8")
    return text


def _provenance(runs: pd.DataFrame) -> str:
    return (
        f"aeanomaly {runs['version'][0]}; {runs['threads'][0]} threads for everyone. Median seconds; how many times "
        "ours is taken, median over rounds; share: of the rate of a large matrix product in the same round, by the "
        "matrix products of the network alone; memory: most that one call held beyond what was held before, the output "
        f"included (but for the memory map). `{_LOOP}` is the same network, batches and steps in plain torch."
    )


def _section(runs: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    names = list(dict.fromkeys(runs["contender"]))
    shares = [name for name in names if name in (_OURS, _LOOP)]
    head = ["rows x columns x members", *names, *(f"{name} / ours" for name in names[1:])]
    head += [*(f"share, {name}" for name in shares), *(f"MB, {name}" for name in names)]
    body = []
    for size, of_size in runs.groupby(["rows", "columns", "members"], sort=False):
        seconds = of_size.pivot(index="round", columns="contender", values="seconds").reindex(columns=names)
        ratios = seconds.div(seconds[_OURS], axis=0).median()
        middle = of_size.groupby("contender")[["share", "megabytes"]].median().reindex(names)
        row = [" x ".join(f"{n:,}" for n in size), *(_text(value, "{:.4g}") for value in seconds.median())]
        row += [_text(ratios[name], "{:.2f}") for name in names[1:]]
        row += [_text(middle["share"][name], "{:.0%}") for name in shares]
        body.append([*row, *(_text(value, "{:.0f}") for value in middle["megabytes"])])
    return head, body


def _text(value: float, form: str) -> str:
    return "-" if math.isnan(value) else form.format(value)


def _figure(runs: pd.DataFrame, path: Path) -> str:
    """Draw seconds against rows, columns and members, where matplotlib is there; gives its Markdown."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        sys.stderr.write("the plot needs matplotlib; install it with: pip install 'aeanomaly[benchmark]'\n")
        return ""
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    axes = figure.subplots(2, 3, sharey="row")
    for row, task in zip(axes, _USUAL, strict=True):
        of_task = runs[runs["task"] == task].groupby(["contender", *_USUAL[task]], as_index=False)["seconds"].median()
        for ax, varied in zip(row, _USUAL[task], strict=True):
            alike = of_task
            for name, usual in _USUAL[task].items():
                alike = alike if name == varied else alike[alike[name] == usual]
            _draw(ax, alike, varied)
        row[0].set_ylabel(f"{task}, seconds")
    figure.savefig(path, dpi=130)
    return f"![Seconds against rows, columns and members]({path.name})"


def _draw(ax: Any, runs: pd.DataFrame, varied: str) -> None:
    """Seconds of each contender against what is varied."""
    for name, of_name in runs.groupby("contender"):
        ax.plot(of_name[varied], of_name["seconds"], marker="o", label=name)
    ax.set(xscale="log", yscale="log", xlabel=varied)
    ax.grid(alpha=0.3, which="both")
    if ax.lines:
        ax.legend(fontsize="small")


if __name__ == "__main__":
    raise SystemExit(main())
