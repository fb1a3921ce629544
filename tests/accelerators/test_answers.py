"""Answers of fitted detectors on an accelerator, compared with those of the same weights on the CPU."""

import numpy as np
import pandas as pd
import pytest
import torch

from aeanomaly import DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.detectors import REGISTRY
from aeanomaly.inspection import column_drift, report
from aeanomaly.model_selection import elbo, log_likelihood
from aeanomaly.windows import WindowedDetector
from tests.accelerators.tables import TABLES, assert_close, on_cpu, plane

NUMBERS = TABLES["numbers"][0]


@pytest.fixture(scope="module", params=sorted(REGISTRY))
def on_numbers(request, build):
    """Fit each detector to numbers."""
    return build(REGISTRY[request.param]).fit(NUMBERS)


@pytest.fixture(scope="module", params=["variational", "ensemble"])
def on_mixed(request, build):
    """Fit the detector with the most methods, and the one with the most networks, to a mixed table."""
    table, missing = TABLES["mixed with missing values"]
    return build(REGISTRY[request.param], missing=missing).fit(table)


def numbers_of(table):
    """Return the numeric columns of a frame."""
    return table.select_dtypes(["int", "float"]).to_numpy()


@pytest.mark.parametrize("method", ["transform", "reconstruct", "explain"])
def test_answers_about_numbers(on_numbers, method):
    found, expected = (getattr(detector, method)(NUMBERS) for detector in (on_numbers, on_cpu(on_numbers)))
    assert_close(found, expected)


def test_errors_of_columns_add_up_to_those_of_rows(on_numbers):
    per_column = on_numbers.reconstruction_error(NUMBERS, per_feature=True)
    np.testing.assert_allclose(per_column.sum(axis=1), on_numbers.reconstruction_error(NUMBERS), rtol=1e-6)
    assert_close(per_column, on_cpu(on_numbers).reconstruction_error(NUMBERS, per_feature=True))


def test_codes_are_decoded(on_numbers):
    code = on_numbers.transform(NUMBERS)
    assert_close(on_numbers.inverse_transform(code), on_cpu(on_numbers).inverse_transform(code))


def test_the_encoder_is_exported_to_the_cpu(on_numbers):
    code = on_numbers.encoder_module()(torch.from_numpy(NUMBERS)).detach().numpy()
    assert_close(code, on_numbers.transform(NUMBERS))


def test_answers_about_a_mixed_table(on_mixed):
    table, host = TABLES["mixed with missing values"][0], on_cpu(on_mixed)
    assert_close(on_mixed.explain(table), host.explain(table))
    assert_close(on_mixed.transform(table), host.transform(table))
    assert_close(numbers_of(on_mixed.reconstruct(table)), numbers_of(host.reconstruct(table)))
    assert list(on_mixed.explain_text(table[:3]).str.len() > 0) == [True] * 3


def test_a_report_and_the_drift_of_columns(on_mixed):
    table = TABLES["mixed with missing values"][0]
    assert "<html" in str(report(on_mixed, table))
    drift = column_drift(on_mixed, table)
    pd.testing.assert_frame_equal(drift, column_drift(on_cpu(on_mixed), table))


def test_the_evidence_of_rows(build):
    detector = build(VariationalAutoencoder).fit(NUMBERS)
    host = on_cpu(detector)
    assert_close(detector.elbo(NUMBERS), host.elbo(NUMBERS))
    assert_close(detector.log_evidence(NUMBERS, n_draws=10), host.log_evidence(NUMBERS, n_draws=10))
    assert elbo(detector, NUMBERS) == pytest.approx(elbo(host, NUMBERS), rel=1e-3)


def test_rows_that_are_drawn(build):
    detector = build(VariationalAutoencoder).fit(NUMBERS)
    drawn = detector.sample(50, random_state=1)
    np.testing.assert_array_equal(detector.sample(50, random_state=1), drawn)
    assert_close(drawn, on_cpu(detector).sample(50, random_state=1))


def test_the_likelihood_of_rows(build):
    detector = build(DenoisingAutoencoder).fit(NUMBERS)
    assert log_likelihood(detector, NUMBERS) == pytest.approx(log_likelihood(on_cpu(detector), NUMBERS), rel=1e-3)


def test_windows_of_a_series(build):
    series = plane(300, 2)
    detector = WindowedDetector(build(DenoisingAutoencoder), window=12, contamination=0.05).fit(series)
    scores = detector.score_samples(series)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(detector.score_samples(series), scores)


def test_a_model_is_exported_to_onnx(build, tmp_path):
    runtime, onnx = pytest.importorskip("onnxruntime"), pytest.importorskip("aeanomaly.onnx")
    detector = build(DenoisingAutoencoder).fit(NUMBERS)
    onnx.to_onnx(detector, tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (scores,) = session.run(["score"], {"X": NUMBERS.astype(np.float32)})
    assert_close(scores, detector.score_samples(NUMBERS.astype(np.float32)))
