"""Three months of card payments with a few cases of fraud."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.datasets._drawing import counts, stream_of, with_labels
from aeanomaly.datasets._files import load

#: Category: share of payments, median and log-spread of the amount in EUR, share at a terminal, typical hour.
_CATEGORIES = {
    "groceries": (0.26, 28.0, 0.7, 0.96, 16.5),
    "restaurant": (0.14, 24.0, 0.6, 0.93, 19.0),
    "fuel": (0.07, 52.0, 0.35, 0.99, 14.0),
    "clothing": (0.08, 48.0, 0.7, 0.50, 15.5),
    "electronics": (0.06, 110.0, 0.9, 0.35, 17.5),
    "household": (0.07, 38.0, 0.8, 0.65, 14.5),
    "pharmacy": (0.06, 17.0, 0.6, 0.85, 12.5),
    "transport": (0.09, 9.0, 0.8, 0.45, 11.5),
    "travel": (0.03, 210.0, 0.8, 0.15, 18.5),
    "entertainment": (0.05, 22.0, 0.6, 0.40, 20.0),
    "subscriptions": (0.07, 10.0, 0.5, 0.0, 9.5),
    "cash": (0.02, 90.0, 0.6, 1.0, 13.0),
}
#: Country: share of payments abroad, share of online orders, and distance from home in km.
_COUNTRIES = {
    "DE": (0.0, 0.70, 0.0),
    "AT": (0.20, 0.04, 600.0),
    "NL": (0.16, 0.05, 450.0),
    "FR": (0.14, 0.03, 750.0),
    "CH": (0.09, 0.01, 550.0),
    "PL": (0.10, 0.02, 600.0),
    "IT": (0.11, 0.01, 900.0),
    "ES": (0.09, 0.01, 1600.0),
    "GB": (0.05, 0.04, 950.0),
    "IE": (0.01, 0.04, 1400.0),
    "US": (0.03, 0.03, 7200.0),
    "TR": (0.02, 0.005, 2200.0),
    "CN": (0.0, 0.015, 8200.0),
}
_DEVICES = ["desktop", "phone", "tablet"]
#: Share of terminal payments that are made abroad.
_ABROAD = 0.06
_START, _DAYS = np.datetime64("2024-03-01T00:00:00", "s"), 92
#: Relative number of payments from Monday to Sunday; 2024-03-01 was a Friday.
_WEEK, _FIRST_WEEKDAY = np.array([0.9, 0.9, 0.95, 1.05, 1.25, 1.35, 0.6]), 4
#: Mean number of payments per customer, and share of payments soon after another one.
_PER_CUSTOMER, _FOLLOW_UP_SHARE = 20, 0.15
#: Shares of missing values of customer age and of distance.
_MISSING_AGE, _MISSING_DISTANCE = 0.05, 0.03
_DTYPES: dict[str, Any] = {
    "timestamp": "datetime64[ns]",
    "amount_eur": np.float64,
    "category": pd.CategoricalDtype(sorted(_CATEGORIES)),
    "country": pd.CategoricalDtype(sorted(_COUNTRIES)),
    "card_present": bool,
    "device": pd.CategoricalDtype(_DEVICES),
    "customer_age": np.float64,
    "account_age_days": np.float64,
    "minutes_since_last": np.float64,
    "distance_km": np.float64,
}


def make_payments(
    n_samples: int = 6000, *, anomaly_rate: float = 0.015, random_state: Any = None
) -> tuple[pd.DataFrame, pd.Series]:
    """Generate card payments of customers of a German bank over three months of 2024; a few are fraud.

    Payments follow daily and weekly patterns. Customers pay at terminals near home, at terminals abroad and online.
    There are four kinds of fraud:

    - online orders of electronics at night,
    - small payments that test a card,
    - online orders from a distant phone or tablet,
    - payments with a copied card abroad, soon after a payment at home.

    Parameters
    ----------
    n_samples : int, default=6000
        Number of rows.
    anomaly_rate : float in [0, 0.5], default=0.015
        Share of fraud.
    random_state : int, RandomState, Generator or None, default=None
        Pass an int for reproducible rows.

    Returns
    -------
    X : DataFrame of shape (n_samples, 10)
        Payments in order of time. `category`, `country` and `device` are categorical, `timestamp` is datetime64,
        `card_present` is bool, and the other columns are float64. `device` is missing at terminals,
        `minutes_since_last` is missing in the first payment of a customer. 5% of `customer_age` and 3% of
        `distance_km` are missing at random.
    y : Series of shape (n_samples,)
        1 = fraud, 0 = normal.

    Raises
    ------
    ValueError
        If `n_samples`, `anomaly_rate` or `random_state` is invalid.

    Examples
    --------
    >>> from aeanomaly.datasets import make_payments
    >>> X, y = make_payments(400, random_state=0)
    >>> X.shape, int(y.sum())
    ((400, 10), 6)
    """
    normal, abnormal = counts("make_payments", n_samples, anomaly_rate)
    stream = stream_of(random_state)
    customers = _customers(max(1, normal // _PER_CUSTOMER), stream)
    normal_payments = _normal_payments(normal, customers, stream)
    fraud = _fraud(abnormal, normal_payments, stream)
    X, y = with_labels(normal_payments, fraud, np.arange(normal + abnormal))
    X = _with_customers(X, customers, stream)
    order = np.lexsort([X["customer"], X["minute"]])
    X = X.iloc[order][list(_DTYPES)].reset_index(drop=True).astype(_DTYPES)
    return X, y.iloc[order].reset_index(drop=True)


def load_payments(*, return_X_y: bool = False, as_frame: bool = True) -> Any:
    """Load 6,000 card payments; 90 of them are fraud.

    The table is a fixed sample of `make_payments` and contains text, times and missing values.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=True
        If True, return a DataFrame with the dtypes of `make_payments` and a Series, else arrays of object and int64.

    Returns
    -------
    bunch : Bunch
        `data` (6000, 10), `target` (6000,) with 1 = fraud, `frame` (both; None for arrays), `feature_names`,
        `target_names`, `DESCR` (description), `filename`.

    Raises
    ------
    OSError
        If the data file is missing.

    Examples
    --------
    >>> from aeanomaly.datasets import load_payments
    >>> X, y = load_payments(return_X_y=True)
    >>> X.shape, int(y.sum())
    ((6000, 10), 90)
    """
    return load("payments", "load_payments", _DTYPES, return_X_y, as_frame, array_dtype=object)


def _customers(n: int, stream: np.random.Generator) -> pd.DataFrame:
    age = np.clip(np.round(stream.gamma(6.0, 4.5, size=n) + 17), 18, 92)
    known_for = stream.beta(0.9, 1.6, size=n) * np.minimum((age - 17) * 365, 9000)
    return pd.DataFrame(
        {
            "age": age,
            "opened": np.round(known_for),  # days before the first payment of the table
            "activity": stream.gamma(2.0, size=n),
            "spending": stream.lognormal(0, 0.25, size=n),
            "nearness": stream.lognormal(1.2, 0.6, size=n),
            "on_phone": np.clip(1.1 - age / 80 + 0.15 * stream.standard_normal(n), 0.05, 0.95),
        }
    )


def _normal_payments(n: int, customers: pd.DataFrame, stream: np.random.Generator) -> pd.DataFrame:
    who = np.sort(_pick(customers["activity"], n, stream))
    kind = _pick([row[0] for row in _CATEGORIES.values()], n, stream)
    _, median, spread, at_terminal, hour = _look_up(_CATEGORIES, kind)
    present = stream.random(n) < at_terminal
    ordered = _pick([row[1] for row in _COUNTRIES.values()], n, stream)
    # Position 0 is the home country.
    visited = np.where(stream.random(n) < _ABROAD, _pick([row[0] for row in _COUNTRIES.values()], n, stream), 0)
    away = _look_up(_COUNTRIES, visited)[2]
    spending = customers["spending"].to_numpy()[who]
    near = customers["nearness"].to_numpy()[who] * stream.lognormal(0, 0.9, size=n)
    return pd.DataFrame(
        {
            "customer": who,
            "minute": _follow_up_payments(who, _minutes(hour, present, stream), stream),
            "amount_eur": median * spending * np.exp(spread * stream.standard_normal(n)),
            "category": np.array(list(_CATEGORIES), dtype=object)[kind],
            "country": np.array(list(_COUNTRIES), dtype=object)[np.where(present, visited, ordered)],
            "card_present": present,
            "device": _device(customers["on_phone"].to_numpy()[who], present, stream),
            "distance_km": near + away * stream.lognormal(0, 0.25, size=n),
        }
    )


def _minutes(hour: np.ndarray, present: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Draw minutes since the start, from a day and a time of day."""
    weights = _WEEK[(_FIRST_WEEKDAY + np.arange(_DAYS)) % 7]
    day = _pick(weights, len(hour), stream)
    spread = np.where(present, 2.8, 3.8)  # terminals close at night
    time = (hour + spread * np.clip(stream.standard_normal(len(hour)), -2.6, 2.6)) % 24
    return 1440 * day + np.floor(60 * time)


def _follow_up_payments(who: np.ndarray, minute: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Move some payments to a time soon after another payment of the same customer."""
    follows = np.r_[False, who[1:] == who[:-1]] & (stream.random(len(who)) < _FOLLOW_UP_SHARE)
    gap = np.ceil(stream.gamma(2.0, 14.0, size=len(who)))
    before = np.roll(minute, 1)
    return np.where(follows, np.minimum(before + gap, 1440 * _DAYS - 1), minute)


def _device(on_phone: np.ndarray, present: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Draw the device of online payments; None for terminals."""
    online = np.where(stream.random(len(present)) < 0.12, "tablet", "desktop").astype(object)
    online[stream.random(len(present)) < on_phone] = "phone"
    online[present] = None
    return online


def _fraud(n: int, normal_payments: pd.DataFrame, stream: np.random.Generator) -> pd.DataFrame:
    """Draw fraud of all kinds, each based on a normal payment of the same customer."""
    victims = normal_payments.iloc[stream.integers(len(normal_payments), size=n)].reset_index(drop=True)
    kinds = np.arange(n) % len(_KINDS)
    return pd.concat([change(victims[kinds == k], stream) for k, change in enumerate(_KINDS)])


def _night_orders(victims: pd.DataFrame, stream: np.random.Generator) -> pd.DataFrame:
    """Online orders of electronics between 1 and 5 o'clock, mostly from abroad."""
    n = len(victims)
    country = stream.choice(["GB", "NL", "PL", "US", "CN", "DE"], size=n)
    night = np.floor(victims["minute"] / 1440) * 1440 + stream.integers(60, 300, size=n)
    return victims.assign(
        minute=night,
        amount_eur=stream.lognormal(np.log(320), 0.5, size=n),
        category="electronics",
        country=country,
        card_present=False,
        device="desktop",
    )


def _card_tests(victims: pd.DataFrame, stream: np.random.Generator) -> pd.DataFrame:
    """Small online orders, minutes after another payment."""
    n = len(victims)
    return victims.assign(
        minute=victims["minute"] + stream.integers(1, 5, size=n),
        amount_eur=stream.lognormal(np.log(1.6), 0.4, size=n),
        category=stream.choice(["subscriptions", "entertainment", "transport"], size=n),
        country=stream.choice(["IE", "US", "GB", "DE"], size=n),
        card_present=False,
        device=stream.choice(["desktop", "phone"], size=n),
    )


def _distant_orders(victims: pd.DataFrame, stream: np.random.Generator) -> pd.DataFrame:
    """Domestic online orders from a distant phone or tablet."""
    n = len(victims)
    return victims.assign(
        minute=victims["minute"] + stream.integers(30, 2000, size=n),
        amount_eur=stream.lognormal(np.log(95), 0.6, size=n),
        category=stream.choice(["clothing", "electronics", "travel", "household"], size=n),
        country="DE",
        card_present=False,
        device=stream.choice(["phone", "tablet"], size=n),
        distance_km=stream.lognormal(np.log(1900), 0.6, size=n),
    )


def _copied_cards(victims: pd.DataFrame, stream: np.random.Generator) -> pd.DataFrame:
    """Terminal payments abroad, sooner after a payment at home than a customer could travel."""
    n = len(victims)
    country = stream.choice(["ES", "GB", "IT", "PL", "TR", "US"], size=n)
    return victims.assign(
        minute=victims["minute"] + stream.integers(10, 60, size=n),
        amount_eur=stream.lognormal(np.log(120), 0.5, size=n),
        category=stream.choice(["cash", "clothing", "electronics", "fuel"], size=n),
        country=country,
        card_present=True,
        device=None,
        distance_km=np.array([_COUNTRIES[name][2] for name in country]) * stream.lognormal(0, 0.15, size=n),
    )


_KINDS = (_night_orders, _card_tests, _distant_orders, _copied_cards)


def _with_customers(rows: pd.DataFrame, customers: pd.DataFrame, stream: np.random.Generator) -> pd.DataFrame:
    """Add times, data on customers and missing values."""
    who = rows["customer"].to_numpy()
    minute = np.minimum(rows["minute"].to_numpy(), 1440 * _DAYS - 1)
    second = (60 * minute + stream.integers(60, size=len(rows))).astype("timedelta64[s]")
    order = np.lexsort([second, who])
    gap = np.full(len(rows), np.nan)
    gap[order[1:]] = np.diff(second[order]) / np.timedelta64(60, "s")
    gap[order[1:][np.diff(who[order]) != 0]] = np.nan  # first payment of a customer
    opened = customers["opened"].to_numpy()[who]
    return rows.assign(
        minute=second.astype(np.int64),
        timestamp=_START + second,
        amount_eur=np.maximum(rows["amount_eur"].to_numpy(), 0.5).round(2),
        customer_age=_with_missing(customers["age"].to_numpy()[who], _MISSING_AGE, stream),
        account_age_days=opened + np.floor(minute / 1440),
        minutes_since_last=gap.round(),
        distance_km=_with_missing(rows["distance_km"].to_numpy().round(1), _MISSING_DISTANCE, stream),
    )


def _with_missing(values: np.ndarray, share: float, stream: np.random.Generator) -> np.ndarray:
    return np.where(stream.random(len(values)) < share, np.nan, values)


def _pick(weights: Any, n: int, stream: np.random.Generator) -> np.ndarray:
    share = np.asarray(weights, dtype=np.float64)
    return stream.choice(len(share), size=n, p=share / share.sum())


def _look_up(table: Mapping[str, tuple[float, ...]], index: np.ndarray) -> np.ndarray:
    """Return the columns of the selected rows of a table, (n_columns, n)."""
    return np.array(list(table.values()))[index].T
