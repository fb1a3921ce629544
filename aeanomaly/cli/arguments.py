"""Options that several commands share, and types of arguments."""

import argparse
import ast
from collections.abc import Iterable
from typing import Any

from aeanomaly.cli.errors import CommandError, quote, suggestion
from aeanomaly.cli.rules import alerts, false_alarm_rate, rule

#: Names of the detectors on the command line.
DETECTORS = ("contractive", "denoising", "ensemble", "sparse", "undercomplete", "variational")
_WORDS = ("true", "false", "none")


def new_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, description: str, *examples: str
) -> argparse.ArgumentParser:
    """Return the parser of a new command, with options that all commands have."""
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=description[0].lower() + description[1:].removesuffix("."),
        description=description,
        epilog="examples:\n" + "\n".join(f"  {example}" for example in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    amount = command.add_mutually_exclusive_group()
    amount.add_argument("-q", "--quiet", action="store_true", help="print errors and results only")
    amount.add_argument("-v", "--verbose", action="store_true", help="show the progress from the start")
    return command


def add_force(command: argparse.ArgumentParser) -> None:
    """Add the option ``--force`` of commands that write a file."""
    text = "accept any output name, and replace an input or a file of another kind"
    command.add_argument("--force", action="store_true", help=text)


def add_rule(command: argparse.ArgumentParser, option: str, text: str, text_of_rate: str) -> None:
    """Add mutually exclusive options that select the threshold rule."""
    ways, name = command.add_mutually_exclusive_group(), option.removeprefix("--")
    ways.add_argument(option, type=rule, metavar="RULE", help=text)
    ways.add_argument("--false-alarm-rate", type=false_alarm_rate, dest=name, metavar="RATE", help=text_of_rate)
    ways.add_argument(
        "--alerts",
        type=alerts,
        dest=name,
        metavar="ALERTS/ROWS",
        help="the same rate as a number of false alarms per number of normal rows, such as 5/2000",
    )


def add_id(command: argparse.ArgumentParser, text: str) -> None:
    """Add the option ``--id``, a column that names the rows."""
    command.add_argument("--id", metavar="COLUMN", help=text)


def add_reading(command: argparse.ArgumentParser) -> None:
    """Add options for the format of the tables that a command reads; by default, it is inferred."""
    group = command.add_argument_group("format of the table", "inferred by default, or taken from the training table")
    group.add_argument("--sep", metavar="MARK", type=_separator, help="separator of fields: , ; | tab or blank")
    group.add_argument("--decimal", choices=(".", ","), metavar="MARK", help="decimal mark, . or ,")
    group.add_argument("--encoding", metavar="NAME", help="encoding of a text file, such as cp1252")
    group.add_argument("--no-header", action="store_true", help="the first line contains values, not the column names")
    group.add_argument("--sheet", metavar="NAME", help="sheet of an Excel workbook")
    group.add_argument(
        "--table", dest="table_name", metavar="NAME", help="table of a database, or file of a zip archive"
    )
    group.add_argument(
        "--na", action="append", default=[], metavar="MARK", help="text that marks a missing value; repeatable"
    )
    order = group.add_mutually_exclusive_group()
    order.add_argument("--day-first", action="store_true", default=None, help="read 05/06/2024 as June 5")
    order.add_argument("--month-first", action="store_false", dest="day_first", help="read 05/06/2024 as May 6")


def _separator(text: str) -> str:
    """Parse a separator: a character or its name."""
    named = {"tab": "\t", "\\t": "\t", "blank": " ", "space": " ", "comma": ",", "semicolon": ";"}
    mark = named.get(text.lower(), text)
    if len(mark) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a single character, tab or blank")
    return mark


def check_column(option: str, name: str | None, names: Iterable[Any], table: str) -> None:
    """Raise a CommandError if the column of an option is given, but is not among the columns of the table."""
    names = list(names)
    if name is not None and name not in names:
        listed = ", ".join(map(str, names[:20]))
        raise CommandError(
            f"{table}: column {name!r} of {option} does not exist{suggestion(name, names)}; the columns are {listed}"
        )


def _literal(text: str) -> Any:
    """Parse a Python literal, with true, false and none in any case; return other text unchanged."""
    try:
        return ast.literal_eval(text.title() if text.lower() in _WORDS else text)
    except (ValueError, SyntaxError):
        return text


def assignment(text: str) -> tuple[str, Any]:
    """Parse NAME=VALUE."""
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE, such as max_iter=500")
    return name, _literal(value)


def share(text: str) -> float:
    """Parse a number between 0 and 1, both excluded."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share between 0 and 1, such as 0.05")
    return value


def number_of_reasons(text: str) -> int:
    """Parse the optional number of --explain, which a file name may follow by mistake."""
    try:
        return positive_integer(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; put --explain after the files, or write --explain=3") from None


def check_order(options: argparse.Namespace) -> None:
    """Raise a CommandError if the model follows the table."""
    model, tables = getattr(options, "model", None), getattr(options, "tables", None) or [getattr(options, "table", "")]
    if model is None or model.suffix == ".aea" or not str(tables[0]).endswith(".aea"):
        return
    raise CommandError(
        f"the model comes before the table; write: aeanomaly {options.command} {quote(tables[0])} {quote(str(model))}"
    )


def positive_integer(text: str) -> int:
    """Parse an integer of at least 1."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)
