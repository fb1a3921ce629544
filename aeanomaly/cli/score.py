"""``aeanomaly score``."""

import argparse
import json
import sys
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.cli.errors import CommandError
from aeanomaly.cli.labels import ranking, ranking_in_words, read_labels
from aeanomaly.cli.reasons import names_of_reasons, reasons
from aeanomaly.cli.tables import read_table, rows_for, write_table
from aeanomaly.detectors import load
from aeanomaly.thresholds import flag_discoveries

_NEW = ("score", "decision", "anomaly")
_P_VALUE = "p_value"
#: Characters on a line of --top.
_WIDTH = 110


def run_score(options: argparse.Namespace) -> None:
    """Load, read, score, write, report."""
    detector = load(options.model)
    frame = read_table(options.table)
    anomalous = None if options.label is None else read_labels(frame, options.label, options.table)
    scored = _scored(detector, frame, options)
    target = options.output or (None if options.top or options.json else "-")
    if target is not None:
        write_table(scored, target)
    score, _, anomaly = (scored[options.prefix + name] for name in _NEW)
    summary: dict[str, Any] = {"rows": len(scored), "anomalies": int(anomaly.sum())}
    if anomalous is not None:
        summary |= ranking(anomalous, score.to_numpy())
    worst = scored.iloc[np.argsort(score, kind="stable")[: options.top or 0]].copy()
    worst.insert(0, "row" if "row" not in worst else "row number", worst.index + 1)
    # Standard output is the table's where the table goes there.
    place = sys.stderr if target == "-" else sys.stdout
    if options.json:
        rows = json.loads(worst.to_json(orient="records", double_precision=15))
        print(json.dumps({**summary, **({"top": rows} if options.top else {})}), file=place)
        return
    print(_in_words(summary), file=sys.stderr)
    if options.top:
        print(_table(worst, _first(worst, options)), file=place)


def _scored(detector: Any, frame: pd.DataFrame, options: argparse.Namespace) -> pd.DataFrame:
    more = names_of_reasons(detector, options.explain) if options.explain else []
    new = [options.prefix + name for name in (*_NEW, *([_P_VALUE] if options.fdr else []), *more)]
    clash = [name for name in new if name in frame.columns]
    if clash:
        raise CommandError(
            f"{options.table}: it already has column(s) {', '.join(map(repr, clash))}; "
            "rename the new ones with --prefix, such as --prefix ae_"
        )
    X = rows_for(detector, frame, options.table, options.label)
    # An empty table is no fault here: a pipeline of files may well bring one.
    score = detector.score_samples(X) if len(X) else np.empty(0)
    decision = score - detector.offset_
    values: list[Any] = [score, decision, (decision < 0).astype(np.int64)]
    if options.fdr:
        p_values = _p_values(detector, X, options.model)
        values[2:] = [flag_discoveries(p_values, options.fdr).astype(np.int64), p_values]
    if options.explain:
        values += reasons(detector, X, options.explain)
    return frame.assign(**dict(zip(new, values, strict=True)))


def _p_values(detector: Any, X: pd.DataFrame, model: Any) -> np.ndarray:
    if len(detector.calibration_scores_) == 0:
        raise CommandError(
            f"{model}: --fdr needs scores of normal rows that the model was not trained on, and it knows none; fit "
            "with --false-alarm-rate 0.01, or run: "
            f"aeanomaly threshold {model} --rows NORMAL.csv --false-alarm-rate 0.01"
        )
    return detector.p_values(X) if len(X) else np.empty(0)


def _in_words(summary: dict[str, Any]) -> str:
    share = summary["anomalies"] / max(1, summary["rows"])
    line = f"{summary['rows']:,} rows scored, {summary['anomalies']:,} anomalies ({share:.1%})"
    return line + (f"; {ranking_in_words(summary)}" if "auroc" in summary else "")


def _first(worst: pd.DataFrame, options: argparse.Namespace) -> list[str]:
    """The columns that are printed in any case."""
    new = [*_NEW, *(["reason_1"] if options.explain else [])]
    return [worst.columns[0], *(options.prefix + name for name in new), *([options.label] if options.label else [])]


def _table(worst: pd.DataFrame, first: list[str]) -> str:
    """The worst rows, and as many of their columns as fit on a line."""
    names = first + [name for name in worst.columns if name not in first]
    text = worst[first].to_string(index=False, float_format=_short)
    for end in range(len(first) + 1, len(names) + 1):
        wider = worst[names[:end]].to_string(index=False, float_format=_short)
        if max(map(len, wider.splitlines())) > _WIDTH:
            break
        text = wider
    return text


def _short(number: float) -> str:
    return f"{number:.4g}"
