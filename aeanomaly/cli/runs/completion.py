"""``aeanomaly completion``."""

import argparse

from aeanomaly.cli.parser import build_parser
from aeanomaly.reading import import_extra


def run(options: argparse.Namespace) -> None:
    """Print a script for a shell."""
    shtab = import_extra("shtab", "completion", "shell completion needs")
    print(shtab.complete(build_parser(), shell=options.shell))
