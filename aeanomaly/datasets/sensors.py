"""Seasonal series of several sensors, with faults of five kinds."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from aeanomaly._constraints import integer
from aeanomaly.datasets._drawing import LABEL, counts, stream_of

FaultKind = Literal["point", "level", "shape", "relation", "drift"]

FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
#: Time of the first row, and step.
_START, _STEP = "2026-01-05", "1min"
#: Standard deviations of the slow and of the white noise of a sensor; those of its season and load are about 0.9.
_SLOW, _WHITE = 0.1, 0.1
#: Shortest and longest fault of each kind, in periods.
_LENGTHS: dict[str, tuple[float, float]] = {
    "point": (0.0, 0.02),
    "level": (0.25, 1.0),
    "shape": (0.5, 1.0),
    "relation": (0.5, 1.0),
    "drift": (1.0, 2.0),
}
#: Number of positions that are tried for each fault.
_TRIALS = 1000


def make_sensors(
    n_samples: int = 5000,
    n_sensors: int = 8,
    *,
    faults: Sequence[FaultKind] = FAULT_KINDS,
    anomaly_rate: float = 0.025,
    period: int = 96,
    random_state: Any = None,
) -> tuple[pd.DataFrame, pd.Series]:
    """Generate a series of sensor readings; its first half is normal, and its second half contains faults.

    Each sensor follows the season and the load of a machine, with a delay of its own, and has slow and white noise. A
    fault changes one sensor for some rows:

    - "point": one or a few readings are shifted, by 6 to 10 standard deviations of the noise;
    - "level": the readings are shifted, by 1 to 2 of their standard deviations;
    - "shape": the season stops, doubles its pace, or is inverted;
    - "relation": the load is that of an earlier period, so that the sensor does not follow the others;
    - "drift": the readings rise or fall slowly, up to 2 to 3 of their standard deviations.

    Parameters
    ----------
    n_samples : int, default=5000
        Number of rows, one a minute.
    n_sensors : int, default=8
        Number of sensors.
    faults : sequence of {"point", "level", "shape", "relation", "drift"}, default=all
        Kinds of faults, in rotation.
    anomaly_rate : float in [0, 0.5], default=0.025
        Share of the rows that belong to a fault. It is lower if they do not fit into the second half.
    period : int, default=96
        Number of rows of a season, at least 8.
    random_state : int, RandomState, Generator or None, default=None
        Pass an int for a reproducible series.

    Returns
    -------
    X : DataFrame of shape (n_samples, 1 + n_sensors)
        Column `time`, and the readings of the sensors.
    y : Series of shape (n_samples,)
        1 = fault, 0 = normal.

    Raises
    ------
    ValueError
        If a parameter is invalid, or the series has less than eight periods.

    Examples
    --------
    >>> from aeanomaly.datasets import make_sensors
    >>> X, y = make_sensors(2000, n_sensors=3, random_state=0)
    >>> X.shape, int(y[:1000].sum()), int(y[1000:].sum())
    ((2000, 4), 0, 50)
    """
    _, n_abnormal = counts("make_sensors", n_samples, anomaly_rate)
    integer(1).check("make_sensors", "n_sensors", n_sensors)
    integer(8).check("make_sensors", "period", period)
    if not isinstance(faults, (list, tuple)) or not faults or not set(faults) <= set(FAULT_KINDS):
        raise ValueError(f"make_sensors: faults must be a list of some of {list(FAULT_KINDS)}; got {faults!r}")
    if n_samples < 8 * period:
        raise ValueError(
            f"make_sensors: n_samples={n_samples} is less than eight periods of {period} rows; set a larger n_samples "
            "or a shorter period"
        )
    stream = stream_of(random_state)
    machine = _Machine(n_samples, n_sensors, period, stream)
    labels = machine.add_faults(list(faults), n_abnormal, stream)
    names = [f"sensor_{number}" for number in range(1, n_sensors + 1)]
    X = pd.DataFrame(machine.readings(), columns=names)
    X.insert(0, "time", pd.date_range(_START, periods=n_samples, freq=_STEP))
    return X, pd.Series(labels, name=LABEL)


class _Machine:
    """Sensors that follow a common season and load."""

    def __init__(self, n_samples: int, n_sensors: int, period: int, stream: np.random.Generator):
        self.period = period
        rows, sensors = np.arange(n_samples), range(n_sensors)
        self._amplitudes = stream.uniform(0.6, 1.2, (3, n_sensors)) * np.array([[1.0], [0.4], [0.2]])
        self._phases = stream.uniform(0, 2 * np.pi, (3, 1)) + stream.uniform(0, 0.5, (3, n_sensors))
        self._gains = stream.choice([-1.0, 1.0], n_sensors) * stream.uniform(0.6, 1.2, n_sensors)
        self._delays = stream.integers(0, max(1, period // 12) + 1, n_sensors)
        self._load = _slow_noise(n_samples + period, 1, 0.5 * period, stream)[:, 0]
        self._strength = 1 + 0.1 * _slow_noise(n_samples, 1, 4.0 * period, stream)[:, 0]
        self._noise = _SLOW * _slow_noise(n_samples, n_sensors, period / 8, stream)
        self._noise += _WHITE * stream.standard_normal((n_samples, n_sensors))
        self._scales = 10 ** stream.uniform(-1, 2, n_sensors)
        self._offsets = self._scales * stream.uniform(-5, 20, n_sensors)
        self._clean = np.stack(
            [self._season(rows, j) * self._strength + self._loaded(rows, j) for j in sensors], axis=1
        )
        self._deviations = self._clean.std(axis=0)

    def readings(self) -> np.ndarray:
        """Return the readings with noise, in the units of the sensors (n_samples, n_sensors)."""
        return (self._clean + self._noise) * self._scales + self._offsets

    def add_faults(self, kinds: list[FaultKind], n_abnormal: int, stream: np.random.Generator) -> np.ndarray:
        """Change readings in the second half, with half a period between faults, and return labels (n_samples,)."""
        n_samples, margin = len(self._clean), self.period // 2
        labels, number = np.zeros(n_samples, dtype=np.int64), 0
        while n_abnormal > 0:
            kind = kinds[number % len(kinds)]
            length = min(n_abnormal, max(1, round(stream.uniform(*_LENGTHS[kind]) * self.period)))
            starts = stream.integers(n_samples // 2, n_samples - length + 1, _TRIALS)
            free = (s for s in starts if not labels[max(0, s - margin) : s + length + margin].any())
            if (start := next(free, None)) is None:
                break
            rows = np.arange(start, start + length)
            _FAULTS[kind](self, rows, int(stream.integers(self._clean.shape[1])), stream)
            labels[rows], n_abnormal, number = 1, n_abnormal - length, number + 1
        return labels

    def _season(self, rows: np.ndarray, sensor: int) -> np.ndarray:
        harmonics = np.arange(1, 4)[:, None]
        angles = 2 * np.pi * harmonics * (rows - self._delays[sensor]) / self.period
        return (self._amplitudes[:, [sensor]] * np.sin(angles + self._phases[:, [sensor]])).sum(axis=0)

    def _loaded(self, rows: np.ndarray, sensor: int) -> np.ndarray:
        return self._gains[sensor] * self._load[rows - self._delays[sensor] + self.period]

    def _point(self, rows: np.ndarray, sensor: int, stream: np.random.Generator) -> None:
        self._clean[rows, sensor] += _sign(stream) * stream.uniform(6, 10) * np.hypot(_SLOW, _WHITE)

    def _level(self, rows: np.ndarray, sensor: int, stream: np.random.Generator) -> None:
        self._clean[rows, sensor] += _sign(stream) * stream.uniform(1, 2) * self._deviations[sensor]

    def _drift(self, rows: np.ndarray, sensor: int, stream: np.random.Generator) -> None:
        ramp = np.arange(1, len(rows) + 1) / len(rows)
        self._clean[rows, sensor] += _sign(stream) * stream.uniform(2, 3) * self._deviations[sensor] * ramp

    def _shape(self, rows: np.ndarray, sensor: int, stream: np.random.Generator) -> None:
        shapes = (
            np.full(len(rows), self._season(rows[:1], sensor)[0]),
            self._season(rows[0] + 2 * (rows - rows[0]), sensor),
            -self._season(rows, sensor),
        )
        change = shapes[stream.integers(len(shapes))] - self._season(rows, sensor)
        self._clean[rows, sensor] += change * self._strength[rows]

    def _relation(self, rows: np.ndarray, sensor: int, stream: np.random.Generator) -> None:
        earlier = rows - int(stream.integers(2, rows[0] // self.period)) * self.period
        self._clean[rows, sensor] += self._loaded(earlier, sensor) - self._loaded(rows, sensor)


_FAULTS: dict[str, Callable[[_Machine, np.ndarray, int, np.random.Generator], None]] = {
    "point": _Machine._point,
    "level": _Machine._level,
    "shape": _Machine._shape,
    "relation": _Machine._relation,
    "drift": _Machine._drift,
}


def _slow_noise(n_rows: int, n_columns: int, memory: float, stream: np.random.Generator) -> np.ndarray:
    """Return autoregressive noise of unit variance that forgets in about `memory` rows, (n_rows, n_columns)."""
    kept, start = np.exp(-1 / memory), int(5 * memory)
    noise = stream.standard_normal((n_rows + start, n_columns)) * np.sqrt(1 - kept**2)
    return lfilter([1.0], [1.0, -kept], noise, axis=0)[start:]


def _sign(stream: np.random.Generator) -> float:
    return float(stream.choice([-1.0, 1.0]))
