"""``aeanomaly score``."""

import argparse
import json
import sys
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly._counts import counted
from aeanomaly.cli.arguments import check_column
from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.labels import are_anomalies, label_values, ranking, ranking_to_text
from aeanomaly.cli.models import load_detector
from aeanomaly.cli.notes import note, working
from aeanomaly.cli.parts import check_table_output, table_writer
from aeanomaly.cli.reasons import names_of_reasons, reasons
from aeanomaly.cli.tables import InputTable
from aeanomaly.detectors import BaseDetector
from aeanomaly.reading import name_columns
from aeanomaly.thresholds import flag_discoveries, p_values_of_sorted

_NEW_COLUMNS = ("score", "decision", "anomaly")
_P_VALUE = "p_value"
#: Maximum width of a line of --top, in characters.
_WIDTH = 110


def run(options: argparse.Namespace) -> None:
    """Load a model, score a table, write the scored rows and print a summary."""
    target = options.output or (None if options.top or options.json else "-")
    if target not in (None, "-"):
        check_table_output(target, [options.model, *options.tables], force=options.force)
    with working(f"loading {options.model}"):
        detector = load_detector(options.model)
    table = InputTable(options.tables, options, detector)
    is_id_asked = options.id is not None
    options.id = options.id or table.id_column
    found = _discoveries(detector, table, options) if options.fdr else None
    score_name, _, anomaly_name = (options.prefix + name for name in _NEW_COLUMNS)
    rows, anomalies, labels, scores = 0, 0, [], []
    worst, flagged = pd.DataFrame(), []
    with working(f"scoring {table.source}"), table_writer(target, table) as write:
        for frame in table.parts():
            if not is_id_asked and options.id not in frame.columns:
                options.id = None
            check_column("--id", options.id, frame.columns, table.source)
            if options.label is not None:
                labels.append(label_values(frame, options.label, table.source))
            scored = _scored(detector, table, frame, options, found)
            scores += [scored[score_name].to_numpy()] if options.label is not None else []
            rows, anomalies = rows + len(scored), anomalies + int(scored[anomaly_name].sum())
            worst = _listed(pd.concat([worst, scored]) if len(worst) else scored, options)
            if options.flagged_only:
                flagged.append(scored[scored[anomaly_name] == 1])
            else:
                write(scored)
        if options.flagged_only:
            write(pd.concat(flagged).sort_values(score_name, kind="stable"))
        note(table.describe(rows, frame.shape[1]))
        summary: dict[str, Any] = {"rows": rows, "anomalies": anomalies}
        if options.label is not None:
            anomalous = are_anomalies(np.concatenate(labels), options.label, table.source)
            summary |= ranking(anomalous, np.concatenate(scores))
    if options.id is None:
        worst.insert(0, "row" if "row" not in worst else "row number", worst.index + 1)
    else:
        worst.insert(0, options.id, worst.pop(options.id))
    # Standard output is reserved for the table if it is written there.
    place = sys.stderr if target == "-" else sys.stdout
    if options.json:
        summary["top" if options.top else "flagged"] = json.loads(worst.to_json(orient="records", double_precision=15))
        print(json.dumps(summary), file=place)
        return
    note(_to_text(summary))
    _warn_of_many(detector, summary)
    if options.top:
        if options.id is None:
            note(f"row 1 is the first row{' below the column names' if table.table_format.header else ''}")
        print(_table(worst, _fixed_columns(worst, options), table.decimal), file=place)
        if options.explain:
            for name, sentence in zip(worst.iloc[:, 0], worst[options.prefix + "explanation"], strict=True):
                print(f"{worst.columns[0]} {name}: {sentence}", file=place)


def _scored(
    detector: BaseDetector,
    table: InputTable,
    frame: pd.DataFrame,
    options: argparse.Namespace,
    found: pd.DataFrame | None,
) -> pd.DataFrame:
    more = names_of_reasons(detector, options.explain) if options.explain else []
    new = [options.prefix + name for name in (*_NEW_COLUMNS, *([_P_VALUE] if options.fdr else []), *more)]
    clash = [name for name in new if name in frame.columns]
    if clash:
        raise CommandError(
            f"{table.source}: the table already has {name_columns(list(map(repr, clash)))}; "
            "rename the new columns with --prefix, such as --prefix ae_"
        )
    X = table.rows_for(detector, frame, options.label)
    # Offsets by row need another validation of the rows.
    has_groups = detector.state_.calibration.groups is not None
    offset = detector.offsets(X) if has_groups and len(X) else detector.offset_
    if found is None:
        score = _scores(detector, X)
        values: list[Any] = [score, score - offset, (score < offset).astype(np.int64)]
    else:
        mine = found.loc[frame.index]
        values = [mine["score"], mine["score"] - offset, mine["flagged"], mine[_P_VALUE]]
    if options.explain:
        written = table.cells_for(detector, frame, options.label)
        values += reasons(detector, X, written, options.explain, table.decimal)
    return frame.assign(**dict(zip(new, values, strict=True)))


def _listed(scored: pd.DataFrame, options: argparse.Namespace) -> pd.DataFrame:
    """Return the rows to list, lowest scores first: those of --top, or in JSON without it the flagged ones."""
    if not (options.top or options.json):
        return scored[:0].copy()
    score, _, anomaly = (options.prefix + name for name in _NEW_COLUMNS)
    ordered = scored.iloc[np.argsort(scored[score], kind="stable")]
    return ordered[: options.top].copy() if options.top else ordered[ordered[anomaly] == 1].copy()


def _warn_of_many(detector: BaseDetector, summary: dict[str, Any]) -> None:
    """Say if far more rows are flagged than the threshold promises for normal rows."""
    rate, n_rows = detector.state_.calibration.false_alarm_rate, summary["rows"]
    expected = (rate or 0.0) * n_rows
    if rate is not None and summary["anomalies"] > max(10, 3 * expected + 3 * expected**0.5):
        note(
            f"note: {summary['anomalies']:,} rows are flagged, but only about {expected:,.0f} of {n_rows:,} normal "
            "rows would be; these rows differ from the training rows (run aeanomaly drift), or the tables are swapped"
        )


def _scores(detector: BaseDetector, X: pd.DataFrame) -> np.ndarray:
    # An empty table is valid, because batch pipelines may produce one.
    return detector.score_samples(X) if len(X) else np.empty(0)


def _discoveries(detector: BaseDetector, table: InputTable, options: argparse.Namespace) -> pd.DataFrame:
    """Return scores, p-values and flags of all rows; the rule of --fdr needs all p-values at once."""
    model = options.model
    if len(detector.calibration_scores_) == 0:
        raise CommandError(
            f"{model}: --fdr needs calibration scores of held-out normal rows, and the model has none; fit "
            "with --false-alarm-rate 0.01, or run: "
            f"aeanomaly threshold {model} --in-place --rows NORMAL.csv --false-alarm-rate 0.01"
        )
    tables = (table.rows_for(detector, frame, options.label) for frame in table.parts())
    scores = np.concatenate([_scores(detector, X) for X in tables])
    p_values = p_values_of_sorted(detector.calibration_scores_, scores)
    flagged = flag_discoveries(p_values, options.fdr).astype(np.int64)
    return pd.DataFrame({"score": scores, _P_VALUE: p_values, "flagged": flagged})


def _to_text(summary: dict[str, Any]) -> str:
    share = summary["anomalies"] / max(1, summary["rows"])
    line = f"{counted(summary['rows'], 'row')} scored, {counted(summary['anomalies'], 'anomaly', 'anomalies')}"
    return f"{line} ({share:.1%})" + (f"; {ranking_to_text(summary)}" if "auroc" in summary else "")


def _fixed_columns(worst: pd.DataFrame, options: argparse.Namespace) -> list[str]:
    """Return the columns that are always printed."""
    new = [*_NEW_COLUMNS, *(["reason_1", "value_1"] if options.explain else [])]
    return [worst.columns[0], *(options.prefix + name for name in new), *([options.label] if options.label else [])]


def _table(worst: pd.DataFrame, first: list[str], decimal: str) -> str:
    """Format the worst rows, with as many columns as fit on a line."""
    names = first + [name for name in worst.columns if name not in first]

    def short(number: float) -> str:
        return f"{number:.4g}".replace(".", decimal)

    text = worst[first].to_string(index=False, float_format=short)
    for end in range(len(first) + 1, len(names) + 1):
        wider = worst[names[:end]].to_string(index=False, float_format=short)
        if max(map(len, wider.splitlines())) > _WIDTH:
            break
        text = wider
    return text
