"""Command line: parse, call the public API, print. Nothing is computed here that the library does not offer."""

import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from aeanomaly.cli.arguments import parser
from aeanomaly.cli.errors import CommandError, quoted

__all__ = ["main"]

_FAILED, _INTERRUPTED = 1, 130
_COLUMN_TYPES = re.compile(r"(?<!['\"])column_types=\{[^{}]*\}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    code : int
        0: done. 1: it failed, and standard error says why. 130: interrupted. Wrong usage exits with 2.
    """
    options = parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            options.run(options)
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("aeanomaly: interrupted; no file is half-written", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader has left; keep the interpreter from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except (CommandError, ValueError, TypeError, OSError, ImportError, MemoryError, RuntimeError) as error:
        print(f"aeanomaly: error: {_in_words(error)}", file=sys.stderr)
        return _FAILED
    return 0


def _in_words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return _with_options(str(error)) or type(error).__name__


def _show_warning(message: Any, *_: Any, **__: Any) -> None:
    print(f"aeanomaly: warning: {_with_options(str(message))}", file=sys.stderr)


def _with_options(text: str) -> str:
    """Write advice of the library as it is typed on the command line."""
    return _COLUMN_TYPES.sub(lambda found: f"--set {quoted(found[0])}", text)
