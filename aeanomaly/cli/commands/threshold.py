"""``aeanomaly threshold``."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from aeanomaly.cli.arguments import add_force, add_reading, add_rule
from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.labels import read_labels
from aeanomaly.cli.outputs import check_output
from aeanomaly.cli.tables import InputTable
from aeanomaly.detectors import BaseDetector, load
from aeanomaly.persistence import MODEL
from aeanomaly.thresholds import BestF1

#: Maximum number of groups in a list.
_LISTED = 6


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = commands.add_parser("threshold", help="set the threshold of a model without training")
    command.add_argument("model", type=Path, help="model file")
    rows = command.add_mutually_exclusive_group()
    rows.add_argument("--labels", metavar="TABLE", help="labeled rows; the default rule maximizes F1")
    rows.add_argument("--rows", metavar="TABLE", help="normal rows that the model was not trained on")
    command.add_argument(
        "--label",
        metavar="COLUMN",
        help="label column; default: the only column that the model does not use",
    )
    add_rule(
        command,
        "--rule",
        "threshold rule, such as 'TargetPrecision(0.9)', 'Conformal(0.01)', 0.05 or auto",
        "maximum share of new normal rows to flag",
    )
    command.add_argument(
        "-o", "--output", type=Path, metavar="MODEL.aea", help="model file to write; default: replace the model"
    )
    add_force(command)
    add_reading(command)
    command.add_argument("--json", action="store_true", help="print a summary as JSON")
    command.set_defaults(run=run_threshold)


def run_threshold(options: argparse.Namespace) -> None:
    """Load a model, set its threshold, save it and print a summary."""
    target = options.output or options.model
    if target != options.model:
        check_output(target, MODEL, [options.labels, options.rows], force=options.force)
    detector = load(options.model)
    rule = options.rule
    if rule is None and options.labels is None:
        raise CommandError("no threshold rule given; pass --false-alarm-rate RATE, --rule RULE or --labels TABLE")
    rule = BestF1() if rule is None else rule
    source = options.labels or options.rows
    if source is None:
        detector.set_threshold(rule)
    else:
        table = InputTable(source, options, detector)
        frame = table.cells()
        label = _label(detector, frame, options) if options.labels else None
        y = None if label is None else read_labels(frame, label, source).astype(int)
        detector.set_threshold(rule, table.rows_for(detector, frame, label), y)
    detector.save(target, overwrite=options.force or target == options.model)
    decision = detector.threshold_info_
    summary = {"model": str(target), "offset": decision.offset, "rule": decision.rule, "guarantee": decision.guarantee}
    if options.json:
        print(json.dumps(summary))
    else:
        print(f"rows with a score below {decision.offset:.6g} are anomalies", file=sys.stderr)
        print(threshold_to_text(decision.to_dict()), file=sys.stderr)
        print(f"model written to {target}", file=sys.stderr)


def threshold_to_text(threshold: dict[str, Any]) -> str:
    """Describe the rule of a threshold and its guarantee."""
    return f"{threshold['rule']}, set on {threshold['n_scores']:,} {threshold['source']}: {threshold['guarantee']}"


def offsets_to_text(offsets: dict[str, float]) -> str:
    """List the offsets of groups, of the first ones if there are many."""
    listed = [f"{name!r} {offset:.4g}" for name, offset in list(offsets.items())[:_LISTED]]
    more = [f"and {len(offsets) - _LISTED:,} more"] if len(offsets) > _LISTED else []
    return ", ".join([*listed, *more])


def _label(detector: BaseDetector, frame: pd.DataFrame, options: argparse.Namespace) -> str:
    """Return the label column: that of --label, or the only column that the model does not use."""
    if options.label is not None:
        return str(options.label)
    known = set(getattr(detector, "feature_names_in_", ()))
    others = [name for name in frame.columns if name not in known]
    if not known or len(others) != 1:
        found = ", ".join(map(repr, others[:5])) or "none"
        raise CommandError(f"{options.labels}: possible label columns: {found}; choose one with --label")
    return str(others[0])
