"""``aeanomaly threshold``."""

import argparse
import json
from typing import Any

import pandas as pd

from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.labels import read_labels
from aeanomaly.cli.models import load_detector
from aeanomaly.cli.notes import note
from aeanomaly.cli.outputs import check_output
from aeanomaly.cli.tables import InputTable
from aeanomaly.detectors import BaseDetector
from aeanomaly.persistence import MODEL
from aeanomaly.thresholds import BestF1
from aeanomaly.thresholds.phrases import round_numbers

#: Maximum number of groups in a list.
_LISTED = 6


def run(options: argparse.Namespace) -> None:
    """Load a model, set its threshold, save it and print a summary."""
    if options.output is None and not options.in_place:
        raise CommandError(
            f"no output given; pass -o MODEL.aea to write a new model, or --in-place to change {options.model}"
        )
    target = options.model if options.in_place else options.output
    if not options.in_place:
        check_output(target, MODEL, [options.labels, options.rows], force=options.force)
    detector = load_detector(options.model)
    rule = options.rule
    if rule is None and options.labels is None:
        raise CommandError("no threshold rule given; pass --false-alarm-rate RATE, --rule RULE or --labels TABLE")
    rule = BestF1() if rule is None else rule
    source = options.labels or options.rows
    if source is None:
        detector.set_threshold(rule)
    else:
        table = InputTable([source], options, detector)
        frame = table.cells()
        label = _label(detector, frame, options) if options.labels else None
        y = None if label is None else read_labels(frame, label, source).astype(int)
        detector.set_threshold(rule, table.rows_for(detector, frame, label), y)
    detector.save(target, overwrite=options.force or options.in_place)
    decision = detector.threshold_info_
    summary = {"model": str(target), "offset": decision.offset, "rule": decision.rule, "guarantee": decision.guarantee}
    if options.json:
        print(json.dumps(summary))
    else:
        note(f"rows with a score below {decision.offset:.6g} are anomalies")
        note(threshold_to_text(decision.to_dict()))
        note(f"model written to {target}")


def threshold_to_text(threshold: dict[str, Any]) -> str:
    """Describe the rule of a threshold and its guarantee."""
    return (
        f"{round_numbers(threshold['rule'])}, set on {threshold['n_scores']:,} {threshold['source']}: "
        f"{threshold['guarantee']}"
    )


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
