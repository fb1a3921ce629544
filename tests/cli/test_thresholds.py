"""The command line decides: false-alarm rates, rules, labels, discoveries."""

import json

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.cli import main
from aeanomaly.thresholds import BestF1, Conformal, PeaksOverThreshold

WITH_CLONES = True


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with train.csv, normal.csv, labeled.csv and model.aea, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1000))
    table = pd.DataFrame({"a": a, "b": b, "c": a + b + 0.1 * rng.normal(size=1000)})
    table[:500].to_csv("train.csv", index=False)
    table[500:800].to_csv("normal.csv", index=False)
    labeled = table[800:].assign(wrong=(table.index[800:] % 10 == 3).astype(int))
    labeled["c"] += 4 * labeled.wrong
    labeled.to_csv("labeled.csv", index=False)
    assert run("fit", "train.csv", "-o", "model.aea", "--set", "max_iter=30") == 0
    words = ("--set", "max_iter=30", "--contamination", "0.1")
    assert run("fit", "train.csv", "-o", "uncalibrated.aea", *words) == 0
    return tmp_path


def test_fit_keeps_a_false_alarm_rate(folder, capsys):
    assert run("fit", "train.csv", "-o", "m.aea", "--false-alarm-rate", "0.05", "--set", "max_iter=30", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    detector = aeanomaly.load("m.aea")
    assert detector.contamination == Conformal(0.05)
    assert summary["rule"] == "Conformal(alpha=0.05, calibration_fraction=0.2)"
    assert "at a rate of at most 0.05" in summary["guarantee"]
    assert len(detector.calibration_scores_) == 100


def test_fit_accepts_a_rule_in_python_syntax(folder):
    words = ("--contamination", "PeaksOverThreshold(0.001, calibration_fraction=0.4)", "--set", "max_iter=30")
    assert run("fit", "train.csv", "-o", "m.aea", *words) == 0
    assert aeanomaly.load("m.aea").contamination == PeaksOverThreshold(0.001, 0.4)


def test_labels_set_the_threshold_and_nothing_else(folder, capsys):
    before = aeanomaly.load("model.aea")
    assert run("threshold", "model.aea", "--in-place", "--labels", "labeled.csv", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    after, frame = aeanomaly.load("model.aea"), pd.read_csv("labeled.csv")
    scores = before.score_samples(frame[["a", "b", "c"]])
    assert (after.score_samples(frame[["a", "b", "c"]]) == scores).all()
    assert summary["offset"] == after.offset_ == BestF1().fit(scores, frame["wrong"])
    assert summary["guarantee"].endswith("the best on the labeled rows; no rate is guaranteed")
    assert after.outlier_probability(frame[["a", "b", "c"]]).min() > 0


def test_rows_without_labels_set_it_into_another_file(folder):
    untouched = (folder / "model.aea").read_bytes()
    how = ("--rows", "normal.csv", "--false-alarm-rate", "0.1", "-o", "other.aea")
    assert run("threshold", "model.aea", *how) == 0
    assert (folder / "model.aea").read_bytes() == untouched
    assert aeanomaly.load("other.aea").threshold_info_.n_scores == 300
    # And once more, without rows, from the calibration scores in the file.
    assert run("threshold", "other.aea", "--in-place", "--false-alarm-rate", "0.01") == 0
    assert aeanomaly.load("other.aea").threshold_info_.source == "calibration rows"
    assert run("threshold", "model.aea", "--in-place", "--rule", "0.25") == 0
    assert aeanomaly.load("model.aea").threshold_info_.rule == "Contamination(fraction=0.25)"


def test_info_reports_the_rule_and_its_guarantee(folder, capsys):
    run("threshold", "model.aea", "--in-place", "--rows", "normal.csv", "--false-alarm-rate", "0.1")
    capsys.readouterr()
    assert run("info", "model.aea") == 0
    told = capsys.readouterr().out
    assert "Conformal(alpha=0.1, calibration_fraction=0.2), set on 300 rows given for the threshold" in told
    assert "flags about 10 of 100 new normal rows, at a rate of at most 0.1" in told


def test_score_flags_discoveries(folder):
    run("threshold", "model.aea", "--in-place", "--rows", "normal.csv", "--false-alarm-rate", "0.01")
    assert run("score", "model.aea", "labeled.csv", "-o", "scored.csv", "--label", "wrong", "--fdr", "0.2") == 0
    scored, detector = pd.read_csv("scored.csv"), aeanomaly.load("model.aea")
    columns = scored[["a", "b", "c"]]
    assert np.allclose(scored["p_value"], detector.p_values(columns))
    assert (scored["anomaly"].astype(bool) == detector.flag(columns, fdr=0.2)).all()
    assert scored["anomaly"][scored.wrong == 1].mean() > 0.8


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("threshold", "model.aea", "--rule", "0.1"),
            "pass -o MODEL.aea to write a new model, or --in-place to change",
        ),
        (
            ("threshold", "model.aea", "--in-place"),
            "no threshold rule given; pass --false-alarm-rate RATE, --rule RULE or --labels",
        ),
        (
            ("threshold", "uncalibrated.aea", "--in-place", "--false-alarm-rate", "0.01"),
            "needs scores of rows that were not used in training",
        ),
        (
            ("threshold", "model.aea", "--in-place", "--rows", "normal.csv", "--false-alarm-rate", "0.001"),
            "300 calibration rows guarantee a false-alarm rate of 0.00332 at best",
        ),
        (("threshold", "model.aea", "--in-place", "--labels", "labeled.csv", "--label", "right"), "right"),
        (("threshold", "model.aea", "--in-place", "--labels", "normal.csv"), "possible label columns: none"),
        (("threshold", "model.aea", "--in-place", "--labels", "ones.csv"), "got 1"),
        (("threshold", "model.aea", "--in-place", "--labels", "missing.csv"), "missing.csv"),
        (("threshold", "missing.aea", "--in-place", "--rule", "0.1"), "missing.aea"),
        (("threshold", "model.aea", "--in-place", "--rows", "normal.csv", "--rule", "BestF1()"), "needs labels"),
        (
            ("score", "uncalibrated.aea", "labeled.csv", "-o", "out.csv", "--fdr", "0.1"),
            "aeanomaly threshold uncalibrated.aea --in-place",
        ),
        (
            ("fit", "train.csv", "-o", "new.aea", "--false-alarm-rate", "0.0001"),
            "100 calibration rows guarantee a false-alarm rate",
        ),
    ],
)
def test_invalid_rules_are_one_sentence_and_change_nothing(folder, capsys, words, told):
    labeled = pd.read_csv("labeled.csv")
    labeled[labeled.wrong == 1][:9].to_csv("ones.csv", index=False)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    capsys.readouterr()
    assert run(*words) == 1
    out, err = capsys.readouterr()
    assert not out
    assert told in err
    assert "Traceback" not in err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


@pytest.mark.parametrize(
    "words",
    [
        ("--rule", "Sometimes()"),
        ("--rule", "Conformal(2)"),
        ("--rule", "Conformal(alpha=open('x'))"),
        ("--rule", "__import__('os').remove('model.aea')"),
        ("--rule", "Conformal(0.1).fit"),
        ("--rule", "[0.1]"),
        ("--rule", ""),
        ("--false-alarm-rate", "1.5"),
        ("--false-alarm-rate", "rarely"),
    ],
)
def test_a_rule_that_is_none_is_refused_and_never_run(folder, capsys, words):
    with pytest.raises(SystemExit) as caught:
        run("threshold", "model.aea", *words)
    assert caught.value.code == 2
    assert f"argument {words[0]}" in capsys.readouterr().err
    assert (folder / "model.aea").exists()
