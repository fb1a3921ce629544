"""Checks of parameters: once, at the door, one sentence each."""

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from aeanomaly.preprocessing import COLUMN_TYPES
from aeanomaly.thresholds import as_threshold


class Rule(NamedTuple):
    """What a parameter may be: a test, and the same in words."""

    allows: Callable[[Any], bool]
    text: str

    def check(self, owner: str, name: str, value: Any) -> None:
        """Raise a ValueError that names owner, parameter, rule and value if the rule is broken."""
        if not self.allows(value):
            raise ValueError(f"{owner}: {name} must be {self.text}; got {value!r}")


def integer(least: int, most: float = math.inf) -> Rule:
    said = f"an integer of at least {least}" if math.isinf(most) else f"an integer from {least} to {most:,}"
    return Rule(lambda v: _is_integer(v) and least <= v <= most, said)


def real(low: float, high: float = np.inf, *, with_low: bool = False, with_high: bool = False) -> Rule:
    """A finite number between two bounds, which belong to it where `with_low`, `with_high` say so."""

    def allows(v: Any) -> bool:
        if not isinstance(v, Real) or isinstance(v, bool):
            return False
        v = float(v)
        return math.isfinite(v) and (v > low or (with_low and v == low)) and (v < high or (with_high and v == high))

    if high == np.inf:
        return Rule(allows, f"a number {'of at least' if with_low else 'above'} {low:g}")
    return Rule(allows, f"a number in {'[' if with_low else '('}{low:g}, {high:g}{']' if with_high else ')'}")


def one_of(*words: str) -> Rule:
    return Rule(lambda v: isinstance(v, str) and v in words, "one of " + ", ".join(map(repr, words)))


def flag() -> Rule:
    return Rule(lambda v: isinstance(v, (bool, np.bool_)), "True or False")


def either(first: Rule, second: Rule) -> Rule:
    return Rule(lambda v: first.allows(v) or second.allows(v), f"{first.text}, or {second.text}")


def widths() -> Rule:
    return Rule(
        lambda v: isinstance(v, (tuple, list)) and all(_is_integer(w) and w >= 1 for w in v),
        "a tuple of positive integers, () for none",
    )


def types_of_columns() -> Rule:
    def allows(value: Any) -> bool:
        if value is None:
            return True
        return isinstance(value, Mapping) and all(
            kind in COLUMN_TYPES if isinstance(kind, str) else isinstance(kind, (list, tuple)) and len(kind) > 1
            for kind in value.values()
        )

    return Rule(allows, f"None, or a dict of column to one of {', '.join(map(repr, COLUMN_TYPES))} or a list of levels")


def check_parameters(estimator: Any, rules: Mapping[str, Rule]) -> None:
    """Raise a ValueError for the first parameter that breaks its rule."""
    owner = type(estimator).__name__
    for name, rule in rules.items():
        rule.check(owner, name, getattr(estimator, name))
    try:
        as_threshold(estimator.contamination)
    except ValueError as error:
        raise ValueError(f"{owner}: contamination: {error}") from None


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
