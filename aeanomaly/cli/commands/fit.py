"""Options of ``aeanomaly fit``."""

import argparse
from pathlib import Path

from aeanomaly.cli.arguments import DETECTORS, add_force, add_id, add_reading, add_rule, assignment, new_command


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = new_command(
        commands,
        "fit",
        "Fit a detector to normal rows, and write a model file.",
        "aeanomaly fit history.csv -o model.aea",
        "aeanomaly fit history.csv -o model.aea --id order_id --alerts 5/2000",
        'aeanomaly fit "logs/*.parquet" -o model.aea --detector ensemble --drop comment',
    )
    command.add_argument(
        "tables",
        nargs="+",
        metavar="TABLE",
        help="training rows: files, folders or patterns of any common format; - for standard input",
    )
    command.add_argument("-o", "--output", required=True, type=Path, metavar="MODEL.aea", help="model file to write")
    add_force(command)
    command.add_argument(
        "--detector", choices=DETECTORS, default="denoising", help="kind of detector; default: denoising"
    )
    add_rule(
        command,
        "--contamination",
        "share of training rows to flag, or a rule such as 'PeaksOverThreshold(1e-5)'; default: auto",
        "maximum share of new normal rows to flag; holds out 20%% of the training rows",
    )
    command.add_argument(
        "--groups",
        action="append",
        default=[],
        metavar="COLUMN",
        help="column that identifies groups, such as customers; each row is compared with its group; repeatable",
    )
    command.add_argument(
        "--missing",
        choices=("error", "model", "informative"),
        help="missing cells: reject them, model them, or model them and also score which cells are missing; default: "
        "model if the table has missing cells, otherwise error",
    )
    command.add_argument("--drop", action="append", default=[], metavar="COLUMN", help="exclude a column; repeatable")
    add_id(command, "column that names the rows; excluded from the model, and optional in tables to score")
    command.add_argument(
        "--label",
        metavar="COLUMN",
        help="label column, {0, 1} with 1 = anomaly or {+1, -1} with -1 = anomaly; not used for training",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        type=assignment,
        dest="parameters",
        metavar="NAME=VALUE",
        help="parameter of the detector; repeatable; random_state defaults to 0",
    )
    command.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="file that saves the progress, from which an interrupted fit resumes; used for tables above 64 MB",
    )
    add_reading(command)
    command.add_argument("--json", action="store_true", help="print a summary as JSON")
