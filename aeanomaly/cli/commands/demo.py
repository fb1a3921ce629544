"""Options of ``aeanomaly demo``."""

import argparse
from pathlib import Path

from aeanomaly.cli.arguments import new_command


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = new_command(
        commands,
        "demo",
        "Fit and score a table from scikit-learn; works offline.",
        "aeanomaly demo --folder demo",
    )
    command.add_argument(
        "--folder", type=Path, default=Path("aeanomaly-demo"), help="output folder; default: aeanomaly-demo"
    )
    command.add_argument("--json", action="store_true", help="print a summary as JSON")
