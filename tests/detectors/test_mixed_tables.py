"""Tables of numbers, booleans, text, categories, times and durations, read by dtype."""

import copy
import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import aeanomaly
from aeanomaly import (
    AutoencoderEnsemble,
    DenoisingAutoencoder,
    UndercompleteAutoencoder,
    VariationalAutoencoder,
    model_selection,
)
from aeanomaly.detectors import REGISTRY

SIZES = ["small", "medium", "large"]


def table(n=240, seed=0):
    """Country and price go together, and so do size and weight; prices are higher by night."""
    rng = np.random.default_rng(seed)
    country = rng.choice(["DE", "FR", "NZ"], size=n, p=[0.6, 0.3, 0.1])
    hours = rng.integers(0, 24 * 60, size=n)
    weight = rng.normal(size=n)
    return pd.DataFrame(
        {
            "country": country,
            "price": np.where(country == "NZ", 90.0, 40.0) + 10 * (hours % 24 > 18) + rng.normal(size=n),
            "size": pd.Categorical(np.array(SIZES)[np.digitize(weight, [-0.5, 0.5])], SIZES, ordered=True),
            "weight": weight,
            "member": rng.uniform(size=n) < 0.5,
            "bought": pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, unit="h"),
            "took": pd.to_timedelta(rng.integers(10, 600, size=n), unit="s"),
            "items": rng.integers(1, 6, size=n),
        }
    )


X = table()
DETECTORS = list(REGISTRY.values())


def quick(cls=DenoisingAutoencoder, **parameters):
    return cls(**{"max_iter": 30, "contamination": 0.1, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def fitted():
    return DenoisingAutoencoder(random_state=0).fit(X)


@pytest.mark.parametrize("cls", DETECTORS)
def test_every_detector_accepts_and_explains_mixed_tables(cls, tmp_path):
    detector = quick(cls).fit(X)
    scores = detector.score_samples(X)
    assert np.isfinite(scores).all()
    found = detector.explain(X)
    np.testing.assert_allclose(found.sum(axis=1), -scores, rtol=1e-6)
    assert [name for name in found if name != "kl"] == list(X)
    rows = detector.reconstruct(X)
    assert list(rows) == list(X)
    assert list(rows["size"].dtype.categories) == SIZES
    assert rows["size"].dtype.ordered
    assert set(rows["country"].dropna()) <= {"DE", "FR", "NZ"}
    assert rows["bought"].dtype.kind == "M"
    assert rows["took"].dtype.kind == "m"
    detector.save(tmp_path / "model.aea")
    for again in (
        aeanomaly.load(tmp_path / "model.aea"),
        pickle.loads(pickle.dumps(detector)),
        copy.deepcopy(detector),
    ):
        np.testing.assert_array_equal(again.score_samples(X), scores)
        pd.testing.assert_frame_equal(again.reconstruct(X), rows)
        pd.testing.assert_frame_equal(again.explain(X, details=True), detector.explain(X, details=True))


def test_a_variational_one_draws_new_rows():
    rows = quick(VariationalAutoencoder).fit(X).sample(50, random_state=1)
    assert list(rows) == list(X)
    assert set(rows["country"]) <= {"DE", "FR", "NZ", np.nan}
    assert rows["bought"].between("2023-01-01", "2025-01-01").all()


AS_OTHERS = {
    "object": lambda t: t.astype({"country": object, "price": object}),
    "category": lambda t: t.astype({"country": "category"}),
    "pyarrow text": lambda t: t.astype({"country": "string[pyarrow]"}),
    "nullable": lambda t: t.convert_dtypes(),
    "arrow": lambda t: t.convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda t: pl.from_pandas(t).with_columns(pl.col("size").cast(pl.String).cast(pl.Enum(SIZES))),
    "pyarrow": lambda t: pa.Table.from_pandas(t, preserve_index=False),
    "small ints": lambda t: t.astype({"items": "uint8", "member": "boolean"}),
}


@pytest.mark.parametrize("make", AS_OTHERS.values(), ids=AS_OTHERS)
def test_the_same_cells_in_any_container_score_alike(fitted, make):
    columns = list(X)
    scores = fitted.score_samples(X)
    np.testing.assert_array_equal(fitted.score_samples(make(X)), scores)
    trained_there = DenoisingAutoencoder(random_state=0).fit(make(X))
    np.testing.assert_array_equal(trained_there.score_samples(X[columns]), scores)


def test_rows_in_any_order_and_alone_score_alike(fitted):
    scores, order = fitted.score_samples(X), np.random.default_rng(1).permutation(len(X))
    np.testing.assert_array_equal(fitted.score_samples(X.iloc[order]), scores[order])
    assert fitted.score_samples(X.iloc[[7]])[0] == scores[7]
    with pytest.raises(ValueError, match="order"):
        fitted.score_samples(X[[*list(X)[::-1]]])


def test_a_table_is_never_changed(fitted):
    before = X.copy(deep=True)
    for method in ("score_samples", "explain", "reconstruct", "transform", "explain_text"):
        getattr(fitted, method)(X)
    quick().fit(X)
    pd.testing.assert_frame_equal(X, before)


def changed(row=0, **cells):
    one = X.iloc[[row]].astype({"country": object})
    for name, value in cells.items():
        one[name] = [value]
    return one


@pytest.mark.parametrize(
    "odd",
    [
        {"country": "Atlantis"},
        {"size": "huge"},
        {"bought": pd.Timestamp("1900-01-01")},
        {"bought": pd.Timestamp("2090-01-01")},
        {"took": pd.Timedelta(days=900)},
        {"price": 1e25},
    ],
    ids=str,
)
def test_values_unseen_in_training_are_anomalous_and_explained(fitted, odd):
    usual, found = fitted.score_samples(X.iloc[[0]])[0], fitted.score_samples(changed(**odd))[0]
    assert np.isfinite(found)
    assert found < usual
    (name,) = odd
    assert fitted.explain(changed(**odd)).iloc[0].idxmax() == name
    assert name in fitted.explain_text(changed(**odd)).iloc[0]


def test_the_expected_category_is_given(fitted):
    row = X.index[X["country"] == "DE"][0]
    text = fitted.explain_text(changed(row, country="NZ")).iloc[0]
    assert "country 'NZ' (in 14% of training rows) where 'DE' was expected" in text
    details = fitted.explain(changed(row, country="NZ"), details=True)
    assert list(details.columns.get_level_values(0).unique()) == [
        "contribution",
        "observed",
        "expected",
        "tail_probability",
    ]
    assert details["observed", "country"].iloc[0] == "NZ"
    assert details["expected", "country"].iloc[0] == "DE"
    assert details["tail_probability"].iloc[0].between(0, 1).all()
    assert details["tail_probability", "country"].iloc[0] < 0.05


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.assign(country=[1, "a"] * 120), ["country", "1", "'a'", "numbers and text"]),
        (lambda t: t.assign(country=[[1]] * 240), ["country", r"\[1\]"]),
        (lambda t: t.assign(country=[{"a": 1}] * 240), ["country", "'a'"]),
        (lambda t: t.assign(country=[b"DE"] * 240), ["country", "b'DE'"]),
        (lambda t: t.assign(country=[1 + 2j] * 240), ["country", "complex"]),
        (lambda t: t.assign(country=t["country"].where(t["country"] != "NZ")), ["country", "NaN", "missing='model'"]),
        (lambda t: t.assign(bought=t["bought"].where(t["member"])), ["bought", "NaN", "missing='model'"]),
    ],
)
def test_cells_that_cannot_be_read_are_refused_in_one_sentence(fitted, change, words):
    with pytest.raises(ValueError, match=words[0]) as raised:
        quick().fit(change(X))
    for word in words:
        assert raised.match(word)
    with pytest.raises(ValueError, match=words[0]):
        fitted.score_samples(change(X))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.assign(country=np.arange(240)), ["country", "numbers", "text"]),
        (lambda t: t.assign(price="cheap"), ["price", "cheap", "categorical"]),
        (lambda t: t.assign(bought="yesterday"), ["bought", "yesterday", "2024-05-31"]),
        (lambda t: t.assign(bought=t["bought"].dt.tz_localize("UTC")), ["bought", "time zone", "tz_convert"]),
        (lambda t: t.assign(took="long"), ["took", "text", "durations"]),
    ],
)
def test_another_kind_of_cell_than_in_training_is_refused(fitted, change, words):
    with pytest.raises(ValueError, match=words[0]) as raised:
        fitted.score_samples(change(X))
    for word in words:
        assert raised.match(word)


def test_times_as_text_and_in_other_zones_are_the_same_times(fitted):
    text = X.assign(bought=X["bought"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
    np.testing.assert_array_equal(fitted.score_samples(text), fitted.score_samples(X))
    dates = X.assign(bought=[datetime.datetime.fromisoformat(t) for t in text["bought"]]).astype({"bought": object})
    np.testing.assert_array_equal(fitted.score_samples(dates), fitted.score_samples(X))
    berlin = X.assign(bought=X["bought"].dt.tz_localize("Europe/Berlin", ambiguous=True, nonexistent="shift_forward"))
    there = quick().fit(berlin)
    utc = berlin.assign(bought=berlin["bought"].dt.tz_convert("UTC"))
    np.testing.assert_array_equal(there.score_samples(utc), there.score_samples(berlin))
    assert str(there.reconstruct(berlin)["bought"].dt.tz) == "Europe/Berlin"


def test_many_categories_are_limited_with_a_warning():
    names = X.assign(country=[f"name {n % 220}" for n in range(240)])
    with pytest.warns(UserWarning, match=r"'country' has 220 categories; the 200 most frequent"):
        detector = quick().fit(names)
    assert detector.state_.model.schema.n_encoded < 230
    assert np.isfinite(detector.score_samples(names)).all()
    stamps = X.assign(bought=X["bought"].dt.strftime("%Y-%m-%d %H:%M:%S"))
    with pytest.warns(UserWarning, match=r"column_types=\{'bought': 'datetime'\}"):
        quick().fit(stamps)


def test_one_category_and_two():
    for levels in (["a"], ["a", "b"]):
        rows = X.assign(country=np.resize(levels, 240))
        detector = quick(max_iter=200).fit(rows)
        assert detector.score_samples(rows.assign(country="c")).mean() < detector.score_samples(rows).mean()


def test_column_types_override_inference():
    said = {"items": "categorical", "country": ["DE", "FR", "NZ"], "price": "logarithmic"}
    detector = quick(column_types=said).fit(X)
    assert detector.state_.model.schema.kinds[:3] == ["ordinal", "gaussian", "ordinal"]
    assert detector.state_.model.schema.kinds[-1] == "categorical"
    assert [column.kind for column in detector.state_.model.columns][1] == "logarithmic"
    assert clone(detector).column_types == said
    for wrong, words in (
        ({"colour": "categorical"}, "colour"),
        ({"country": "numeric"}, "country"),
        ({"country": ["DE", "FR"]}, "'NZ'"),
        ({"country": "ordinal"}, "order"),
        ({"price": "colour"}, "column_types"),
        ("numeric", "column_types"),
    ):
        with pytest.raises(ValueError, match=words):
            quick(column_types=wrong).fit(X)


def test_positions_name_the_columns_of_an_array():
    cells = X[["country", "price"]].to_numpy(dtype=object)
    detector = quick(column_types={0: "categorical"}).fit(cells)
    frame = quick().fit(X[["country", "price"]])
    np.testing.assert_array_equal(detector.score_samples(cells), frame.score_samples(X[["country", "price"]]))


def test_intervals_are_ordered_categories():
    rows = X.assign(price=pd.cut(X["price"], 4))
    detector = quick().fit(rows)
    assert detector.state_.model.schema.kinds[1] == "ordinal"
    assert np.isfinite(detector.score_samples(rows)).all()


def test_wide_counts_are_seen_on_a_logarithmic_scale_in_any_container():
    rng = np.random.default_rng(0)
    counts = np.column_stack([np.floor(np.exp(rng.normal(3, 1.5, size=500))), rng.normal(size=500)])
    counts[:, 0] += 1
    fits = [quick().fit(rows) for rows in (counts, pd.DataFrame(counts, columns=["a", "b"]), counts.astype(object))]
    for detector in fits:
        assert [column.kind for column in detector.state_.model.columns] == ["logarithmic", "numeric"]
    kinds = [column.kind for column in quick(column_types={0: "numeric"}).fit(counts).state_.model.columns]
    assert kinds == ["numeric", "numeric"]
    back = fits[0].state_.model.encoder.decode(fits[0].state_.model.encoder.encode(counts))
    np.testing.assert_allclose(back, counts, rtol=1e-5, atol=1e-5)
    code = fits[0].encoder_module()(torch.from_numpy(counts)).detach().numpy()
    np.testing.assert_allclose(code, fits[0].transform(counts), atol=1e-4)
    with pytest.raises(ValueError, match="rows of numbers"):
        quick().fit(X).encoder_module()


def test_pipelines_searches_and_partial_fits_accept_mixed_tables():
    pipe = make_pipeline(FunctionTransformer(), quick())
    assert np.isfinite(cross_val_score(pipe, X, cv=2)).all()
    search = GridSearchCV(quick(), {"latent_dim": [8, 16]}, cv=2).fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    by_likelihood = {"scoring": model_selection.log_likelihood, "cv": 2}
    stacked = model_selection.StackedGridSearchCV(quick(), {"learning_rate": [1e-3, 2e-3]}, **by_likelihood).fit(X)
    assert np.isfinite(stacked.cv_results_["mean_test_score"]).all()
    passes = quick().partial_fit(X[:150]).partial_fit(X[150:])
    assert passes.n_samples_seen_ == 240
    with pytest.raises(ValueError, match="country"):
        passes.partial_fit(X.assign(country=1.0))
    again = quick(warm_start=True).fit(X).fit(X)
    assert np.isfinite(again.score_samples(X)).all()


def test_a_log_likelihood_is_one(fitted):
    """Check that it is the mean log-probability of the categories for a table of one categorical column."""
    levels = X[["country"]].astype({"country": "category"})
    detector = UndercompleteAutoencoder(latent_dim=2, max_iter=200, random_state=0).fit(levels)
    share = model_selection.log_likelihood(detector, levels)
    model = detector.state_.model
    numbers, network = model.validate(detector, levels), model.scorer.network
    rows = torch.from_numpy(model.encoder.encode(numbers))[None]
    logits = network.decode(network.encode(rows))[0].double().numpy()
    log_prob = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    exact = log_prob[np.arange(240), numbers[:, 0].astype(int)].mean()
    assert share == pytest.approx(exact, rel=1e-4)


def test_an_ensemble_and_its_kernel_accept_categories():
    detector = AutoencoderEnsemble(random_state=0).fit(X)
    odd = X.assign(country=np.roll(X["country"], 1))
    moved = (odd["country"] != X["country"]).to_numpy()
    assert detector.score_samples(odd)[moved].mean() < detector.score_samples(X)[moved].mean()


@pytest.mark.parametrize("kind", ["swapped", "dependency"])
def test_criteria_without_labels_take_it(fitted, kind):
    new = table(200, seed=4)
    assert model_selection.pseudo_anomaly_auc(fitted, new, kind=kind) > 0.6
    assert model_selection.pseudo_anomaly_ratio(fitted, new, kind=kind) > 0
    with pytest.raises(TypeError, match="needs a table of numbers"):
        model_selection.pseudo_anomaly_auc(fitted, new, kind="global")


def test_a_detector_is_recommended_for_it():
    holed = X.mask(np.random.default_rng(0).random(X.shape) < 0.05)
    detector = model_selection.recommend(holed, missing="model", max_iter=20, random_state=0)
    assert np.isfinite(detector.score_samples(holed)).all()
    assert "240 rows x 8 columns" in str(detector.recommendation_)
    with pytest.raises(ValueError, match="missing='model'"):
        model_selection.recommend(holed, max_iter=20)


def test_column_types_are_saved(tmp_path):
    for said in ({"items": "categorical"}, {0: "categorical"}):
        cells = X[["items", "price"]] if "items" in said else X[["items", "price"]].to_numpy()
        detector = quick(column_types=said).fit(cells)
        detector.save(tmp_path / "model.aea")
        again = aeanomaly.load(tmp_path / "model.aea")
        assert again.column_types == said
        np.testing.assert_array_equal(again.score_samples(cells), detector.score_samples(cells))
