"""The interface of a threshold rule, and its check."""

import difflib
from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np

from aeanomaly.thresholds._checks import check_fraction, check_n_splits

#: What a rule may define beside `fit`.
_OPTIONAL = ("calibration_fraction", "n_splits", "labels", "check", "guarantee")
#: How similar to one of these another name must be to be taken for a misspelling of it.
_SIMILAR = 0.8


class ThresholdRule(ABC):
    """Base class of the rules that set a threshold: scores -> offset.

    An object of any other class with a method ``fit(scores) -> offset`` is a rule, too; whatever it does not define
    is as here.

    Attributes
    ----------
    calibration_fraction : float in (0, 1) or None
        Share of the rows that a detector's `fit` holds out for the rule. None: the rule is set on training scores,
        unless `n_splits` is given.
    n_splits : int or None
        Number of folds, at least 2, in which a detector's `fit` scores the rows for the rule, each fold by a clone
        that was fitted without it.
    labels : {"needed", "optional"} or None
        Whether the rule is called as ``fit(scores, y)``, with labels. None: never.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly.thresholds import ThresholdRule
    >>> class LowestScore(ThresholdRule):
    ...     calibration_fraction = 0.1
    ...
    ...     def fit(self, scores, y=None):
    ...         return float(np.min(scores))
    >>> LowestScore().fit(np.array([-3.0, -1.0]))
    -3.0
    """

    calibration_fraction: float | None = None
    n_splits: int | None = None
    labels: Literal["needed", "optional"] | None = None

    @abstractmethod
    def fit(self, scores: Any) -> float:
        """Return the offset: rows that score below it are flagged.

        Parameters
        ----------
        scores : ndarray of shape (n,)
            Higher = more normal. Rules with `labels` get labels as a second argument.
        """

    def check(self, n: int) -> None:
        """Raise a ValueError if `n` scores are too few, before anything is trained."""
        return None

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the rows that the offset flags, without its subject."""
        return "promises nothing that is known here"


def check_rule(rule: object) -> None:
    """Check what a rule defines beside `fit`.

    Raises
    ------
    ValueError
        If an attribute has a value that it may not have, or a name that seems to be misspelled: the rule would be set
        on training scores although it asks for others.
    """
    name = type(rule).__name__
    for attribute in dir(rule):
        if attribute.startswith("_") or attribute.endswith("_") or attribute in ("fit", *_OPTIONAL):
            continue
        if similar := difflib.get_close_matches(attribute, _OPTIONAL, n=1, cutoff=_SIMILAR):
            raise ValueError(
                f"the rule {name} has an attribute {attribute!r}, which is not used; did you mean {similar[0]!r}? "
                "Rename it"
            )
    fraction, n_splits, labels = (getattr(rule, attribute, None) for attribute in _OPTIONAL[:3])
    if fraction is not None:
        check_fraction(name, "calibration_fraction", fraction)
    if n_splits is not None:
        check_n_splits(name, n_splits)
    if fraction is not None and n_splits is not None:
        raise ValueError(f"the rule {name} has both calibration_fraction and n_splits; define one of them")
    if labels not in (None, "needed", "optional"):
        raise ValueError(f"{name}(labels={labels!r}) must be 'needed', 'optional' or None")
    for attribute in _OPTIONAL[3:]:
        if not callable(getattr(rule, attribute, len)):
            raise ValueError(f"the rule {name} has {attribute}={getattr(rule, attribute)!r}, which must be a method")
