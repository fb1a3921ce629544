"""Help, suggestions, silence and signs of life of the command line."""

import io
import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.cli import main
from aeanomaly.cli.arguments import DETECTORS
from aeanomaly.cli.commands import COMMANDS
from aeanomaly.cli.notes import working
from aeanomaly.detectors import REGISTRY

NAMES = [module.__name__.rpartition(".")[2] for module in COMMANDS]


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with train.csv, new.csv and a model, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(200, 3)), columns=["amount", "price", "weight"])
    table.to_csv("train.csv", index=False)
    table[:60].assign(amount=lambda t: t.amount + 30 * (t.index % 20 == 3)).to_csv("new.csv", index=False)
    assert run("fit", "train.csv", "-o", "model.aea", "--set", "max_iter=5", "--contamination", "0.02", "--quiet") == 0
    return tmp_path


def test_no_words_print_the_help(capsys):
    assert main([]) == 0
    assert "aeanomaly score model.aea new.csv --top 5 --explain" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version_is_printed(option, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([option])
    assert capsys.readouterr().out == f"aeanomaly {aeanomaly.__version__}\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_each_command_has_examples_and_imports_no_large_library(name):
    code = (
        "import sys, aeanomaly.cli\n"
        f"try: aeanomaly.cli.main(['{name}', '--help'])\n"
        "except SystemExit: print(sorted({'numpy', 'pandas', 'torch', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert f"examples:\n  {'eval' if name == 'completion' else ''}" in done.stdout
    assert f"aeanomaly {name}" in done.stdout.partition("examples:")[2]


def test_the_names_of_detectors_are_those_of_the_registry():
    assert sorted(REGISTRY) == list(DETECTORS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["score", "model.aea", "new.csv", "--explian"],
            "unrecognized arguments: --explian (did you mean '--explain'?)",
        ),
        (["scroe", "model.aea"], "(did you mean 'score'?)"),
        (["fit", "train.csv", "-o", "m.aea", "--detector", "denoisng"], "(did you mean 'denoising'?)"),
        (["explain", "model.aea"], "; to explain scores, run: aeanomaly score MODEL.aea TABLE --explain"),
        (["score", "--explain", "model.aea", "new.csv"], "put --explain after the files, or write --explain=3"),
    ],
)
def test_misspelled_words_are_recognized(words, told, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fit", "trian.csv", "-o", "m.aea"], "trian.csv: No such file or directory (did you mean 'train.csv'?)"),
        (["fit", "train.csv", "-o", "m.aea", "--drop", "prize"], "does not exist (did you mean 'price'?)"),
        (["fit", "train.csv", "-o", "m.aea", "--set", "max_iters=5"], "no such parameter (did you mean 'max_iter'?)"),
        (["score", "new.csv", "model.aea"], "comes before the table; write: aeanomaly score model.aea new.csv"),
        (["report", "new.csv", "model.aea", "-o", "r.html"], "write: aeanomaly report model.aea new.csv"),
        (["score", "model.aea", "new.csv", "-o", "no/s.csv"], "no/s.csv: The folder no does not exist"),
        (["info", "new.csv"], "it seems to be a text file, such as a table; pass a model"),
    ],
)
def test_misspelled_files_columns_and_parameters_are_recognized(folder, words, told, capsys):
    assert main(words) == 1
    assert told in capsys.readouterr().err


def test_quiet_commands_print_results_only(folder, capsys):
    capsys.readouterr()
    assert run("score", "model.aea", "new.csv", "-q", "--top", 2) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert len(captured.out.splitlines()) == 3


def test_only_flagged_rows_are_written(folder):
    assert run("score", "model.aea", "new.csv", "-o", "all.csv") == 0
    assert run("score", "model.aea", "new.csv", "-o", "flagged.csv", "--flagged-only") == 0
    every, flagged = pd.read_csv("all.csv"), pd.read_csv("flagged.csv")
    assert 0 < len(flagged) < len(every)
    expected = every[every["anomaly"] == 1].sort_values("score", kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(flagged, expected)


@pytest.mark.parametrize("options", [[], ["--explain"], ["--fdr", "0.2"], ["--id", "price"]])
def test_json_lists_the_flagged_rows(options, folder, capsys):
    fdr = ["--rows", "train.csv", "--false-alarm-rate", "0.05", "--in-place"] if "--fdr" in options else None
    assert fdr is None or run("threshold", "model.aea", *fdr) == 0
    capsys.readouterr()
    assert run("score", "model.aea", "new.csv", "--json", *options) == 0
    summary = json.loads(capsys.readouterr().out)
    flagged = summary["flagged"]
    assert len(flagged) == summary["anomalies"] > 0
    assert [row["score"] for row in flagged] == sorted(row["score"] for row in flagged)
    assert all(row["anomaly"] == 1 and ("--id" in options or row["row"] in range(1, 61)) for row in flagged)
    assert all(("explanation" in row) == ("--explain" in options) for row in flagged)


def test_one_is_followed_by_a_singular(folder, capsys):
    pd.read_csv("new.csv")[3:4].to_csv("one.csv", index=False)
    capsys.readouterr()
    assert run("score", "model.aea", "one.csv", "-o", "scored.csv") == 0
    assert "1 row scored, 1 anomaly (100.0%)" in capsys.readouterr().err
    assert run("report", "model.aea", "one.csv", "-o", "one.html") == 0
    assert "report on 1 row written to one.html" in capsys.readouterr().err
    page = Path("one.html").read_text()
    assert "The 1 row with the lowest score, of 1." in page
    assert f"<title>Anomaly report: one.csv, {date.today().isoformat()}</title>" in page


def test_several_files_are_one_table(folder):
    parts = pd.read_csv("new.csv")
    parts[:25].to_csv("part1.csv", index=False)
    parts[25:].to_csv("part2.csv", index=False)
    assert run("score", "model.aea", "new.csv", "-o", "whole.csv") == 0
    for sources in (["part1.csv", "part2.csv"], ["part[12].csv"]):
        assert run("score", "model.aea", *sources, "-o", "parts.csv") == 0
        assert Path("parts.csv").read_text() == Path("whole.csv").read_text()
    assert run("fit", "part1.csv", "part2.csv", "-o", "both.aea", "--set", "max_iter=5") == 0
    assert aeanomaly.load("both.aea").n_samples_seen_ == 60


def test_drift_is_text_or_json(folder, capsys):
    capsys.readouterr()
    assert run("drift", "model.aea", "new.csv") == 0
    assert "amount" in capsys.readouterr().out
    assert run("drift", "model.aea", "new.csv", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)) == {"amount", "price", "weight"}


def test_completion_prints_a_script(capsys):
    pytest.importorskip("shtab")
    assert run("completion", "bash") == 0
    script = capsys.readouterr().out
    assert all(word in script for word in (*NAMES, "--flagged-only"))


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "told"), [(Terminal, "\rreading big.csv: 0 s"), (io.StringIO, "reading big.csv ...\n")]
)
def test_long_steps_show_signs_of_life(stream, told, monkeypatch):
    monkeypatch.setattr("aeanomaly.cli.notes._PATIENCE", 0.01)
    monkeypatch.setattr(sys, "stderr", stream())
    with working("reading big.csv"):
        time.sleep(0.1)
    assert sys.stderr.getvalue().startswith(told)
    monkeypatch.setattr(sys, "stderr", stream())
    monkeypatch.setattr("aeanomaly.cli.notes._PATIENCE", 10)
    with working("reading small.csv"):
        pass
    assert sys.stderr.getvalue().strip() == ""


def test_the_column_that_names_rows_is_remembered(folder, capsys):
    table = pd.read_csv("train.csv").assign(order=[f"A{row}" for row in range(200)])
    table.to_csv("orders.csv", index=False)
    assert run("fit", "orders.csv", "-o", "ids.aea", "--id", "order", "--set", "max_iter=5") == 0
    capsys.readouterr()
    assert run("score", "ids.aea", "orders.csv", "--top", 1, "--explain", "-q") == 0
    head, row, sentence = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "order"
    assert sentence.startswith(f"order {row.split()[0]}: ")
    assert run("report", "ids.aea", "orders.csv", "-o", "ids.html") == 0
    assert row.split()[0] in Path("ids.html").read_text()
    assert run("score", "ids.aea", "new.csv", "--top", 1) == 0


def test_many_flagged_rows_are_named(folder, capsys):
    (pd.read_csv("new.csv") + 50).to_csv("other.csv", index=False)
    assert run("threshold", "model.aea", "--in-place", "--rows", "new.csv", "--false-alarm-rate", "0.05") == 0
    capsys.readouterr()
    assert run("score", "model.aea", "other.csv", "-o", "scored.csv") == 0
    assert "note: 60 rows are flagged, but only about 3 of 60 normal rows would be" in capsys.readouterr().err


def test_numbers_larger_than_those_of_training_are_read(folder, capsys):
    lines = [f"{i % 90},5{i % 9};{i % 7}" for i in range(100)]
    Path("small.csv").write_text("\n".join(["cost;n", *lines]))
    assert run("fit", "small.csv", "-o", "small.aea", "--set", "max_iter=5") == 0
    Path("large.csv").write_text("cost;n\n9.870,00;3\n12,5;k.A.\n9870,00;3\n")
    capsys.readouterr()
    assert run("score", "small.aea", "large.csv", "-o", "large_scored.csv") == 1
    assert "'k.A.' in row 2 of column 'n' is not a number" in capsys.readouterr().err
    assert run("fit", "small.csv", "-o", "small.aea", "--set", "max_iter=5", "--missing", "model") == 0
    assert run("score", "small.aea", "large.csv", "-o", "large_scored.csv") == 0
    assert "note: large.csv: row 2 is scored with unreadable cells as missing values" in capsys.readouterr().err
    scores = pd.read_csv("large_scored.csv", sep=";", decimal=",")["score"]
    assert scores[0] == scores[2] < scores[1]
