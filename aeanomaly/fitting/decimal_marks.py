"""Decimal mark of the numbers in sentences: a point, or the comma of the table that a command reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_MARK: ContextVar[str] = ContextVar("mark", default=".")
_WITH_COMMA = str.maketrans({".": ",", ",": None})


@contextmanager
def decimal_mark(mark: str) -> Iterator[None]:
    """Write the numbers in sentences with a decimal mark, "." or ",", within a context."""
    token = _MARK.set(mark)
    try:
        yield
    finally:
        _MARK.reset(token)


def as_written(number: str) -> str:
    """Return a formatted number with the decimal mark of the context; with a comma, nothing separates thousands."""
    return number.translate(_WITH_COMMA) if _MARK.get() == "," else number
