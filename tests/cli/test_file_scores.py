"""Scores of a table are the same from a file on the command line and from a frame in Python."""

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.cli import main
from aeanomaly.reading import MISSING, read_table

COLUMNS = {
    "plain": ["red", "green", "blue", "red"],
    "blanks around categories": [" red", "red", "green ", " green"],
    "a category called none": ["none", "some", "many", "none"],
    "categories like missing values": ["na", "Na", "N/a", "nil"],
    "words of pandas for missing values": ["NA", "n/a", "#N/A", "x"],
    "booleans": ["True", "False", "True", "True"],
    "booleans in lower case": ["true", "false", "true", "true"],
    "a word that only Python takes for a number": ["NAN", "a", "b", "a"],
    "whole numbers": ["1", "2", "3", "1"],
    "blanks around numbers": [" 1.5", "2.5 ", " 3.5 ", "1.5"],
    "numbers and missing values": ["1.5", "NA", "", "nan"],
    "numbers with exponents": ["1e3", "-2E-3", "+.5", "4."],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_file_scores_as_the_frame_that_pandas_reads(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numbers = np.random.default_rng(0).normal(size=60)
    lines = [f"{number:.3f},{cell}" for number, cell in zip(numbers, COLUMNS[name] * 15, strict=True)]
    (tmp_path / "table.csv").write_text("number,cell\n" + "\n".join(lines) + "\n")
    assert main(["fit", "table.csv", "-o", "model.aea", "--missing", "model", "--set", "max_iter=10"]) == 0
    assert main(["score", "model.aea", "table.csv", "-o", "scored.csv"]) == 0
    frame = pd.read_csv("table.csv")
    detector = aeanomaly.DenoisingAutoencoder(max_iter=10, missing="model", random_state=0).fit(frame)
    np.testing.assert_array_equal(pd.read_csv("scored.csv")["score"], detector.score_samples(frame))
    np.testing.assert_array_equal(aeanomaly.load("model.aea").score_samples(frame), detector.score_samples(frame))


CODES = {
    "whole numbers": ["2", "10", "100", "1"],
    "whole numbers and missing cells": ["2", "10", "", "1"],
    "fractions": ["1.5", "10.25", "2.5", "-0.5"],
    "booleans": ["True", "False", "False", "True"],
}


@pytest.mark.parametrize("name", CODES)
def test_codes_that_are_asked_to_be_categories_score_as_in_python(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numbers = np.random.default_rng(0).normal(size=60)
    lines = [f"{number:.3f},{cell}" for number, cell in zip(numbers, CODES[name] * 15, strict=True)]
    (tmp_path / "table.csv").write_text("number,cell\n" + "\n".join(lines) + "\n")
    fit = ["fit", "table.csv", "-o", "model.aea", "--missing", "model", "--set", "max_iter=10"]
    assert main([*fit, "--set", "column_types={'cell': 'categorical'}"]) == 0
    assert main(["score", "model.aea", "table.csv", "-o", "scored.csv"]) == 0
    frame = pd.read_csv("table.csv")
    types = {"cell": "categorical"}
    detector = aeanomaly.DenoisingAutoencoder(max_iter=10, missing="model", random_state=0, column_types=types)
    np.testing.assert_array_equal(pd.read_csv("scored.csv")["score"], detector.fit(frame).score_samples(frame))
    np.testing.assert_array_equal(aeanomaly.load("model.aea").score_samples(frame), detector.score_samples(frame))


def test_marks_of_missing_categories_are_those_of_pandas_but_for_words(tmp_path):
    candidates = {*MISSING, *(mark.upper() for mark in MISSING), *(mark.lower() for mark in MISSING)}
    candidates |= {"none", "None", "-1", "missing", " ", " NA", "NaN "}
    for mark in sorted(candidates - {"(BLANK)", "(blank)", "None"}):
        path = tmp_path / "table.csv"
        path.write_text(f'a,b\n1,"{mark}"\n' + "2,word\n" * 9)
        assert read_table(path)["b"].isna()[0] == (pd.read_csv(path)["b"].isna()[0] or mark.strip() in MISSING), mark


@pytest.fixture
def colors(tmp_path, monkeypatch):
    """A model of a table with a column of text, and a function that scores another such column by it."""
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"a": np.arange(40.0), "c": ["red", "blue"] * 20})
    table.to_csv("table.csv", index=False)
    assert main(["fit", "table.csv", "-o", "model.aea", "--missing", "model", "--set", "max_iter=5"]) == 0

    def score(cells):
        pd.DataFrame({"a": np.arange(float(len(cells))), "c": cells}).to_csv("new.csv", index=False)
        return main(["score", "model.aea", "new.csv", "-o", "scored.csv", "--force"])

    return score


def test_numbers_in_place_of_categories_are_an_error(colors, capsys):
    assert colors([1, 2, 3]) == 1
    error = capsys.readouterr().err
    assert "new.csv: column 'c' contains numbers (1), but it contained text ('blue') in training" in error
    frame = pd.DataFrame({"a": [1.0, 2.0], "c": [1, 2]})
    with pytest.raises(ValueError, match=r"column 'c' holds numbers \(1\), but held text in training"):
        aeanomaly.load("model.aea").score_samples(frame)


@pytest.mark.parametrize("cells", [["red", "7"], ["green", "pink"], ["", ""], ["NA", "red"]])
def test_some_unknown_or_missing_categories_are_scored(colors, cells):
    assert colors(cells) == 0


def test_numbers_that_were_categories_in_training_are_scored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"a": np.arange(40.0), "c": [10, 20] * 20}).to_csv("table.csv", index=False)
    fit = ["fit", "table.csv", "-o", "model.aea", "--set", "max_iter=5", "--set", "column_types={'c': 'categorical'}"]
    assert main(fit) == 0
    assert main(["score", "model.aea", "table.csv", "-o", "scored.csv"]) == 0


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d"])
def test_times_are_recognized_in_common_forms(form, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    dates = pd.date_range("2026-01-01", periods=150, freq="31h").strftime(form)
    pd.DataFrame({"a": np.arange(150.0), "date": dates}).to_csv("table.csv", index=False)
    fit = ["fit", "table.csv", "-o", "model.aea", "--set", "max_iter=5"]
    assert main(fit) == 0
    told = capsys.readouterr().err
    assert "column_types" not in told
    assert "date (datetime)" in info(capsys)


def info(capsys):
    main(["info", "model.aea"])
    return capsys.readouterr().out
