"""``aeanomaly report``."""

import argparse
import sys

import pandas as pd

from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.outputs import check_output
from aeanomaly.cli.tables import read_table, rows_for
from aeanomaly.detectors import load


def run_report(options: argparse.Namespace) -> None:
    """Load a model, read a table and write the report."""
    from aeanomaly.inspection.report import REPORT, report  # import only if needed

    path = None if options.output == "-" else options.output
    if path is not None:
        check_output(path, REPORT, [options.model, options.table], force=options.force)
    detector = load(options.model)
    X = rows_for(detector, read_table(options.table), options.table)
    if not len(X):
        raise CommandError(f"{options.table}: the table has no rows; a report needs at least one")
    X.index = pd.RangeIndex(1, len(X) + 1, name="row")  # the row numbers of score --top
    page = report(detector, X, path, n_rows=options.rows, title=options.title, overwrite=options.force)
    if path is None:
        sys.stdout.buffer.write(page.encode("utf-8"))  # as the page declares, whatever the terminal's encoding
        return
    print(f"report on {len(X):,} rows written to {options.output}", file=sys.stderr)
