"""Options of ``aeanomaly completion``."""

import argparse

from aeanomaly.cli.arguments import new_command


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = new_command(
        commands,
        "completion",
        "Print a shell script that completes commands and options.",
        'eval "$(aeanomaly completion bash)"',
    )
    command.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="shell that runs the script")
