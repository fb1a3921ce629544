"""A model of windows is described by the command line, and refused by the commands that score single rows."""

import pytest

import aeanomaly
from aeanomaly import DenoisingAutoencoder
from aeanomaly.cli import main
from aeanomaly.datasets import make_sensors
from aeanomaly.windows import WindowedDetector


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("windows")
    X, _ = make_sensors(600, n_sensors=2, period=24, random_state=0)
    X.to_csv(folder / "pump.csv", sep=";", decimal=",", index=False)
    detector = WindowedDetector(DenoisingAutoencoder(max_iter=5, random_state=0), time="time")
    detector.fit(aeanomaly.read_table(folder / "pump.csv")).save(folder / "pump.aea")
    return folder


@pytest.mark.parametrize("command", ["score", "report", "drift", "threshold", "export"])
def test_commands_that_score_single_rows_refuse_it(folder, command, tmp_path, capsys):
    if command == "export":
        pytest.importorskip("onnxscript")
    more = {
        "score": [folder / "pump.csv"],
        "report": [folder / "pump.csv", "-o", tmp_path / "page.html"],
        "drift": [folder / "pump.csv"],
        "threshold": ["--false-alarm-rate", "0.1", "-o", tmp_path / "other.aea"],
        "export": [tmp_path / "graph.onnx"],
    }
    assert main([command, str(folder / "pump.aea"), *map(str, more[command])]) == 1
    error = capsys.readouterr().err
    assert "holds a WindowedDetector" in error
    assert "aeanomaly.load(" in error
    assert not list(tmp_path.iterdir())


def test_its_windows_are_described(folder, capsys):
    assert main(["info", str(folder / "pump.aea")]) in (0, None)
    assert "scores windows of 40 rows, time 'time'" in capsys.readouterr().out


def test_later_files_are_read_in_the_format_of_the_training_table(folder):
    detector = aeanomaly.load(folder / "pump.aea")
    assert detector.state_.table_format.decimal == ","
    (folder / "whole.csv").write_text("time;sensor_1;sensor_2\n2026-02-01 00:00;1,5;2\n", encoding="utf-8")
    table = aeanomaly.read_table(folder / "whole.csv", like=detector)
    assert table["sensor_1"].tolist() == [1.5]
