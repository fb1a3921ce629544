"""Drift of times, by the parts that recur: the hour, the weekday and the month."""

from collections.abc import Mapping

import numpy as np

from aeanomaly.preprocessing import Datetime
from aeanomaly.preprocessing.columns import MONDAY, PERIODS

#: Name of the part of a time that each period describes.
_PARTS = {"day": "hour", "week": "weekday", "year": "month"}
#: Weekdays and months are compared only for times that span at least this share of a week or a year.
_COVERED = 0.85


def drift_of_times(column: Datetime, times: np.ndarray, resultants: Mapping[str, complex]) -> tuple[float, str]:
    """Return the largest drift of the parts of some times, and the name of the part, which is "" for implausible times.

    The drift of a part is half the distance of the mean points on the unit circle, of `times` and of training: a lower
    bound of the total variation distance of both distributions.

    Parameters
    ----------
    column : Datetime
    times : ndarray (n,)
        Seconds since 1970, without missing values; n >= 1.
    resultants : mapping of str to complex
        Mean of the points exp(i phase) of training, for each period of the column.
    """
    drifts = [
        (0.5 * abs(_resultant(times, PERIODS[period]) - before), _PARTS[period])
        for period, before in resultants.items()
        if period == "day" or np.ptp(times) >= _COVERED * PERIODS[period]
    ]
    return max([(share_implausible(column, times), ""), *drifts])


def share_implausible(column: Datetime, times: np.ndarray) -> float:
    """Return the share of times outside the plausible range, or outside that of training if their trend is scored."""
    first, last = (column.start, column.end) if column.trend else (column.first, column.last)
    return 0.0 if first is None or last is None else float(((times < first) | (times > last)).mean())


def _resultant(times: np.ndarray, period: float) -> complex:
    return complex(np.exp(2j * np.pi / period * ((times - MONDAY) % period)).mean())
