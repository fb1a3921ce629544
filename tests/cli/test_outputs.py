"""Commands replace only files of the kind that they write, and never their input."""

import hashlib

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.cli import main
from aeanomaly.inspection import report

FIT = ("fit", "history.csv", "--set", "max_iter=5")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two tables, a model of the first, and files of other kinds."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("history", "today"):
        pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"]).to_csv(f"{name}.csv", index=False)
    assert main([*FIT, "-o", "model.aea"]) == 0
    (tmp_path / "page.html").write_text("<!doctype html><p>mine</p>")
    for name in ("not_a_model.aea", "not_a_graph.onnx"):
        (tmp_path / name).write_bytes((tmp_path / "today.csv").read_bytes())
    return tmp_path


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


SCORE, REPORT = ("score", "model.aea", "today.csv"), ("report", "model.aea", "today.csv")
REFUSED = [
    ((*FIT, "-o", "today.csv"), "must end in .aea"),
    ((*FIT, "-o", "history.csv"), "is an input of this command"),
    ((*FIT, "-o", "./history.csv"), "is an input of this command"),
    ((*FIT, "-o", "not_a_model.aea"), "exists and is not a model file"),
    ((*FIT, "-o", "new_model"), "must end in .aea"),
    ((*FIT, "-o", "-"), "cannot be written to standard output"),
    ((*FIT, "-o", "missing/model.aea"), "missing/model.aea: The folder missing does not exist"),
    ((*SCORE, "-o", "today.csv"), "is an input of this command"),
    ((*SCORE, "-o", "history.csv"), "exists and is not a table of scored rows"),
    ((*SCORE, "-o", "scores.txt"), "the suffix must be .csv"),
    ((*REPORT, "-o", "today.csv"), "is an input of this command"),
    ((*REPORT, "-o", "history.csv"), "must end in .html"),
    ((*REPORT, "-o", "page.html"), "exists and is not a report"),
    (("threshold", "model.aea", "--rows", "today.csv", "--rule", "0.1", "-o", "today.csv"), "is an input"),
    (("threshold", "model.aea", "--rows", "today.csv", "--rule", "0.1", "-o", "history.csv"), "must end in .aea"),
    (("export", "model.aea", "today.csv"), "must end in .onnx"),
    (("export", "model.aea", "not_a_graph.onnx"), "exists and is not an ONNX graph"),
    (("export", "model.aea", "model.aea"), "is an input of this command"),
    (("export", "model.aea", "-"), "cannot be written to standard output"),
]


@pytest.mark.parametrize(("command", "told"), REFUSED, ids=lambda value: " ".join(value) if value[0] != " " else None)
def test_no_command_replaces_what_it_did_not_write(folder, capsys, command, told):
    before = contents(folder)
    assert main(command) == 1
    assert contents(folder) == before
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(("command", "told"), [case for case in REFUSED if "--" not in case[0][-1:]])
def test_the_sentence_names_the_option_that_replaces_nevertheless(folder, capsys, command, told):
    main(command)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    may_be_forced = ("must end in .aea", "must end in .html", "must end in .onnx", "is an input", "exists and is not")
    assert ("--force" in error) == told.startswith(may_be_forced)


def test_force_replaces_a_file_of_another_kind(folder):
    assert main([*FIT, "-o", "today.csv", "--force"]) == 0
    assert aeanomaly.load("today.csv").n_features_in_ == 2


def test_files_of_the_same_kind_are_replaced_without_a_message(folder):
    pytest.importorskip("onnx")
    for command in (
        [*FIT, "-o", "model.aea"],
        [*SCORE, "-o", "scored.csv"],
        [*SCORE, "-o", "scored.csv", "--prefix", "ae_"],
        [*SCORE, "-o", "scored.parquet"],
        [*REPORT, "-o", "report.html"],
        ["export", "model.aea", "model.onnx"],
        ["threshold", "model.aea", "--rule", "0.1", "--in-place"],
        ["threshold", "model.aea", "--rule", "0.1", "-o", "other.aea"],
    ):
        assert [main(command), main(command)] == [0, 0], command


def test_an_empty_file_may_be_filled(folder):
    (folder / "empty.aea").touch()
    assert main([*FIT, "-o", "empty.aea"]) == 0


def test_a_link_to_an_input_is_the_input(folder):
    (folder / "link.csv").symlink_to("today.csv")
    before = contents(folder)
    assert main([*SCORE, "-o", "link.csv"]) == 1
    assert contents(folder) == before


def test_a_report_goes_to_standard_output(folder, capsys):
    before = contents(folder)
    assert main([*REPORT, "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
    assert contents(folder) == before


def test_the_demo_replaces_no_table_of_its_users(folder, capsys):
    (folder / "history.csv").rename("train.csv")
    before = contents(folder)
    assert main(["demo", "--folder", "."]) == 1
    assert contents(folder) == before
    assert "choose another folder with --folder" in capsys.readouterr().err


def test_a_checkpoint_replaces_no_other_file(folder):
    detector = aeanomaly.DenoisingAutoencoder(max_iter=5, random_state=0)
    before = contents(folder)
    with pytest.raises(ValueError, match=r"is not a readable checkpoint: .*; choose another file"):
        detector.fit_batches("history.csv", checkpoint="today.csv")
    assert contents(folder) == before


class TestInPython:
    @pytest.fixture
    def fitted(self, folder):
        return aeanomaly.load("model.aea")

    def writers(self, fitted):
        onnx = pytest.importorskip("aeanomaly.onnx")
        rows = pd.read_csv("today.csv")
        return {
            ".aea": lambda path, **how: fitted.save(path, **how),
            ".html": lambda path, **how: report(fitted, rows, path, **how),
            ".onnx": lambda path, **how: onnx.to_onnx(fitted, path, **how),
        }

    @pytest.mark.parametrize("suffix", [".aea", ".html", ".onnx"])
    def test_another_kind_of_file_is_refused(self, folder, fitted, suffix):
        write, taken = self.writers(fitted)[suffix], f"taken{suffix}"
        (folder / taken).write_bytes((folder / "today.csv").read_bytes())
        before = contents(folder)
        for path in ("today.csv", "new.file", taken, folder / "-"):
            with pytest.raises(ValueError, match="overwrite=True"):
                write(path)
        assert contents(folder) == before
        write(taken, overwrite=True)
        write(f"new{suffix}")
        write(f"new{suffix}")
        assert contents(folder)[taken] == contents(folder)[f"new{suffix}"]

    def test_a_damaged_model_may_be_replaced(self, folder, fitted):
        (folder / "damaged.aea").write_bytes((folder / "model.aea").read_bytes()[:500])
        fitted.save("damaged.aea")
        assert aeanomaly.load("damaged.aea").offset_ == fitted.offset_
