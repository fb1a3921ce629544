"""The search benchmark: what it times, counts and writes."""

import pandas as pd
import pytest

from benchmarks import search


def test_a_run_writes_every_round_and_a_report(monkeypatch, tmp_path, capsys):
    tiny = {"tiny": {"hidden_layer_sizes": (8,), "latent_dim": 2, "max_iter": 5}}
    monkeypatch.setattr(search, "NETWORKS", tiny)
    monkeypatch.setattr(search, "matrix_product_rate", lambda: 1e11)
    words = ["--networks", "tiny", "--rows", "60", "--columns", "3", "--repeats", "1", "--threads", "1"]
    assert search.main([*words, "--out", str(tmp_path)]) == 0
    runs = pd.read_csv(tmp_path / "search.csv")
    assert len(runs) == 1
    assert (runs[["stacked", "grid", "share"]] > 0).all(axis=None)
    assert (runs["largest_difference"] == 0).all()
    report = (tmp_path / "search.md").read_text()
    assert capsys.readouterr().out == report
    assert "| tiny " in report


def test_operations_are_those_of_the_products():
    class Best:
        hidden_layer_sizes, latent_dim_, batch_size, n_iter_ = (8,), 2, 10, 100

    class Search:
        best_estimator_, n_splits_, cv_results_ = Best, 2, {"params": [{}, {}, {}]}

    forward = 2 * (3 * 8 + 8 * 2 + 2 * 8 + 8 * 3)
    step = 10 * (3 * forward - 2 * 3 * 8)
    assert search.operations(Search, 3) == pytest.approx(step * (6 * 100 * 0.5**0.5 + 100))
