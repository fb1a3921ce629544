"""``aeanomaly report``."""

import argparse
import sys

import pandas as pd

from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.tables import read_table, rows_for
from aeanomaly.detectors import load


def run_report(options: argparse.Namespace) -> None:
    """Load, read, write the page."""
    from aeanomaly.inspection import report  # other commands need none of it

    if options.output.suffix not in (".html", ".htm"):
        raise CommandError(f"{options.output}: the suffix must be .html; choose another name")
    detector = load(options.model)
    X = rows_for(detector, read_table(options.table), options.table)
    if not len(X):
        raise CommandError(f"{options.table}: it has no rows to report on")
    X.index = pd.RangeIndex(1, len(X) + 1, name="row")  # as score --top counts them
    report(detector, X, options.output, n_rows=options.rows, title=options.title)
    print(f"report on {len(X):,} rows written to {options.output}", file=sys.stderr)
