"""Rows that are compared with their groups (`groups`)."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder, load
from aeanomaly.exceptions import ExportError
from aeanomaly.inspection import column_drift
from aeanomaly.model_selection import recommend

WITH_CLONES = True

N_CUSTOMERS = 200


def payments(seed=0, n=20):
    """Amounts that scatter by a tenth around the mean of each customer, and the shop that a customer prefers."""
    rng = np.random.default_rng(seed)
    means = np.random.default_rng(99).lognormal(4, 1, N_CUSTOMERS)
    customer = np.repeat(np.arange(N_CUSTOMERS), n)
    shop = np.where(rng.random(len(customer)) < 0.95, customer % 3, rng.integers(0, 3, len(customer)))
    return pd.DataFrame(
        {
            "customer": [f"C{number:03d}" for number in customer],
            "amount": means[customer] * rng.lognormal(0, 0.1, len(customer)),
            "shop": np.array(["north", "south", "west"])[shop],
        }
    )


def quick(cls=DenoisingAutoencoder, **how):
    return cls(**{"groups": "customer", "random_state": 0} | how)


@pytest.fixture(scope="module")
def fitted():
    return quick(latent_dim=64, hidden_layer_sizes=()).fit(payments())


@pytest.mark.parametrize("cls", [AutoencoderEnsemble, VariationalAutoencoder])
def test_an_amount_of_another_customer_is_found(cls):
    new = payments(1, n=1)
    anomalous = np.random.default_rng(0).permutation(N_CUSTOMERS) < 50
    means = np.random.default_rng(99).lognormal(4, 1, N_CUSTOMERS)
    new.loc[anomalous, "amount"] *= (np.roll(means, 1) / means)[anomalous]
    best = roc_auc_score(anomalous, np.abs(np.log(new["amount"] / means)))
    rows = ["customer", "amount"]
    found = roc_auc_score(anomalous, -quick(cls).fit(payments()[rows]).score_samples(new[rows]))
    assert found > best - 0.02


def test_the_shop_of_another_customer_is_unusual(fitted):
    new = payments(1, n=1)
    other = new.assign(shop=new["shop"].map({"north": "south", "south": "west", "west": "north"}))
    assert (fitted.score_samples(other) < fitted.score_samples(new)).mean() > 0.9
    details = fitted.explain(other, details=True)
    assert (details["expected"]["shop"] == new["shop"]).mean() > 0.8
    assert (details["contribution"]["customer"] == 0).all()


def test_scores_do_not_depend_on_the_scale_of_a_customer(fitted):
    """Twice the amounts of one customer in training and afterwards: the same scores, but for shrinkage."""
    X, new = payments(), payments(1, n=2)
    scaled = [rows.assign(amount=rows["amount"] * np.where(rows["customer"] == "C007", 20, 1)) for rows in (X, new)]
    detector = quick(latent_dim=64, hidden_layer_sizes=()).fit(scaled[0])
    assert spearmanr(detector.score_samples(scaled[1]), fitted.score_samples(new)).statistic > 0.9


def test_a_row_alone_and_an_unknown_customer(fitted):
    new = payments(1, n=1)[:5].assign(customer=["C000", "C001", "unheard of", None, "C004"])
    together = fitted.score_samples(new)
    assert np.isfinite(together).all()
    assert [fitted.score_samples(new.iloc[[row]])[0] for row in range(5)] == together.tolist()
    assert len(fitted.explain(new)) == 5


def test_reasons_name_the_group(fitted):
    odd = payments(1, n=1)[:1].assign(amount=lambda t: 10 * t["amount"])
    assert (
        pd.Series(fitted.explain_text(odd)).str.match(r"amount [\d,.]+, \d+ times the usual of customer 'C000'").all()
    )
    with_two = quick(groups=["customer", "shop"], latent_dim=64, hidden_layer_sizes=()).fit(payments())
    assert "of customer 'C000', shop 'north'" in with_two.explain_text(odd.assign(shop="north"))[0]


def test_files_and_pickles_keep_the_groups(fitted, tmp_path):
    fitted.save(tmp_path / "model.aea")
    new = payments(1, n=1)
    for again in (load(tmp_path / "model.aea"), pickle.loads(pickle.dumps(fitted))):
        assert (again.score_samples(new) == fitted.score_samples(new)).all()
        assert (again.reconstruct(new) == fitted.reconstruct(new)).all(axis=None)


def test_reconstructed_rows_are_in_the_units_of_the_table(fitted):
    X = payments()
    rows = fitted.reconstruct(X)
    assert (rows["customer"] == X["customer"]).all()
    assert spearmanr(rows["amount"], X["amount"]).statistic > 0.9
    assert (rows["shop"] == X["shop"]).mean() > 0.9


def test_arrays_name_groups_by_position():
    X = payments()
    table = np.column_stack([X["customer"].str[1:].astype(int), X["amount"]])
    how = {"latent_dim": 64, "hidden_layer_sizes": ()}
    of_array, of_frame = quick(groups=0, **how).fit(table), quick(**how).fit(X[["customer", "amount"]])
    assert of_array.score_samples(table) == pytest.approx(of_frame.score_samples(X[["customer", "amount"]]))


def test_streams_and_missing_values_are_accepted():
    X = payments()
    X.loc[::9, "amount"] = np.nan
    how = {"latent_dim": 64, "hidden_layer_sizes": (), "missing": "model"}
    whole = quick(**how).fit(X)
    parts = quick(**how).fit_batches([X[:1000], X[1000:]])
    assert np.isfinite(whole.score_samples(X)).all()
    assert parts.score_samples(X) == pytest.approx(whole.score_samples(X), rel=1e-3)


@pytest.mark.parametrize("cast", [str, float, "category", "Int64", "int64[pyarrow]"])
def test_the_dtype_of_the_group_does_not_matter(cast):
    X = payments()
    X["customer"] = X["customer"].str[1:].astype(int)
    numbers = X[["customer", "amount"]].assign(twice=2 * X["amount"])
    detector = quick(latent_dim=64, hidden_layer_sizes=()).fit(numbers)
    new = numbers[::7]
    assert (detector.score_samples(new.astype({"customer": cast})) == detector.score_samples(new)).all()
    assert np.isfinite(detector.score_samples(new.assign(customer=np.nan))).all()


def test_two_columns_of_numbers_make_as_many_groups_as_there_are_pairs():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"g": rng.choice([0, 1, 2, 9], 400), "h": rng.choice([0, 5, 10, 15], 400), "x": rng.normal(size=400)}
    )
    assert len(quick(groups=["g", "h"], max_iter=2).fit(X).schema_.groups.keys) == 16
    halves = X.assign(g=X["g"] / 2)
    assert len(quick(groups=["g", "h"], max_iter=2).fit(halves).schema_.groups.keys) == 16


def test_rows_of_new_groups_are_flagged_like_others():
    X = payments()
    known = X[X["customer"] < "C150"]
    detector = quick(latent_dim=64, hidden_layer_sizes=()).fit(known)
    of_known = (detector.predict(payments(1)[lambda t: t["customer"] < "C150"]) == -1).mean()
    of_new = (detector.predict(payments(1)[lambda t: t["customer"] >= "C150"]) == -1).mean()
    assert of_new < of_known + 0.1
    assert "(customer 'C199' is new)" in " ".join(detector.explain_text(payments(1)[-20:], n_columns=2))


def test_drift_is_that_of_the_table(fitted):
    X = payments()
    drift = column_drift(fitted, X)
    assert (drift["outside"].fillna(0) < 0.01).all()
    assert (drift["drift"].fillna(0) < 0.05).all()
    moved = column_drift(fitted, X.assign(shop="east", amount=1e6))
    assert (moved.loc[["amount", "shop"], "outside"] == 1).all()
    assert moved.loc["shop", "drift"] > 0.9


def test_the_encoder_as_a_module_refuses_groups():
    X = payments()[["customer", "amount"]]
    X["customer"] = X["customer"].str[1:].astype(int)
    with pytest.raises(ValueError, match="does not support groups"):
        quick(max_iter=2).fit(X).encoder_module()


def test_a_likelihood_of_counts_is_refused():
    X = payments().assign(visits=3)
    with pytest.raises(ValueError, match="with groups, numbers are relative to those of their group"):
        quick(likelihood={"visits": "poisson"}).fit(X)


def test_a_recommended_detector_takes_groups():
    detector = recommend(payments(n=5), groups="customer", max_iter=5, random_state=0)
    assert detector.schema_.kinds[0] == "group"


def test_a_graph_is_refused(fitted, tmp_path):
    onnx = pytest.importorskip("aeanomaly.onnx")
    with pytest.raises(ExportError, match="an ONNX graph cannot compare rows with their groups"):
        onnx.to_onnx(fitted, tmp_path / "model.onnx")


def test_without_groups_one_warning_names_them():
    X = payments()
    X.loc[::2, "customer"] += "b"
    with pytest.warns(
        UserWarning, match="has 400 categories; .* set groups='customer' to compare each row with"
    ) as caught:
        quick(groups=None, latent_dim=8, hidden_layer_sizes=(), max_iter=2).fit(X)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ("client", "groups names 'client', which is not a column of X; the columns are 'customer', 'amount', 'shop'"),
        ([], r"groups must be None, a column or a list of columns; got \[\]"),
        (1.5, "groups must be None, a column or a list of columns; got 1.5"),
        (["customer", "amount", "shop"], "no column is left to score"),
    ],
)
def test_other_values_are_refused(groups, told):
    with pytest.raises(ValueError, match=told):
        quick(groups=groups).fit(payments())


def test_a_missing_column_is_named(fitted):
    with pytest.raises(ValueError, match="customer"):
        fitted.score_samples(payments().drop(columns="customer"))
