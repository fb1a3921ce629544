"""``aeanomaly fit``."""

import argparse
import json
import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from aeanomaly._counts import counted
from aeanomaly.cli.arguments import check_column
from aeanomaly.cli.errors import CommandError, suggestion
from aeanomaly.cli.labels import are_anomalies, label_values, ranking, ranking_to_text, read_labels
from aeanomaly.cli.notes import note, working
from aeanomaly.cli.outputs import check_output
from aeanomaly.cli.parts import training_source
from aeanomaly.cli.runs.threshold import offsets_to_text
from aeanomaly.cli.tables import InputTable, check_missing, missing_cells, select_columns
from aeanomaly.detectors import REGISTRY, BaseDetector
from aeanomaly.persistence import MODEL
from aeanomaly.reading import ATTRIBUTE, list_some
from aeanomaly.thresholds.phrases import round_numbers


def run(options: argparse.Namespace) -> None:
    """Read a table, fit a detector, save the model and print a summary."""
    check_output(options.output, MODEL, [*options.tables, options.checkpoint], force=options.force)
    detector, table = _detector(options), InputTable(options.tables, options)
    summary = _fit_in_parts(detector, table, options) if table.is_large else _fit_at_once(detector, table, options)
    if options.json:
        print(json.dumps(summary))
    else:
        note(_to_text(summary))


def _fit_at_once(detector: BaseDetector, table: InputTable, options: argparse.Namespace) -> dict[str, Any]:
    cells = table.cells()
    anomalous = None if options.label is None else read_labels(cells, options.label, table.source)
    kept = select_columns(cells, _columns(list(cells.columns), options), table.source)
    with working(f"converting {table.source}"):
        X = table.rows_for_fit(kept, detector)
    note(table.describe(len(cells), cells.shape[1]))
    if (listed := missing_cells(X, detector)) and not _chooses_missing(options):
        detector.missing = "model"
        _say_missing(listed)
    check_missing(X, detector)
    X.attrs[ATTRIBUTE] = replace(table.known, id_column=options.id).to_json()
    y = None if anomalous is None else anomalous.astype(int)
    summary = _fit_and_save(detector, options, partial(detector.fit, X, y), n_rows=len(X))
    if anomalous is not None:
        summary |= ranking(anomalous, detector.score_samples(X))
    return summary


def _fit_in_parts(detector: BaseDetector, table: InputTable, options: argparse.Namespace) -> dict[str, Any]:
    """Fit on a table larger than memory in one pass; labels need a second pass."""
    if not _chooses_missing(options):
        detector.missing = "model"
    source, missing = training_source(table, lambda names: _columns(names, options), detector, options.id)
    summary = _fit_and_save(detector, options, partial(detector.fit_batches, source, checkpoint=options.checkpoint))
    note(table.describe(detector.n_samples_seen_, detector.n_features_in_))
    counts = [f"{name!r} ({count:,})" for name, count in missing.items() if count < detector.n_samples_seen_]
    if counts and not _chooses_missing(options):
        _say_missing(list_some(counts, 10))
    if options.label is not None:
        labels, scores = [], []
        for cells in table.parts():
            labels.append(label_values(cells, options.label, table.source))
            scores.append(detector.score_samples(table.rows_for(detector, cells, options.label)))
        anomalous = are_anomalies(np.concatenate(labels), options.label, table.source)
        summary |= ranking(anomalous, np.concatenate(scores))
    return summary


def _chooses_missing(options: argparse.Namespace) -> bool:
    return options.missing is not None or "missing" in dict(options.parameters)


def _say_missing(listed: str) -> None:
    note(
        f"note: cells are missing in {listed}; rows are scored by their other cells. To score also where cells are "
        "missing, pass --missing informative; to refuse such tables, --missing error"
    )


def _fit_and_save(
    detector: BaseDetector, options: argparse.Namespace, fit: Callable[[], Any], n_rows: int | None = None
) -> dict[str, Any]:
    """Fit and save a detector, and return a summary; `n_rows` counts also rows that the fit holds out."""
    start = time.perf_counter()
    with working(f"fitting {options.output}"):
        fit()
    seconds = time.perf_counter() - start
    detector.save(options.output, overwrite=options.force)
    return {
        "model": str(options.output),
        "detector": options.detector,
        "rows": detector.n_samples_seen_ if n_rows is None else n_rows,
        "columns": detector.n_features_in_,
        "steps": detector.n_iter_,
        "seconds": round(seconds, 3),
        "offset": detector.offset_,
        "rule": detector.threshold_info_.rule,
        "guarantee": detector.threshold_info_.guarantee,
        "expected_false_alarm_rate": detector.state_.calibration.false_alarm_rate,
        "calibration_rows": len(detector.calibration_scores_),
        "offsets_of_groups": {} if (groups := detector.state_.calibration.groups) is None else groups.offsets,
        "flagged": round(float((detector.training_scores_ < detector.offset_).mean()) * detector.n_samples_seen_),
    }


def _expected_alarms(summary: dict[str, Any]) -> str:
    """Return the expected number of false alarms, and the command that changes it."""
    rate = summary["expected_false_alarm_rate"]
    command = f"aeanomaly threshold {shlex.quote(summary['model'])} --in-place"
    if rate is None:
        return f"for a rate of false alarms: {command} --false-alarm-rate RATE --rows NORMAL_ROWS"
    other = 0.01 if rate > 0.02 else 0.5 * rate
    with_rows = " --rows NORMAL_ROWS" if other * (summary["calibration_rows"] + 1) < 1 else ""
    number = f"{1000 * rate:.0f}" if rate >= 0.01 else f"{1000 * rate:.2g}"
    expected = f"expect about {number} false alarms per 1,000 normal rows"
    if summary["offsets_of_groups"]:
        return f"{expected}; offsets of groups: {offsets_to_text(summary['offsets_of_groups'])}"
    return f"{expected}; for another number: {command} --false-alarm-rate {other:.1g}{with_rows}"


def _detector(options: argparse.Namespace) -> Any:
    parameters = {"random_state": 0, "verbose": options.verbose, **dict(options.parameters)}
    for name in ("contamination", "missing", "groups"):
        value = getattr(options, name)
        if value:
            if name in parameters:
                raise CommandError(f"--{name} and --set {name}= set the same parameter; pass only one of them")
            parameters[name] = value
    cls = REGISTRY[options.detector]
    known = cls().get_params()
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise CommandError(
            f"--set {unknown[0]}: the {options.detector} detector has no such parameter"
            f"{suggestion(unknown[0], known)}; choose from {', '.join(known)}"
        )
    return cls(**parameters)


def _columns(names: list[str], options: argparse.Namespace) -> list[str]:
    for name in options.drop:
        check_column("--drop", name, names, options.tables[0])
    check_column("--id", options.id, names, options.tables[0])
    left = [name for name in names if name not in (*options.drop, options.label, options.id)]
    if not left:
        raise CommandError(f"{options.tables[0]}: all columns are dropped; drop fewer columns")
    return left


def _to_text(summary: dict[str, Any]) -> str:
    rows, columns = counted(summary["rows"], "row"), counted(summary["columns"], "column")
    steps = f"{counted(summary['steps'], 'step')} in {summary['seconds']:.1f} s"
    lines = [
        f"{summary['detector']} autoencoder: {rows} x {columns}, {steps}",
        f"training rows with a score below the offset {summary['offset']:.4g}: {summary['flagged']:,}",
        f"threshold set by {round_numbers(summary['rule'])}, which {summary['guarantee']}",
        _expected_alarms(summary),
    ]
    if "auroc" in summary:
        lines.append(f"on the training rows: {ranking_to_text(summary)}")
    return "\n".join([*lines, f"model written to {summary['model']}"])
