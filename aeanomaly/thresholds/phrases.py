"""Rates and rules in sentences."""

import math
import re
from fractions import Fraction

#: A rate is given as a number of rows among this many, or ten, a hundred ... times as many.
_FEWEST_ROWS = 100
#: A rate is given as a fraction of at most this number of rows, if its decimal form is longer than this.
_MOST_ROWS, _DECIMALS = 1000, 4
_LONG_NUMBER = re.compile(r"\b\d+\.\d{4,}(?:e[-+]?\d+)?\b")


def rows_in_words(rate: float) -> str:
    """Return a rate as a number of rows, such as "about 5 of 57" or "about 17 of 1,000"."""
    if (fraction := _simple_fraction(rate)) is not None:
        return f"about {fraction.numerator} of {fraction.denominator}"
    n_rows = _FEWEST_ROWS
    while rate * n_rows < 10 and not math.isclose(rate * n_rows, round(rate * n_rows)):
        n_rows *= 10
    return f"about {rate * n_rows:.0f} of {n_rows:,}"


def _simple_fraction(rate: float) -> Fraction | None:
    """Return a rate as a fraction, if it is that of a few rows and has no short decimal form."""
    fraction = Fraction(rate).limit_denominator(_MOST_ROWS)
    is_short = 10**_DECIMALS % fraction.denominator == 0
    return fraction if float(fraction) == rate and not is_short else None


def round_numbers(rule: str) -> str:
    """Round the long numbers in the text of a rule to three significant digits; also their distance from 1, for shares.

    Examples
    --------
    >>> round_numbers("Conformal(alpha=0.08771929824561403)"), round_numbers("Quantile(0.99999)")
    ('Conformal(alpha=0.0877)', 'Quantile(0.99999)')
    """
    return _LONG_NUMBER.sub(lambda found: _rounded(float(found[0])), rule)


def _rounded(number: float) -> str:
    distance = min(number, 1 - number) if 0 < number < 1 else number
    decimals = 2 - math.floor(math.log10(distance)) if distance else 0
    return f"{round(number, decimals):.15g}"
