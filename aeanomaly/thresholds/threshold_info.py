"""From a threshold, in any of its forms, to an offset and what it promises."""

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from aeanomaly.thresholds.rule import ThresholdRule, check_rule
from aeanomaly.thresholds.rules import Contamination, MedianAbsoluteDeviation

#: A threshold in any of its forms: a rule, a fraction, or "auto".
Threshold = ThresholdRule | float | str


@dataclass(frozen=True)
class ThresholdInfo:
    """Who set an offset, on what, and what follows.

    Attributes
    ----------
    offset : float
        Rows that score below it are flagged.
    rule : str
        The rule, as it is written.
    source : str
        The rows that it was set on.
    n_scores : int
        Their number.
    guarantee : str
        What may be said of rows flagged by it.
    """

    offset: float
    rule: str
    source: str
    n_scores: int
    guarantee: str

    def to_dict(self) -> dict[str, Any]:
        """Return all but the offset as plain data for a file."""
        return {"rule": self.rule, "source": self.source, "n_scores": self.n_scores, "promise": self.guarantee}

    @classmethod
    def from_dict(cls, data: dict[str, Any], offset: float) -> "ThresholdInfo":
        """Invert `to_dict`."""
        return cls(offset, data["rule"], data["source"], data["n_scores"], data["promise"])


def as_threshold(value: Threshold) -> ThresholdRule:
    """The rule that a ``contamination=`` value means: "auto", a fraction, or a rule itself.

    Raises
    ------
    ValueError
        If it is none of these, or a rule whose attributes are not those of a `ThresholdRule`.
    """
    if isinstance(value, str) and value == "auto":
        return MedianAbsoluteDeviation()
    if isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) <= 0.5:
        return Contamination(float(value))
    if callable(getattr(value, "fit", None)) and not isinstance(value, type):
        check_rule(value)
        return value
    raise ValueError(
        f"a threshold must be 'auto', a fraction in (0, 0.5] or an object with fit(scores) -> offset; got {value!r}"
    )


def decide(threshold: Threshold, scores: np.ndarray, y: Any = None, source: str = "scores") -> ThresholdInfo:
    """Set the offset by a threshold, in any of its forms, on scores (n,) and labels, if there are any.

    Raises
    ------
    ValueError
        If it is no threshold, needs labels and gets none, or its answer is not a finite number.
    """
    rule = as_threshold(threshold)
    arguments = (scores,) if y is None or getattr(rule, "labels", None) is None else (scores, y)
    offset = rule.fit(*arguments)
    if not isinstance(offset, Real) or not np.isfinite(float(offset)):
        raise ValueError(f"{threshold!r}.fit(scores) must return a finite number, the offset; got {offset!r}")
    guarantee = getattr(rule, "guarantee", None)
    return ThresholdInfo(
        offset=float(offset),
        rule=threshold if isinstance(threshold, str) else repr(rule),
        source=source,
        n_scores=len(scores),
        guarantee=guarantee(*arguments) if callable(guarantee) else "promises nothing that is known here",
    )
