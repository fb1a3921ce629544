"""Escaping, shortening and formatting of text from tables."""

import html
import re
import unicodedata
from typing import Any

import pandas as pd

from aeanomaly.fitting import format_cell

#: Maximum number of characters of a text on the page, and of its full text in a tooltip.
_MAX_SHOWN, _MAX_TITLE = 80, 2000
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BREAKS = {"\t": "\u21e5", "\n": "\u21b5", "\r": "\u240d"}


def visible(text: Any) -> str:
    """Replace control characters and bidirectional formatting characters by visible symbols."""
    return _INVISIBLE.sub(lambda found: _sign(found[0]), str(text))


def _sign(character: str) -> str:
    return _BREAKS.get(character) or f"\u27e8U+{ord(character):04X}\u27e9"


def escaped(text: Any, most: int = _MAX_TITLE) -> str:
    """Escape text for an HTML element or a double-quoted attribute; an ellipsis marks omitted characters."""
    return html.escape(_cut(visible(text), most))


def isolated(text: Any, most: int = _MAX_SHOWN, direction: str = "auto") -> str:
    """Return a `bdi` element with text of any direction; a tooltip shows the full text if it is shortened."""
    shown = visible(text)
    whole = f' title="{escaped(shown)}"' if len(shown) > most else ""
    turned = "" if direction == "auto" else f' dir="{direction}"'
    text = escaped(shown, most)
    if " " not in text:
        text = text.replace("_", "_<wbr>")  # allows a line break within a name
    return f"<bdi{turned}{whole}>{text}</bdi>"


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    end = most - 1
    while end > 1 and (unicodedata.combining(text[end]) or text[end] in "\u200d\ufe0f" or text[end - 1] == "\u200d"):
        end -= 1  # keeps combining characters and joined emoji together
    return f"{text[:end]}\u2026"


def is_missing(value: Any) -> bool:
    """Return whether a cell is a missing value."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def number(value: float) -> str:
    """Format a number with four significant digits, or with all digits before the decimal point."""
    return format_cell(float(value))


def percent(share: float) -> str:
    """Format a share as a percentage: 0.021 -> 2.1 %; a dash if it is missing."""
    if is_missing(share):
        return "\u2013"
    percents = 100 * float(share)
    if 0 < percents < 0.01:
        return "< 0.01 %"
    return f"{percents:.0f} %" if percents >= 99.95 or percents == 0 else f"{percents:.2g} %"
