"""Ten sensors of a pump and its motor; each fault is visible only in the relations between sensors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.datasets._drawing import counts, stream_of, with_labels
from aeanomaly.datasets._files import load

#: Columns and their numbers of decimals.
_DECIMALS = {
    "speed_rpm": 0,
    "valve_pct": 1,
    "flow_l_min": 1,
    "oil_pressure_bar": 3,
    "power_kw": 3,
    "motor_current_a": 2,
    "winding_temp_c": 1,
    "bearing_temp_c": 1,
    "ambient_temp_c": 1,
    "vibration_mm_s": 3,
}
#: Noise of each sensor relative to its value; temperatures use `_TEMPERATURE_NOISE`.
_NOISE = {
    "speed_rpm": 0.002,
    "valve_pct": 0.004,
    "flow_l_min": 0.012,
    "oil_pressure_bar": 0.012,
    "power_kw": 0.01,
    "motor_current_a": 0.01,
    "vibration_mm_s": 0.05,
}
_TEMPERATURE_NOISE = 0.5  # kelvin
#: Sensors that can get stuck.
_STICKING = ("flow_l_min", "oil_pressure_bar", "motor_current_a", "winding_temp_c", "bearing_temp_c")
#: Number of faults drawn for each one kept; faults outside the range of the normal rows are rejected.
_POOL = 8


def make_factory(
    n_samples: int = 2000, *, anomaly_rate: float = 0.03, random_state: Any = None
) -> tuple[pd.DataFrame, pd.Series]:
    """Generate readings of ten sensors of a pump, some of them with faults.

    Faults change the relations between sensors, but no value leaves the range of its column.

    Speed, valve position, ambient temperature and wear are random in each row. The other sensors are computed from
    them by simple physics, with noise. Rows are independent of each other.

    Parameters
    ----------
    n_samples : int, default=2000
        Number of rows.
    anomaly_rate : float in [0, 0.5], default=0.03
        Share of faults; there are six kinds.
    random_state : int, RandomState, Generator or None, default=None
        Pass an int for reproducible rows.

    Returns
    -------
    X : DataFrame of shape (n_samples, 10)
        Readings; the names of the columns contain the units.
    y : Series of shape (n_samples,)
        1 = fault, 0 = normal.

    Raises
    ------
    ValueError
        If `n_samples`, `anomaly_rate` or `random_state` is invalid.

    Examples
    --------
    >>> from aeanomaly.datasets import make_factory
    >>> X, y = make_factory(300, random_state=0)
    >>> X.shape, int(y.sum())
    ((300, 10), 9)
    """
    normal, abnormal = counts("make_factory", n_samples, anomaly_rate)
    stream = stream_of(random_state)
    rows = _readings(normal, stream)
    faults = _within(rows, _faults(_POOL * abnormal, stream), abnormal)
    return with_labels(rows, faults, stream.permutation(normal + abnormal))


def load_factory(*, return_X_y: bool = False, as_frame: bool = True) -> Any:
    """Load 2,000 readings of ten sensors of a pump; 60 rows are faults.

    The table is a fixed sample of `make_factory`.

    All values of faults are within the range of their column over the normal rows. Only the relations between columns
    reveal a fault.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=True
        If True, return a DataFrame and a Series, else arrays of float64 and int64.

    Returns
    -------
    bunch : Bunch
        `data` (2000, 10), `target` (2000,) with 1 = fault, `frame` (both; None for arrays), `feature_names`,
        `target_names`, `DESCR` (description), `filename`.

    Raises
    ------
    OSError
        If the data file is missing.

    Examples
    --------
    >>> from aeanomaly.datasets import load_factory
    >>> X, y = load_factory(return_X_y=True)
    >>> X.shape, int(y.sum())
    ((2000, 10), 60)
    """
    return load("factory", "load_factory", dict.fromkeys(_DECIMALS, np.float64), return_X_y, as_frame)


def _readings(n: int, stream: np.random.Generator, fault: Callable | None = None) -> pd.DataFrame:
    """Draw rounded readings; a fault changes the machine before the sensors are read."""
    causes = {
        "speed": 0.6 + 0.45 * stream.beta(1.6, 1.3, size=n),
        "valve": 0.3 + 0.68 * stream.beta(1.5, 1.2, size=n),
        "ambient": 20 + 7 * np.clip(stream.standard_normal(n), -2.5, 2.5),
        "wear": stream.beta(1.5, 3.0, size=n),
    }
    damage = fault(n, stream) if fault else {}
    machine = _machine(**causes, **damage)
    sensed = {name: _sensed(name, machine[name], stream) for name in _DECIMALS}
    return pd.DataFrame(sensed)


def _machine(
    speed: np.ndarray,
    valve: np.ndarray,
    ambient: np.ndarray,
    wear: np.ndarray,
    clog: float | np.ndarray = 1.0,
    leak: float | np.ndarray = 1.0,
    dirt: float | np.ndarray = 1.0,
    dilution: float | np.ndarray = 1.0,
    grinding: float | np.ndarray = 0.0,
) -> dict[str, np.ndarray]:
    """Return the noise-free values of the sensors, (n,) each; the arguments after `wear` are faults."""
    # Intersection of the pump curve, head = rise - 0.4 flow ** 2, and the pipe curve, head = drag * flow ** 2.
    rise = speed**2 * (1 - 0.2 * wear)
    drag = 0.35 / valve**2
    pumped = np.sqrt(rise / (0.4 + drag)) * clog
    head = rise - 0.4 * pumped**2
    away = pumped / speed - 0.8  # distance from the point of best efficiency
    shaft = head * pumped / (0.8 - 0.9 * away**2) + (0.08 + 0.04 * wear + 0.05 * grinding) * speed**2
    power = 22 * shaft / (0.93 - 0.03 / (0.3 + shaft)) * (1 + 0.6 * (1 - leak))
    current = power / (np.sqrt(3) * 0.4 * (0.55 + 0.35 * np.tanh(power / 9)))
    bearing = ambient + (14 + 8 * wear + 16 * grinding) * speed**1.5 + 0.5 * power
    resonance = 1 / (1 + ((speed - 0.82) / 0.05) ** 2)
    return {
        "speed_rpm": 1480 * speed,
        "valve_pct": 100 * valve,
        "flow_l_min": 640 * pumped * leak,
        "oil_pressure_bar": (0.9 + 3.2 * speed * np.exp(-0.016 * (bearing - 40))) * dilution,
        "power_kw": power,
        "motor_current_a": current,
        "winding_temp_c": ambient + dirt * 55 * (current / 38) ** 2 / (0.45 + 0.55 * speed) + 6 * speed,
        "bearing_temp_c": bearing,
        "ambient_temp_c": ambient,
        "vibration_mm_s": (0.5 + 1.6 * wear + 1.2 * grinding) * speed**2 + 0.9 * resonance + 3 * away**2,
    }


def _sensed(name: str, value: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    spread = _NOISE[name] * value if name in _NOISE else _TEMPERATURE_NOISE
    return np.round(value + spread * stream.standard_normal(len(value)), _DECIMALS[name])


def _faults(n: int, stream: np.random.Generator) -> pd.DataFrame:
    """Draw faults of all kinds in rotation."""
    kinds = [_readings(n, stream, damage) for damage in _DAMAGES] + [_stuck(n, stream)]
    return pd.concat(kinds).sort_index(kind="stable")[:n].reset_index(drop=True)


def _stuck(n: int, stream: np.random.Generator) -> pd.DataFrame:
    """Draw rows in which one sensor shows its value of another row."""
    rows = _readings(n, stream)
    sensor = stream.integers(len(_STICKING), size=n)
    earlier = _readings(n, stream)
    for number, name in enumerate(_STICKING):
        rows[name] = np.where(sensor == number, earlier[name], rows[name])
    return rows


def _within(normal: pd.DataFrame, faults: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return n faults, first those within the range of the normal rows, the others clipped to it."""
    low, high = normal.min(), normal.max()
    inside = faults.ge(low).all(axis=1) & faults.le(high).all(axis=1)
    order = np.argsort(~inside.to_numpy(), kind="stable")[:n]
    return faults.iloc[order].clip(low, high, axis=1)


_DAMAGES: list[Callable[[int, np.random.Generator], dict[str, np.ndarray]]] = [
    lambda n, stream: {"clog": stream.uniform(0.5, 0.75, size=n)},  # a blocked filter
    lambda n, stream: {"leak": stream.uniform(0.6, 0.8, size=n)},  # a worn pump: less output, more input
    lambda n, stream: {"dirt": stream.uniform(1.45, 2.0, size=n)},  # a motor that is not cooled
    lambda n, stream: {"dilution": stream.uniform(0.65, 0.82, size=n)},  # thin oil
    lambda n, stream: {"grinding": stream.uniform(0.8, 1.6, size=n)},  # a damaged bearing
]
