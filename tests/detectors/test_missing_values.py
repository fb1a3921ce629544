"""Rows with missing values, which are masked in the input, the loss and the score."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import check_estimator

import aeanomaly
from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, UndercompleteAutoencoder, VariationalAutoencoder
from aeanomaly.detectors import REGISTRY

DETECTORS = list(REGISTRY.values())


def curved(n, seed=0):
    t = np.random.default_rng(seed).uniform(-1, 1, size=(n, 1))
    X = np.hstack([t, t**2, np.sin(3 * t), -2 * t, np.cos(2 * t), t > 0.3])
    return X + 0.02 * np.random.default_rng(seed + 1).normal(size=X.shape) * (np.arange(6) < 5)


def with_missing_values(X, share=0.2, seed=0):
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


COMPLETE = curved(400)
INCOMPLETE = with_missing_values(COMPLETE)


def quick(cls=DenoisingAutoencoder, **parameters):
    return cls(**{"max_iter": 30, "contamination": 0.1, "random_state": 0, "missing": "model", **parameters})


@pytest.mark.parametrize("missing", ["model", "informative"])
@pytest.mark.parametrize("cls", DETECTORS)
def test_every_detector_accepts_missing_values(cls, missing, tmp_path):
    detector = quick(cls, missing=missing).fit(INCOMPLETE)
    scores = detector.score_samples(INCOMPLETE)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(detector.explain(INCOMPLETE).sum(axis=1), -scores, rtol=1e-6)
    assert np.isfinite(detector.reconstruct(INCOMPLETE)).all()
    assert np.isfinite(detector.transform(INCOMPLETE)).all()
    detector.save(tmp_path / "model.aea")
    for again in (aeanomaly.load(tmp_path / "model.aea"), pickle.loads(pickle.dumps(detector))):
        np.testing.assert_array_equal(again.score_samples(INCOMPLETE), scores)


def test_missing_values_are_an_error_by_default_that_names_the_remedy():
    with pytest.raises(ValueError, match=r"NaN in columns 0 \(\d+\).*missing='model'"):
        DenoisingAutoencoder().fit(INCOMPLETE)
    with pytest.raises(ValueError, match="NaN"):
        DenoisingAutoencoder(max_iter=5).fit(COMPLETE).score_samples(INCOMPLETE)
    with pytest.raises(ValueError, match="infinity"):
        quick().fit(np.where(np.isnan(INCOMPLETE), np.inf, INCOMPLETE))


def test_columns_without_cells_are_left_out_with_one_warning():
    empty = np.where(np.isin(np.arange(6), [2, 4]), np.nan, COMPLETE)
    with pytest.warns(
        UserWarning, match=r"columns 2, 4 have only missing values \(NaN\) and are left out of the score"
    ) as told:
        detector = quick().fit(empty)
    assert len(told) == 1
    others = quick().fit(COMPLETE[:, [0, 1, 3, 5]])
    np.testing.assert_array_equal(detector.score_samples(COMPLETE), others.score_samples(COMPLETE[:, [0, 1, 3, 5]]))
    named = pd.DataFrame(empty).rename(columns="c{}".format)
    with pytest.warns(UserWarning, match="columns 'c2', 'c4' have only missing values"):
        assert quick().fit(named).explain(named).shape == (400, 6)


@pytest.mark.parametrize("missing", ["error", "model", "informative"])
def test_the_tag_follows_the_parameter(missing):
    assert DenoisingAutoencoder(missing=missing).__sklearn_tags__().input_tags.allow_nan == (missing != "error")


@pytest.mark.parametrize(
    "detector", [DenoisingAutoencoder(), VariationalAutoencoder(), AutoencoderEnsemble(n_estimators=2, latent_dim=16)]
)
def test_scikit_learn_checks_hold_with_missing_values(detector):
    small = {"hidden_layer_sizes": (16,), "max_iter": 30, "contamination": 0.1}  # no clones, for speed
    check_estimator(clone(detector).set_params(missing="model", **small), on_skip=None)


@pytest.mark.parametrize("cls", DETECTORS)
def test_a_row_scores_the_same_alone_and_among_others(cls):
    detector = quick(cls).fit(INCOMPLETE)
    scores = detector.score_samples(INCOMPLETE)
    assert detector.score_samples(INCOMPLETE[[7]])[0] == scores[7]
    whole = detector.score_samples(COMPLETE[:50])
    np.testing.assert_array_equal(detector.score_samples(np.vstack([COMPLETE[:50], INCOMPLETE]))[:50], whole)


def test_a_row_without_any_value_is_as_usual():
    detector = DenoisingAutoencoder(missing="model", random_state=0).fit(INCOMPLETE)
    blank = detector.score_samples(np.full((1, 6), np.nan))[0]
    scores = detector.score_samples(INCOMPLETE)
    assert scores.min() < blank < scores.max()


def test_more_missing_values_do_not_make_a_row_more_or_less_normal():
    """Scores of rows with many missing values and with none are of the same size."""
    detector = DenoisingAutoencoder(missing="model", random_state=0).fit(INCOMPLETE)
    new = curved(3000, seed=5)
    whole, incomplete = -detector.score_samples(new), -detector.score_samples(with_missing_values(new, 0.4, seed=6))
    assert 0.5 < incomplete.mean() / whole.mean() < 2


@pytest.mark.parametrize("activation", ["rbf", "silu"])
@pytest.mark.parametrize("cls", DETECTORS)
def test_missing_values_are_reconstructed_from_the_rest_of_the_row(cls, activation):
    if activation == "silu" and cls in (AutoencoderEnsemble,):
        pytest.skip("as the denoiser")
    detector = cls(missing="model", activation=activation, random_state=0).fit(INCOMPLETE)
    new = curved(500, seed=3)
    incomplete = with_missing_values(new, 0.15, seed=4)
    told = (~np.isnan(incomplete[:, [0, 2, 3]])).any(axis=1)
    gone = np.isnan(incomplete)[:, :5] & told[:, None]
    off = np.where(gone, detector.reconstruct(incomplete)[:, :5] - new[:, :5], 0) / new[:, :5].std(axis=0)
    # By the means alone it is 1; a sparse code wants to copy, and is the worst of them.
    assert np.sqrt((off**2).sum() / gone.sum()) < (0.9 if cls.__name__.startswith(("Sparse", "Var")) else 0.6)


def test_missing_values_are_not_anomalous_unless_informative():
    X = COMPLETE.copy()
    X[::3, 0] = np.nan  # often missing, and column 4 never
    odd = COMPLETE[:1].copy()
    odd[0, 4] = np.nan
    plain = DenoisingAutoencoder(missing="model", random_state=0).fit(X)
    assert plain.explain(odd).iloc[0, 4] == 0
    assert np.isnan(plain.explain(odd, details=True)["tail_probability"].iloc[0, 4])
    assert "x4" not in plain.explain_text(odd)[0]
    telling = DenoisingAutoencoder(missing="informative", random_state=0).fit(X)
    assert telling.explain(odd).iloc[0].idxmax() == "x4"
    for dtype in (np.float64, np.float32):
        assert telling.explain_text(odd.astype(dtype))[0].startswith("x4 missing where ")
    usual = telling.score_samples(X)
    assert telling.score_samples(odd)[0] < np.quantile(usual, 0.01)
    expected_missing = COMPLETE[:1].copy()
    expected_missing[0, 0] = np.nan
    assert telling.score_samples(expected_missing)[0] > telling.score_samples(odd)[0]


def test_broken_rows_are_found_better_than_behind_mean_imputation():
    new = curved(600, seed=8)
    broken = np.random.default_rng(0).permuted(curved(200, seed=9), axis=0)
    test, y = with_missing_values(np.vstack([new, broken]), seed=2), np.repeat([0, 1], [600, 200])
    model = DenoisingAutoencoder(missing="model", random_state=0).fit(INCOMPLETE).score_samples(test)
    mean = SimpleImputer().fit(INCOMPLETE)
    imputed = DenoisingAutoencoder(random_state=0).fit(mean.transform(INCOMPLETE)).score_samples(mean.transform(test))
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
def test_every_way_to_train_accepts_missing_values(how):
    detector = quick(**how).fit(INCOMPLETE)
    assert np.isfinite(detector.fit(INCOMPLETE).score_samples(INCOMPLETE)).all()
    assert np.isfinite(
        quick(**how).partial_fit(INCOMPLETE[:200]).partial_fit(INCOMPLETE[200:]).score_samples(INCOMPLETE)
    ).all()


def test_rows_without_missing_values_train_as_before():
    """Without missing values, the option changes only roundings, which training then enlarges."""
    plain, incomplete = (
        UndercompleteAutoencoder(missing=missing, random_state=0).fit(COMPLETE) for missing in ("error", "model")
    )
    assert incomplete.loss_curve_[0] == pytest.approx(plain.loss_curve_[0], rel=1e-5)
    assert incomplete.loss_curve_[-10:].mean() == pytest.approx(plain.loss_curve_[-10:].mean(), rel=0.2)
    assert np.median(incomplete.score_samples(COMPLETE)) == pytest.approx(
        np.median(plain.score_samples(COMPLETE)), rel=0.2
    )


def test_the_encoder_module_encodes_rows_without_missing_values():
    detector = quick().fit(INCOMPLETE)
    code = detector.encoder_module()(torch.from_numpy(COMPLETE)).detach().numpy()
    np.testing.assert_allclose(code, detector.transform(COMPLETE), atol=2e-3)


def test_missing_values_of_any_dtype_are_the_same():
    frame = pd.DataFrame(INCOMPLETE, columns=list("abcdef"))
    detector = quick().fit(frame)
    for make in (
        lambda t: t.convert_dtypes(),
        lambda t: t.convert_dtypes(dtype_backend="pyarrow"),
        lambda t: t.astype(object),
    ):
        np.testing.assert_array_equal(detector.score_samples(make(frame)), detector.score_samples(frame))


def test_categories_and_times_may_be_missing():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"kind": rng.choice(["a", "b"], size=300), "when": pd.date_range("2024", periods=300, freq="h")})
    X["x"] = np.where(X["kind"] == "a", 0.0, 5.0) + 0.1 * rng.normal(size=300)
    incomplete = X.mask(rng.random(X.shape) < 0.15)
    detector = DenoisingAutoencoder(missing="model", random_state=0).fit(incomplete)
    gone = incomplete["kind"].isna() & incomplete["x"].notna()
    assert (detector.reconstruct(incomplete)["kind"][gone].astype(str) == X["kind"][gone]).mean() > 0.9
    assert detector.score_samples(pd.DataFrame({"kind": ["a"], "when": [None], "x": [5.0]}))[0] < np.median(
        detector.score_samples(X)
    )
    assert np.isfinite(detector.score_samples(X.assign(kind=None))).all()
