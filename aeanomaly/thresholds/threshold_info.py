"""Conversion of a threshold to a rule, and of a rule to an offset with its guarantee."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, cast

import numpy as np

from aeanomaly.thresholds.default import ExpectedRate
from aeanomaly.thresholds.rule import NO_GUARANTEE, ThresholdRule, check_rule
from aeanomaly.thresholds.rules import Contamination

#: A threshold in any of its forms: a rule, a fraction, or "auto".
Threshold = ThresholdRule | float | str


@dataclass(frozen=True)
class ThresholdInfo:
    """Offset of a detector, with the rule that set it.

    Attributes
    ----------
    offset : float
        Threshold of the score; rows that score below it are flagged.
    rule : str
        The rule as text.
    source : str
        Description of the rows on which it was set.
    n_scores : int
        Number of these rows.
    guarantee : str
        Sentence on the rows that are flagged, without its subject.
    """

    offset: float
    rule: str
    source: str
    n_scores: int
    guarantee: str

    def to_dict(self) -> dict[str, Any]:
        """Return all but the offset as plain data for a file."""
        return {"rule": self.rule, "source": self.source, "n_scores": self.n_scores, "guarantee": self.guarantee}


def as_threshold(value: Threshold) -> ThresholdRule:
    """Return the rule for a ``contamination=`` value: "auto", a fraction, or a rule.

    Raises
    ------
    ValueError
        If the value is none of these, or a rule with invalid attributes (see `ThresholdRule`).
    """
    if isinstance(value, str) and value == "auto":
        return ExpectedRate()
    if isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) <= 0.5:
        return Contamination(float(value))
    if callable(getattr(value, "fit", None)) and not isinstance(value, type):
        check_rule(value)
        return cast(ThresholdRule, value)
    raise ValueError(
        f"a threshold must be 'auto', a fraction in (0, 0.5] or an object with fit(scores) -> offset; got {value!r}"
    )


def decide(threshold: Threshold, scores: np.ndarray, y: Any = None, source: str = "scores") -> ThresholdInfo:
    """Apply a threshold (see `as_threshold`) to scores (n,) and optional labels.

    Raises
    ------
    ValueError
        If the threshold is invalid, needs labels but gets none, or does not return a finite number.
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
        guarantee=guarantee(*arguments) if callable(guarantee) else NO_GUARANTEE,
    )
