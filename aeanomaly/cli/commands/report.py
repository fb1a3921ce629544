"""Options of ``aeanomaly report``."""

import argparse
from pathlib import Path

from aeanomaly.cli.arguments import add_force, add_id, add_reading, new_command, positive_integer


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = new_command(
        commands,
        "report",
        "Write an HTML report on a table: flagged rows, explanations and drift.",
        "aeanomaly report model.aea today.csv -o report.html --id order_id",
    )
    command.add_argument("model", type=Path, help="model file")
    command.add_argument("table", help="rows to score: a file, folder or pattern; - for standard input")
    command.add_argument(
        "-o", "--output", required=True, metavar="REPORT.html", help="page to write; - for standard output"
    )
    add_force(command)
    command.add_argument(
        "--rows", type=positive_integer, default=100, metavar="N", help="number of rows to list; default: 100"
    )
    add_id(command, "column that names the rows, in place of their numbers")
    command.add_argument("--title", metavar="TEXT", help="title of the page; default: name of the table and date")
    add_reading(command)
    command.add_argument("--json", action="store_true", help="print a summary as JSON")
