"""Recognition of identifiers and of numbers that follow the order of the rows."""

import warnings

import numpy as np
import pandas as pd
import pytest

from aeanomaly.preprocessing.identifiers import find_identifiers, warn_of_trends

N = 60
RISING = range(100, 100 + 3 * N, 3)
CODES = [f"R{number:04d}" for number in np.random.default_rng(0).permutation(N)]


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series(RISING),
        pd.Series(RISING, dtype="uint16"),
        pd.Series(RISING, dtype="Int64"),
        pd.Series(RISING, dtype="int64[pyarrow]"),
        pd.Series(RISING, dtype=object),
        pd.Series([10**30 + number for number in RISING], dtype=object),
        pd.Series(CODES),
        pd.Series(CODES, dtype="string"),
        pd.Series(CODES, dtype="string[pyarrow]"),
        pd.Series(CODES, dtype=object),
    ],
    ids=lambda cells: str(cells.dtype),
)
def test_rising_integers_and_unique_text_are_found(cells):
    assert list(find_identifiers(pd.DataFrame({"x": cells}), ())) == ["x"]
    assert find_identifiers(pd.DataFrame({"x": cells}), ("x",)) == {}
    assert find_identifiers(pd.DataFrame({"x": cells[:49]}), ()) == {}


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series(RISING, dtype=float),
        pd.Series(RISING)[::-1],
        pd.Series(np.random.default_rng(0).permutation(N)),
        pd.Series([*RISING[:-1], RISING[-2]]),
        pd.Series([*RISING[:-1], None], dtype="Int64"),
        pd.Series([*CODES[:-1], CODES[0]]),
        pd.Series([*CODES[:-1], None]),
        pd.Series(pd.Categorical(CODES)),
        pd.Series(pd.date_range("2024", periods=N)),
        pd.Series(pd.to_timedelta(range(N), unit="s")),
        pd.Series(np.arange(N) % 2 == 0),
        pd.Series([number / 2 for number in RISING], dtype=object),
    ],
    ids=lambda cells: f"{cells.dtype} {cells.iloc[0]}",
)
def test_other_columns_are_not(cells):
    assert find_identifiers(pd.DataFrame({"x": cells.reset_index(drop=True)}), ()) == {}


def test_duplicates_beyond_the_first_thousand_are_seen():
    rising = np.arange(3000)
    rising[2000] = 1999
    text = [str(number) for number in range(2999)] + ["0"]
    assert find_identifiers(pd.DataFrame({"rising": rising, "text": text}), ()) == {}


def test_a_trend_is_named_with_its_correlation():
    order, noise = np.arange(200.0), np.random.default_rng(0).normal(size=200)
    frame = pd.DataFrame({"up": order, "down": noise - order, "noise": noise})
    with pytest.warns(UserWarning, match=r"columns 'up' \(\+1.00\), 'down' \(-1.00\) follow the order of the rows"):
        warn_of_trends(frame, list(frame))


def test_no_trend_no_warning():
    order, noise = np.arange(200.0), np.random.default_rng(0).normal(size=200)
    frame = pd.DataFrame({"noise": noise, "constant": 1.0, "missing": np.nan, "weak": order + 100 * noise})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_trends(frame, list(frame))
        warn_of_trends(frame[:49], ["weak"])
