"""Fits on an accelerator: all ways to fit, reproducible to the bit, and useful."""

import numpy as np
import pytest

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.detectors import REGISTRY
from aeanomaly.thresholds import Conformal
from tests.accelerators.tables import TABLES, assert_close, on_cpu, plane

X = plane()
#: Rows far from the plane, each in another direction.
FAR = X[:20] + 30 * np.random.default_rng(2).normal(size=(20, 7))

#: Parameters and call of each way to fit.
WAYS = {
    "fit": ({}, lambda detector: detector.fit(X)),
    "partial_fit": ({}, lambda detector: detector.partial_fit(X[:90]).partial_fit(X[90:])),
    "fit_batches": ({}, lambda detector: detector.fit_batches([X[:60], X[60:]])),
    "warm_start": ({"warm_start": True}, lambda detector: detector.fit(X).fit(X)),
    "early_stopping": ({"early_stopping": True, "n_iter_no_change": 2}, lambda detector: detector.fit(X)),
    "robust": ({"robust": True}, lambda detector: detector.fit(X)),
    "held-out rows": ({"contamination": Conformal(0.1)}, lambda detector: detector.fit(X)),
    "ordinary layers": ({"activation": "silu", "hidden_layer_sizes": (24, 12)}, lambda detector: detector.fit(X)),
}


#: All detectors in the usual way, and the other ways by one network and by all kinds of members together.
FITS = [(name, "fit") for name in sorted(REGISTRY)]
FITS += [(name, way) for name in ("denoising", "ensemble") for way in WAYS if way != "fit"]


@pytest.mark.parametrize(("name", "way"), FITS)
def test_every_way_to_fit_gives_equal_bits_twice(build, device, name, way):
    parameters, fit = WAYS[way]
    first, second = (fit(build(REGISTRY[name], **parameters)) for _ in range(2))
    assert first.state_.model.device.type == device
    np.testing.assert_array_equal(first.loss_curve_, second.loss_curve_)
    np.testing.assert_array_equal(first.score_samples(X), second.score_samples(X))
    assert first.offset_ == second.offset_
    assert np.isfinite(first.loss_curve_).all()
    assert_close(first.score_samples(X), on_cpu(first).score_samples(X))
    assert (first.predict(FAR) == -1).all()


@pytest.mark.parametrize("corruption", ["gaussian", "masking", "salt_and_pepper"])
@pytest.mark.parametrize("kind", ["missing values", "mixed"])
def test_every_corruption_gives_equal_bits_twice(build, kind, corruption):
    table, missing = TABLES[kind]
    parameters = {"corruption": corruption, "missing": missing}
    first, second = (build(DenoisingAutoencoder, **parameters).fit(table) for _ in range(2))
    np.testing.assert_array_equal(first.score_samples(table), second.score_samples(table))


@pytest.mark.parametrize("cls", [VariationalAutoencoder, AutoencoderEnsemble])
def test_training_lowers_the_loss(build, cls):
    curve = build(cls, activation="silu", hidden_layer_sizes=(16,), max_iter=48).fit(X).loss_curve_
    assert np.mean(curve[-5:]) < 0.9 * np.mean(curve[:5])


def test_a_diverging_fit_is_an_error_that_leaves_the_previous_one(build):
    detector = build(DenoisingAutoencoder).fit(X)
    scores = detector.score_samples(X)
    detector.set_params(learning_rate=1e30, activation="silu", batch_size=4)
    with pytest.raises(ValueError, match="learning_rate"):
        detector.fit(X)
    np.testing.assert_array_equal(detector.score_samples(X), scores)


def test_a_progress_bar_changes_no_bit(build, capsys):
    shown = build(DenoisingAutoencoder, verbose=True).fit(X)
    assert "DenoisingAutoencoder" in capsys.readouterr().err
    np.testing.assert_array_equal(shown.score_samples(X), build(DenoisingAutoencoder).fit(X).score_samples(X))


def test_callbacks_see_the_fit_every_25_steps(build):
    callback = pytest.importorskip("sklearn.callback")
    monitor, labels = callback.ScoringMonitor(scoring="roc_auc"), np.where(np.arange(160) % 10 == 0, -1, 1)
    watched = build(DenoisingAutoencoder, max_iter=60)
    watched.set_callbacks(monitor)
    watched.fit(X, y=labels)
    assert (monitor.get_logs().data_as_pandas["task_name"] == "step").sum() == 3
    expected = build(DenoisingAutoencoder, max_iter=60).fit(X).score_samples(X)
    np.testing.assert_array_equal(watched.score_samples(X), expected)


def test_a_fit_that_stops_early_keeps_its_best_weights(build):
    detector = build(DenoisingAutoencoder, early_stopping=True, tol=1e9, n_iter_no_change=1, max_iter=48).fit(X)
    assert detector.n_iter_ < 48
    assert len(detector.validation_loss_curve_) >= 2


@pytest.mark.parametrize("moves_to_cpu", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_continues_on_another_device(build, device, method, moves_to_cpu):
    first, second = (device, "cpu") if moves_to_cpu else ("cpu", device)
    detector = getattr(build(DenoisingAutoencoder, device=first, warm_start=True), method)(X)
    getattr(detector.set_params(device=second), method)(X)
    assert detector.state_.model.device.type == second
    assert np.isfinite(detector.loss_curve_).all()
    assert (detector.predict(FAR) == -1).all()
