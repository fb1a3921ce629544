"""Thresholds as they are written in Python, ``Conformal(0.01)`` say, from text; nothing else is run."""

import argparse
import ast
from typing import Any

from aeanomaly.thresholds import RULES, Conformal


def rule(text: str) -> Any:
    """A rule, as a call with literals, a fraction or "auto"; an ArgumentTypeError for what is none of them."""
    try:
        value = _value(ast.parse(text.strip(), mode="eval").body)
    except (ValueError, TypeError, SyntaxError) as error:
        reason = f": {error}" if isinstance(error, ValueError) else ""
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither auto nor a share such as 0.05 nor a rule such as 'TargetPrecision(0.9)', one of "
            f"{', '.join(RULES)}{reason}"
        ) from None
    return value


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Name(id="auto"):
            return "auto"
        case ast.Call(func=ast.Name(id=name), args=places, keywords=names) if name in RULES:
            return RULES[name](
                *(ast.literal_eval(value) for value in places),
                **{str(k.arg): ast.literal_eval(k.value) for k in names},
            )
        case ast.Constant(value=float() | int() as share):
            return share
    raise SyntaxError


def false_alarm_rate(text: str) -> Conformal:
    """The rule that keeps a rate of false alarms; an ArgumentTypeError for what is no rate."""
    try:
        return Conformal(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate between 0 and 1, such as 0.01") from None
