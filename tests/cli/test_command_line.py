"""The command line, from files to files."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.cli import main

QUICK = ["--set", "max_iter=60"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with train.csv and new.csv, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 120))
    table = pd.DataFrame({"id": [f"{i:05d}" for i in range(120)], "a": a, "b": b, "c": a + b, "flag": a > 0})
    table.to_csv("train.csv", index=False)
    new = table.iloc[:30].assign(c=lambda t: t.c + 9 * (t.index < 3), y=lambda t: (t.index < 3).astype(int))
    new.to_csv("new.csv", index=False)
    return tmp_path


def run(*words):
    return main([str(word) for word in words])


def fitted(*more):
    assert run("fit", "train.csv", "-o", "model.aea", "--drop", "id", *QUICK, *more) == 0


def test_from_a_csv_to_scored_rows(folder, capsys):
    fitted()
    assert run("score", "model.aea", "new.csv", "-o", "scored.csv") == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "denoising autoencoder: 120 rows x 4 columns, 60 steps" in captured.err
    assert "30 rows scored" in captured.err
    before, after = (pd.read_csv(name, dtype=str) for name in ("new.csv", "scored.csv"))
    pd.testing.assert_frame_equal(after[before.columns], before)
    scored = pd.read_csv("scored.csv")
    assert list(scored.columns[-3:]) == ["score", "decision", "anomaly"]
    detector = aeanomaly.load("model.aea")
    X = scored[["a", "b", "c", "flag"]].astype(float)
    # Older versions of pandas read floats a rounding off.
    np.testing.assert_allclose(scored.score, detector.score_samples(X), rtol=1e-14)
    np.testing.assert_allclose(scored.decision, detector.decision_function(X), rtol=1e-14)
    np.testing.assert_array_equal(scored.anomaly == 1, detector.predict(X) == -1)
    assert scored.score.argsort()[:3].isin([0, 1, 2]).all()


def test_standard_input_and_output_and_order_of_columns(folder, capsys, monkeypatch):
    fitted()
    capsys.readouterr()
    shuffled = pd.read_csv("new.csv", dtype=str)[["c", "y", "flag", "b", "a", "id"]].to_csv(index=False)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(shuffled.encode())))
    assert run("score", "model.aea", "-") == 0
    one = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert run("score", "model.aea", "new.csv") == 0
    two = pd.read_csv(io.StringIO(capsys.readouterr().out))
    np.testing.assert_array_equal(one.score, two.score)


def test_labels_are_reported_and_never_trained_on(folder, capsys):
    fitted()
    assert run("score", "model.aea", "new.csv", "--label", "y", "--json", "--top", 2) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["rows"] == 30
    assert summary["auroc"] == 1.0
    assert {row["row"] for row in summary["top"]} <= {1, 2, 3}
    assert run("fit", "new.csv", "-o", "own.aea", "--drop", "id", "--label", "y", "--json", *QUICK) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["columns"] == 4
    assert 0 <= summary["average_precision"] <= 1
    assert "y" not in aeanomaly.load("own.aea").feature_names_in_


def test_labels_of_plus_and_minus_one_count_minus_one_as_anomaly(folder, capsys):
    fitted()
    table = pd.read_csv("new.csv", dtype=str)
    table.assign(y=table.y.map({"1": "-1", "0": "1"})).to_csv("signs.csv", index=False)
    capsys.readouterr()
    run("score", "model.aea", "signs.csv", "--label", "y", "--json")
    assert json.loads(capsys.readouterr().out)["auroc"] == 1.0


def test_parquet_in_and_out(folder):
    pytest.importorskip("pyarrow")
    pd.read_csv("new.csv", dtype={"id": str}).to_parquet("new.parquet")
    fitted()
    assert run("score", "model.aea", "new.parquet", "-o", "scored.parquet") == 0
    assert run("score", "model.aea", "new.csv", "-o", "scored.csv") == 0
    np.testing.assert_array_equal(pd.read_parquet("scored.parquet").score, pd.read_csv("scored.csv").score)


def test_detectors_parameters_and_info(folder, capsys):
    assert run(
        "fit", "train.csv", "-o", "m.aea", "--drop", "id", "--detector", "variational", "--contamination", "0.1",
        "--set", "max_iter=20", "--set", "hidden_layer_sizes=(16, 8)", "--set", "activation=tanh",
        "--set", "standardize=false",
    ) == 0  # fmt: skip
    capsys.readouterr()
    assert run("info", "m.aea") == 0
    text = capsys.readouterr().out
    for part in (
        "variational autoencoder",
        "4 - 16 - 8 - 3, tanh",
        "flag (numeric, bernoulli)",
        "hidden_layer_sizes = (16, 8)",
    ):
        assert part in text
    assert run("info", "m.aea", "--json") == 0
    assert json.loads(capsys.readouterr().out)["fitted"]["n_samples_seen"] == 120
    detector = aeanomaly.load("m.aea")
    assert (detector.contamination, detector.standardize) == (0.1, False)


def test_an_empty_table_gives_an_empty_result(folder, capsys):
    fitted()
    pd.read_csv("new.csv", dtype=str).iloc[:0].to_csv("none.csv", index=False)
    assert run("score", "model.aea", "none.csv", "-o", "scored.csv") == 0
    assert list(pd.read_csv("scored.csv").columns) == ["id", "a", "b", "c", "flag", "y", "score", "decision", "anomaly"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["fit", "train.csv", "-o", "m.aea", "--drop", "idd"],
            "column 'idd' of --drop does not exist (did you mean 'id'?); the columns are id, a, b",
        ),
        (["fit", "none.csv", "-o", "m.aea"], "none.csv: No such file or directory"),
        (
            ["fit", "picture.csv", "-o", "m.aea"],
            "picture.csv: the file is a PNG image, not a table",
        ),
        (["fit", "ragged.csv", "-o", "m.aea"], "ragged.csv: the lines have different numbers of fields"),
        (["fit", "empty.csv", "-o", "m.aea"], "the file is empty; its first line must contain the column names"),
        (
            ["fit", "train.csv", "-o", "m.aea", "--set", "depth=3"],
            "the denoising detector has no such parameter",
        ),
        (["fit", "train.csv", "-o", "m.aea", "--label", "z"], "column 'z' of --label does not exist"),
        (["fit", "train.csv", "-o", "m.aea", "--label", "a"], "label column 'a' must contain both 0 and 1"),
        (["fit", "train.csv", "-o", "m.aea", "--drop", "id", "--contamination", "0.9"], "a fraction in (0, 0.5]"),
        (["fit", "train.csv", "-o", "no/m.aea", "--drop", "id", *QUICK], "no/m.aea: The folder no does not"),
        (["score", "train.csv", "new.csv"], "'train.csv' is not a readable model file"),
        (["score", "model.aea", "missing.csv"], "the table lacks columns 'b', 'c', 'flag' of the model"),
        (["score", "model.aea", "scored.csv"], "already has column 'score'; rename the new columns with --prefix"),
        (["info", "new.csv"], "'new.csv' is not a readable model file"),
        (["fit", "broken.csv.gz", "-o", "m.aea"], "broken.csv.gz"),
        (["fit", "text.csv", "-o", "m.aea", "--label", "city"], "label column 'city' must contain both 0 and 1"),
        (
            ["fit", "train.csv", "-o", "m.aea", "--contamination", "0.1", "--set", "contamination=0.2"],
            "set the same parameter",
        ),
    ],
)
def test_errors_are_one_sentence_with_exit_code_1(folder, capsys, words, message):
    fitted()
    files = {
        "text.csv": "a,city\n1,2\n2,Oslo\n",
        "missing.csv": 'a\n1\n""\n3\n',
        "ragged.csv": "a,b\n1,2\n3,4,5\n",
        "empty.csv": "",
        "scored.csv": "a,b,c,flag,score\n1,2,3,1,0\n",
        "picture.csv": "\x89PNG\r\n",
        "broken.csv.gz": "\x1f\x8b no gzip at all",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="latin-1")
    capsys.readouterr()
    assert run(*words) == 1
    captured = capsys.readouterr()
    *notes, error = captured.err.splitlines()
    assert error.startswith("aeanomaly: error: ")
    assert message in error
    assert all(" read as: " in note or note.startswith("note: ") for note in notes)
    assert captured.out == ""
    assert not (folder / "m.aea").exists()


def test_columns_called_row_blank_lines_and_indices_are_kept(folder, capsys):
    (folder / "one.csv").write_text("row\n1001\n1002\n1003\n1004\n\n")
    assert run("fit", "one.csv", "-o", "one.aea", *QUICK) == 0
    capsys.readouterr()
    assert run("score", "one.aea", "one.csv", "--top", 4, "--json") == 0
    top = json.loads(capsys.readouterr().out)["top"]
    assert {(line["row number"], str(line["row"])) for line in top} == {(i, f"100{i}") for i in range(1, 5)}
    (folder / "incomplete.csv").write_text("row\n1001\n\n1003\n")
    assert run("score", "one.aea", "incomplete.csv") == 1
    assert "the table has missing cells in column 'row' (1)" in capsys.readouterr().err
    pytest.importorskip("pyarrow")
    fitted()
    pd.read_csv("new.csv", dtype={"id": str}).set_index("id").to_parquet("indexed.parquet")
    assert run("score", "model.aea", "indexed.parquet", "-o", "scored.csv") == 0
    assert pd.read_csv("scored.csv", dtype=str).id.tolist() == pd.read_csv("new.csv", dtype=str).id.tolist()


def test_identifiers_that_are_too_large_are_warned_of(folder, capsys):
    (folder / "big.csv").write_text("n,b\n" + "".join(f"{2**53 + 1 + 2 * i},{i}\n" for i in range(20)))
    assert run("fit", "big.csv", "-o", "big.aea", *QUICK) == 0
    assert "aeanomaly: warning: column 'n' holds integers beyond 2**53" in capsys.readouterr().err


def test_wrong_usage_exits_with_2(folder, capsys):
    for words in (["fit", "train.csv"], ["score", "model.aea", "new.csv", "--top", "0"], ["fly"]):
        with pytest.raises(SystemExit) as stopped:
            run(*words)
        assert stopped.value.code == 2
    assert "is not a positive integer" in capsys.readouterr().err


def test_an_interrupt_exits_with_130_and_leaves_the_old_model(folder, monkeypatch, capsys):
    fitted()
    before = (folder / "model.aea").read_bytes()

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("aeanomaly.fitting.job.train", interrupted)
    assert run("fit", "train.csv", "-o", "model.aea", "--drop", "id") == 130
    assert (folder / "model.aea").read_bytes() == before


def test_a_prefix_avoids_the_clash(folder):
    fitted()
    run("score", "model.aea", "new.csv", "-o", "once.csv")
    assert run("score", "model.aea", "once.csv", "-o", "again.csv", "--prefix", "second_") == 0
    again = pd.read_csv("again.csv")
    np.testing.assert_array_equal(again.score, again.second_score)


def test_a_closed_pipe_is_not_a_crash(folder):
    fitted()
    command = f"{sys.executable} -m aeanomaly.cli score model.aea new.csv | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("id,a,b,c,flag")
    assert "Traceback" not in done.stderr


def test_the_demo_runs_without_network(tmp_path, capsys):
    assert run("demo", "--folder", tmp_path / "demo") == 0
    captured = capsys.readouterr()
    assert "AUROC 0.9" in captured.err
    assert len(pd.read_csv(tmp_path / "demo" / "scored.csv")) == 391
    assert captured.out.count("\n") > 12


def test_the_format_of_a_table_is_said_in_a_line_and_kept(folder, capsys):
    Path("nameless.txt").write_text("1,5;red\n2,5;blue\n3,5;red\n4,25;blue\n")
    assert run("fit", "nameless.txt", "-o", "m.aea", *QUICK) == 0
    said = "nameless.txt read as: ';' separated, no header, decimal comma, 4 rows x 2 columns"
    assert capsys.readouterr().err.splitlines()[0] == said
    Path("one.txt").write_text("2,5;red\n")
    assert run("score", "m.aea", "one.txt") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == "column_1;column_2;score;decision;anomaly"
    row = captured.out.splitlines()[1].split(";")
    expected = aeanomaly.load("m.aea").score_samples(pd.DataFrame({"column_1": [2.5], "column_2": ["red"]}))
    assert (row[0], float(row[2].replace(",", "."))) == ("2,5", expected[0])


def with_comma(found):
    return "," if found[0] == "." else ""


def test_explanations_have_the_decimal_mark_of_the_table(folder, capsys):
    rng = np.random.default_rng(0)
    a = rng.normal(size=200).round(2)
    table = pd.DataFrame({"a": a, "twice": 2 * a, "kind": rng.choice(["x", "y"], 200)})
    table.loc[7, "twice"] = 12345.25
    table.to_csv("points.csv", index=False)
    table.to_csv("commas.csv", index=False, sep=";", decimal=",")
    found = {}
    for name in ("points", "commas"):
        assert run("fit", f"{name}.csv", "-o", "m.aea", *QUICK) == 0
        capsys.readouterr()
        assert run("score", "m.aea", f"{name}.csv", "-o", "s.csv", "--explain", "3", "--top", "1", "--quiet") == 0
        _, row, sentence = capsys.readouterr().out.splitlines()
        scored = pd.read_csv("s.csv", sep=";" if name == "commas" else ",", dtype=str)
        found[name] = [*scored.loc[7, ["explanation", "value_1"]], row.split()[1]]
        assert sentence == f"row 8: {found[name][0]}"
    assert "twice 12,345, " in found["points"][0]
    assert found["commas"][1] == "12345,25"
    assert found["commas"] == [re.sub(r"(?<=\d)[.,](?=\d)", with_comma, text) for text in found["points"]]
    assert aeanomaly.load("m.aea").explain_text(table[7:8]).iloc[0] == found["points"][0]


def french(n_rows):
    rng = np.random.default_rng(0)
    when = pd.Timestamp("2024-05-03 10:00") + pd.to_timedelta(rng.integers(0, 90_000, n_rows), "min")
    return pd.DataFrame(
        {
            "né": when.strftime("%d/%m/%Y %H:%M"),
            "coût": [f"{number:.2f}".replace(".", ",") for number in rng.normal(5000, 100, n_rows)],
            "unité": rng.choice(["Pédiatrie", "Chirurgie"], n_rows),
        }
    )


def test_the_cells_of_explanations_are_written_as_in_the_table(folder, capsys):
    table = french(120)
    table.loc[5, "né"] = "17/03/2162 10:15"
    table.to_csv("t.csv", sep=";", index=False, encoding="cp1252")
    assert run("fit", "t.csv", "-o", "m.aea", *QUICK) == 0
    assert run("score", "m.aea", "t.csv", "-o", "s.csv", "--explain", "3", "--quiet") == 0
    scored = pd.read_csv("s.csv", sep=";", dtype=str, encoding="cp1252")
    assert (scored.loc[5, "reason_1"], scored.loc[5, "value_1"]) == ("né", "17/03/2162 10:15")
    for place in (1, 2, 3):
        names, values = scored[f"reason_{place}"], scored[f"value_{place}"]
        assert all(pd.isna(name) or values[row] == table.loc[row, name] for row, name in names.items())


def test_scored_rows_have_the_encoding_of_the_table_if_it_can_hold_them(folder, capsysbinary):
    french(120).to_csv("t.csv", sep=";", index=False, encoding="cp1252")
    assert run("fit", "t.csv", "-o", "m.aea", *QUICK) == 0
    assert run("score", "m.aea", "t.csv", "-o", "s.csv") == 0
    lines = Path("t.csv").read_bytes().splitlines()
    scored = Path("s.csv").read_bytes().splitlines()
    assert all(line.startswith(row) for row, line in zip(lines, scored, strict=True))
    assert b"UTF-8, and" not in capsysbinary.readouterr().err
    french(120).to_csv("t16.csv", sep=";", index=False, encoding="utf-16")
    assert run("score", "m.aea", "t16.csv", "-o", "s.csv") == 0
    assert pd.read_csv("s.csv", sep=";", encoding="utf-8").columns[2] == "unité"
    assert b"the scored rows are written in UTF-8, and not in utf-16 as t16.csv" in capsysbinary.readouterr().err
