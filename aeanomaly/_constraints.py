"""Constraints on parameters, with a one-sentence error for each violation."""

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np


class Constraint(NamedTuple):
    """Condition on the value of a parameter.

    Attributes
    ----------
    allows : callable(value) -> bool
        Function that returns True for an allowed value.
    text : str
        Description of the allowed values, for the error message.

    Examples
    --------
    >>> integer(1).check("Detector", "max_iter", 0)
    Traceback (most recent call last):
    ...
    ValueError: Detector: max_iter must be an integer of at least 1; got 0
    """

    allows: Callable[[Any], bool]
    text: str

    def check(self, owner: str, name: str, value: Any) -> None:
        """Raise a ValueError that names owner, parameter, constraint and value if the constraint is violated."""
        if not self.allows(value):
            raise ValueError(f"{owner}: {name} must be {self.text}; got {value!r}")


def integer(low: int, high: float = math.inf) -> Constraint:
    """Allow an integer between two bounds, inclusive."""
    text = f"an integer of at least {low}" if math.isinf(high) else f"an integer from {low} to {high:,}"
    return Constraint(lambda v: _is_integer(v) and low <= v <= high, text)


def real(low: float, high: float = np.inf, *, with_low: bool = False, with_high: bool = False) -> Constraint:
    """Allow a finite number between two bounds; `with_low` and `with_high` include the bounds."""

    def allows(v: Any) -> bool:
        if not isinstance(v, Real) or isinstance(v, bool):
            return False
        v = float(v)
        return math.isfinite(v) and (v > low or (with_low and v == low)) and (v < high or (with_high and v == high))

    if high == np.inf:
        return Constraint(allows, f"a number {'of at least' if with_low else 'above'} {low:g}")
    return Constraint(allows, f"a number in {'[' if with_low else '('}{low:g}, {high:g}{']' if with_high else ')'}")


def one_of(*words: str) -> Constraint:
    """Allow one of several strings."""
    return Constraint(lambda v: isinstance(v, str) and v in words, "one of " + ", ".join(map(repr, words)))


def boolean() -> Constraint:
    """Allow True and False."""
    return Constraint(lambda v: isinstance(v, (bool, np.bool_)), "True or False")


def any_of(first: Constraint, second: Constraint) -> Constraint:
    """Allow the values of either constraint."""
    return Constraint(lambda v: first.allows(v) or second.allows(v), f"{first.text}, or {second.text}")


def layer_sizes() -> Constraint:
    """Allow a tuple of positive integers."""
    return Constraint(
        lambda v: isinstance(v, (tuple, list)) and all(_is_integer(w) and w >= 1 for w in v),
        "a tuple of positive integers, () for none",
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
