"""Streams of detectors without windows: single rows have the bits of a table."""

import numpy as np
import pandas as pd
import pytest

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, UndercompleteAutoencoder
from aeanomaly.thresholds import Conformal
from tests.windows.tables import is_a_sentence, same, small, waves


def numeric(n, seed):
    return pd.DataFrame(waves(n, 3, seed), columns=["a", "b", "c"])


def mixed(n, seed):
    rng = np.random.default_rng(seed)
    words, times = rng.choice(["idle", "busy"], n), pd.date_range("2026-01-01", periods=n, freq="7h")
    return numeric(n, seed).assign(mode=words, on=rng.uniform(size=n) < 0.5, count=rng.poisson(3, n), when=times)


def with_missing(n, seed):
    X = mixed(n, seed)
    X.loc[::3, "a"], X.loc[::4, "mode"] = np.nan, None
    return X


TABLES = {
    "numbers": (numeric, {}),
    "mixed": (mixed, {}),
    "missing numbers": (lambda n, seed: with_missing(n, seed)[["a", "b"]], {"missing": "model"}),
    "missing cells": (with_missing, {"missing": "informative"}),
    "array": (lambda n, seed: waves(n, 3, seed), {}),
    "two values": (lambda n, seed: np.column_stack([waves(n, 2, seed), np.arange(n) % 2]), {}),
}


def rows_of(X):
    return X.to_dict("records") if isinstance(X, pd.DataFrame) else list(X)


def check(detector, X):
    stream = detector.stream()
    scored = [stream.update(row) for row in rows_of(X)]
    same([row.score for row in scored], detector.score_samples(X))
    same([row.decision for row in scored], detector.decision_function(X))
    same([row.is_anomaly for row in scored], detector.predict(X) == -1)
    assert [row.reasons for row in scored[:4]] == list(detector.explain_text(X))[:4]


@pytest.mark.parametrize("table", ["numbers", "missing cells"])
def test_every_detector_scores_single_rows_with_the_bits_of_a_table(detector_class, table):
    make, how = TABLES[table]
    how = how | ({"n_estimators": 2} if detector_class is AutoencoderEnsemble else {})
    code = 2 if detector_class is UndercompleteAutoencoder else 16
    detector = detector_class(max_iter=3, latent_dim=code, hidden_layer_sizes=(16,), random_state=0, **how)
    check(detector.fit(make(100, 0)), make(6, 1))


@pytest.mark.parametrize("table", TABLES)
def test_tables_of_every_kind_are_scored_row_by_row(table):
    make, how = TABLES[table]
    check(small(**how).fit(make(100, 0)), make(8, 1))


def test_the_defaults_score_single_rows_with_the_bits_of_a_table():
    check(DenoisingAutoencoder(random_state=0, max_iter=10).fit(mixed(200, 0)), mixed(20, 1))


def test_rows_of_tables_may_be_sequences():
    X, detector = mixed(20, 1), small().fit(mixed(120, 0))
    stream = detector.stream()
    same([stream.update(list(row)).score for row in X.itertuples(index=False)], detector.score_samples(X))


def test_later_fits_and_thresholds_do_not_change_a_stream():
    X, detector = waves(20), small().fit(waves())
    stream, expected = detector.stream(), detector.decision_function(X)
    detector.set_threshold(0.4).fit(waves(seed=3))
    same([stream.update(row).decision for row in X], expected)


def test_thresholds_of_groups_are_those_of_the_table():
    X = numeric(400, 0).assign(machine=["x", "y"] * 200)
    X.loc[X["machine"] == "y", ["a", "b", "c"]] *= 3
    detector = small(contamination=Conformal(0.1, groups="machine")).fit(X)
    stream = detector.stream()
    same([stream.update(row).decision for row in rows_of(X[:20])], detector.decision_function(X[:20]))


@pytest.mark.parametrize(
    "row",
    [
        [0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
        [0.0, "much", 0.0],
        [0.0, np.nan, 0.0],
        [0.0, np.inf, 0.0],
        {"a": 1.0, "b": 2.0},
    ],
    ids=repr,
)
def test_an_invalid_row_is_refused(row):
    detector = small().fit(numeric(120, 0))
    stream = detector.stream()
    with pytest.raises(ValueError, match=r"\w") as caught:
        stream.update(row)
    assert is_a_sentence(caught.value)
    same([stream.update(row).score for row in rows_of(numeric(3, 1))], detector.score_samples(numeric(3, 1)))


@pytest.mark.parametrize("change", [{"mode": np.nan}, {"mode": None}, {"when": None}, {"when": "noon"}, {"a": "x"}])
def test_an_invalid_cell_of_a_mixed_row_is_refused(change):
    stream = small().fit(mixed(120, 0)).stream()
    with pytest.raises(ValueError, match=r"mode|when|'a'"):
        stream.update(rows_of(mixed(1, 1))[0] | change)


def test_a_scored_row_is_unpacked_to_score_decision_and_reasons():
    X = waves(120)
    detector = small().fit(X)
    scored = detector.stream().update(X[3])
    score, decision, reasons = scored
    assert (score, decision) == (detector.score_samples(X[3:4])[0], detector.decision_function(X[3:4])[0])
    assert reasons == scored.reasons == detector.explain_text(X[3:4])[0]
