"""Length of windows from the autocorrelation of the training rows."""

import numpy as np
from scipy import fft

#: Bounds of the length, and its ratio to the lag at which the autocorrelation falls below 1 / e.
_SHORTEST, _LONGEST, _RATIO = 40, 60, 2
#: Largest share of a segment that a window covers.
_SHARE = 0.1


def automatic_window(values: np.ndarray, age: np.ndarray) -> int:
    """Return the number of rows of a window for ``window="auto"``.

    It is twice the lag at which the autocorrelation, averaged over columns, falls below 1 / e, but from 40 to 60,
    and at most a tenth of the longest segment.

    Parameters
    ----------
    values : ndarray (N, C)
        Standardized readings without missing values.
    age : ndarray of int (N,)
        Number of rows before each row in its segment.
    """
    end = int(np.argmax(age)) + 1
    longest = values[end - 1 - age[end - 1] : end][-100_000:]
    allowed = max(2, int(_SHARE * len(longest)))
    return min(max(_SHORTEST, min(_LONGEST, _RATIO * _memory(longest))), allowed)


def _memory(values: np.ndarray) -> int:
    """Return the first lag at which the mean autocorrelation of the columns is below 1 / e."""
    n = len(values)
    centered = values - values.mean(axis=0)
    spectrum = np.abs(fft.rfft(centered, 2 * n, axis=0)) ** 2
    covariance = fft.irfft(spectrum, axis=0)[:n]
    varying = covariance[0] > 1e-9 * n
    if not varying.any():
        return 1
    below = (covariance[:, varying] / covariance[0, varying]).mean(axis=1) < np.exp(-1)
    return int(np.argmax(below)) if below.any() else n
