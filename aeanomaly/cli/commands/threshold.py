"""Options of ``aeanomaly threshold``."""

import argparse
from pathlib import Path

from aeanomaly.cli.arguments import add_force, add_reading, add_rule, new_command


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = new_command(
        commands,
        "threshold",
        "Set the threshold of a model without training.",
        "aeanomaly threshold model.aea --false-alarm-rate 0.01 --rows normal.csv --in-place",
        "aeanomaly threshold model.aea --labels labeled.csv --rule 'TargetPrecision(0.9)' -o precise.aea",
    )
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
    target = command.add_mutually_exclusive_group()
    target.add_argument("-o", "--output", type=Path, metavar="MODEL.aea", help="model file to write")
    target.add_argument("--in-place", action="store_true", help="replace the model file")
    add_force(command)
    add_reading(command)
    command.add_argument("--json", action="store_true", help="print a summary as JSON")
