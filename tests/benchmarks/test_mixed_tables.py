"""The benchmarks of mixed tables, missing values and explanations, on little data."""

import numpy as np
import pandas as pd

from benchmarks import explanations, missing_values, mixed
from benchmarks.preparation import prepared


def curved(n_rows, seed=0):
    t = np.random.default_rng(seed).uniform(-1, 1, size=(n_rows, 1))
    return np.hstack([t, t**2, np.sin(3 * t), -t, np.cos(2 * t)])


def test_a_share_of_the_cells_is_removed_and_three_ways_compared(tmp_path, capsys):
    X = np.vstack([curved(120), np.random.default_rng(1).permuted(curved(20), axis=0)])
    np.savez(tmp_path / "curved.npz", X=X, y=np.repeat([0, 1], [120, 20]))
    words = ["--data", str(tmp_path), "--seeds", "0", "--shares", "0.2"]
    assert missing_values.main(words) == 0
    assert "loss left" in capsys.readouterr().out
    found = missing_values.run(tmp_path, None, "UndercompleteAutoencoder", [0], [0.2])
    assert found[["whole", "mean imputed", "missing='model'"]].iloc[0].between(0.4, 1).all()


def test_planted_rows_have_two_columns_of_other_rows():
    X = pd.DataFrame({"a": np.arange(100.0), "b": [f"category {n}" for n in range(100)], "c": np.arange(100)})
    rows, y = mixed.planted(X, np.random.default_rng(0))
    changed = (rows != X).sum(axis=1)
    assert y.sum() == 5
    assert changed[y == 1].between(1, 2).all()
    assert (changed[y == 0] == 0).all()
    assert len(X) == 100


def test_our_table_is_split_in_both_settings():
    parts = dict(mixed.splits("payments", 0))
    assert not set(parts["one-class"].train.index) & set(parts["one-class"].test.index)
    assert parts["contaminated"].train.equals(parts["contaminated"].test)
    assert np.isfinite(prepared().fit_transform(parts["one-class"].train)).all()


def test_a_wrong_cell_is_within_its_column_and_impossible_for_its_row():
    X = curved(900)
    found = explanations.planted(X)
    wrong = found.rows[np.arange(len(found.rows)), found.columns]
    assert ((wrong >= X.min(axis=0)[found.columns]) & (wrong <= X.max(axis=0)[found.columns])).all()
    assert explanations._hits(found.deviations, found.columns)[1] > 0.9
    assert explanations.planted(np.random.default_rng(0).normal(size=(300, 3))) is None


def test_hits_are_counted():
    parts = np.array([[3.0, 1, 0, 2], [1.0, 5, 3, 2]])
    assert explanations._hits(parts, np.array([0, 2])) == (0.5, 1.0)
    assert explanations._hits(parts, np.array([2, 0])) == (0.0, 0.0)
