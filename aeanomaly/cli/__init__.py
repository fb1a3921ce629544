"""Command line: parse arguments, call the public API of the library, print results."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from aeanomaly._version import __version__
from aeanomaly.cli.commands import COMMANDS
from aeanomaly.cli.errors import CommandError, with_options

__all__ = ["main"]

_FAILED, _INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the process by default.

    Returns
    -------
    code : int
        0 = success; 1 = failure, with a message on standard error; 130 = interrupted. Wrong usage exits with 2.
    """
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            options.run(options)
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("aeanomaly: interrupted; no file was partially written", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe; avoid a second error when the interpreter flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except (CommandError, ValueError, TypeError, OSError, ImportError, MemoryError, RuntimeError) as error:
        print(f"aeanomaly: error: {_to_text(error)}", file=sys.stderr)
        return _FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    """Return the parser; each command sets ``run``, a function of the parsed options."""
    root = argparse.ArgumentParser(prog="aeanomaly", description="Anomaly detection by reconstruction error.")
    root.add_argument("--version", action="version", version=f"aeanomaly {__version__}")
    commands = root.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return root


def _to_text(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return with_options(str(error)) or type(error).__name__


def _show_warning(message: Any, *_: Any, **__: Any) -> None:
    print(f"aeanomaly: warning: {with_options(str(message))}", file=sys.stderr)
