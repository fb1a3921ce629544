"""Options of ``aeanomaly drift``."""

import argparse
from pathlib import Path

from aeanomaly.cli.arguments import add_reading, new_command


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = new_command(
        commands,
        "drift",
        "Compare the columns of a table with those of the training rows.",
        "aeanomaly drift model.aea this_week.csv",
        "aeanomaly drift model.aea this_week.csv --json",
    )
    command.add_argument("model", type=Path, help="model file")
    command.add_argument("tables", nargs="+", metavar="TABLE", help="rows to compare; - for standard input")
    add_reading(command)
    command.add_argument("--json", action="store_true", help="print the measures of each column as JSON")
