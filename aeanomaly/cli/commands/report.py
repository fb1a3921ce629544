"""``aeanomaly report``."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from aeanomaly.cli.arguments import add_force, add_id, add_reading, check_column, positive_integer
from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.outputs import check_output
from aeanomaly.cli.tables import InputTable
from aeanomaly.detectors import load


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = commands.add_parser("report", help="write an HTML report on a table: flags, explanations, drift")
    command.add_argument("model", type=Path, help="model file")
    command.add_argument("table", help="rows to score: a file, folder or pattern; - for standard input")
    command.add_argument(
        "-o", "--output", required=True, metavar="REPORT.html", help="page to write; - writes to standard output"
    )
    add_force(command)
    command.add_argument(
        "--rows", type=positive_integer, default=100, metavar="N", help="number of rows to list; default: 100"
    )
    add_id(command, "column that names the rows, in place of their numbers")
    command.add_argument("--title", metavar="TEXT", help="title of the page")
    add_reading(command)
    command.set_defaults(run=run_report)


def run_report(options: argparse.Namespace) -> None:
    """Load a model, read a table and write the report."""
    from aeanomaly.inspection.report import REPORT, report  # import only if needed

    path = None if options.output == "-" else options.output
    if path is not None:
        check_output(path, REPORT, [options.model, options.table], force=options.force)
    detector = load(options.model)
    table = InputTable(options.table, options, detector)
    frame = table.cells()
    check_column("--id", options.id, frame.columns, options.table)
    X = table.rows_for(detector, frame)
    if not len(X):
        raise CommandError(f"{options.table}: the table has no rows; a report needs at least one")
    # Without names, the row numbers of score --top.
    numbers = pd.RangeIndex(1, len(X) + 1, name="row")
    X.index = numbers if options.id is None else pd.Index(frame[options.id], name=options.id)
    page = report(detector, X, path, n_rows=options.rows, title=options.title, overwrite=options.force)
    if path is None:
        sys.stdout.buffer.write(page.encode("utf-8"))  # as the page declares, not in the encoding of the terminal
        return
    print(f"report on {len(X):,} rows written to {options.output}", file=sys.stderr)
