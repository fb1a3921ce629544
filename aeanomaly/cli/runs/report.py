"""``aeanomaly report``."""

import argparse
import json
import sys
from datetime import date

import pandas as pd

from aeanomaly._counts import counted
from aeanomaly.cli.arguments import check_column
from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.models import load_detector
from aeanomaly.cli.notes import note, working
from aeanomaly.cli.outputs import check_output
from aeanomaly.cli.tables import InputTable


def run(options: argparse.Namespace) -> None:
    """Load a model, read a table and write the report."""
    from aeanomaly.inspection.report import REPORT, report  # import only if needed

    path = None if options.output == "-" else options.output
    if path is not None:
        check_output(path, REPORT, [options.model, options.table], force=options.force)
    detector = load_detector(options.model)
    table = InputTable([options.table], options, detector)
    frame = table.cells()
    options.id = options.id or (table.id_column if table.id_column in frame.columns else None)
    check_column("--id", options.id, frame.columns, options.table)
    X = table.rows_for(detector, frame)
    if not len(X):
        raise CommandError(f"{options.table}: the table has no rows; a report needs at least one")
    # Without names, the row numbers of score --top.
    numbers = pd.RangeIndex(1, len(X) + 1, name="row below the header" if table.table_format.header else "row")
    X.index = numbers if options.id is None else pd.Index(frame[options.id], name=options.id)
    title = options.title or f"Anomaly report: {table.name}, {date.today().isoformat()}"
    with working(f"writing {options.output}"):
        page = report(detector, X, path, n_rows=options.rows, title=title, overwrite=options.force)
    if path is None:
        sys.stdout.buffer.write(page.encode("utf-8"))  # as the page declares, not in the encoding of the terminal
        return
    if options.json:
        flagged = int((detector.predict(X) < 0).sum())
        print(json.dumps({"report": options.output, "rows": len(X), "anomalies": flagged}))
    else:
        note(f"report on {counted(len(X), 'row')} written to {options.output}")
