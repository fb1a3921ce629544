"""Benchmark of speed and memory, compared with PyOD, a plain torch loop and the matrix-product rate of the machine.

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.speed

The contenders alternate on the same rows, after a warm-up, with equal numbers of threads. Writes ``speed.csv``,
``speed.md`` and ``speed.png`` to the results folder.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, __version__
from benchmarks.loop import PlainLoop
from benchmarks.machine import matrix_product_rate, operations_of_row, peak_memory, threads, timed
from benchmarks.peers import entries, surroundings
from benchmarks.tables import markdown

_OURS, _LOOP, _PEERS = "aeanomaly", "plain loop", ("PyOD AutoEncoder", "PyOD VAE")
#: Number of prototypes of the default network, and batch size.
_WIDTH, _BATCH = 1024, 128
#: Number of training rows if only scoring is timed.
_FITTED_ON = 2000
#: Number of steps of the shorter of two fits; their time difference gives the time of a step.
_STEPS = 200
#: Time limit in seconds above which a run is not repeated.
_ONCE = 10.0


class Case(NamedTuple):
    """Benchmark task with a table size."""

    task: str
    rows: int
    columns: int = 20
    members: int = 1


_ROWS = (1000, 5000, 10_000, 100_000, 500_000, 1_000_000)
_COLUMNS = (5, 100, 1000)
_MEMBERS = (4, 16, 64)
_WIDE = Case("score, widths 256", 100_000, 100)
_MAPPED = Case("score a memory map", 10_000_000)
#: Fixed sizes while another size varies.
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
    """Default denoising autoencoder, or an ensemble of them for several members."""

    name = _OURS
    by_steps = True

    def __init__(self, device: str = "auto"):
        self._device = device

    def fit(self, case: Case, X: np.ndarray, n_steps: int | None = None) -> Any:
        chosen: dict[str, Any] = {"device": self._device, "random_state": 0}
        if n_steps is not None:
            chosen["max_iter"] = n_steps
        if case.task == "step":
            chosen["contamination"] = 0.05  # the default threshold would train a clone with as many steps
        if case.members > 1:
            alike = {
                "latent_dim": _WIDTH,
                "max_samples": 1.0,
                "variational_member": False,
                "kernel_member": False,
                "marginal_member": False,
            }
            return AutoencoderEnsemble(n_estimators=case.members, **alike, **chosen).fit(X)
        wide = {"hidden_layer_sizes": (256,), "latent_dim": 256, "activation": "relu"} if case == _WIDE else {}
        return DenoisingAutoencoder(**wide, **chosen).fit(X)

    def score(self, fitted: Any, X: np.ndarray) -> np.ndarray:
        return fitted.score_samples(X)


class Loop:
    """Hand-written training loop with the same network."""

    name = _LOOP
    by_steps = True

    def fit(self, case: Case, X: np.ndarray, n_steps: int) -> Any:
        activation = "relu" if case == _WIDE else "rbf"
        return PlainLoop(_widths(case), activation, n_steps=n_steps, batch_size=_BATCH).fit(X)

    def score(self, fitted: Any, X: np.ndarray) -> np.ndarray:
        return fitted.anomaly_score(X)


class Peer:
    """PyOD detector with its default parameters, on raw rows."""

    by_steps = False  # PyOD counts epochs

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
    """Return the contenders of a case, with the detector of this package first."""
    if case == _MAPPED or case.members > 1:
        return [Ours()]
    if case == _WIDE or case.task == "step":
        return [Ours(), Loop()]
    return [Ours(), Loop(), *(Peer(name) for name in _PEERS)]


def table(rows: int, columns: int) -> np.ndarray:
    """Return an array (rows, columns) of rows near a curved low-dimensional surface."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(rows, max(2, columns // 5)))
    return np.tanh(hidden @ rng.normal(size=(hidden.shape[1], columns))) + 0.1 * rng.normal(size=(rows, columns))


def _widths(case: Case) -> list[int]:
    return [case.columns, *([256] * 3 if case == _WIDE else [_WIDTH]), case.columns]


def operations(case: Case, n_steps: int) -> float:
    """Return the floating-point operations of the matrix products of the network in a case."""
    widths = _widths(case)
    if case.task.startswith("score"):
        return float(case.rows * case.members * operations_of_row(widths, training=False))
    n_rows = _BATCH * (1 if case.task == "step" else n_steps)
    return float(n_rows * case.members * operations_of_row(widths, training=True))


def seconds_per_step(
    fit: Callable[[int], object], n_steps: int, clock: Callable[[Callable[[], object]], float] = timed
) -> float:
    """Return the seconds of a step: the difference of a fit of 3 * `n_steps` and one of `n_steps`, per step."""
    few, many = (clock(partial(fit, n)) for n in (n_steps, 3 * n_steps))
    return (many - few) / (2 * n_steps)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=sorted({case.task for case in CASES}), help="default: all")
    parser.add_argument("--largest", type=int, default=CASES[-1].rows, metavar="ROWS", help="skip larger tables")
    parser.add_argument(
        "--longest", type=float, default=60.0, metavar="SECONDS", help="limit on the predicted time of a run of a peer"
    )
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds per case; default: 5")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads for each contender; default: 2")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results", metavar="FOLDER", help="results folder"
    )
    options = parser.parse_args(arguments)
    cases = [c for c in CASES if c.rows <= options.largest and (options.tasks is None or c.task in options.tasks)]
    options.out.mkdir(parents=True, exist_ok=True)
    with threads(options.threads):
        runs = pd.DataFrame(_runs(cases, options)).assign(version=__version__, threads=options.threads)
    runs.to_csv(options.out / "speed.csv", index=False)
    sys.stdout.write(write_report(runs, options.out))
    return 0


def _runs(cases: list[Case], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    paces: dict[tuple[str, str], float] = {}  # seconds per cell of the table in the last run
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
    """Yield the runs of alternating contenders, each with the current matrix-product rate of the machine."""
    # Number of steps of the default detector for this number of rows.
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
    """Contender in a case, after a warm-up."""

    seconds = math.nan

    def __init__(self, case: Case, who: Any, X: np.ndarray, n_steps: int):
        self.case, self.who, self.X, self._n_steps = case, who, X, n_steps
        self._fitted = who.fit(case, X[:_FITTED_ON], _STEPS)
        if case.task.startswith("score"):
            who.score(self._fitted, X[:_FITTED_ON])

    def time(self) -> float:
        """Return the time of the task, or of one step for the task "step", in seconds."""
        if self.case.task == "step":
            return seconds_per_step(lambda n: self.who.fit(self.case, self.X, n), _STEPS)
        return timed(self._call)

    def megabytes(self) -> float:
        """Return the additional memory of the task in megabytes."""
        with peak_memory() as peak:
            self._call()
        return peak.extra / 1e6

    def _call(self) -> None:
        if self.case.task.startswith("score"):
            self.who.score(self._fitted, self.X)
        else:
            self.who.fit(self.case, self.X, self._n_steps)


def _mapped(case: Case) -> dict[str, Any]:
    """Score a memory-mapped table that is larger than the permitted memory."""
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
    """Write ``speed.md`` and ``speed.png``, and return the Markdown."""
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
        f"aeanomaly {runs['version'][0]}; {runs['threads'][0]} threads for each contender. Times are medians in "
        "seconds, and ratios are medians over rounds. Share: rate of the matrix products of the network, relative to a "
        "large matrix product in the same round. Memory: peak additional memory of one call, including the output "
        f"(except for the memory map). `{_LOOP}` has the same network, batches and steps in plain torch."
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
    """Plot seconds against rows, columns and members if matplotlib is installed, and return the Markdown."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        sys.stderr.write("the plot requires matplotlib; install it with: pip install 'aeanomaly[benchmark]'\n")
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
    """Plot the seconds of each contender against the varied size."""
    for name, of_name in runs.groupby("contender"):
        ax.plot(of_name[varied], of_name["seconds"], marker="o", label=name)
    ax.set(xscale="log", yscale="log", xlabel=varied)
    ax.grid(alpha=0.3, which="both")
    if ax.lines:
        ax.legend(fontsize="small")


if __name__ == "__main__":
    raise SystemExit(main())
