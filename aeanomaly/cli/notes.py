"""Notes for the user on standard error, and signs of life of long steps."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: Seconds until a step shows that it is at work, and between two such signs.
_PATIENCE = 1.5
_IS_QUIET: ContextVar[bool] = ContextVar("is_quiet", default=False)


@contextmanager
def notes_unless(*, quiet: bool) -> Iterator[None]:
    """Suppress notes within a context if `quiet`."""
    token = _IS_QUIET.set(quiet)
    try:
        yield
    finally:
        _IS_QUIET.reset(token)


def note(text: str) -> None:
    """Print a line on standard error, unless notes are suppressed."""
    if not _IS_QUIET.get():
        print(text, file=sys.stderr)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal that a step is at work, such as "reading history.csv: 3 s", if it takes long.

    Where standard error is not a terminal, one line says that the step has started.
    """
    if _IS_QUIET.get():
        yield
        return
    done, is_terminal = threading.Event(), sys.stderr.isatty()

    def show() -> None:
        start = time.monotonic()
        while not done.wait(_PATIENCE):
            if not is_terminal:
                print(f"{what} ...", file=sys.stderr, flush=True)
                return
            print(f"\r{what}: {time.monotonic() - start:.0f} s ", end="", file=sys.stderr, flush=True)

    thread = threading.Thread(target=show, name="aeanomaly shows progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        if is_terminal:
            print(f"\r{' ' * (len(what) + 12)}\r", end="", file=sys.stderr, flush=True)
