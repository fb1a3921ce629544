"""Rates and rules in sentences."""

import math
import re

#: A rate is given as a number of rows among this many, or ten, a hundred ... times as many.
_FEWEST_ROWS = 100
_LONG_NUMBER = re.compile(r"\b\d+\.\d{4,}(?:e[-+]?\d+)?\b")


def rows_in_words(rate: float) -> str:
    """Return a rate as a number of rows, such as "about 17 of 1,000"."""
    n_rows = _FEWEST_ROWS
    while rate * n_rows < 10 and not math.isclose(rate * n_rows, round(rate * n_rows)):
        n_rows *= 10
    return f"about {rate * n_rows:.0f} of {n_rows:,}"


def round_numbers(rule: str) -> str:
    """Round the long numbers in the text of a rule to three significant digits."""
    return _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.3g}", rule)
