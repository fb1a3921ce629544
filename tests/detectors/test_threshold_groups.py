"""A threshold for each group of rows (`Conformal` with groups)."""

import numpy as np
import pandas as pd
import pytest

from aeanomaly import DenoisingAutoencoder, load
from aeanomaly.inspection import report
from aeanomaly.thresholds import Conformal


def sites(n=3000, seed=0, third=0):
    """Rows of two sites, one of them noisy and rare; the last `third` rows are of a third site."""
    rng = np.random.default_rng(seed)
    noisy = rng.random(n) < 0.2
    x = rng.normal(size=(n, 3)) * np.where(noisy, 4.0, 1.0)[:, None]
    site = np.where(noisy, "noisy", "calm").astype(object)
    site[n - third :] = "small"
    return pd.DataFrame(x, columns=list("abc")).assign(site=site)


def fit(rule, rows, **how):
    how = {"latent_dim": 32, "hidden_layer_sizes": (), "max_iter": 60, "random_state": 0} | how
    return DenoisingAutoencoder(contamination=rule, identifiers=["site"], **how).fit(rows)


def rates(detector, rows):
    return pd.Series(detector.predict(rows) == -1).groupby(rows["site"].to_numpy()).mean()


@pytest.fixture(scope="module")
def fitted():
    return fit(Conformal(0.02, groups="site"), sites())


def test_the_rate_holds_in_each_site(fitted):
    new = sites(20_000, 1)
    pooled = rates(fit(Conformal(0.02), sites()), new)
    assert pooled["noisy"] > 0.06  # what is cured
    assert (rates(fitted, new) < 0.04).all()
    assert (rates(fitted, new) > 0.002).all()


def test_decisions_are_scores_minus_the_offset_of_the_row(fitted):
    X = sites(300, 2)
    offsets = fitted.offsets(X)
    assert set(zip(X["site"], offsets, strict=True)) == set(fitted.state_.calibration.groups.offsets.items())
    assert (fitted.decision_function(X) == fitted.score_samples(X) - offsets).all()
    assert fitted.offset_ not in offsets


def test_small_and_new_groups_have_the_pooled_offset_and_small_ones_are_named():
    detector = fit(Conformal(0.02, groups="site"), sites(third=60))
    guarantee = detector.threshold_info_.guarantee
    assert "this holds in each of 2 groups, the smallest of which has these rows" in guarantee
    assert guarantee.endswith("groups with too few calibration rows have the offset of all rows: 'small'")
    new = sites(3, 1).assign(site=["small", "unheard of", None])
    assert (detector.offsets(new) == detector.offset_).all()


def test_set_threshold_takes_the_groups_of_its_rows(fitted):
    detector = fit(0.1, sites())
    rows = sites(2000, 3)
    detector.set_threshold(Conformal(0.05, groups=["site"]), rows)
    assert set(detector.state_.calibration.groups.offsets) == {"calm", "noisy"}
    assert (rates(detector, rows) < 0.06).all()
    for rule in (Conformal(0.05, groups="site"), Conformal(0.05)):
        with pytest.raises(ValueError, match=r"offsets of groups need new calibration rows, .*; call"):
            detector.set_threshold(rule)
    detector.set_threshold(Conformal(0.05), rows)
    assert (detector.offsets(rows) == detector.offset_).all()


def test_groups_that_are_all_too_small_are_said_to_have_one_offset():
    detector = fit(Conformal(0.01, groups="site"), sites(600))
    assert detector.threshold_info_.guarantee.endswith("rate, so all groups have the same offset")


def test_ten_thousand_groups_are_calibrated_at_once():
    scores, labels = np.random.default_rng(0).normal(size=60_000), np.arange(60_000) % 10_000
    found = Conformal(0.2, groups="g").fit_groups(scores, labels.astype(str).astype(object))
    assert found["123"] == Conformal(0.2).fit(scores[labels == 123])
    assert len(found) == 10_000


def test_rules_with_groups_are_hashable():
    assert len({Conformal(0.1, groups=["a"]), Conformal(0.1, groups=("a",))}) == 1


def test_a_row_alone_has_the_decision_that_it_has_in_a_batch(fitted):
    X = sites(20, 4)
    together = fitted.decision_function(X)
    assert [fitted.decision_function(X.iloc[[row]])[0] for row in range(20)] == together.tolist()


def test_a_model_file_keeps_the_offsets(fitted, tmp_path):
    fitted.save(tmp_path / "model.aea")
    again, X = load(tmp_path / "model.aea"), sites(50, 5)
    assert (again.decision_function(X) == fitted.decision_function(X)).all()
    assert again.contamination == fitted.contamination


def test_a_report_flags_what_predict_flags(fitted):
    X = sites(400, 6)
    n_flagged = int((fitted.predict(X) == -1).sum())
    assert f"<strong>{n_flagged}</strong> of 400 rows" in report(fitted, X)


def test_several_columns_make_a_group():
    rows = sites().assign(shift=np.arange(3000) % 2)
    detector = fit(Conformal(0.1, groups=("site", "shift")), rows)
    assert set(detector.state_.calibration.groups.offsets) == {f"{s}, {k}" for s in ("calm", "noisy") for k in (0, 1)}
    assert (detector.offsets(rows.astype({"shift": float})) == detector.offsets(rows)).all()


@pytest.mark.parametrize("groups", [[], 1.5, [None], True])
def test_other_groups_are_refused(groups):
    with pytest.raises(ValueError, match="Conformal: groups must be None, a column or a list of columns"):
        Conformal(0.1, groups=groups)


def test_a_missing_column_is_named(fitted):
    with pytest.raises(
        ValueError, match="groups names 'plant', which is not a column of X; the columns are 'a', 'b', 'c', 'site'"
    ):
        fit(Conformal(0.1, groups="plant"), sites())
    with pytest.raises(ValueError, match="site"):
        fitted.predict(sites().drop(columns="site"))


def test_a_graph_has_one_offset(fitted, tmp_path):
    onnx = pytest.importorskip("aeanomaly.onnx")
    from aeanomaly.exceptions import ExportError

    with pytest.raises(ExportError, match="an offset for each group, but an ONNX graph supports only one for all rows"):
        onnx.to_onnx(fitted, tmp_path / "model.onnx")
