"""Rows with missing values: masked at the input, and out of the loss and the score."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import check_estimator

import aeanomaly
from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, UndercompleteAutoencoder, VariationalAutoencoder

DETECTORS = sorted(
    {getattr(aeanomaly, name) for name in aeanomaly.__all__ if name.endswith(("Autoencoder", "Ensemble"))},
    key=lambda cls: cls.__name__,
)


def curved(n, seed=0):
    t = np.random.default_rng(seed).uniform(-1, 1, size=(n, 1))
    X = np.hstack([t, t**2, np.sin(3 * t), -2 * t, np.cos(2 * t), t > 0.3])
    return X + 0.02 * np.random.default_rng(seed + 1).normal(size=X.shape) * (np.arange(6) < 5)


def with_holes(X, share=0.2, seed=0):
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


WHOLE = curved(400)
HOLED = with_holes(WHOLE)


def quick(cls=DenoisingAutoencoder, **parameters):
    return cls(**{"max_iter": 30, "random_state": 0, "missing": "model", **parameters})


@pytest.mark.parametrize("missing", ["model", "informative"])
@pytest.mark.parametrize("cls", DETECTORS)
def test_every_detector_takes_them(cls, missing, tmp_path):
    detector = quick(cls, missing=missing).fit(HOLED)
    scores = detector.score_samples(HOLED)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(detector.explain(HOLED).sum(axis=1), -scores, rtol=1e-6)
    assert np.isfinite(detector.reconstruct(HOLED)).all()
    assert np.isfinite(detector.transform(HOLED)).all()
    detector.save(tmp_path / "model.aea")
    for again in (aeanomaly.load(tmp_path / "model.aea"), pickle.loads(pickle.dumps(detector))):
        np.testing.assert_array_equal(again.score_samples(HOLED), scores)


def test_by_default_they_are_an_error_that_names_the_remedy():
    with pytest.raises(ValueError, match=r"NaN in column\(s\) 0 \(\d+\).*missing='model'"):
        DenoisingAutoencoder().fit(HOLED)
    with pytest.raises(ValueError, match="NaN"):
        DenoisingAutoencoder(max_iter=5).fit(WHOLE).score_samples(HOLED)
    with pytest.raises(ValueError, match="infinity"):
        quick().fit(np.where(np.isnan(HOLED), np.inf, HOLED))
    with pytest.raises(ValueError, match=r"column 2 is NaN in all 400 rows"):
        quick().fit(np.where(np.arange(6) == 2, np.nan, WHOLE))


@pytest.mark.parametrize("missing", ["error", "model", "informative"])
def test_the_tag_follows_the_parameter(missing):
    assert DenoisingAutoencoder(missing=missing).__sklearn_tags__().input_tags.allow_nan == (missing != "error")


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, VariationalAutoencoder, AutoencoderEnsemble])
def test_the_contract_holds_with_them(cls):
    check_estimator(cls(missing="model"), on_skip=None)


@pytest.mark.parametrize("cls", DETECTORS)
def test_rows_alone_and_in_any_company_score_alike(cls):
    detector = quick(cls).fit(HOLED)
    scores = detector.score_samples(HOLED)
    assert detector.score_samples(HOLED[[7]])[0] == scores[7]
    whole = detector.score_samples(WHOLE[:50])
    np.testing.assert_array_equal(detector.score_samples(np.vstack([WHOLE[:50], HOLED]))[:50], whole)


def test_a_row_without_any_value_is_as_usual():
    detector = DenoisingAutoencoder(missing="model", random_state=0).fit(HOLED)
    blank = detector.score_samples(np.full((1, 6), np.nan))[0]
    scores = detector.score_samples(HOLED)
    assert scores.min() < blank < scores.max()


def test_more_holes_do_not_make_a_row_more_or_less_normal():
    """Scores of rows with many holes and with none have one level: their medians differ by little."""
    detector = DenoisingAutoencoder(missing="model", random_state=0).fit(HOLED)
    new = curved(3000, seed=5)
    whole, holed = -detector.score_samples(new), -detector.score_samples(with_holes(new, 0.4, seed=6))
    assert 0.5 < holed.mean() / whole.mean() < 2


@pytest.mark.parametrize("activation", ["rbf", "silu"])
@pytest.mark.parametrize("cls", DETECTORS)
def test_the_rest_of_a_row_tells_what_is_missing(cls, activation):
    if activation == "silu" and cls in (AutoencoderEnsemble,):
        pytest.skip("as the denoiser")
    detector = cls(missing="model", activation=activation, random_state=0).fit(HOLED)
    new = curved(500, seed=3)
    holed = with_holes(new, 0.15, seed=4)
    told = (~np.isnan(holed[:, [0, 2, 3]])).any(axis=1)
    gone = np.isnan(holed)[:, :5] & told[:, None]
    off = np.where(gone, detector.reconstruct(holed)[:, :5] - new[:, :5], 0) / new[:, :5].std(axis=0)
    # By the means alone it is 1; a sparse code wants to copy, and is the worst of them.
    assert np.sqrt((off**2).sum() / gone.sum()) < (0.9 if cls.__name__.startswith(("Sparse", "Var")) else 0.6)


def test_holes_are_no_reason_unless_they_are_information():
    X = WHOLE.copy()
    X[::3, 0] = np.nan  # often missing, and column 4 never
    odd = WHOLE[:1].copy()
    odd[0, 4] = np.nan
    plain = DenoisingAutoencoder(missing="model", random_state=0).fit(X)
    assert plain.explain(odd).iloc[0, 4] == 0
    assert np.isnan(plain.explain(odd, details=True)["tail_probability"].iloc[0, 4])
    assert "x4" not in plain.explain_text(odd)[0]
    telling = DenoisingAutoencoder(missing="informative", random_state=0).fit(X)
    assert telling.explain(odd).iloc[0].idxmax() == "x4"
    assert telling.explain_text(odd)[0].startswith("x4 missing where ")
    usual = telling.score_samples(X)
    assert telling.score_samples(odd)[0] < np.quantile(usual, 0.01)
    expected_hole = WHOLE[:1].copy()
    expected_hole[0, 0] = np.nan
    assert telling.score_samples(expected_hole)[0] > telling.score_samples(odd)[0]


def test_broken_rows_are_found_better_than_behind_mean_imputation():
    new = curved(600, seed=8)
    broken = np.random.default_rng(0).permuted(curved(200, seed=9), axis=0)
    test, y = with_holes(np.vstack([new, broken]), seed=2), np.repeat([0, 1], [600, 200])
    model = DenoisingAutoencoder(missing="model", random_state=0).fit(HOLED).score_samples(test)
    mean = SimpleImputer().fit(HOLED)
    imputed = DenoisingAutoencoder(random_state=0).fit(mean.transform(HOLED)).score_samples(mean.transform(test))
    assert roc_auc_score(y, -model) > roc_auc_score(y, -imputed) + 0.03


@pytest.mark.parametrize(
    "how",
    [
        {"early_stopping": True},
        {"robust": True},
        {"corruption": "masking"},
        {"corruption": "salt_and_pepper"},
        {"warm_start": True},
        {"likelihood": "gaussian", "standardize": False},
        {"hidden_layer_sizes": (16, 8), "activation": "relu"},
    ],
    ids=str,
)
def test_with_every_way_to_train(how):
    detector = quick(**how).fit(HOLED)
    assert np.isfinite(detector.fit(HOLED).score_samples(HOLED)).all()
    assert np.isfinite(quick(**how).partial_fit(HOLED[:200]).partial_fit(HOLED[200:]).score_samples(HOLED)).all()


def test_whole_rows_are_trained_on_as_ever():
    """Where nothing is missing, to take holes changes nothing but roundings, which training goes on to enlarge."""
    plain, holed = (
        UndercompleteAutoencoder(missing=missing, random_state=0).fit(WHOLE) for missing in ("error", "model")
    )
    assert holed.loss_curve_[0] == pytest.approx(plain.loss_curve_[0], rel=1e-5)
    assert holed.loss_curve_[-10:].mean() == pytest.approx(plain.loss_curve_[-10:].mean(), rel=0.2)
    assert np.median(holed.score_samples(WHOLE)) == pytest.approx(np.median(plain.score_samples(WHOLE)), rel=0.2)


def test_the_encoder_as_a_module_codes_whole_rows():
    detector = quick().fit(HOLED)
    code = detector.encoder_module()(torch.from_numpy(WHOLE)).detach().numpy()
    np.testing.assert_allclose(code, detector.transform(WHOLE), atol=2e-3)


def test_holes_of_any_dtype_are_the_same():
    frame = pd.DataFrame(HOLED, columns=list("abcdef"))
    detector = quick().fit(frame)
    for make in (
        lambda t: t.convert_dtypes(),
        lambda t: t.convert_dtypes(dtype_backend="pyarrow"),
        lambda t: t.astype(object),
    ):
        np.testing.assert_array_equal(detector.score_samples(make(frame)), detector.score_samples(frame))


def test_levels_and_times_may_be_missing_too():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"kind": rng.choice(["a", "b"], size=300), "when": pd.date_range("2024", periods=300, freq="h")})
    X["x"] = np.where(X["kind"] == "a", 0.0, 5.0) + 0.1 * rng.normal(size=300)
    holed = X.mask(rng.random(X.shape) < 0.15)
    detector = DenoisingAutoencoder(missing="model", random_state=0).fit(holed)
    gone = holed["kind"].isna() & holed["x"].notna()
    assert (detector.reconstruct(holed)["kind"][gone].astype(str) == X["kind"][gone]).mean() > 0.9
    assert detector.score_samples(pd.DataFrame({"kind": ["a"], "when": [None], "x": [5.0]}))[0] < np.median(
        detector.score_samples(X)
    )
    assert np.isfinite(detector.score_samples(X.assign(kind=None))).all()
