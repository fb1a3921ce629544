"""Command line: parse arguments, call the public API of the library, print results."""

import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aeanomaly.cli.arguments import check_order
from aeanomaly.cli.errors import CommandError, suggestion, with_options
from aeanomaly.cli.notes import note, notes_unless, working
from aeanomaly.cli.parser import build_parser

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
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        with warnings.catch_warnings(), notes_unless(quiet=options.quiet):
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            check_order(options)
            with working("loading the package"):
                command = importlib.import_module(f"aeanomaly.cli.runs.{options.command}")
            command.run(options)
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


def _to_text(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        path = Path(os.fsdecode(error.filename))
        is_missing = isinstance(error, FileNotFoundError) and path.parent.is_dir()
        others = [str(other) for other in path.parent.iterdir()] if is_missing else []
        return f"{error.filename}: {error.strerror}{suggestion(str(path), others)}"
    return with_options(str(error)) or type(error).__name__


def _show_warning(message: Any, *_: Any, **__: Any) -> None:
    note(f"aeanomaly: warning: {with_options(str(message))}")
