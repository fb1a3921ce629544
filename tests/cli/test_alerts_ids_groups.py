"""Options for rates, identifiers and groups."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.cli import main as run
from aeanomaly.thresholds import Conformal

WITH_CLONES = True

FAST = ("--set", "max_iter=60", "--set", "latent_dim=64", "--set", "hidden_layer_sizes=()")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with orders of a season, past.csv, and of the next one, next.csv."""
    monkeypatch.chdir(tmp_path)
    rng, n = np.random.default_rng(0), 4000
    price, qty = rng.lognormal(3, 0.5, n), rng.integers(1, 6, n)
    orders = pd.DataFrame(
        {
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.uniform(0, 120 * 86_400, n)), unit="s"),
            "order_id": 1000 + np.cumsum(rng.integers(1, 4, n)),
            "ref": [f"R{number:05d}" for number in rng.permutation(n)],
            "price": price.round(2),
            "qty": qty,
            "shop": rng.choice(list("ABC"), n),
            "total": (price * qty).round(2),
        }
    )
    orders[:3000].to_csv("past.csv", index=False)
    orders[3000:].to_csv("next.csv", index=False)
    return tmp_path


def test_the_next_season_is_flagged_at_the_stated_rate_and_identifiers_are_named(folder, capsys):
    assert run(["fit", "past.csv", "-o", "m.aea", "--false-alarm-rate", "0.02"]) == 0
    told = capsys.readouterr().err
    assert "'order_id' (integers that rise from row to row), 'ref' (unique text) seem to identify rows" in told
    assert "--id 'order_id' to name the rows by it, or --drop 'order_id' --drop 'ref' to leave them out" in told
    assert "expect about 20 false alarms per 1,000 normal rows; for another number: aeanomaly threshold m.aea" in told
    assert run(["score", "m.aea", "next.csv", "-o", "s.csv"]) == 0
    assert pd.read_csv("s.csv")["anomaly"].mean() < 0.035
    capsys.readouterr()
    assert run(["info", "m.aea"]) == 0
    told = capsys.readouterr().out
    assert "\n2 columns left out of the score:\n  order_id: integers that rise from row to row\n" in told
    assert "\nmissing cells: not accepted\n" in told


def test_alerts_are_a_rate(folder, capsys):
    assert run(["fit", "past.csv", "-o", "m.aea", "--alerts", "5/200", *FAST, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert aeanomaly.load("m.aea").contamination == Conformal(0.025)
    assert summary["expected_false_alarm_rate"] == pytest.approx(0.025, abs=0.002)
    assert run(["threshold", "m.aea", "--in-place", "--alerts", "1/50"]) == 0
    assert aeanomaly.load("m.aea").threshold_info_.rule == "Conformal(alpha=0.02, calibration_fraction=0.2)"


@pytest.mark.parametrize("text", ["5", "5/0", "5/five", "6/5", "0/5", "/"])
def test_other_numbers_of_alerts_are_refused(folder, capsys, text):
    with pytest.raises(SystemExit):
        run(["fit", "past.csv", "-o", "m.aea", "--alerts", text])
    assert "is not ALERTS/ROWS with fewer alerts than rows, such as 5/2000" in capsys.readouterr().err


def test_the_default_rate_changes_without_rows(folder, capsys):
    assert run(["fit", "past.csv", "-o", "m.aea", "--drop", "order_id", "--id", "ref", *FAST]) == 0
    expected = re.search(r"expect about (\d+) false alarms per 1,000 normal rows", capsys.readouterr().err)
    assert 47 <= int(expected[1]) <= 53
    assert run(["threshold", "m.aea", "--in-place", "--false-alarm-rate", "0.01"]) == 0
    info = aeanomaly.load("m.aea").threshold_info_
    assert info.rule == "CrossConformal(alpha=0.01, n_splits=5)"
    assert "the rate is not bounded" in info.guarantee


def test_ids_name_rows(folder, capsys):
    assert run(["fit", "past.csv", "-o", "m.aea", "--drop", "order_id", "--id", "ref", *FAST]) == 0
    assert "ref" not in aeanomaly.load("m.aea").feature_names_in_
    capsys.readouterr()
    assert run(["score", "m.aea", "next.csv", "--id", "ref", "--top", "3", "-o", "s.csv"]) == 0
    scored = pd.read_csv("s.csv")
    worst = scored.sort_values("score")["ref"].head(3).tolist()
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["ref", *worst]
    assert run(["report", "m.aea", "next.csv", "--id", "ref", "-o", "r.html"]) == 0
    assert worst[0] in (folder / "r.html").read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "past.csv", "-o", "x.aea"),
        ("score", "m.aea", "next.csv"),
        ("report", "m.aea", "next.csv", "-o", "r.html"),
    ],
)
def test_an_id_that_does_not_exist_is_one_sentence(folder, capsys, words):
    assert run(["fit", "past.csv", "-o", "m.aea", "--set", "max_iter=2"]) == 0
    capsys.readouterr()
    assert run([*words, "--id", "nope"]) == 1
    out, err = capsys.readouterr()
    assert (
        f"{words[2] if words[0] != 'fit' else words[1]}: column 'nope' of --id does not exist; the columns are when,"
        in err
    )
    assert not out


def test_groups_of_digits_are_text_in_both_commands(folder):
    frame = pd.read_csv("past.csv").assign(shop=lambda t: t["shop"].map({"A": "001", "B": "002", "C": "1.50"}))
    frame.drop(columns=["order_id", "ref"]).to_csv("codes.csv", index=False)
    assert run(["fit", "codes.csv", "-o", "m.aea", "--groups", "shop", *FAST]) == 0
    detector = aeanomaly.load("m.aea")
    assert detector.schema_.columns[list(detector.feature_names_in_).index("shop")].labels == ("001", "002", "1.50")
    assert run(["score", "m.aea", "codes.csv", "-o", "s.csv"]) == 0
    assert pd.read_csv("s.csv")["anomaly"].mean() < 0.1


def test_offsets_of_groups_are_listed(folder, capsys):
    rule = 'Conformal(0.05, order="when", groups="shop")'
    assert run(["fit", "past.csv", "-o", "m.aea", "--contamination", rule, "--id", "ref", *FAST]) == 0
    assert "; offsets of groups: 'A' -" in capsys.readouterr().err
    assert run(["info", "m.aea"]) == 0
    told = capsys.readouterr().out
    assert "offsets by shop: 'A' -" in told
    assert "contamination = Conformal(alpha=0.05, calibration_fraction=0.2, groups='shop', order='when')" in told


def test_the_suggested_command_suits_the_number_of_rows(folder, capsys):
    pd.read_csv("past.csv")[["price", "qty", "total"]][:60].to_csv("few.csv", index=False)
    assert run(["fit", "few.csv", "-o", "m.aea", *FAST]) == 0
    assert "aeanomaly threshold m.aea --in-place --false-alarm-rate 0.01 --rows NORMAL_ROWS" in capsys.readouterr().err


def test_groups_are_columns(folder, capsys):
    assert run(["fit", "past.csv", "-o", "m.aea", "--groups", "shop", "--id", "ref", *FAST]) == 0
    detector = aeanomaly.load("m.aea")
    assert detector.groups == ["shop"]
    assert detector.schema_.kinds[list(detector.feature_names_in_).index("shop")] == "group"
    capsys.readouterr()
    assert run(["score", "m.aea", "next.csv", "--explain", "-o", "s.csv"]) == 0
    assert pd.read_csv("s.csv")["explanation"].str.contains("shop '").mean() > 0.5


def test_rates_and_row_numbers_are_said_in_words(folder, capsys):
    assert run(["fit", "past.csv", "-o", "m.aea", "--alerts", "5/57", *FAST]) == 0
    assert "flags about 5 of 57 new normal rows, at a rate of at most 0.0877" in capsys.readouterr().err
    for more in ((), ("--id", "ref")):
        assert run(["score", "m.aea", "next.csv", "--top", "2", *more]) == 0
        assert ("row 1 is the first row below the column names" in capsys.readouterr().err) == (not more)
    assert run(["report", "m.aea", "next.csv", "-o", "r.html"]) == 0
    assert "row below the header" in Path("r.html").read_text(encoding="utf-8")
