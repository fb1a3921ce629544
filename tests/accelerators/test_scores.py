"""Scores on an accelerator: close to those of the CPU, and independent of other rows to the bit."""

import itertools

import numpy as np
import pandas as pd
import pytest

from aeanomaly.detectors import REGISTRY
from aeanomaly.preprocessing import rows_of
from tests.accelerators.tables import TABLES, assert_close, on_cpu, plane

KINDS = ["numbers", "missing values", "mixed with missing values"]


@pytest.fixture(scope="module", params=itertools.product(sorted(REGISTRY), KINDS), ids=", ".join)
def fitted(request, build):
    """Fit each detector to each table; also return the table and its scores."""
    name, kind = request.param
    table, missing = TABLES[kind]
    detector = build(REGISTRY[name], missing=missing).fit(table)
    return detector, table, detector.score_samples(table)


def assert_same_in_any_company(detector, table, scores):
    """Scores are equal to the bit for rows alone, in reverse and in parts."""
    n_rows = len(scores)
    for row in (0, n_rows // 2, n_rows - 1):
        assert detector.score_samples(rows_of(table, np.array([row])))[0] == scores[row]
    backward = np.arange(n_rows)[::-1]
    np.testing.assert_array_equal(detector.score_samples(rows_of(table, backward)), scores[backward])
    parts = np.split(np.arange(n_rows), [3, n_rows // 2])
    np.testing.assert_array_equal(np.concatenate([detector.score_samples(rows_of(table, p)) for p in parts]), scores)


def test_scores_are_those_of_the_cpu(fitted, device):
    detector, table, scores = fitted
    assert detector.state_.model.device.type == device
    assert scores.dtype == np.float64
    assert_close(scores, on_cpu(detector).score_samples(table))


def test_a_row_scores_the_same_in_any_company(fitted):
    assert_same_in_any_company(*fitted)


@pytest.mark.parametrize(("width", "activation"), [(7, "rbf"), (16, "relu"), (33, "rbf")])
@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_table_of_any_width_scores_each_row_by_itself(build, name, width, activation):
    table = plane(n_columns=width)
    detector = build(REGISTRY[name], hidden_layer_sizes=(width + 6,), activation=activation, max_iter=2).fit(table)
    assert_same_in_any_company(detector, table, detector.score_samples(table))


def test_a_row_scores_the_same_in_tables_of_several_launches(build):
    detector = build(REGISTRY["denoising"]).fit(plane())
    table = plane(150_001, 7)
    scores = detector.score_samples(table)
    assert_close(scores, on_cpu(detector).score_samples(table))
    assert_same_in_any_company(detector, table, scores)


@pytest.mark.parametrize("name", ["denoising", "variational"])
def test_columns_far_from_zero_keep_their_digits(build, name):
    near = plane()
    far = near + 1e9
    detector = build(REGISTRY[name], max_iter=5).fit(far)
    assert_close(detector.score_samples(far), on_cpu(detector).score_samples(far))
    assert_close(detector.score_samples(far), build(REGISTRY[name], max_iter=5).fit(near).score_samples(near), 0.01)


@pytest.mark.parametrize("size", [1e6, 1e30, 1e300])
def test_values_far_from_the_training_rows_have_finite_scores(build, size):
    detector = build(REGISTRY["denoising"]).fit(plane())
    scores = detector.score_samples(size * plane())
    assert np.isfinite(scores).all()
    assert_close(scores, on_cpu(detector).score_samples(size * plane()))


@pytest.mark.parametrize("convert", [np.float32, np.asfortranarray, pd.DataFrame, np.ndarray.tolist], ids=str)
def test_tables_of_any_type_score_as_on_the_cpu(build, convert):
    table = convert(np.round(plane(), 3)) if convert is not np.float32 else plane().astype(np.float32)
    detector = build(REGISTRY["denoising"]).fit(table)
    assert_close(detector.score_samples(table), on_cpu(detector).score_samples(table))


def test_decisions_follow_the_scores(fitted):
    detector, table, scores = fitted
    np.testing.assert_array_equal(detector.training_scores_, scores)
    np.testing.assert_array_equal(detector.decision_function(table), scores - detector.offset_)
    predicted = detector.predict(table)
    np.testing.assert_array_equal(predicted, np.where(scores < detector.offset_, -1, 1))
    assert (predicted == -1).mean() == pytest.approx(0.1, abs=0.01)


def test_single_rows_and_parts_score_as_the_table(fitted):
    detector, table, scores = fitted
    halves = [rows_of(table, half) for half in np.split(np.arange(len(scores)), 2)]
    np.testing.assert_array_equal(np.concatenate(list(detector.score_batches(halves))), scores)
    scored = detector.stream().update(table.iloc[5].to_dict() if hasattr(table, "iloc") else table[5])
    assert scored.score == scores[5]
    assert scored.is_anomaly == (scores[5] < detector.offset_)
