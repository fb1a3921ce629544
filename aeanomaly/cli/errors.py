"""What the command line says to its user."""

import re
import shlex


class CommandError(Exception):
    """One sentence for standard error; the exit code is 1."""


def quoted(word: str) -> str:
    """Quote a word for a shell, in double quotes where these do."""
    return f'"{word}"' if "'" in word and not re.search(r'["$`\\!]', word) else shlex.quote(word)
