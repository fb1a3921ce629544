"""Displays and reports of windowed detectors show the features of windows, with their threshold."""

import pytest
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import make_sensors
from aeanomaly.inspection import ScoreDistributionDisplay, report
from aeanomaly.windows import WindowedDetector

X, Y = make_sensors(900, n_sensors=2, period=48, faults=["level"], anomaly_rate=0.05, random_state=0)


def test_a_report_lists_the_flagged_rows_by_time(tmp_path):
    pytest.importorskip("jinja2")
    table = X.set_index("time")
    detector = WindowedDetector(DenoisingAutoencoder(max_iter=20, random_state=0)).fit(table[:450])
    report(detector, table[450:], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    worst = detector.score_samples(table[450:]).argmin()
    assert str(table.index[450 + worst]) in page
    assert "sensor_1 (others, 10 rows)" in page


def test_a_display_shows_the_scores_and_the_offset_of_the_windows():
    pytest.importorskip("matplotlib")
    readings = X.drop(columns="time").to_numpy()
    detector = make_pipeline(StandardScaler(), WindowedDetector(DenoisingAutoencoder(max_iter=20, random_state=0)))
    display = ScoreDistributionDisplay.from_estimator(detector.fit(readings[:450]), readings)
    assert (display.scores == detector.score_samples(readings)).all()
    assert display.offset == detector[-1].offset_


def test_a_report_of_another_estimator_is_refused():
    pytest.importorskip("jinja2")
    readings = X.drop(columns="time")
    detector = WindowedDetector(IsolationForest(n_estimators=5, random_state=0)).fit(readings[:450])
    with pytest.raises(TypeError, match="needs a detector of this package"):
        report(detector, readings)
