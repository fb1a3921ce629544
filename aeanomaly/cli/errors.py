"""Errors of the command line."""

import re
import shlex


class CommandError(Exception):
    """An error with a message for standard error; the exit code is 1."""


def quote(word: str) -> str:
    """Quote a word for a shell, in double quotes if possible."""
    return f'"{word}"' if "'" in word and not re.search(r'["$`\\!]', word) else shlex.quote(word)
