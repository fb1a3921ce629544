"""``aeanomaly drift``."""

import argparse
import json

from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.models import load_detector
from aeanomaly.cli.notes import note
from aeanomaly.cli.tables import InputTable
from aeanomaly.inspection import column_drift
from aeanomaly.inspection.drift import drift_to_text


def run(options: argparse.Namespace) -> None:
    """Load a model, read a table and print how its columns differ from those of the training rows."""
    detector = load_detector(options.model)
    table = InputTable(options.tables, options, detector)
    cells = table.cells()
    X = table.rows_for(detector, cells)
    if not len(X):
        raise CommandError(f"{table.source}: the table has no rows; a comparison needs at least one")
    note(table.describe(len(cells), cells.shape[1]))
    drift = column_drift(detector, X)
    print(json.dumps(json.loads(drift.to_json(orient="index"))) if options.json else drift_to_text(drift))
