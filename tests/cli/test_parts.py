"""The command line on tables that are read in parts: the same answers as at once."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with train.csv, new.csv and both as Parquet, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400))
    table = pd.DataFrame({"id": [f"{i:04d}" for i in range(400)], "a": a, "b": b.round(3), "c": a + b, "t": "x"})
    table["t"] = np.where(a > 0, "up", "down")
    table.to_csv("train.csv", index=False)
    new = table[:130].assign(c=lambda t: t.c + 9 * (t.index % 40 == 7), y=lambda t: (t.index % 40 == 7).astype(int))
    new.to_csv("new.csv", index=False)
    table.to_parquet("train.parquet", row_group_size=60)
    new.to_parquet("new.parquet", row_group_size=60)
    return tmp_path


@pytest.fixture
def in_parts(monkeypatch):
    """Read every file in parts of 50 rows."""
    monkeypatch.setattr("aeanomaly.cli.tables.LARGE", 0)
    monkeypatch.setattr("aeanomaly.reading.delimited.PART_ROWS", 50)
    monkeypatch.setattr("aeanomaly.streaming.sources.PART", 50)


def run(*words):
    return main([str(word) for word in words])


def fit(source="train.csv", *more):
    return run("fit", source, "-o", "model.aea", "--drop", "id", "--set", "max_iter=30", "--missing", "error", *more)


def contents(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


WAYS = [
    ["new.csv", "-o", "scored.csv"],
    ["new.csv", "-o", "scored.csv", "--label", "y", "--top", "3"],
    ["new.csv", "-o", "scored.csv", "--fdr", "0.2", "--explain", "2", "--json"],
    ["new.csv"],
    ["new.parquet", "-o", "scored.csv"],
    ["new.csv", "-o", "scored.csv.gz", "--top", "2", "--json", "--label", "y"],
]


@pytest.mark.parametrize("words", WAYS, ids=" ".join)
def test_scores_are_written_byte_for_byte_as_at_once(folder, capsys, request, words):
    assert fit("train.csv", "--false-alarm-rate", "0.05") == 0
    answers = []
    for parted in (False, True):
        if parted:
            request.getfixturevalue("in_parts")
        capsys.readouterr()
        assert run("score", "model.aea", *words) == 0
        captured = capsys.readouterr()
        files = sorted(path for path in folder.iterdir() if path.name.startswith("scored"))
        answers.append((captured.out, captured.err, [(path.name, contents(path)) for path in files]))
        [path.unlink() for path in files]
    assert answers[0] == answers[1]


@pytest.mark.usefixtures("in_parts")
def test_parquet_to_parquet(folder):
    assert fit("train.parquet") == 0
    assert run("score", "model.aea", "new.parquet", "-o", "scored.parquet", "--explain") == 0
    scored, new = pd.read_parquet("scored.parquet"), pd.read_parquet("new.parquet")
    pd.testing.assert_frame_equal(scored[new.columns], new)
    np.testing.assert_array_equal(scored.score, aeanomaly.load("model.aea").score_samples(new[["a", "b", "c", "t"]]))


@pytest.mark.parametrize("source", ["train.csv", "train.parquet"])
def test_a_fit_in_parts_is_one_at_once_but_for_rounding(folder, capsys, request, source):
    new = pd.read_parquet("new.parquet")[["a", "b", "c", "t"]]
    scores, said = [], []
    for parted in (False, True):
        if parted:
            request.getfixturevalue("in_parts")
        capsys.readouterr()
        assert fit(source, "--json", "--set", "standardize=True") == 0
        said.append(json.loads(capsys.readouterr().out))
        scores.append(aeanomaly.load("model.aea").score_samples(new))
    np.testing.assert_allclose(*scores, rtol=1e-3, atol=1e-6)
    assert said[0]["rows"] == said[1]["rows"] == 400
    assert said[0]["flagged"] == pytest.approx(said[1]["flagged"], abs=2)


@pytest.mark.usefixtures("in_parts")
def test_labels_are_reported_on_after_a_fit_in_parts(folder, capsys):
    assert run("fit", "new.csv", "-o", "m.aea", "--drop", "id", "--label", "y", "--set", "robust=true", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["auroc"] > 0.9
    assert summary["columns"] == 4


@pytest.mark.usefixtures("in_parts")
def test_a_fault_in_a_late_part_leaves_no_file(folder, capsys):
    assert fit() == 0
    (folder / "bad.csv").write_text((folder / "new.csv").read_text() + "0131,1.0,two,3.0,up,0\n")
    before = sorted(folder.iterdir())
    assert run("score", "model.aea", "bad.csv", "-o", "scored.csv") == 1
    assert "bad.csv: 'two' in row 131 of column 'b' is not a number" in capsys.readouterr().err
    assert run("fit", "bad.csv", "-o", "other.aea", "--drop", "id", "--missing", "error") == 1
    assert "1 of 31 cells of column 'b' is not a number: 'two'" in capsys.readouterr().err
    assert run("score", "model.aea", "new.csv", "-o", "scored.xlsx") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.usefixtures("in_parts")
def test_a_table_without_rows_gives_one(folder, capsys):
    assert fit() == 0
    (folder / "none.csv").write_text("id,a,b,c,t\n")
    assert run("score", "model.aea", "none.csv", "-o", "scored.csv") == 0
    assert (folder / "scored.csv").read_text() == "id,a,b,c,t,score,decision,anomaly\n"


@pytest.mark.usefixtures("in_parts")
def test_a_checkpoint_is_gone_at_the_end(folder, monkeypatch):
    monkeypatch.setattr("aeanomaly.streaming.checkpoint._INTERVAL", 0.0)
    assert fit("train.csv", "--checkpoint", "fit.checkpoint") == 0
    assert not (folder / "fit.checkpoint").exists()


def test_the_output_may_be_the_input(folder, in_parts):
    fit()
    run("score", "model.aea", "new.csv", "-o", "scored.csv")
    assert run("score", "model.aea", "new.csv", "-o", "new.csv", "--force") == 0
    assert (folder / "new.csv").read_bytes() == (folder / "scored.csv").read_bytes()


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interruption_keeps_the_old_output_and_leaves_no_temporary_file(
    folder, in_parts, monkeypatch, capsys, stopped
):
    fit()
    (folder / "scored.csv").write_text("score,decision,anomaly\n")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    score, calls = aeanomaly.DenoisingAutoencoder.score_samples, []

    def interrupted(self, X):
        calls.append(len(X))
        if len(calls) == 2:
            raise stopped
        return score(self, X)

    monkeypatch.setattr(aeanomaly.DenoisingAutoencoder, "score_samples", interrupted)
    code = run("score", "model.aea", "new.csv", "-o", "scored.csv")
    assert code == (130 if stopped is KeyboardInterrupt else 1)
    assert "Traceback" not in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


def test_a_reader_that_leaves_ends_it_quietly(folder, in_parts):
    fit()
    pd.concat([pd.read_csv("new.csv")] * 200).to_csv("long.csv", index=False)
    command = f"{sys.executable} -c 'from aeanomaly.cli import main; raise SystemExit(main())' score model.aea long.csv"
    done = subprocess.run(f"{command} | head -n 1", shell=True, capture_output=True, text=True, cwd=folder)
    assert done.stdout.startswith("id,a,b,c")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
