"""Options of ``aeanomaly info``."""

import argparse
from pathlib import Path

from aeanomaly.cli.arguments import new_command


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = new_command(
        commands,
        "info",
        "Describe a model file without loading the model.",
        "aeanomaly info model.aea",
    )
    command.add_argument("model", type=Path, help="model file")
    command.add_argument("--json", action="store_true", help="print the manifest as JSON")
