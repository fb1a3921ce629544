"""Columns of counts with a Poisson likelihood, in every detector."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import aeanomaly
from aeanomaly import VariationalAutoencoder
from aeanomaly.detectors import REGISTRY

RNG = np.random.default_rng(0)


def table(n_rows=200):
    """Visits follow a hidden rate, as `load` does; `orders` are wide counts, which "auto" takes as logarithmic."""
    rate = RNG.normal(size=n_rows)
    return pd.DataFrame(
        {
            "load": rate + 0.1 * RNG.normal(size=n_rows),
            "visits": RNG.poisson(np.exp(1.5 + 0.7 * rate)),
            "orders": np.floor(np.exp(2 * np.abs(RNG.normal(size=n_rows)) + 1)),
            "member": RNG.random(n_rows) < 0.4,
            "color": RNG.choice(["red", "green"], n_rows),
        }
    )


TABLE = table()
POISSON = {"visits": "poisson"}


@pytest.fixture(params=sorted(REGISTRY))
def detector(request):
    return REGISTRY[request.param](likelihood=POISSON, max_iter=60, random_state=0)


@pytest.mark.parametrize("missing", ["error", "model", "informative"])
def test_every_detector_scores_counts(detector, missing):
    X = TABLE if missing == "error" else TABLE.assign(visits=TABLE.visits.where(TABLE.index % 7 > 0))
    fitted = clone(detector).set_params(missing=missing).fit(X)
    two_valued = "bernoulli" if isinstance(fitted, VariationalAutoencoder) else "binary"
    assert fitted.state_.model.schema.kinds == ["gaussian", "poisson", "gaussian", two_valued, "categorical"]
    scores, high = fitted.score_samples(X), fitted.score_samples(X.assign(visits=300))
    assert np.isfinite(scores).all()
    assert (high < scores).all()


def test_a_file_and_a_copy_score_the_same(detector, tmp_path):
    fitted = detector.fit(TABLE)
    fitted.save(tmp_path / "model.aea")
    loaded = aeanomaly.load(tmp_path / "model.aea")
    assert loaded.likelihood == POISSON
    np.testing.assert_array_equal(loaded.score_samples(TABLE), fitted.score_samples(TABLE))
    np.testing.assert_array_equal(clone(detector).fit(TABLE).score_samples(TABLE), fitted.score_samples(TABLE))


def test_an_explanation_names_the_column_and_the_expected_count(detector):
    row = TABLE[:1].assign(visits=300)
    fitted = detector.fit(TABLE)
    assert fitted.explain(row).idxmax(axis=1).item() == "visits"
    assert fitted.explain_text(row).item().startswith("visits 300, ")


def test_the_expected_count_follows_the_other_columns():
    fitted = aeanomaly.DenoisingAutoencoder(likelihood=POISSON, random_state=0).fit(TABLE)
    low, high = (fitted.explain(TABLE[:1].assign(load=load), details=True) for load in (-1.0, 1.5))
    assert 0 <= low["expected", "visits"].item() < high["expected", "visits"].item()


def test_draws_are_counts():
    drawn = aeanomaly.VariationalAutoencoder(likelihood=POISSON, random_state=0).fit(TABLE).sample(200)
    assert (drawn.visits >= 0).all()
    np.testing.assert_allclose(drawn.visits, drawn.visits.round(), atol=1e-3)
    assert 0.5 * TABLE.visits.mean() < drawn.visits.mean() < 2 * TABLE.visits.mean()


def test_named_columns_are_not_logarithmic_but_others_may_be():
    X = TABLE[["orders"]].assign(more=TABLE.orders + 1)
    fitted = aeanomaly.DenoisingAutoencoder(likelihood={"more": "poisson"}, max_iter=5, random_state=0).fit(X)
    assert [column.kind for column in fitted.schema_.columns] == ["logarithmic", "numeric"]


def test_columns_of_an_array_are_named_by_position():
    X = TABLE[["load", "visits"]].to_numpy()
    fitted = aeanomaly.DenoisingAutoencoder(likelihood={1: "poisson"}, max_iter=5, random_state=0).fit(X)
    assert fitted.state_.model.schema.kinds == ["gaussian", "poisson"]


def test_rows_in_batches_have_the_likelihood_of_the_table():
    fitted = aeanomaly.DenoisingAutoencoder(likelihood=POISSON, max_iter=5, random_state=0)
    fitted.fit_batches([TABLE[:120], TABLE[120:]])
    assert fitted.state_.model.schema.kinds[1] == "poisson"
    fitted.partial_fit(TABLE[:50])
    assert np.isfinite(fitted.score_samples(TABLE)).all()


@pytest.mark.parametrize(
    ("likelihood", "message"),
    [
        (
            {"visit": "poisson"},
            "likelihood names 'visit', which is not a column of X; the columns are 'load', 'visits'",
        ),
        (
            {"color": "poisson"},
            r"likelihood=\{'color': 'poisson'\} needs a numeric column, but column 'color' is cat",
        ),
        ({"load": "poisson"}, "'poisson' requires values of at least 0, but column 'load' ranges from -"),
        ("poisson", "'poisson' requires values of at least 0, but column 'load' ranges from -"),
        ({"load": "bernoulli"}, r"'bernoulli' requires values in \[0, 1\], but column 'load' ranges from -"),
        ({"visits": "categorical"}, "likelihood must be one of 'auto', 'gaussian', 'bernoulli', 'poisson', or a dict"),
        ({"visits": ["poisson"]}, "likelihood must be one of"),
    ],
)
def test_what_a_likelihood_cannot_be(likelihood, message):
    with pytest.raises(ValueError, match=message):
        aeanomaly.DenoisingAutoencoder(likelihood=likelihood).fit(TABLE)
