"""The interface of a threshold rule, and its check."""

import difflib
import inspect
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np

from aeanomaly.thresholds._checks import check_fraction, check_n_splits

#: Optional attributes of a rule.
_OPTIONAL = ("calibration_fraction", "n_splits", "labels", "check", "guarantee")
#: Synonyms of optional attributes.
_SYNONYMS = {
    **dict.fromkeys(
        ("calibration", "calibration_size", "held_out_fraction", "holdout_fraction"), "calibration_fraction"
    ),
    **dict.fromkeys(("folds", "n_folds", "split", "splits"), "n_splits"),
    **dict.fromkeys(("labeled", "labelled", "needs_labels", "uses_labels"), "labels"),
    **dict.fromkeys(("promise",), "guarantee"),
}
#: Similarity from which another name counts as a misspelling of one of these.
_SIMILAR = 0.8


#: The guarantee of a rule that does not define one.
NO_GUARANTEE = "has no known guarantee"


class ThresholdRule(ABC):
    """Base class of threshold rules, which compute an offset from scores.

    An object of any other class with a method ``fit(scores) -> offset`` is also a rule; the attributes that it does
    not define have the defaults of this class.

    Attributes
    ----------
    calibration_fraction : float in (0, 1) or None
        Fraction of the rows that ``fit`` of a detector holds out for the rule. With None, the rule is applied to
        training scores, unless `n_splits` is set.
    order : str, int or None
        Column by which the rows are in order of time, or "rows". With `calibration_fraction`, the latest rows are held
        out instead of random ones.
    n_splits : int, "auto" or None
        Number of folds, at least 2. ``fit`` of a detector scores each fold with a clone that is fitted on the others,
        and applies the rule to these scores. "auto" selects it by the number of rows, as `ExpectedRate` describes.
    labels : {"needed", "optional"} or None
        Call the rule as ``fit(scores, y)`` always, or if labels are given. With None, labels are never passed.

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
    order: str | int | None = None
    n_splits: int | Literal["auto"] | None = None
    labels: Literal["needed", "optional"] | None = None

    @abstractmethod
    def fit(self, scores: Any) -> float:
        """Return the offset: rows that score below it are flagged.

        Parameters
        ----------
        scores : ndarray of shape (n,)
            Scores, higher = more normal. Rules with `labels` get the labels as second argument.

        Returns
        -------
        offset : float
        """

    def check(self, n: int) -> None:
        """Raise a ValueError if `n` scores are too few; called before training."""
        return None

    def guarantee(self, scores: np.ndarray, y: Any = None) -> str:
        """Return a sentence on the rows that the offset flags, without its subject."""
        return NO_GUARANTEE


def check_rule(rule: object) -> None:
    """Validate the optional attributes of a rule.

    Raises
    ------
    ValueError
        If an attribute has an invalid value, or a name that seems to be misspelled and would be ignored.
    """
    name = type(rule).__name__
    for attribute in dir(rule):
        meant = _meant_by(attribute)
        if meant is not None and _could_be(meant, getattr(rule, attribute)):
            raise ValueError(
                f"the rule {name} has an unused attribute {attribute!r} (did you mean {meant!r}?); rename it"
            )
    fraction, n_splits, labels = (getattr(rule, attribute, None) for attribute in _OPTIONAL[:3])
    if fraction is not None:
        check_fraction(name, "calibration_fraction", fraction)
    if n_splits is not None and n_splits != "auto":
        check_n_splits(name, n_splits)
    if fraction is not None and n_splits is not None:
        raise ValueError(f"the rule {name} has both calibration_fraction and n_splits; define one of them")
    if labels not in (None, "needed", "optional"):
        raise ValueError(f"{name}: labels must be 'needed', 'optional' or None; got {labels!r}")
    for attribute, arguments in (("fit", 1 if labels is None else 2), ("check", 1), ("guarantee", 2 if labels else 1)):
        method = getattr(rule, attribute, None)
        if method is not None and not callable(method):
            raise ValueError(f"{name}: {attribute} must be a method; got {method!r}")
        if method is not None and not _takes(method, arguments):
            called = {"fit": ("scores", "y"), "check": ("n",), "guarantee": ("scores", "y")}[attribute][:arguments]
            raise ValueError(f"the rule {name} must have a method {attribute}({', '.join(called)})")


def _meant_by(attribute: str) -> str | None:
    """Return the optional attribute of which a name seems to be a misspelling or a synonym."""
    plain = attribute.strip("_").lower()
    if attribute in ("fit", *_OPTIONAL) or attribute.startswith("__"):
        return None
    similar = difflib.get_close_matches(plain, _OPTIONAL, n=1, cutoff=_SIMILAR)
    return similar[0] if similar else _SYNONYMS.get(plain)


def _could_be(meant: str, value: object) -> bool:
    """Return True if a value has the type of an optional attribute; other values are parameters of the rule."""
    if meant == "calibration_fraction":
        return isinstance(value, Real) and not isinstance(value, bool)
    if meant == "n_splits":
        return isinstance(value, Integral) and not isinstance(value, bool)
    return value in ("needed", "optional", True) if meant == "labels" else callable(value)


def _takes(method: Any, n_arguments: int) -> bool:
    """Return True if a method can be called with a number of arguments, or has no signature to tell."""
    try:
        inspect.signature(method).bind(*range(n_arguments))
    except TypeError:
        return False
    except ValueError:
        pass
    return True
