"""Errors of the command line."""

import difflib
import re
import shlex
from collections.abc import Iterable
from typing import Any

_COLUMN_TYPES = re.compile(r"(?<!['\"])column_types=\{[^{}]*\}")
#: Advice for the Python API, and the options of the command line that do the same.
_OPTIONS: dict[re.Pattern[str], Any] = {
    re.compile(r"set identifiers='keep'"): "pass --set identifiers=keep",
    re.compile(r"or identifiers=\[([^\]]*)\]"): lambda found: _as_id_or_drops(found[1]),
    re.compile(r"(?:set|pass) na_values=\['([^']*)'\] in aeanomaly.read_table"): r"pass --na=\1",
    re.compile(r"(?<!-)\b(sep|decimal|encoding|sheet|table)=('[^']*')"): r"--\1 \2",
    re.compile(r"(?<!-)\bday_first=True"): "--day-first",
    re.compile(r"(?<!-)\bday_first=False"): "--month-first",
}


def _as_id_or_drops(listed: str) -> str:
    """Return options for columns that identify rows: one of them may name the rows."""
    names = re.findall(r"'[^']*'|[^,\s]+", listed)
    return f"--id {names[0]} to name the rows by it, or {' '.join(f'--drop {name}' for name in names)}"


class CommandError(Exception):
    """An error with a message for standard error; the exit code is 1."""


def quote(word: str) -> str:
    """Quote a word for a shell, in double quotes if possible."""
    return f'"{word}"' if "'" in word and not re.search(r'["$`\\!]', word) else shlex.quote(word)


def suggestion(name: str, known: Iterable[Any]) -> str:
    """Return a question for a misspelled name, such as " (did you mean 'amount'?)"; empty without a close name."""
    close = difflib.get_close_matches(name, list(map(str, known)), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def with_options(text: str) -> str:
    """Rewrite advice for the Python API as options of the command line."""
    for advice, option in _OPTIONS.items():
        text = advice.sub(option, text)
    text = _COLUMN_TYPES.sub(lambda found: f"--set {quote(found[0])}", text)
    return text.replace("set --set", "pass --set")
