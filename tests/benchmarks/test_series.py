"""The benchmark of series evaluates the rows after the training rows, and only those."""

import numpy as np
import pytest

pytest.importorskip("pyod")

from sklearn.ensemble import IsolationForest

from aeanomaly.windows import WindowedDetector
from benchmarks import series


def build(seed):
    return WindowedDetector(IsolationForest(n_estimators=5, random_state=seed))


def test_a_plateau_has_one_level_that_the_wave_reached_before():
    one = series.plateau(3)
    rows = np.flatnonzero(one.labels)
    assert len(rows) == 20
    assert (one.readings[rows] == one.readings[rows[0] - 1]).all()
    assert rows[0] > one.n_trained


def test_labels_of_the_training_rows_are_not_evaluated():
    one = series.plateau(0)
    found = series.run(build, one, 0)
    marked = one._replace(labels=np.r_[np.ones(one.n_trained, int), one.labels[one.n_trained :]])
    assert len(found.errors) == len(found.is_flagged) == 2000
    assert series.run(build, marked, 0).auroc == found.auroc


def test_made_series_have_each_kind_of_fault_once_for_a_seed():
    assert [one.name for one in series.made(range(1))] == [*series.FAULT_KINDS, "plateau"]


def test_files_of_skab_are_read_and_flagged_by_position(tmp_path):
    rows = [f"2026-01-01 00:00:{n % 60:02};{n % 7};{n % 3};{int(600 <= n < 900)};0" for n in range(1000)]
    (tmp_path / "a.csv").write_text("\n".join(["datetime;a;b;anomaly;changepoint", *rows]), encoding="utf-8")
    (file,) = series.skab(tmp_path)
    assert file.readings.shape == (1000, 2)
    (found,) = series.flag_by_position([file])
    assert found.is_flagged.sum() == 400
    assert "0.857" in series.summary_of_skab("rule", [found, found], 0.0)  # F1 of 300 right rows of 400
