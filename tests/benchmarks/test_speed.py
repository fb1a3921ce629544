"""The speed benchmark: what it times, counts and writes."""

import numpy as np
import pandas as pd
import pytest
import torch

pytest.importorskip("threadpoolctl", reason="needs the extra 'benchmark'")

from benchmarks import speed
from benchmarks.loop import PlainLoop
from benchmarks.machine import matrix_product_rate, peak_memory
from benchmarks.speed import Case


@pytest.fixture
def small(monkeypatch):
    """The benchmark on tables of a few rows, without PyOD."""
    mapped = Case("score a memory map", 3000)
    cases = (Case("step", 300), Case("fit", 300), Case("fit", 300, members=4), Case("score", 300), mapped)
    settings = {"CASES": cases, "_MAPPED": mapped, "_PEERS": (), "_STEPS": 5, "matrix_product_rate": lambda: 1e11}
    for name, value in settings.items():
        monkeypatch.setattr(speed, name, value)


def test_a_run_writes_every_round_and_a_report(small, tmp_path, capsys):
    assert speed.main(["--out", str(tmp_path), "--repeats", "2", "--threads", "1"]) == 0
    runs = pd.read_csv(tmp_path / "speed.csv")
    assert len(runs) == 2 * (2 + 2 + 1 + 2) + 1
    assert set(runs["contender"]) == {"aeanomaly", "plain loop"}
    assert (runs["threads"] == 1).all()
    report = (tmp_path / "speed.md").read_text()
    assert capsys.readouterr().out == report
    assert "300 x 20 x 4" in report
    assert "plain loop / ours" in report


def test_the_loop_by_hand_takes_as_many_steps_as_our_fit(monkeypatch):
    case, X, taken = Case("fit", 300), speed.table(300, 20), []
    monkeypatch.setattr(speed.Loop, "fit", lambda self, case, X, n_steps: taken.append(n_steps))
    list(speed._rounds(case, [speed.Loop()], X, 1))
    assert taken[-1] == speed.Ours().fit(case, X).n_iter_


def test_a_large_table_is_not_given_to_a_peer_that_would_take_too_long(small, monkeypatch, tmp_path):
    class Slow(speed.Loop):
        name = "slow"
        by_steps = False

    monkeypatch.setattr(speed, "contenders", lambda case: [speed.Ours(), Slow()])
    monkeypatch.setattr(speed, "CASES", (Case("score", 300), Case("score", 600)))
    speed.main(["--out", str(tmp_path), "--repeats", "1", "--longest", "0", "--threads", "1"])
    runs = pd.read_csv(tmp_path / "speed.csv")
    assert runs.groupby("contender").size().to_dict() == {"aeanomaly": 2, "slow": 1}


def test_operations_are_those_of_the_products():
    # Forward twice the weights for each row; backward twice that again, but for the gradient by the rows themselves.
    assert speed.operations(Case("score", 1000, 20), 0) == 1000 * 2 * (20 * 1024 + 1024 * 20)
    assert speed.operations(Case("step", 1000, 20), 0) == 128 * 2 * (2 * 20 * 1024 + 3 * 1024 * 20)
    assert speed.operations(Case("fit", 1000, 20, 4), 10) == 40 * speed.operations(Case("step", 1000, 20), 0)


def test_the_loop_by_hand_learns():
    rows = speed.table(2000, 10)
    loop = PlainLoop([10, 64, 10], "silu", n_steps=300).fit(rows[:1000])
    errors = loop.anomaly_score(rows[1000:])
    assert errors.shape == (1000,)
    assert errors.mean() < 0.7 * rows.shape[1]  # of predicting the mean


def test_the_peak_is_what_a_call_held():
    with peak_memory() as peak:
        held = torch.ones(25_000_000)
        del held
    assert np.isnan(peak.extra) or 80e6 < peak.extra < 200e6


def test_the_rate_is_that_of_a_processor():
    assert 1e8 < matrix_product_rate(0.05) < 1e15
