"""Cells of any type in one column, and tables of any type: each is scored, or refused in one sentence."""

import datetime
import enum
import ipaddress
import re
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse

import aeanomaly

N = 60
ALL, FIRST = slice(None), slice(0, 1)
#: Words for the remedy in a message.
REMEDY = re.compile(
    r"(?i)\b(call|collect|convert|correct|divide|drop|flatten|pass|replace|rename|reshape|set|split|use|write)\b"
)
#: Messages of other libraries, and types that only they know.
FOREIGN = re.compile(
    r"could not convert|Expected 2D array|Expected a 2-dim|Sparse data was passed|Found array|inhomogeneous|unhashable"
    r"|not understood|can't convert|Can't call|cannot directly convert|real number, not|[Aa]rrow(Invalid|NotImpl|Type)"
)

rng = np.random.default_rng(0)
A, B = rng.normal(size=(2, N))
COUNTS = rng.integers(0, 7, N)
REALS = rng.integers(-20, 20, N) / 4  # exact in float16
FLAGS = rng.integers(0, 2, N).astype(bool)
WORDS = np.array(["blue", "green", "red"])[rng.integers(0, 3, N)].tolist()
SIZES = np.array(["low", "mid", "high"])[COUNTS % 3].tolist()
TIMES = pd.Series(pd.Timestamp("2026-01-05") + pd.to_timedelta(5 * rng.permutation(N), unit="h"))
ZONED = TIMES.dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
DATES = pd.Series(pd.Timestamp("2026-01-05") + pd.to_timedelta(rng.permutation(N), unit="D"))
HOURS = pd.Series(pd.to_timedelta(COUNTS, unit="h"))
SECONDS = 3600.0 * COUNTS
CLOCK = [datetime.time(hour, 7 * minute) for hour, minute in zip(TIMES.dt.hour, COUNTS, strict=True)]
#: Missing in every seventh row.
GAPS = np.arange(N) % 7 == 3
#: Missing values of all kinds, to be cycled through.
NOTHINGS = [None, np.nan, pd.NA, pd.NaT]


class Color(enum.Enum):
    BLUE = 1
    GREEN = 2
    RED = 3


class Level(enum.IntEnum):
    LOW = 1
    MID = 2
    HIGH = 3


class Word(enum.StrEnum):
    BLUE = "blue"
    GREEN = "green"
    RED = "red"


class Dataset:
    """Table like that of xarray, which cannot be converted to an array."""

    data_vars = ("a", "b")
    dims = ("row",)

    def __array__(self, dtype=None, copy=None):
        raise TypeError("cannot directly convert an xarray.Dataset into a numpy array")


def frame(cells=None, rows=ALL):
    """Return a table of two plain columns, and a column 'x' of these cells."""
    plain = pd.DataFrame({"a": A, "b": B})
    return (plain if cells is None else plain.assign(x=cells)).iloc[rows]


NAMES = ["a", "b", "x"]
WITHOUT_X = frame()


@dataclass(frozen=True)
class Case:
    """Table, and what a detector makes of it.

    Attributes
    ----------
    make : callable
        Constructor of the rows of a slice.
    like : DataFrame, optional
        Table with the same scores.
    warned : str, optional
        Pattern of the only warning.
    refused : str, optional
        Pattern of the message of the error; with `like`, the table may also be scored.
    names : list of str, optional
        Names of the columns; None if they have none.
    """

    make: Callable[[slice], Any]
    like: pd.DataFrame | None = None
    warned: str | None = None
    refused: str | None = None
    names: list[str] | None = None


def objects(cells):
    """Return a series of objects, without any conversion."""
    array = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        array[row] = cell
    return pd.Series(array, dtype=object)


def gaps(cells, kinds=(None,)):
    """Return the cells as objects, with these kinds of missing values in every seventh row."""
    missing = iter(list(kinds) * N)
    return objects([next(missing) if gap else cell for cell, gap in zip(cells, GAPS, strict=True)])


def case_of(make, like=None, warned=None, refused=None):
    """Return the case of a table whose column 'x' has the scores of other cells."""
    like = like if like is None or isinstance(like, pd.DataFrame) else frame(like)
    patterns = [pattern and rf"(?s)(?=.*'x').*({pattern})" for pattern in (warned, refused)]
    return Case(make, like, *patterns, NAMES)


def taken(make, like=None, warned=None, refused=None):
    """Return the case of a column of pandas that is scored."""
    return case_of(lambda rows: frame(make(), rows), like, warned, refused)


def left_out(make, reason):
    """Return the case of a column of pandas that is left out of the score with a warning."""
    return taken(make, WITHOUT_X, reason)


def refused(make, got):
    """Return the case of a column of pandas that is refused."""
    return taken(make, refused=got)


def arrow(cells, dtype, like=None, warned=None, refused=None):
    """Return the case of a column of a pyarrow table."""

    def make(rows):
        table = pa.table({"a": A, "b": B, "x": cells if dtype is None else pa.array(cells, dtype)})
        return table if rows == ALL else table.slice(0, 1)

    return case_of(make, like, warned, refused)


def pandas_arrow(cells, dtype, like=None, warned=None, refused=None):
    """Return the case of a column of pandas with a dtype of pyarrow."""
    return taken(lambda: pd.Series(pd.array(cells, dtype=pd.ArrowDtype(dtype or cells.type))), like, warned, refused)


def polars(cells, dtype, like=None, warned=None, refused=None):
    """Return the case of a column of a polars frame."""

    def make(rows):
        return pl.DataFrame({"a": A, "b": B, "x": pl.Series(list(cells), dtype=dtype, strict=False)})[rows]

    return case_of(make, like, warned, refused)


def table(make, names=None, refused=None, cells=None):
    """Return the case of a table made from a frame of floats."""
    plain = frame(REALS if cells is None else cells)
    return Case(lambda rows: make(plain.iloc[rows]), plain, None, refused, names)


def not_a_table(make, got, remedy="DataFrame"):
    """Return the case of an object that is refused with its kind and the accepted types, or another remedy."""
    return Case(lambda rows: make(), refused=rf"(?is)(?=.*({got})).*({remedy})")


REALS_WITH_GAPS = np.where(GAPS, np.nan, REALS)
COUNTS_WITH_GAPS = np.where(GAPS, np.nan, COUNTS)
FLAGS_WITH_GAPS = np.where(GAPS, np.nan, FLAGS)
WORDS_WITH_GAPS = gaps(WORDS)
TIMES_WITH_GAPS = TIMES.mask(GAPS)
#: A column of times with the time of the day of CLOCK, and no other cycle.
DAYS = pd.Series(
    [datetime.datetime.combine(datetime.date(2026, 1, 5 + row % 5), time) for row, time in enumerate(CLOCK)]
)
HUGE = [2**64 + int(count) for count in COUNTS]
MIDPOINTS = COUNTS + 0.5
ROUNDED = r"beyond 2\*\*53"
ALL_MISSING = r"(missing|NaN|empty|no value).*left out"
IDENTIFIER = r"identif.*left out"

NUMPY = {
    **{
        dtype: taken(lambda dtype=dtype: COUNTS.astype(dtype), COUNTS.astype(float))
        for dtype in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
    **{
        dtype: taken(lambda dtype=dtype: REALS.astype(dtype), REALS)
        for dtype in ("float16", "float32", "float64", "longdouble", ">f8", ">f4")
    },
    ">i4": taken(lambda: COUNTS.astype(">i4"), COUNTS.astype(float)),
    "bool": taken(lambda: FLAGS, FLAGS.astype(float)),
    "int64 beyond 2**53": taken(lambda: 2**60 + 2**20 * COUNTS, (2**60 + 2**20 * COUNTS).astype(float), ROUNDED),
    "1e300": taken(lambda: np.where(GAPS, 1e300, REALS)),
    "all about 1e300": taken(lambda: 1e300 * (1 + COUNTS)),
    "-0.0 and denormals": taken(lambda: np.where(GAPS, -0.0, 1e-310 * COUNTS)),
    "inf": refused(lambda: np.where(GAPS, np.inf, REALS), "inf"),
    "-inf": refused(lambda: np.where(GAPS, -np.inf, REALS), "inf"),
    "float32 inf": refused(lambda: np.where(GAPS, np.inf, REALS).astype("float32"), "inf"),
    "longdouble beyond float64": refused(lambda: np.where(GAPS, np.longdouble(10) ** 4000, REALS), "inf|float64"),
    "complex": refused(lambda: REALS + 1j, "complex"),
    "complex without imaginary parts": refused(lambda: REALS.astype(complex), "complex"),
    **{
        f"datetime64[{unit}]": taken(lambda u=unit: TIMES.astype(f"datetime64[{u}]"), TIMES)
        for unit in ("s", "ms", "ns")
    },
    **{
        f"timedelta64[{unit}]": taken(lambda u=unit: HOURS.astype(f"timedelta64[{u}]"), SECONDS) for unit in ("s", "ns")
    },
}

PANDAS = {
    **{
        dtype: taken(lambda dtype=dtype: pd.Series(COUNTS_WITH_GAPS).astype(dtype), COUNTS_WITH_GAPS)
        for dtype in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
    },
    "Float32": taken(lambda: pd.Series(REALS_WITH_GAPS).astype("Float32"), REALS_WITH_GAPS),
    "Float64": taken(lambda: pd.Series(REALS_WITH_GAPS).astype("Float64"), REALS_WITH_GAPS),
    "boolean": taken(lambda: gaps(FLAGS).astype("boolean"), FLAGS_WITH_GAPS),
    **{
        dtype: taken(lambda dtype=dtype: pd.Series(gaps(WORDS), dtype=dtype), WORDS_WITH_GAPS)
        for dtype in ("str", "string", "string[python]", "string[pyarrow]")
    },
    "category": taken(lambda: pd.Categorical(WORDS), WORDS),
    "category with missing cells": taken(lambda: pd.Categorical(WORDS_WITH_GAPS), WORDS_WITH_GAPS),
    "category with unused categories": taken(lambda: pd.Categorical(WORDS, ["red", "pink", "green", "blue"]), WORDS),
    "category of integers": taken(lambda: pd.Categorical(COUNTS), COUNTS.astype(str)),
    "category of floats": taken(lambda: pd.Categorical(COUNTS + 0.5), (COUNTS + 0.5).astype(str)),
    "category of booleans": taken(lambda: pd.Categorical(FLAGS), FLAGS.astype(str)),
    "category of times": taken(lambda: pd.Categorical(DATES.iloc[COUNTS]), DATES.iloc[COUNTS].astype(str).to_numpy()),
    "category of intervals": taken(lambda: pd.cut(COUNTS, [-1, 1, 3, 9]), np.digitize(COUNTS, [1.5, 3.5]) * 1.0),
    "ordered category": taken(lambda: pd.Categorical(SIZES, ["low", "mid", "high"], ordered=True), COUNTS % 3 * 1.0),
    "ordered category of integers": taken(lambda: pd.Categorical(COUNTS, ordered=True), COUNTS.astype(float)),
    "Sparse[float64]": taken(lambda: pd.arrays.SparseArray(REALS_WITH_GAPS), REALS_WITH_GAPS),
    "Sparse[int64]": taken(lambda: pd.arrays.SparseArray(COUNTS), COUNTS.astype(float)),
    "Sparse[bool]": taken(lambda: pd.arrays.SparseArray(FLAGS), FLAGS.astype(float)),
    "period[h]": taken(lambda: TIMES.dt.to_period("h"), TIMES),
    "period[D] with missing cells": taken(lambda: DATES.mask(GAPS).dt.to_period("D"), DATES.mask(GAPS)),
    "interval": taken(lambda: pd.arrays.IntervalArray.from_arrays(COUNTS, COUNTS + 1), MIDPOINTS, None, "[Ii]nterval"),
    "interval of times": taken(
        lambda: pd.arrays.IntervalArray.from_arrays(TIMES, TIMES + pd.Timedelta("2h")),
        TIMES + pd.Timedelta("1h"),
        None,
        "[Ii]nterval",
    ),
    "time zone": taken(lambda: ZONED, ZONED.dt.tz_localize(None)),
    "time zone of a fixed offset": taken(lambda: TIMES.dt.tz_localize("+02:00"), TIMES),
    "timedelta with missing cells": taken(lambda: HOURS.mask(GAPS), np.where(GAPS, np.nan, SECONDS)),
    "years 1 and 9999": taken(
        lambda: TIMES.mask(GAPS, pd.Timestamp("9999-12-31")).mask(COUNTS == 0, pd.Timestamp(1, 1, 1))
    ),
}

OBJECTS = {
    "floats": taken(lambda: objects(REALS), REALS),
    "integers, floats and booleans": taken(
        lambda: objects([[int(c), float(c), bool(c % 2)][c % 3] for c in COUNTS]),
        np.where(COUNTS % 3 == 2, COUNTS % 2, COUNTS) * 1.0,
    ),
    "numpy scalars": taken(lambda: objects([np.float32(v) for v in REALS]), REALS),
    "booleans with None": taken(lambda: gaps(FLAGS), FLAGS_WITH_GAPS),
    "Decimal": taken(lambda: objects([Decimal(str(v)) for v in REALS]), REALS),
    "Decimal with missing cells": taken(lambda: gaps([Decimal(str(v)) for v in REALS], NOTHINGS), REALS_WITH_GAPS),
    "Decimal NaN": taken(lambda: objects([Decimal(str(v)) for v in REALS_WITH_GAPS]), REALS_WITH_GAPS),
    "Decimal Infinity": refused(lambda: objects([Decimal("Infinity"), *map(Decimal, range(N - 1))]), "inf"),
    "Fraction": taken(lambda: objects([Fraction(v) for v in REALS]), REALS),
    "integers beyond 2**63": taken(lambda: objects(HUGE), np.array(HUGE, dtype=float), ROUNDED),
    "integers beyond float64": refused(lambda: objects([10**400 + int(c) for c in COUNTS]), "401 digits"),
    "IntEnum": taken(lambda: objects([list(Level)[c % 3] for c in COUNTS]), COUNTS % 3 + 1.0),
    "StrEnum": taken(lambda: objects([Word(word) for word in WORDS]), WORDS),
    "Enum": taken(lambda: objects([Color[word.upper()] for word in WORDS]), WORDS),
    "Enum with missing cells": taken(lambda: gaps([Color[word.upper()] for word in WORDS]), WORDS_WITH_GAPS),
    "number texts": taken(lambda: objects([str(c) for c in COUNTS]), pd.Series(COUNTS.astype(str))),
    "unique number texts": left_out(lambda: objects([f"{v:.9f}" for v in A]), IDENTIFIER),
    "numbers with NaN, None, NA and NaT": taken(lambda: gaps(REALS, NOTHINGS), REALS_WITH_GAPS),
    "text with NaN, None, NA and NaT": taken(lambda: gaps(WORDS, NOTHINGS), WORDS_WITH_GAPS),
    "times with NaN, None, NA and NaT": taken(lambda: gaps(TIMES, NOTHINGS), TIMES_WITH_GAPS),
    "durations with NaN, None, NA and NaT": taken(lambda: gaps(HOURS, NOTHINGS), np.where(GAPS, np.nan, SECONDS)),
    "numpy.str_": taken(lambda: objects([np.str_(word) for word in WORDS]), WORDS),
    "free text": left_out(lambda: objects([f"On day {i}, all went {w}." for i, w in enumerate(WORDS)]), IDENTIFIER),
    "UUID": left_out(lambda: objects([uuid.UUID(int=i**9) for i in range(N)]), IDENTIFIER),
    "time": taken(lambda: objects(CLOCK), DAYS),
    "time with missing cells": taken(lambda: gaps(CLOCK, NOTHINGS), DAYS.mask(GAPS)),
    "date": taken(lambda: objects(DATES.dt.date), DATES),
    "date with missing cells": taken(lambda: gaps(DATES.dt.date, NOTHINGS), DATES.mask(GAPS)),
    "datetime": taken(lambda: objects(TIMES.dt.to_pydatetime()), TIMES),
    "numpy.datetime64": taken(lambda: objects(list(TIMES.to_numpy())), TIMES),
    "date and datetime": taken(lambda: objects([t.date() if t.hour == 0 else t.to_pydatetime() for t in TIMES]), TIMES),
    "datetime with a zone": taken(
        lambda: objects([t.to_pydatetime().replace(tzinfo=ZoneInfo("Europe/Berlin")) for t in TIMES]), TIMES
    ),
    "datetime of several offsets": taken(
        lambda: objects(
            [
                t.to_pydatetime().replace(tzinfo=datetime.timezone(datetime.timedelta(hours=int(c) - 3)))
                for t, c in zip(TIMES, COUNTS, strict=True)
            ]
        ),
        TIMES - pd.to_timedelta(COUNTS - 3, unit="h"),
    ),
    "datetime with and without a zone": refused(
        lambda: objects([t if c % 2 else t.tz_localize("UTC") for t, c in zip(TIMES, COUNTS, strict=True)]), "zone"
    ),
    "timedelta": taken(lambda: objects([hour.to_pytimedelta() for hour in HOURS]), SECONDS),
    "period": taken(lambda: objects(TIMES.dt.to_period("h")), TIMES),
    "Interval": taken(lambda: objects([pd.Interval(c, c + 1) for c in COUNTS]), MIDPOINTS, None, "[Ii]nterval"),
    "text and integers": refused(
        lambda: objects([7 if c % 2 else "seven" for c in COUNTS]), "text.*numbers|numbers.*text"
    ),
    "text and times": refused(lambda: TIMES.astype(object).mask(GAPS, "unknown"), "times and text|text and times"),
    "Enum and text": refused(lambda: gaps([Color.RED] * N, ["red"]), "Color.RED"),
    "UUID and integers": refused(lambda: gaps([uuid.UUID(int=i) for i in range(N)], [1]), "UUID|0000-0000"),
    "bytes": refused(lambda: objects([word.encode() for word in WORDS]), "b'|bytes"),
    "unique bytes": refused(lambda: objects([b"%d" % i for i in range(N)]), "b'|bytes"),
    "numpy bytes": refused(lambda: np.array(WORDS, dtype="S5"), "b'|bytes|S5"),
    "lists": refused(lambda: objects([[c, 1] for c in COUNTS]), r"\[|list"),
    "tuples": refused(lambda: objects([(c, 1) for c in COUNTS]), r"\(|tuple"),
    "sets": refused(lambda: objects([{c, 1} for c in COUNTS]), r"\{|set"),
    "arrays": refused(lambda: objects([np.array([c, 1.0]) for c in COUNTS]), r"array"),
    "arrays of one number": refused(lambda: objects([np.array([c]) for c in COUNTS]), r"array"),
    "tensors": refused(lambda: objects([torch.ones(2) * int(c) for c in COUNTS]), r"tensor"),
    "series": refused(lambda: objects([pd.Series([c, 1.0]) for c in COUNTS]), r"Series|series|dtype"),
    "dicts": refused(lambda: objects([{"n": c} for c in COUNTS]), r"\{|dict"),
    "lists with missing cells": refused(lambda: gaps([[c, 1] for c in COUNTS]), r"\[|list"),
    "complex": refused(lambda: objects([complex(v, 1) for v in REALS]), r"complex|\dj"),
    "IP addresses": refused(lambda: objects([ipaddress.ip_address(int(c)) for c in COUNTS]), "0.0.0|IPv4"),
    "paths": refused(lambda: objects([Path(word) for word in WORDS]), "Path|blue|green|red"),
    "functions": refused(lambda: objects([len] * N), "function"),
    "date offsets": refused(lambda: objects([pd.DateOffset(months=int(c)) for c in COUNTS]), "DateOffset"),
}

ALL_MISSING_COLUMNS = {
    **{
        dtype: left_out(lambda dtype=dtype: pd.Series([None] * N, dtype=dtype), ALL_MISSING)
        for dtype in (
            *("float32", "float64", "object", "str", "string", "string[pyarrow]", "datetime64[us]", "category"),
            *("datetime64[us, UTC]", "timedelta64[us]", "Int64", "Float64", "boolean", "double[pyarrow]"),
            *("date32[day][pyarrow]", "null[pyarrow]", "period[D]", "Sparse[float64]"),
        )
    },
    "category of known categories": left_out(lambda: pd.Categorical([None] * N, ["red"]), ALL_MISSING),
    "NaN, None, NA and NaT": left_out(lambda: objects((NOTHINGS * N)[:N]), ALL_MISSING),
    "Decimal NaN": left_out(lambda: objects([Decimal("NaN")] * N), ALL_MISSING),
}

CONSTANTS = {
    "integer": taken(lambda: np.full(N, 7), np.full(N, 7.0)),
    "float": taken(lambda: np.full(N, 0.1)),
    "boolean": taken(lambda: np.full(N, True), np.ones(N)),
    "nullable integer": taken(lambda: pd.Series([7] * N, dtype="Int8"), np.full(N, 7.0)),
    "Decimal": taken(lambda: objects([Decimal(7)] * N), np.full(N, 7.0)),
    "text": taken(lambda: ["red"] * N),
    "empty text": taken(lambda: [""] * N, ["red"] * N),
    "text or missing": taken(lambda: gaps(["red"] * N)),
    "category": taken(lambda: pd.Categorical(["red"] * N), ["red"] * N),
    "ordered category": taken(lambda: pd.Categorical(["red"] * N, ordered=True), np.zeros(N)),
    "times": taken(lambda: [pd.Timestamp("2026-01-05")] * N, None),
    "dates": taken(lambda: objects([datetime.date(2026, 1, 5)] * N), None),
    "time of day": taken(lambda: objects([datetime.time(7)] * N), None),
    "durations": taken(lambda: [pd.Timedelta("1h")] * N, np.full(N, 3600.0)),
    "Enum": taken(lambda: objects([Color.RED] * N), ["red"] * N),
}

ARROW = {
    **{str(t): (COUNTS, t, COUNTS.astype(float)) for t in (pa.int8(), pa.int64(), pa.uint8(), pa.uint64())},
    "int32 with nulls": (gaps(COUNTS), pa.int32(), COUNTS_WITH_GAPS),
    "halffloat": (REALS.astype("float16"), pa.float16(), REALS),
    "float": (REALS, pa.float32(), REALS),
    "double with nulls": (gaps(REALS), pa.float64(), REALS_WITH_GAPS),
    "decimal128": ([Decimal(str(v)) for v in REALS], pa.decimal128(10, 2), REALS),
    "decimal256 with nulls": (gaps([Decimal(str(v)) for v in REALS]), pa.decimal256(50, 2), REALS_WITH_GAPS),
    "bool": (FLAGS, pa.bool_(), FLAGS.astype(float)),
    "bool with nulls": (gaps(FLAGS), pa.bool_(), FLAGS_WITH_GAPS),
    "string with nulls": (WORDS_WITH_GAPS, pa.string(), WORDS_WITH_GAPS),
    "large_string": (WORDS, pa.large_string(), WORDS),
    "string_view": (WORDS, pa.string_view(), WORDS),
    "dictionary": (WORDS, pa.dictionary(pa.int8(), pa.string()), WORDS),
    "dictionary with nulls": (WORDS_WITH_GAPS, pa.dictionary(pa.int32(), pa.string()), WORDS_WITH_GAPS),
    "dictionary with a null among its values": (
        pa.DictionaryArray.from_arrays(pa.array(COUNTS % 4), pa.array(["blue", "green", "red", None])),
        None,
        np.array(["blue", "green", "red", None], dtype=object)[COUNTS % 4],
    ),
    "dictionary of integers": (COUNTS.tolist(), pa.dictionary(pa.int8(), pa.int64()), COUNTS.astype(str)),
    "timestamp[s]": (TIMES.dt.to_pydatetime(), pa.timestamp("s"), TIMES),
    "timestamp[ns] with nulls": (TIMES_WITH_GAPS, pa.timestamp("ns"), TIMES_WITH_GAPS),
    "timestamp with a zone": (ZONED, pa.timestamp("us", "Europe/Berlin"), ZONED.dt.tz_localize(None)),
    "date32": (list(DATES.dt.date), pa.date32(), DATES),
    "date64": (list(DATES.dt.date), pa.date64(), DATES),
    "date32 with nulls": (gaps(DATES.dt.date), pa.date32(), DATES.mask(GAPS)),
    "time32": (CLOCK, pa.time32("s"), DAYS),
    "time64 with nulls": (gaps(CLOCK), pa.time64("us"), DAYS.mask(GAPS)),
    "duration": (HOURS, pa.duration("us"), SECONDS),
    "null": ([None] * N, pa.null(), WITHOUT_X, ALL_MISSING),
    "string without values": ([None] * N, pa.string(), WITHOUT_X, ALL_MISSING),
    "decimal128 without values": ([None] * N, pa.decimal128(10, 2), WITHOUT_X, ALL_MISSING),
    "inf": (np.where(GAPS, np.inf, REALS), pa.float64(), None, None, "inf"),
    "binary": ([word.encode() for word in WORDS], pa.binary(), None, None, "binary|b'|bytes"),
    "fixed_size_binary": ([b"%05d" % i for i in range(N)], pa.binary(5), None, None, "binary|b'|bytes"),
    "list": ([[c, 1] for c in COUNTS], pa.list_(pa.int64()), None, None, r"list|array|\["),
    "fixed_size_list": ([[c, 1] for c in COUNTS], pa.list_(pa.int64(), 2), None, None, r"list|array|\["),
    "struct": ([{"n": int(c)} for c in COUNTS], pa.struct({"n": pa.int64()}), None, None, r"struct|dict|\{"),
    "map": ([[("n", int(c))] for c in COUNTS], pa.map_(pa.string(), pa.int64()), None, None, r"map|list|\["),
}

POLARS = {
    **{str(t): polars(COUNTS, t, COUNTS.astype(float)) for t in (pl.Int8, pl.UInt8, pl.Int64, pl.UInt64)},
    "Int16 with nulls": polars(list(gaps(COUNTS.tolist())), pl.Int16, COUNTS_WITH_GAPS),
    "Int128": polars(COUNTS.tolist(), pl.Int128, COUNTS.astype(float)),
    "Int128 beyond 2**63": polars(HUGE, pl.Int128, np.array(HUGE, dtype=float), ROUNDED),
    "Int128 with nulls": polars(list(gaps(COUNTS.tolist())), pl.Int128, COUNTS_WITH_GAPS),
    "Float32": polars(REALS, pl.Float32, REALS),
    "Float64 with nulls": polars(list(gaps(REALS.tolist())), pl.Float64, REALS_WITH_GAPS),
    "Decimal": polars([Decimal(str(v)) for v in REALS], pl.Decimal(10, 2), REALS),
    "Decimal with nulls": polars(list(gaps([Decimal(str(v)) for v in REALS])), pl.Decimal(10, 2), REALS_WITH_GAPS),
    "Boolean": polars(FLAGS, pl.Boolean, FLAGS.astype(float)),
    "Boolean with nulls": polars(list(gaps(FLAGS.tolist())), pl.Boolean, FLAGS_WITH_GAPS),
    "String": polars(WORDS, pl.String, WORDS),
    "String with nulls": polars(list(WORDS_WITH_GAPS), pl.String, WORDS_WITH_GAPS),
    "Categorical": polars(WORDS, pl.Categorical, WORDS),
    "Categorical with nulls": polars(list(WORDS_WITH_GAPS), pl.Categorical, WORDS_WITH_GAPS),
    "Enum": polars(WORDS, pl.Enum(["blue", "green", "red", "pink"]), pd.Categorical(WORDS, ordered=True)),
    "Date": polars(list(DATES.dt.date), pl.Date, DATES),
    "Time": polars(CLOCK, pl.Time, DAYS),
    "Time with nulls": polars(list(gaps(CLOCK)), pl.Time, DAYS.mask(GAPS)),
    "Duration": polars(HOURS.to_list(), pl.Duration, SECONDS),
    "Datetime": polars(list(TIMES.dt.to_pydatetime()), pl.Datetime, TIMES),
    "Datetime with a zone": polars(
        list(ZONED.dt.to_pydatetime()), pl.Datetime("us", "Europe/Berlin"), ZONED.dt.tz_localize(None)
    ),
    "Null": polars([None] * N, pl.Null, WITHOUT_X, ALL_MISSING),
    "String without values": polars([None] * N, pl.String, WITHOUT_X, ALL_MISSING),
    "Binary": polars([word.encode() for word in WORDS], pl.Binary, refused="b'|bytes|[Bb]inary"),
    "List": polars([[c, 1] for c in COUNTS], pl.List(pl.Int64), refused=r"\[|[Ll]ist|array"),
    "Array": polars([[c, 1] for c in COUNTS], pl.Array(pl.Int64, 2), refused=r"\[|[Ll]ist|[Aa]rray"),
    "Struct": polars([{"n": c} for c in COUNTS], pl.Struct({"n": pl.Int64}), refused=r"\{|[Ss]truct|dict"),
    "Object": polars([object() for _ in COUNTS], pl.Object, refused="object"),
    "inf": polars(np.where(GAPS, np.inf, REALS), pl.Float64, refused="inf"),
}


def duckdb_relation(rows):
    duckdb = pytest.importorskip("duckdb")
    return duckdb.connect().from_df(rows)


def with_two_levels(rows):
    return rows.set_axis(pd.MultiIndex.from_tuples([("p", "a"), ("p", "b"), ("q", "x")]), axis=1)


def masked(rows):
    values = rows.to_numpy()
    return np.ma.masked_array(np.nan_to_num(values, nan=9.0), np.isnan(values))


def as_batch(rows):
    return pa.RecordBatch.from_pandas(rows, preserve_index=False)


class OnDevice:
    """Array in the memory of a GPU, as by CuPy: it is not converted without being asked."""

    __cuda_array_interface__ = None

    def __init__(self, values):
        self._values, self.shape = values, values.shape

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __getitem__(self, rows):
        return OnDevice(self._values[rows])

    def __len__(self):
        return len(self._values)

    def get(self):
        """Return the values as a NumPy array."""
        return self._values


CONTAINERS = {
    "numpy array": table(pd.DataFrame.to_numpy),
    "structured array": table(lambda rows: np.asarray(rows.to_records(index=False)), NAMES),
    "structured array of several dtypes": table(
        lambda rows: np.array(list(rows.itertuples(index=False)), [("a", "f8"), ("b", "f8"), ("x", "f2")]), NAMES
    ),
    "recarray": table(lambda rows: rows.to_records(index=False), NAMES),
    "masked array": table(masked, None, "mask", REALS_WITH_GAPS),
    "list of lists": table(lambda rows: rows.to_numpy().tolist()),
    "list of tuples": table(lambda rows: list(rows.itertuples(index=False, name=None))),
    "list of arrays": table(lambda rows: list(rows.to_numpy())),
    "list of dicts": table(lambda rows: rows.to_dict("records"), NAMES),
    "dict of lists": table(lambda rows: rows.to_dict("list"), NAMES),
    "dict of arrays": table(lambda rows: {name: cells.to_numpy() for name, cells in rows.items()}, NAMES),
    "pandas": table(lambda rows: rows, NAMES),
    "pandas with numbers as names": table(lambda rows: rows.set_axis([0, 1, 2], axis=1)),
    "pandas with two levels of rows": table(lambda rows: rows.set_index([rows.index, rows.index]), NAMES),
    "pandas with two levels of names": table(with_two_levels, None, r"MultiIndex|level|\('p', 'a'\)"),
    "polars": table(pl.from_pandas, NAMES),
    "polars LazyFrame": table(lambda rows: pl.from_pandas(rows).lazy(), NAMES),
    "pyarrow Table": table(lambda rows: pa.Table.from_batches([as_batch(rows)]), NAMES),
    "pyarrow RecordBatch": table(as_batch, NAMES),
    "pyarrow RecordBatchReader": table(lambda rows: pa.Table.from_batches([as_batch(rows)]).to_reader(25), NAMES),
    "duckdb relation": table(duckdb_relation, NAMES),
    "array on a GPU": table(lambda rows: OnDevice(rows.to_numpy())),
    "torch tensor": table(lambda rows: torch.as_tensor(rows.to_numpy())),
    "torch tensor with a gradient": table(
        lambda rows: torch.as_tensor(rows.to_numpy()).requires_grad_(), None, r"(?i)(grad|tensor).*detach"
    ),
}

NOT_TABLES = {
    "pandas Series": not_a_table(lambda: frame(REALS)["x"], "Series", "reshape|to_frame"),
    "pandas Index": not_a_table(lambda: pd.Index(REALS), r"Index|\(60,\)", "reshape|to_frame"),
    "polars Series": not_a_table(lambda: pl.Series("x", REALS), "Series", "reshape|to_frame"),
    "pyarrow Array": not_a_table(lambda: pa.array(REALS), r"Array|\(60,\)", "reshape|DataFrame"),
    "array of one dimension": not_a_table(lambda: REALS, r"\(60,\)", "reshape"),
    "array of three dimensions": not_a_table(lambda: np.ones((60, 3, 2)), r"\(60, 3, 2\)", "reshape"),
    "array of no dimension": not_a_table(lambda: np.array(3.0), r"\(\)", "reshape|DataFrame"),
    "array of texts and numbers": not_a_table(lambda: frame(WORDS).to_numpy(), "column 2.*'red'", "DataFrame"),
    "list of texts and numbers": not_a_table(lambda: frame(WORDS).to_numpy().tolist(), "column 2.*'red'", "DataFrame"),
    "array of complex numbers": not_a_table(lambda: np.ones((60, 3), complex), "complex", "real|convert|drop"),
    "list of numbers": not_a_table(lambda: REALS.tolist(), r"\(60,\)|list", "reshape|DataFrame"),
    "list of texts": not_a_table(lambda: WORDS, r"\(60,\)|list", "reshape|DataFrame"),
    "list of rows of several lengths": not_a_table(lambda: [[1.0, 2.0]] * 59 + [[1.0]], "row", "length|columns|cells"),
    "dict of columns of several lengths": not_a_table(lambda: {"a": A, "b": B[1:]}, "'b'|59", "length|rows"),
    "dict of numbers": not_a_table(lambda: {"a": 1.0, "b": 2.0}, "dict|'a'"),
    "dict without columns": not_a_table(dict, "dict|0 feature", "column|feature"),
    "table of xarray": not_a_table(Dataset, "Dataset"),
    "sparse array": not_a_table(lambda: sparse.csr_array(frame(REALS).to_numpy()), "sparse", "toarray"),
    "sparse matrix": not_a_table(lambda: sparse.csc_matrix(frame(REALS).to_numpy()), "sparse", "toarray"),
    "sparse torch tensor": not_a_table(lambda: torch.eye(60).to_sparse(), "sparse", "to_dense"),
    "generator": not_a_table(lambda: (row for row in frame(REALS).to_numpy()), "generator"),
    "text": not_a_table(lambda: "rows.csv", "str|rows.csv"),
    "path": not_a_table(lambda: Path("rows.csv"), "Path|rows.csv"),
    "None": not_a_table(lambda: None, "None"),
    "integer": not_a_table(lambda: 7, "int|7"),
    "set": not_a_table(lambda: {1.0, 2.0}, "set"),
    "object": not_a_table(object, "object"),
}

CASES = {
    f"{kind}: {name}": case
    for kind, cases in {
        "numpy": NUMPY,
        "pandas": PANDAS,
        "objects": OBJECTS,
        "all missing": ALL_MISSING_COLUMNS,
        "constant": CONSTANTS,
        "arrow": {name: arrow(*about) for name, about in ARROW.items()},
        "pandas with arrow": {name: pandas_arrow(*about) for name, about in ARROW.items()}
        | {
            "string_view": pandas_arrow(WORDS, pa.string_view(), WORDS, None, "string_view")
        },  # pandas cannot convert it
        "polars": POLARS,
        "container": CONTAINERS,
        "no table": NOT_TABLES,
    }.items()
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", CASES)
def test_a_table_is_scored_or_refused_in_one_sentence(name, tmp_path):
    case, refusal = CASES[name], ""
    with warnings.catch_warnings(record=True) as of_fit:
        warnings.simplefilter("always")
        try:
            fitted = detector().fit(case.make(ALL))
        except (ValueError, TypeError) as error:
            if case.refused is None:
                raise
            refusal = str(error)
    if refusal:
        assert_is_one_sentence(refusal, case.refused)
        return
    assert case.refused is None or case.like is not None, "the table is accepted"
    assert len(of_fit) <= (case.warned is not None), [str(warning.message) for warning in of_fit]
    assert len(of_fit) >= (case.warned is not None), "no warning"
    with warnings.catch_warnings(record=True) as later:
        warnings.simplefilter("always")
        assert_answers(fitted, case, tmp_path / "model.aea")
    for warning in of_fit + later:
        assert case.warned, warning.message
        assert_is_one_sentence(str(warning.message), case.warned)
    assert getattr(fitted, "feature_names_in_", np.array(None)).tolist() == case.names


def detector():
    return aeanomaly.DenoisingAutoencoder(latent_dim=4, max_iter=2, missing="model", contamination=0.05, random_state=0)


def assert_is_one_sentence(message, pattern):
    assert re.search(pattern, message), message
    assert len(message) < 400, message
    assert not re.search(r"\n|[.!?]\s+[A-Z]", message), message
    assert not FOREIGN.search(message), message
    assert REMEDY.search(message), message


def assert_answers(fitted, case, path):
    """Check the scores, an explanation, the reconstruction and the model file of a detector."""
    scores = fitted.score_samples(case.make(ALL))
    assert scores.shape == (N,)
    assert np.isfinite(scores).all()
    explained = fitted.explain(case.make(FIRST))
    np.testing.assert_allclose(explained.sum(axis=1), -scores[:1], rtol=1e-6)
    assert fitted.reconstruct(case.make(ALL)).shape == (N, fitted.n_features_in_)
    fitted.save(path)
    np.testing.assert_array_equal(aeanomaly.load(path).score_samples(case.make(ALL)), scores)
    if case.like is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = detector().fit(case.like).score_samples(case.like)
        np.testing.assert_array_equal(scores, expected)
