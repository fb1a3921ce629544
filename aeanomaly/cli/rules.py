"""Parser of threshold rules such as ``Conformal(0.01)``; it evaluates literals only."""

import argparse
import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aeanomaly.thresholds import Conformal


def rule(text: str) -> Any:
    """Parse a rule with literal arguments, a fraction or "auto"; raise an ArgumentTypeError for other text."""
    from aeanomaly.thresholds import RULES  # imported only if a rule is given

    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (ValueError, TypeError, SyntaxError) as error:
        reason = f": {error}" if isinstance(error, ValueError) else ""
        raise argparse.ArgumentTypeError(
            f"{text!r} is not auto, a share such as 0.05, or a rule such as 'TargetPrecision(0.9)'; the rules are "
            f"{', '.join(RULES)}{reason}"
        ) from None


def _value(node: ast.expr) -> Any:
    from aeanomaly.thresholds import RULES

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


def alerts(text: str) -> "Conformal":
    """Parse ALERTS/ROWS, the number of false alarms to accept among a number of rows, as the rule `Conformal`."""
    from aeanomaly.thresholds import Conformal

    accepted, separator, rows = text.partition("/")
    try:
        if separator:
            return Conformal(float(accepted) / float(rows))
    except (ValueError, ZeroDivisionError):
        pass
    raise argparse.ArgumentTypeError(
        f"{text!r} is not ALERTS/ROWS with fewer alerts than rows, such as 5/2000 for five false alarms in 2,000 rows"
    ) from None


def false_alarm_rate(text: str) -> "Conformal":
    """Parse a false alarm rate as the rule `Conformal`; raise an ArgumentTypeError for other text."""
    from aeanomaly.thresholds import Conformal

    try:
        return Conformal(float(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate between 0 and 1, such as 0.01") from None
