"""Benchmark of `aeanomaly.read_table`: time relative to `pandas.read_csv`, and share of files read rightly.

From the root of a checkout, with the extra ``aeanomaly[dev]`` installed::

    python -m benchmarks.reading [--rows N]

The table has N rows of 20 columns: real numbers, integers, categories, times, booleans and identifiers. Both readers
alternate, and each time is the least of five. `pandas.read_csv` converts neither times nor the other forms of cells.
The files are those of the tests, and two corpora of 120 each: the reader was written with the first at hand, and saw
the second only when it was complete.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import aeanomaly
from tests.reading import confirming, corpus


def write_table(path: Path, n_rows: int) -> None:
    """Write a table of 20 columns as CSV."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"x{j}": rng.normal(size=n_rows).round(4) for j in range(10)}
    columns |= {f"n{j}": rng.integers(0, 10 ** (j + 2), n_rows) for j in range(4)}
    columns |= {f"c{j}": rng.choice(["red", "green", "pale blue"], n_rows) for j in range(3)}
    columns["when"] = pd.date_range("2020-01-01", periods=n_rows, freq="min")
    columns["paid"] = rng.random(n_rows) < 0.5
    columns["id"] = [f"A{row:07d}" for row in range(n_rows)]
    pd.DataFrame(columns).to_csv(path, index=False)


def seconds(function: Callable[[], Any]) -> float:
    """Return the wall time of a call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def outcomes(module: Any, folder: Path) -> Counter[str]:
    """Count the files of a corpus by what `read_table` makes of them."""
    found: Counter[str] = Counter()
    for case in module.write_corpus(folder):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                fault = corpus.compare(aeanomaly.read_table(case.path), case)
            except aeanomaly.SourceError:
                fault = None if case.expectation != "right" else "refused"
            else:
                is_silent = case.expectation != "right" and not told
                fault = "read in silence" if case.expectation == "refused" or is_silent else fault
        found["as expected" if fault is None else "refused" if fault == "refused" else "otherwise"] += 1
        found["otherwise, without a warning"] += fault not in (None, "refused") and not told
    return found


def main() -> None:
    """Print the ratio of the times, and the counts of both corpora."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_table(path, options.rows)
        pairs = [(seconds(lambda: pd.read_csv(path)), seconds(lambda: aeanomaly.read_table(path))) for _ in range(5)]
        pandas, ours = (min(times) for times in zip(*pairs, strict=True))
        ratio = f"pandas.read_csv {pandas:.2f} s, read_table {ours / pandas:.2f} times"
        sys.stdout.write(f"{options.rows:,} rows x 20 columns: {ratio}\n")
        for module in (corpus, confirming):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the packages that ship the tables
                (place := Path(folder) / module.__name__).mkdir()
                found = outcomes(module, place)
            sys.stdout.write(f"{module.__name__.rpartition('.')[2]}: {dict(found)}\n")


if __name__ == "__main__":
    main()
