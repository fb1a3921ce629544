"""Tables of numbers, text, times and missing values, from files to files."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.cli import main

QUICK = ["--set", "max_iter=40"]
PAYMENTS = Path(__file__).parents[2] / "datasets" / "payments.csv"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with mixed.csv, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    n = 150
    table = pd.DataFrame(
        {
            "amount": rng.lognormal(size=n).round(2).astype(str),
            "city": rng.choice(["Oslo", "Rome", " Bonn "], size=n),
            "when": (pd.Timestamp("2024-05-01") + pd.to_timedelta(rng.integers(0, 90_000, n), "min")).strftime(
                "%Y-%m-%dT%H:%M"
            ),
            "paid": rng.choice(["true", "False"], size=n),
            "code": [f"{i:03d}" for i in rng.integers(0, 4, n)],
        }
    )
    table.loc[::10, ["city", "when"]] = ["", "NA"]
    table.to_csv("mixed.csv", index=False)
    return tmp_path


def run(*words):
    return main([str(word) for word in words])


def fitted(*more):
    assert run("fit", "mixed.csv", "-o", "m.aea", "--missing", "model", *QUICK, *more) == 0


def columns_of(model):
    return {c["kind"]: c for c in (column.to_json() for column in aeanomaly.load(model).state_.model.columns)}


def test_columns_of_a_csv_are_what_their_cells_are(folder, capsys):
    fitted("--set", "column_types={'code': 'categorical'}")
    city, _, code = (c.to_json() for c in aeanomaly.load("m.aea").state_.model.columns if c.kind != "numeric")
    assert (city["kind"], city["levels"]) == ("categorical", [" Bonn ", "Oslo", "Rome"])
    assert columns_of("m.aea")["datetime"]["zone"] is None
    assert (code["kind"], code["levels"]) == ("categorical", ["000", "001", "002", "003"])
    capsys.readouterr()
    assert run("info", "m.aea") == 0
    text = capsys.readouterr().out
    for part in (
        "5 columns scored, ",
        "city (categorical): ' Bonn ', 'Oslo', 'Rome'",
        "when (datetime): 2024-05-01 to 2024-07-0",
    ):
        assert part in text


def test_a_scored_csv_has_the_scores_of_the_same_frame(folder):
    fitted()
    assert run("score", "m.aea", "mixed.csv", "-o", "scored.csv") == 0
    before, after = (pd.read_csv(name, dtype=str, na_filter=False) for name in ("mixed.csv", "scored.csv"))
    pd.testing.assert_frame_equal(after[before.columns], before)
    cells = before
    frame = pd.DataFrame(
        {
            "amount": cells.amount.astype(float),
            "city": cells.city.replace("", None).astype(object),
            "when": pd.to_datetime(cells.when.replace("NA", None)),
            "paid": cells.paid.str.lower() == "true",
            "code": cells.code,
        }
    )
    detector = aeanomaly.load("m.aea")
    np.testing.assert_allclose(after.score.astype(float), detector.score_samples(frame), rtol=1e-12)


def test_rows_unlike_those_of_training_are_scored(folder):
    fitted()
    Path("new.csv").write_text('when,city,amount,code,paid\n2031-01-01,"<b>Ulm</b>",1e9,1,true\n,,,,\n')
    assert run("score", "m.aea", "new.csv", "-o", "scored.csv", "--explain") == 0
    scored = pd.read_csv("scored.csv")
    assert scored.reason_1[0] == "amount"
    assert scored.score[0] < scored.score[1]


def test_a_row_of_missing_values_is_a_row_and_a_blank_line_is_not(folder):
    fitted()
    head = "amount,city,when,paid,code\n"
    for lines, n_rows in ((",,,,\n", 1), (",,,,\n\n,,,,\r\n\n\n", 2), ("\n", 0)):
        Path("new.csv").write_bytes((head + lines).encode())
        assert run("score", "m.aea", "new.csv", "-o", "scored.csv") == 0
        assert len(pd.read_csv("scored.csv")) == n_rows


def test_explanations_are_new_columns(folder):
    fitted()
    assert run("score", "m.aea", "mixed.csv", "--explain", 2, "-o", "two.csv") == 0
    two = pd.read_csv("two.csv")
    assert list(two.columns[5:]) == [
        "score", "decision", "anomaly", "explanation",
        "reason_1", "value_1", "share_1", "reason_2", "value_2", "share_2",
    ]  # fmt: skip
    assert two.explanation.notna().all()
    assert set(two.reason_1) <= {"amount", "city", "when", "paid", "code"}
    assert ((two.share_1 >= two.share_2) & (two.share_1 + two.share_2 <= 1.0001)).all()
    assert two[["reason_1", "explanation"]].apply(lambda row: row.reason_1 in row.explanation, axis=1).all()
    assert run("score", "m.aea", "two.csv", "--explain", "-o", "three.csv") == 1
    assert run("score", "m.aea", "two.csv", "--explain", "-o", "three.csv", "--prefix", "b_") == 0
    three = pd.read_csv("three.csv")
    assert list(three.b_reason_1) == list(two.reason_1)
    assert "b_share_3" in three
    assert run("score", "m.aea", "mixed.csv", "--explain", 99, "-o", "all.csv") == 0
    assert pd.read_csv("all.csv").columns[-1] == "share_5"


def test_explanations_with_json_top_and_without_rows(folder, capsys):
    fitted()
    capsys.readouterr()
    assert run("score", "m.aea", "mixed.csv", "--json", "--top", 2, "--explain") == 0
    assert len(json.loads(capsys.readouterr().out)["top"][0]["explanation"]) > 5
    assert run("score", "m.aea", "mixed.csv", "--top", 2, "--explain") == 0
    assert "reason_1" in capsys.readouterr().out
    Path("none.csv").write_text(Path("mixed.csv").read_text().splitlines()[0] + "\n")
    assert run("score", "m.aea", "none.csv", "--explain", "-o", "scored.csv") == 0
    assert list(pd.read_csv("scored.csv").columns)[-3:] == ["reason_3", "value_3", "share_3"]
    assert run("report", "m.aea", "none.csv", "-o", "none.html") == 1
    assert "none.csv: the table has no rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cells", "words", "message"),
    [
        (
            "2024-01-01\n2024-01-01T10:00Z\n2024-03-01",
            (),
            "column 'x' holds times without a time zone (2024-03-01) and times with one (2024-01-01T10:00Z)",
        ),
        (
            "2024-01-01\nnow\n3",
            ("--set", "column_types={'x': 'datetime'}"),
            "most cells of column 'x' are not times, such as 'now' in row 2",
        ),
        (
            "01:00:00\nlong\n3",
            ("--set", "column_types={'x': 'duration'}"),
            "most cells of column 'x' are not durations, such as 'long' in row 2",
        ),
        ("a\nb\na", ("--set", "column_types={'x': 'numeric'}"), "are not numbers, such as 'a' in row 1"),
        ("1\n\n3", ("--missing", "error"), "missing cells in column 'x' (1); fit with --missing model, impute"),
        (
            "1\n2\n3",
            ("--missing", "model", "--set", "missing=error"),
            "--missing and --set missing= set the same parameter",
        ),
    ],
)
def test_columns_that_cannot_be_read_are_named(folder, capsys, cells, words, message):
    write_x(cells)
    assert run("fit", "x.csv", "-o", "x.aea", *QUICK, *words) == 1
    captured = capsys.readouterr().err.splitlines()
    assert message in captured[-1]
    assert all(line.startswith("x.csv read as") for line in captured[:-1])
    assert not Path("x.aea").exists()


@pytest.mark.parametrize(
    ("cells", "remark", "kind"),
    [
        (
            "1\n2\nabc",
            "column 'x' is read as text, because only 67% of its cells are numbers; others are 'abc'",
            "categorical",
        ),
        ("1\n12,5\n3", "", "numeric"),
        ("true\n2\nno", "", "categorical"),
        ("2024-01-01\n2024-02-30\n2024-03-01", "1 of 3 cells of column 'x' is not a time: '2024-02-30'", "datetime"),
        ("1\n\n3", "cells are missing in column 'x' (1); rows are scored by their other cells. To score", "numeric"),
        ("a\nNA\na", "cells are missing in column 'x' (1)", "categorical"),
    ],
)
def test_cells_that_do_not_fit_are_named(folder, capsys, cells, remark, kind):
    write_x(cells)
    assert run("fit", "x.csv", "-o", "x.aea", *QUICK, "--set", "time_trend=True") == 0
    assert remark in capsys.readouterr().err
    assert aeanomaly.load("x.aea").state_.model.columns[0].kind == kind


def write_x(cells):
    lines = [f'"{cell}",{row}' for row, cell in enumerate(cells.split("\n"))]
    Path("x.csv").write_text("\n".join(["x,y", *lines, ""]))


def test_the_remedies_in_messages_work(folder, capsys):
    Path("x.csv").write_text("x,y\n" + "".join(f"{['7', 'abc'][i % 2]},{i}\n" for i in range(20)))
    assert run("fit", "x.csv", "-o", "x.aea", *QUICK, "--set", "column_types={'x': 'categorical'}") == 0
    assert aeanomaly.load("x.aea").state_.model.columns[0].categories == ("7", "abc")
    assert run("score", "x.aea", "x.csv", "-o", "y.csv") == 0
    assert run("fit", "x.csv", "-o", "x.aea", *QUICK, "--drop", "x") == 0


def test_times_with_zones_and_durations(folder, capsys):
    summer, winter = "2024-06-01T12:00:00+02:00", "2024-12-01T12:00:00+01:00"
    rows = [f"{[summer, winter][i % 2]},{i % 7} days 01:00:00,{i}" for i in range(30)]
    Path("x.csv").write_text("\n".join(["t,d,n", *rows, ""]))
    types = ["--set", "column_types={'d': 'duration'}"]
    assert run("fit", "x.csv", "-o", "x.aea", *QUICK, *types) == 0
    assert columns_of("x.aea")["datetime"]["zone"] == "UTC"
    assert columns_of("x.aea")["duration"] == {"kind": "duration"}
    Path("one.csv").write_text(f"t,d,n\n{summer},3 days,1\n")
    assert run("score", "x.aea", "one.csv", "-o", "y.csv") == 0
    capsys.readouterr()
    Path("naive.csv").write_text("t,d,n\n2024-06-01,3 days,1\n")
    assert run("score", "x.aea", "naive.csv") == 1
    assert "time zone" in capsys.readouterr().err
    Path("x.csv").write_text("\n".join(["t,d,n", *(row for row in rows if summer in row), ""]))
    assert run("fit", "x.csv", "-o", "x.aea", *QUICK, *types) == 0
    assert run("score", "x.aea", "one.csv", "-o", "y.csv") == 0


def test_categories_that_are_numbers_and_ordered_categories(folder):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"n": [1, 2, 3] * 20, "size": pd.Categorical(["s", "m", "l"] * 20)})
    frame["size"] = frame["size"].cat.reorder_categories(["s", "m", "l"], ordered=True)
    frame["note"] = ["1", "2"] * 30  # text, as its dtype says
    frame["x"] = np.arange(60.0)
    frame.to_parquet("categories.parquet")
    types = ["--set", "column_types={'n': 'categorical'}"]
    assert run("fit", "categories.parquet", "-o", "m.aea", *QUICK, *types) == 0
    kinds = [column.kind for column in aeanomaly.load("m.aea").state_.model.columns]
    assert kinds[:3] == ["categorical", "ordinal", "categorical"]
    frame.to_csv("categories.csv", index=False)
    assert run("score", "m.aea", "categories.csv", "-o", "csv.csv") == 0
    assert run("score", "m.aea", "categories.parquet", "-o", "parquet.csv") == 0
    np.testing.assert_array_equal(pd.read_csv("csv.csv").score, pd.read_csv("parquet.csv").score)


def test_from_raw_payments_to_a_report(folder, capsys):
    lines = PAYMENTS.read_text().splitlines(keepends=True)
    Path("train.csv").write_text("".join(lines[:1500]))
    Path("new.csv").write_text("".join([lines[0], *lines[1500:2000]]))
    assert run("fit", "train.csv", "-o", "m.aea", "--missing", "model", "--label", "anomaly", *QUICK) == 0
    assert run("report", "m.aea", "new.csv", "-o", "r.html", "--rows", 7, "--title", "A & B <i>") == 0
    assert "report on 500 rows written to r.html" in capsys.readouterr().err
    page = Path("r.html").read_text(encoding="utf-8")
    assert "<bdi>A &amp; B &lt;i&gt;</bdi>" in page
    assert page.count('data-flagged="') - page.count('[data-flagged="') == 7
    assert run("report", "m.aea", "new.csv", "-o", "r.txt") == 1
    assert run("report", "m.aea", "missing.csv", "-o", "r.html") == 1
    assert run("report", "m.aea", "new.csv", "-o", "no/r.html") == 1
    assert Path("r.html").read_text(encoding="utf-8") == page
