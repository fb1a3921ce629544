"""``aeanomaly report``."""

import argparse
import sys

import pandas as pd

from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.outputs import check_output
from aeanomaly.cli.tables import read_table, rows_for
from aeanomaly.detectors import load


def run_report(options: argparse.Namespace) -> None:
    """Load, read, write the page."""
    from aeanomaly.inspection.report import REPORT, report  # other commands need none of it

    path = None if options.output == "-" else options.output
    if path is not None:
        check_output(path, REPORT, [options.model, options.table], force=options.force)
    detector = load(options.model)
    X = rows_for(detector, read_table(options.table), options.table)
    if not len(X):
        raise CommandError(f"{options.table}: it has no rows to report on")
    X.index = pd.RangeIndex(1, len(X) + 1, name="row")  # as score --top counts them
    page = report(detector, X, path, n_rows=options.rows, title=options.title, overwrite=options.force)
    if path is None:
        sys.stdout.write(page)
        return
    print(f"report on {len(X):,} rows written to {options.output}", file=sys.stderr)
