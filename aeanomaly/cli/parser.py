"""Parser of the command line, with suggestions for misspelled words."""

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from aeanomaly._version import __version__
from aeanomaly.cli.commands import COMMANDS
from aeanomaly.cli.errors import suggestion

#: Answers to words that are not commands.
_MEANT = {
    "explain": "; to explain scores, run: aeanomaly score MODEL.aea TABLE --explain",
    "predict": "; to flag rows, run: aeanomaly score MODEL.aea TABLE",
    "train": "; to train a model, run: aeanomaly fit TABLE -o MODEL.aea",
}


class Parser(argparse.ArgumentParser):
    """Parser that suggests options and commands of similar names."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Parse arguments; unknown ones are an error of the command that they belong to."""
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            command = self._commands().get(getattr(found, "command", None) or "", self)
            options = [option for action in command._actions for option in action.option_strings]
            first = unknown[0].partition("=")[0]
            close = suggestion(first, options) if first.startswith("-") else ""
            command.error(f"unrecognized arguments: {' '.join(unknown)}{close}")
        return found

    def error(self, message: str) -> NoReturn:
        """Print the usage and a message, with a suggestion for a misspelled choice, and exit with 2."""
        if match := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            choices = [choice.strip(" '") for choice in match[2].split(",")]
            message += _MEANT.get(match[1]) or suggestion(match[1], choices)
        super().error(message)

    def _commands(self) -> dict[str, argparse.ArgumentParser]:
        groups = (action for action in self._actions if isinstance(action, argparse._SubParsersAction))
        return {name: parser for group in groups for name, parser in group.choices.items()}


def build_parser() -> Parser:
    """Return the parser of the command line; `command` is the name of the command, or None."""
    root = Parser(
        prog="aeanomaly",
        description="Anomaly detection by reconstruction error.",
        epilog="start with:\n  aeanomaly demo\n  aeanomaly fit normal.csv -o model.aea\n"
        "  aeanomaly score model.aea new.csv --top 5 --explain",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("-V", "--version", action="version", version=f"aeanomaly {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for command in COMMANDS:
        command.add_parser(commands)
    return root
