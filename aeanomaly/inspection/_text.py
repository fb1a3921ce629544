"""Shortening and formatting of text from tables, for the page and for the displays."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import pandas as pd

from aeanomaly.fitting import format_cell

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BREAKS = {"\t": "\u21e5", "\n": "\u21b5", "\r": "\u240d"}


def visible(text: Any) -> str:
    """Replace control characters and bidirectional formatting characters by visible symbols."""
    return _INVISIBLE.sub(lambda found: _sign(found[0]), str(text))


def _sign(character: str) -> str:
    return _BREAKS.get(character) or f"\u27e8U+{ord(character):04X}\u27e9"


def cut(text: str, most: int) -> str:
    """Shorten a text at its end to a number of characters; an ellipsis marks the omitted ones."""
    return text if len(text) <= most else f"{text[: _boundary(text, most - 1)]}{ELLIPSIS}"


def cut_names(names: Iterable[str], most: int) -> list[str]:
    """Shorten names in their middle, such as "temperature_o…_sensor_3".

    Names that have the same start and the same end keep the part in which they differ.
    """
    names = list(names)
    short = [_cut_middle(name, most) for name in names]
    alike: dict[str, set[str]] = {}
    for name, text in zip(names, short, strict=True):
        alike.setdefault(text, set()).add(name)
    common = {text: _common_length(min(group), max(group)) for text, group in alike.items() if len(group) > 1}
    return [
        _cut_around(name, common[text], most) if text in common and len(name) > most else text
        for name, text in zip(names, short, strict=True)
    ]


def _common_length(first: str, second: str) -> int:
    """Return the number of equal characters at the start of two different texts."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


def _cut_middle(name: str, most: int) -> str:
    if len(name) <= most:
        return name
    n_last = 2 * (most - 1) // 5
    start, end = _boundary(name, most - 1 - n_last), len(name) - n_last
    while end < len(name) and not _is_boundary(name, end):
        end += 1
    return f"{name[:start]}{ELLIPSIS}{name[end:]}"


def _cut_around(name: str, place: int, most: int) -> str:
    """Shorten a name to its start and the characters around a place."""
    start = _boundary(name, most // 4)
    again = _boundary(name, max(start, place - most // 3))
    return f"{name[:start]}{ELLIPSIS}{cut(name[again:], most - start - 1)}"


def _boundary(text: str, end: int) -> int:
    """Return the last place up to `end` that does not separate combining characters or joined emoji."""
    while end > 1 and not _is_boundary(text, end):
        end -= 1
    return end


def _is_boundary(text: str, place: int) -> bool:
    return not (unicodedata.combining(text[place]) or text[place] in "\u200d\ufe0f" or text[place - 1] == "\u200d")


def label_text(label: Any) -> str:
    """Return the label of a row as text; the parts of a label of a MultiIndex are separated by commas."""
    return ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def index_name(index: Any) -> str:
    """Return the name of an index; "row" if it has no name or is None."""
    names = [] if index is None else [str(name) for name in index.names if name is not None]
    return ", ".join(names) or "row"


def is_missing(value: Any) -> bool:
    """Return whether a cell is a missing value."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def number(value: float) -> str:
    """Format a number with four significant digits, or with all digits before the decimal point."""
    return format_cell(float(value))


def percent(share: float) -> str:
    """Format a share as a percentage: 0.021 -> 2.1%; a dash if it is missing."""
    if is_missing(share):
        return "\u2013"
    percents = 100 * float(share)
    if 0 < percents < 0.01:
        return "< 0.01%"
    return f"{percents:.0f}%" if percents >= 99.95 or percents == 0 else f"{percents:.2g}%"
