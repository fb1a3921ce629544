"""The streaming benchmark: what it times and writes."""

import pandas as pd
import pytest

pytest.importorskip("pyarrow")

from benchmarks import streaming


def test_a_run_writes_every_round_and_leaves_no_table(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(streaming, "_GROUP", 700)
    words = ["--rows", "2000", "--columns", "3", "--repeats", "2", "--threads", "1", "--out", str(tmp_path)]
    assert streaming.main(words) == 0
    runs = pd.read_csv(tmp_path / "streaming.csv")
    assert len(runs) == 2
    assert (runs[["read_s", "fit_s", "score_rows_per_s", "fit_of_limit"]] > 0).all(axis=None)
    assert "| score_rows_per_s " in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["streaming.csv"]
