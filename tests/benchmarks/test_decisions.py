"""The benchmark of decisions, on little data."""

import numpy as np
import pytest

from benchmarks import decisions


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    t = rng.uniform(-1, 1, size=(440, 1))
    X = np.hstack([t, t**2, np.sin(3 * t)]) + 0.05 * rng.normal(size=(440, 3))
    X[400:] += 1
    np.savez(tmp_path / "curved.npz", X=X, y=np.repeat([0, 1], [400, 40]))
    return tmp_path


def test_simulated_rates_are_those_that_were_promised():
    found = decisions.conformal_simulated(100)
    assert (np.abs(found["promised"] - found["realized"]) < 4 * found["standard error"]).all()
    assert found["within 95% limits"].between(0.85, 1).all()
    assert set(decisions.tails_simulated(3).columns) >= {"median ratio", "5%", "95%"}
    found = decisions.discoveries_simulated(4)
    assert found["false discoveries"].between(0, 0.4).all()
    assert found["power"].between(0.3, 1).all()


def test_rates_of_detectors_are_counted_where_the_rows_can_promise_them(folder, capsys):
    assert decisions.main(["--data", str(folder), "--parts", "tables", "--seeds", "0", "--out", str(folder / "o")]) == 0
    assert "within 99.9%" in capsys.readouterr().out
    text = (folder / "o" / "tables.csv").read_text()
    assert "Conformal,0.05" in text
    assert "Conformal,0.001" not in text
    assert "flag,0.1" in text


def test_rules_are_compared_on_the_same_training_scores(folder, monkeypatch):
    def broken(errors):
        raise RuntimeError

    peers = {"pythresh half": lambda errors: errors > np.median(errors), "pythresh broken": broken}
    monkeypatch.setattr(decisions, "peers", lambda: peers)
    lines = list(decisions.f1_on_tables(folder, None, [0], None))
    f1 = {line["rule"]: line["f1"] for line in lines if line["detector"] == "DenoisingAutoencoder, robust"}
    assert f1["pythresh broken"] == 0
    assert f1["pythresh half"] > 0
    assert f1["auto"] == f1["MedianAbsoluteDeviation(k=2.5)"]
    assert {"Contamination(fraction=0.1)", "MedianAbsoluteDeviation(k=2)"} <= set(f1)


def test_every_threshold_is_timed():
    assert (decisions.seconds()["seconds"] > 0).all()
