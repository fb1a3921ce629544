"""Text of others on a page: never markup, never endless, never in disguise."""

import html
import re
import unicodedata
from typing import Any

import pandas as pd

#: Letters that a page shows of a text, and of its whole, which is shown on hovering.
_MOST, _MOST_OF_WHOLE = 80, 2000
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BREAKS = {"\t": "\u21e5", "\n": "\u21b5", "\r": "\u240d"}


def visible(text: Any) -> str:
    """Control characters, and those that turn the direction of what follows, as signs that one sees."""
    return _INVISIBLE.sub(lambda found: _sign(found[0]), str(text))


def _sign(character: str) -> str:
    return _BREAKS.get(character) or f"\u27e8U+{ord(character):04X}\u27e9"


def escaped(text: Any, most: int = _MOST_OF_WHOLE) -> str:
    """Text for an element or an attribute in double quotes, with a mark where it was cut."""
    return html.escape(_cut(visible(text), most))


def isolated(text: Any, most: int = _MOST, direction: str = "auto") -> str:
    """Text as an element of its own: its direction is its own, and all of it is shown on hovering where it is long."""
    shown = visible(text)
    whole = f' title="{escaped(shown)}"' if len(shown) > most else ""
    turned = "" if direction == "auto" else f' dir="{direction}"'
    text = escaped(shown, most)
    if " " not in text:
        text = text.replace("_", "_<wbr>")  # where a name may be broken
    return f"<bdi{turned}{whole}>{text}</bdi>"


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    end = most - 1
    while end > 1 and (unicodedata.combining(text[end]) or text[end] in "\u200d\ufe0f" or text[end - 1] == "\u200d"):
        end -= 1  # not within what is seen as one letter
    return f"{text[:end]}\u2026"


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def number(value: float) -> str:
    """Four digits, or all of those before the point."""
    value = float(value)
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def percent(share: float) -> str:
    """0.021 -> 2.1 %; a dash where there is none."""
    if is_missing(share):
        return "\u2013"
    percents = 100 * float(share)
    if 0 < percents < 0.01:
        return "< 0.01 %"
    return f"{percents:.0f} %" if percents >= 99.95 or percents == 0 else f"{percents:.2g} %"
