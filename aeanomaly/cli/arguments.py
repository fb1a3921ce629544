"""Argument parser of the command line."""

import argparse
import ast
from pathlib import Path
from typing import Any

from aeanomaly._version import __version__
from aeanomaly.cli.demo import run_demo
from aeanomaly.cli.export import run_export
from aeanomaly.cli.fit import run_fit
from aeanomaly.cli.info import run_info
from aeanomaly.cli.report import run_report
from aeanomaly.cli.rules import false_alarm_rate, rule
from aeanomaly.cli.score import run_score
from aeanomaly.cli.threshold import run_threshold
from aeanomaly.detectors import REGISTRY

#: Default number of columns that --explain adds.
_REASONS = 3


def parser() -> argparse.ArgumentParser:
    """Return the parser; each command sets ``run``, a function of the parsed options."""
    root = argparse.ArgumentParser(prog="aeanomaly", description="Anomaly detection by reconstruction error.")
    root.add_argument("--version", action="version", version=f"aeanomaly {__version__}")
    commands = root.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_fit(commands)
    _add_score(commands)
    _add_threshold(commands)
    _add_report(commands)
    _add_export(commands)
    _add_info(commands)
    _add_demo(commands)
    return root


def _add_fit(commands: Any) -> None:
    command = commands.add_parser("fit", help="fit a detector to a table and write a model file")
    command.add_argument("table", help="training rows as .csv, .csv.gz or .parquet; - reads CSV from standard input")
    command.add_argument("-o", "--output", required=True, type=Path, metavar="MODEL.aea", help="model file to write")
    _add_force(command)
    command.add_argument(
        "--detector", choices=sorted(REGISTRY), default="denoising", help="kind of detector; default: denoising"
    )
    _add_rule(
        command,
        "--contamination",
        "share of training rows to flag, or a rule such as 'PeaksOverThreshold(1e-5)'; default: auto",
        "maximum share of new normal rows to flag; holds out 20 %% of the training rows",
    )
    command.add_argument("--missing", choices=("error", "model"), help="reject missing values (default) or model them")
    command.add_argument("--drop", action="append", default=[], metavar="COLUMN", help="exclude a column; repeatable")
    command.add_argument(
        "--label",
        metavar="COLUMN",
        help="label column, {0, 1} with 1 = anomaly or {+1, -1} with -1 = anomaly; not used for training",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        dest="parameters",
        metavar="NAME=VALUE",
        help="parameter of the detector; repeatable; random_state defaults to 0",
    )
    command.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="save progress here and resume an interrupted fit; tables above 64 MB",
    )
    command.add_argument("--json", action="store_true", help="print a summary as JSON")
    command.set_defaults(run=run_fit)


def _add_score(commands: Any) -> None:
    command = commands.add_parser("score", help="score the rows of a table")
    command.add_argument("model", type=Path, help="model file")
    command.add_argument("table", help="rows to score as .csv, .csv.gz or .parquet; - reads CSV from standard input")
    command.add_argument(
        "-o",
        "--output",
        metavar="TABLE",
        help="scored rows; default: standard output, or no table with --top or --json",
    )
    _add_force(command)
    command.add_argument("--prefix", default="", help="prefix of the new columns score, decision, anomaly")
    command.add_argument(
        "--fdr",
        type=_share,
        metavar="SHARE",
        help="level of the false discovery rate, the expected share of normal rows among flagged rows; adds p_value",
    )
    command.add_argument(
        "--explain",
        nargs="?",
        const=_REASONS,
        type=_positive,
        metavar="N",
        help="add an explanation, the N columns with the largest contributions to the error (reason_1 to reason_N) "
        f"and their shares (share_1 to share_N); default: {_REASONS}; without N, give this option after the table",
    )
    command.add_argument("--top", type=_positive, metavar="N", help="print the N rows with the lowest scores")
    command.add_argument("--label", metavar="COLUMN", help="label column; report AUROC and average precision")
    command.add_argument("--json", action="store_true", help="print a summary as JSON")
    command.set_defaults(run=run_score)


def _add_threshold(commands: Any) -> None:
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
    _add_rule(
        command,
        "--rule",
        "threshold rule, such as 'TargetPrecision(0.9)', 'Conformal(0.01)', 0.05 or auto",
        "maximum share of new normal rows to flag",
    )
    command.add_argument(
        "-o", "--output", type=Path, metavar="MODEL.aea", help="model file to write; default: replace the model"
    )
    _add_force(command)
    command.add_argument("--json", action="store_true", help="print a summary as JSON")
    command.set_defaults(run=run_threshold)


def _add_force(command: Any) -> None:
    text = "accept any output name, and replace a file of another kind or an input"
    command.add_argument("--force", action="store_true", help=text)


def _add_rule(command: Any, option: str, text: str, text_of_rate: str) -> None:
    """Add two mutually exclusive options that select the threshold rule."""
    ways, name = command.add_mutually_exclusive_group(), option.removeprefix("--")
    ways.add_argument(option, type=rule, metavar="RULE", help=text)
    ways.add_argument("--false-alarm-rate", type=false_alarm_rate, dest=name, metavar="RATE", help=text_of_rate)


def _add_report(commands: Any) -> None:
    command = commands.add_parser("report", help="write an HTML report on a table: flags, explanations, drift")
    command.add_argument("model", type=Path, help="model file")
    command.add_argument("table", help="rows to score as .csv, .csv.gz or .parquet; - reads CSV from standard input")
    command.add_argument(
        "-o", "--output", required=True, metavar="REPORT.html", help="page to write; - writes to standard output"
    )
    _add_force(command)
    command.add_argument(
        "--rows", type=_positive, default=100, metavar="N", help="number of rows to list; default: 100"
    )
    command.add_argument("--title", metavar="TEXT", help="title of the page")
    command.set_defaults(run=run_report)


def _add_export(commands: Any) -> None:
    command = commands.add_parser("export", help="export a model to ONNX")
    command.add_argument("model", type=Path, help="model file")
    command.add_argument("output", type=Path, metavar="GRAPH.onnx", help="graph to write")
    _add_force(command)
    command.set_defaults(run=run_export)


def _add_info(commands: Any) -> None:
    command = commands.add_parser("info", help="describe a model file without loading the model")
    command.add_argument("model", type=Path)
    command.add_argument("--json", action="store_true", help="print the manifest as JSON")
    command.set_defaults(run=run_info)


def _add_demo(commands: Any) -> None:
    command = commands.add_parser("demo", help="fit and score a table from scikit-learn; works offline")
    command.add_argument(
        "--folder", type=Path, default=Path("aeanomaly-demo"), help="output folder; default: aeanomaly-demo"
    )
    command.set_defaults(run=run_demo)


_WORDS = ("true", "false", "none")


def _literal(text: str) -> Any:
    """Parse a Python literal, with true, false and none in any case; return other text unchanged."""
    try:
        return ast.literal_eval(text.title() if text.lower() in _WORDS else text)
    except (ValueError, SyntaxError):
        return text


def _assignment(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE, such as max_iter=500")
    return name, _literal(value)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share between 0 and 1, such as 0.05")
    return value


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)
