"""The grammar of the command line."""

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

#: Columns that --explain names.
_REASONS = 3


def parser() -> argparse.ArgumentParser:
    """The parser; each command sets ``run``, a function of the parsed options."""
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
    command = commands.add_parser("fit", help="learn from a table and write a model file")
    command.add_argument("table", help="training rows: .csv, .csv.gz, .parquet, or - for CSV on standard input")
    command.add_argument("-o", "--output", required=True, type=Path, metavar="MODEL.aea", help="the model file")
    _add_force(command)
    command.add_argument("--detector", choices=sorted(REGISTRY), default="denoising", help="default: denoising")
    _add_rule(
        command,
        "--contamination",
        "share of rows to flag, or a rule such as 'PeaksOverThreshold(1e-5)'; default: auto",
        "new normal rows may be flagged at this rate; holds out a fifth of the rows",
    )
    command.add_argument("--missing", choices=("error", "model"), help="refuse empty cells, the default, or model them")
    command.add_argument("--drop", action="append", default=[], metavar="COLUMN", help="leave a column out; repeatable")
    command.add_argument("--label", metavar="COLUMN", help="known answers (1, or -1 beside +1, = anomaly): reported on")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        dest="parameters",
        metavar="NAME=VALUE",
        help="any parameter of the detector; repeatable; random_state is 0 unless set",
    )
    command.add_argument("--checkpoint", type=Path, metavar="FILE", help="of a table above 64 MB: go on after a kill")
    command.add_argument("--json", action="store_true", help="print the summary as JSON")
    command.set_defaults(run=run_fit)


def _add_score(commands: Any) -> None:
    command = commands.add_parser("score", help="score the rows of a table with a model")
    command.add_argument("model", type=Path, help="the model file")
    command.add_argument("table", help="rows to score: .csv, .csv.gz, .parquet, or - for CSV on standard input")
    command.add_argument(
        "-o", "--output", metavar="TABLE", help="scored rows; by default standard output, unless --top or --json"
    )
    _add_force(command)
    command.add_argument("--prefix", default="", help="put before the names of new columns: score, decision, anomaly")
    command.add_argument(
        "--fdr",
        type=_share,
        metavar="SHARE",
        help="flag so that on the average at most this share of flagged rows is normal; adds the column p_value",
    )
    command.add_argument(
        "--explain",
        nargs="?",
        const=_REASONS,
        type=_positive,
        metavar="N",
        help="put this after the table; adds a sentence, explanation, and the N columns that add most to the row's "
        f"error, reason_1 to reason_N, with their shares of it, share_1 to share_N; default: {_REASONS}",
    )
    command.add_argument("--top", type=_positive, metavar="N", help="print the N worst rows")
    command.add_argument("--label", metavar="COLUMN", help="known answers: report AUROC and average precision")
    command.add_argument("--json", action="store_true", help="print the summary as JSON")
    command.set_defaults(run=run_score)


def _add_threshold(commands: Any) -> None:
    command = commands.add_parser("threshold", help="set the threshold of a model anew, without learning anew")
    command.add_argument("model", type=Path, help="the model file")
    rows = command.add_mutually_exclusive_group()
    rows.add_argument("--labels", metavar="TABLE", help="labelled rows; by default for the best F1 on them")
    rows.add_argument("--rows", metavar="TABLE", help="normal rows that the model was not trained on")
    command.add_argument("--label", metavar="COLUMN", help="where the labels are; default: the column that is new")
    _add_rule(
        command,
        "--rule",
        "as in Python: 'TargetPrecision(0.9)', 'Conformal(0.01)', 0.05, auto",
        "new normal rows may be flagged at this rate",
    )
    command.add_argument("-o", "--output", type=Path, metavar="MODEL.aea", help="default: the model itself, replaced")
    _add_force(command)
    command.add_argument("--json", action="store_true", help="print the summary as JSON")
    command.set_defaults(run=run_threshold)


def _add_force(command: Any) -> None:
    text = "replace the output even if it is a file of another kind or an input; any name is taken"
    command.add_argument("--force", action="store_true", help=text)


def _add_rule(command: Any, option: str, text: str, text_of_rate: str) -> None:
    """Two ways to say what sets the threshold."""
    ways, name = command.add_mutually_exclusive_group(), option.removeprefix("--")
    ways.add_argument(option, type=rule, metavar="RULE", help=text)
    ways.add_argument("--false-alarm-rate", type=false_alarm_rate, dest=name, metavar="RATE", help=text_of_rate)


def _add_report(commands: Any) -> None:
    command = commands.add_parser("report", help="write a page in HTML on the rows of a table: flags, reasons, drift")
    command.add_argument("model", type=Path, help="the model file")
    command.add_argument("table", help="rows to score: .csv, .csv.gz, .parquet, or - for CSV on standard input")
    command.add_argument(
        "-o", "--output", required=True, metavar="REPORT.html", help="the page, or - for standard output"
    )
    _add_force(command)
    command.add_argument("--rows", type=_positive, default=100, metavar="N", help="rows to show, worst first; 100")
    command.add_argument("--title", metavar="TEXT", help="what the page is called")
    command.set_defaults(run=run_report)


def _add_export(commands: Any) -> None:
    command = commands.add_parser("export", help="write a model as an ONNX graph, which scores without torch")
    command.add_argument("model", type=Path, help="the model file")
    command.add_argument("output", type=Path, metavar="GRAPH.onnx", help="the graph")
    _add_force(command)
    command.set_defaults(run=run_export)


def _add_info(commands: Any) -> None:
    command = commands.add_parser("info", help="say what a model file holds, without loading the model")
    command.add_argument("model", type=Path)
    command.add_argument("--json", action="store_true", help="print the manifest as JSON")
    command.set_defaults(run=run_info)


def _add_demo(commands: Any) -> None:
    command = commands.add_parser("demo", help="fit and score a real table that scikit-learn ships; needs no network")
    command.add_argument("--folder", type=Path, default=Path("aeanomaly-demo"), help="default: aeanomaly-demo")
    command.set_defaults(run=run_demo)


_WORDS = ("true", "false", "none")


def _literal(text: str) -> Any:
    """A Python literal where the text is one, true, false and none in any case among them; else the text itself."""
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
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)
