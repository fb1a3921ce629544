"""Thresholds that are calibrated on the latest rows."""

import numpy as np
import pandas as pd
import pytest

from aeanomaly import DenoisingAutoencoder, load
from aeanomaly.thresholds import Conformal


def quick(rule):
    return DenoisingAutoencoder(latent_dim=8, hidden_layer_sizes=(16,), max_iter=20, contamination=rule, random_state=0)


def drifting(n=400, seed=0):
    """A process whose scatter doubles over the rows."""
    rng = np.random.default_rng(seed)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n), unit="h")
    x = rng.normal(size=(n, 2)) * np.linspace(1, 2, n)[:, None]
    return pd.DataFrame({"when": when, "x": x[:, 0], "y": x[:, 1]})


def fitted_on(detector):
    """The largest index of a training row: its time is the end of the range that the schema knows."""
    column = detector.schema_.columns[0]
    return round((column.end - pd.Timestamp("2024-01-01").timestamp()) / 3600)


@pytest.mark.parametrize("order", ["when", "rows"])
def test_the_latest_rows_are_held_out(order):
    detector = quick(Conformal(0.1, order=order)).fit(drifting())
    assert fitted_on(detector) == 319
    assert len(detector.calibration_scores_) == 80
    assert detector.calibration_scores_ == pytest.approx(np.sort(detector.score_samples(drifting()[320:])), abs=0)


def test_a_column_orders_rows_in_any_sequence():
    shuffled = drifting().sample(frac=1, random_state=1)
    detector = quick(Conformal(0.1, order="when")).fit(shuffled)
    assert fitted_on(detector) == 319
    position = quick(Conformal(0.1, order=0)).fit(np.column_stack([np.arange(400)[::-1], drifting()[["x", "y"]]]))
    assert position.state_.reference.values[-1, 0] == 319


def test_later_rows_of_a_changing_process_are_flagged_less_often_than_with_random_rows():
    later = []
    for rule in (Conformal(0.1), Conformal(0.1, order="rows")):
        flagged = [
            (quick(rule).fit(drifting(600, s)[:500]).predict(drifting(600, s)[500:]) == -1).mean() for s in range(4)
        ]
        later.append(np.mean(flagged))
    assert later[1] < later[0] - 0.02


def test_the_guarantee_says_what_it_rests_on(tmp_path):
    rule = Conformal(0.1, order="when")
    detector = quick(rule).fit(drifting())
    guarantee = detector.threshold_info_.guarantee
    assert "at a rate of about 0.1, if they differ from the training rows as the 80 calibration rows do" in guarantee
    assert "if rows are independent, the rate lies between" in guarantee
    assert repr(rule) == "Conformal(alpha=0.1, calibration_fraction=0.2, order='when')"
    detector.save(tmp_path / "model.aea")
    assert load(tmp_path / "model.aea").contamination == rule


@pytest.mark.parametrize(
    ("order", "change", "told"),
    [
        ("then", lambda t: t, "order names 'then', which is not a column of X; "),
        (
            "when",
            lambda t: t.assign(when="noon"),
            "order names column 'when', which holds text; name a column of times",
        ),
        (
            "when",
            lambda t: t.assign(when=t["when"].where(t.index > 3)),
            "order names column 'when', which has 4 missing",
        ),
    ],
)
def test_columns_without_an_order_are_refused(order, change, told):
    detector = quick(Conformal(0.1, order=order)).set_params(missing="model")
    with pytest.raises(ValueError, match=told):
        detector.fit(change(drifting()))


def test_other_kinds_of_order_are_refused():
    with pytest.raises(ValueError, match=r"Conformal: order must be a column, 'rows' or None; got 0\.5"):
        Conformal(0.1, order=0.5)
