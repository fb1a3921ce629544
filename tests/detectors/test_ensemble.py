"""The ensemble: its members, their scales, and the kernel member."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

import aeanomaly
from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder
from tests.conftest import mixed_rows


def networks_of(detector):
    """Return the model of the trained networks alone."""
    model = detector.state_.model
    return replace(model, scorers=model.scorers[:1])


def kernel_of(detector):
    """Return the model of the kernel member alone."""
    model = detector.state_.model
    return replace(model, scorers=model.scorers[1:])


QUICK = {"n_estimators": 4, "latent_dim": 32, "max_iter": 60, "random_state": 0}


def test_the_score_is_the_mean_of_the_members_errors_each_on_its_scale(rows):
    detector = AutoencoderEnsemble(**QUICK, kernel_member=False).fit(rows)
    model = detector.state_.model
    errors = model.errors_of_members(rows)
    assert errors.shape == (200, 4)
    np.testing.assert_allclose(-detector.score_samples(rows), (errors / model.scorer.scales).mean(axis=1), rtol=1e-5)


def test_a_scale_is_the_median_error_on_rows_that_the_member_did_not_train_on(rows):
    detector = AutoencoderEnsemble(**QUICK, max_samples=0.7).fit(rows)
    errors = detector.state_.model.errors_of_members(rows)
    for member, sample in enumerate(detector._members(0, len(rows)).rows):
        assert len(sample) == 140
        unseen = np.setdiff1d(np.arange(len(rows)), sample)
        half = 0.5  # the networks' share of the score
        assert detector.state_.model.scorer.scales[member] == pytest.approx(np.median(errors[unseen, member]) / half)


def test_members_differ_in_rows_and_code_size(rows):
    detector = AutoencoderEnsemble(**QUICK).fit(rows)
    samples = detector._members(0, len(rows)).rows
    assert len({tuple(sorted(sample)) for sample in samples}) == 4
    assert detector.state_.model.spec.used_code == (32, 32, 8, 32)
    assert detector.latent_dim_ == 104 == detector.transform(rows).shape[1]


def test_more_members_do_not_change_the_first_ones(rows):
    few, many = (AutoencoderEnsemble(**{**QUICK, "n_estimators": m}, kernel_member=False).fit(rows) for m in (2, 5))
    ours, theirs = few.state_.model.errors_of_members(rows), many.state_.model.errors_of_members(rows)
    np.testing.assert_array_equal(ours, theirs[:, :2])


def test_codes_side_by_side_go_back_to_the_mean_of_the_members(rows):
    detector = AutoencoderEnsemble(**QUICK).fit(rows)
    back = detector.inverse_transform(detector.transform(rows))
    np.testing.assert_allclose(back, detector.reconstruct(rows), rtol=1e-4, atol=1e-3)


def test_the_kernel_stores_so_many_rows_and_has_its_share_of_the_score():
    rows = mixed_rows(3000)
    detector = AutoencoderEnsemble(**QUICK).fit(rows)
    kernel = kernel_of(detector)
    assert kernel.spec.latent_dim == 2048
    parts = networks_of(detector).errors(rows), kernel.errors(rows)
    np.testing.assert_allclose(-detector.score_samples(rows), sum(parts), rtol=1e-6)
    assert len(AutoencoderEnsemble(**QUICK, kernel_member=False).fit(rows).state_.model.scorers) == 1


def test_a_kernel_that_could_store_all_rows_leaves_some_for_its_scale(rows):
    detector = AutoencoderEnsemble(**QUICK, max_samples=1.0).fit(rows)
    assert kernel_of(detector).spec.latent_dim == 180
    parts = [model.errors(rows) for model in (networks_of(detector), kernel_of(detector))]
    assert 0.1 < np.mean(parts[0]) / np.mean(parts[1]) < 100


def test_rows_that_come_twice_leave_the_scales_finite(rows):
    twice = np.repeat(rows[:20], 10, axis=0)
    detector = AutoencoderEnsemble(**QUICK).fit(twice)
    assert (kernel_of(detector).scorer.scales > 0).all()
    assert np.isfinite(detector.score_samples(rows)).all()


def test_a_file_without_its_kernel_is_refused(rows, tmp_path):
    from aeanomaly.persistence import read_model, write_model

    AutoencoderEnsemble(**QUICK).fit(rows).save(tmp_path / "whole.aea")
    manifest, arrays = read_model(tmp_path / "whole.aea")
    write_model(tmp_path / "less.aea", manifest, {n: a for n, a in arrays.items() if not n.startswith("kernel.")})
    with pytest.raises(aeanomaly.ModelFileError, match="kernel"):
        aeanomaly.load(tmp_path / "less.aea")


@pytest.mark.parametrize(("name", "value"), [("n_estimators", 0), ("max_samples", 1.1), ("kernel_member", "yes")])
def test_bad_parameters_are_named(rows, name, value):
    with pytest.raises(ValueError, match=f"AutoencoderEnsemble: {name} must be"):
        AutoencoderEnsemble(**{name: value}).fit(rows)


@pytest.mark.parametrize("robust", [False, True])
def test_two_rows_are_enough(robust):
    X = np.array([[0.0, 1.0], [2.0, 4.0]])
    assert np.isfinite(AutoencoderEnsemble(**QUICK, robust=robust).fit(X).score_samples(X)).all()


def test_parameters_set_after_a_fit_do_not_change_its_scores(rows, tmp_path):
    detector = AutoencoderEnsemble(**QUICK).fit(rows)
    scores = detector.score_samples(rows)
    detector.set_params(robust=True, kernel_member=False, max_samples=0.5)
    np.testing.assert_array_equal(detector.score_samples(rows), scores)
    detector.save(tmp_path / "model.aea")
    np.testing.assert_array_equal(aeanomaly.load(tmp_path / "model.aea").score_samples(rows), scores)


def test_partial_fit_refuses_to_go_on_with_other_members(rows):
    detector = AutoencoderEnsemble(**QUICK).fit(rows).set_params(n_estimators=2)
    with pytest.raises(ValueError, match="partial_fit continues with"):
        detector.partial_fit(rows)


def test_the_kernel_does_not_depend_on_the_number_of_networks(rows):
    few, many = (AutoencoderEnsemble(**{**QUICK, "n_estimators": m}).fit(rows) for m in (2, 3))
    np.testing.assert_array_equal(*(kernel_of(detector).errors_of_members(rows) for detector in (few, many)))


@pytest.mark.parametrize(
    ("name", "value"), [("scales", np.inf), ("scales", 1e-300), ("kernel.scales", 0.0), ("strange", 1.0)]
)
def test_a_file_with_numbers_that_no_fit_gives_is_refused(rows, tmp_path, name, value):
    from aeanomaly.persistence import read_model, write_model

    AutoencoderEnsemble(**QUICK).fit(rows).save(tmp_path / "model.aea")
    manifest, arrays = read_model(tmp_path / "model.aea")
    arrays[name] = np.full_like(arrays.get(name, np.zeros(1)), value)
    write_model(tmp_path / "model.aea", manifest, arrays)
    with pytest.raises(aeanomaly.ModelFileError, match="does not contain a complete detector"):
        aeanomaly.load(tmp_path / "model.aea")


def contaminated(n=800, share=0.1, seed=0):
    """Rows around a curve, and among them a loose cloud."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-2, 2, size=n)
    X = np.column_stack([t, t**2, np.sin(2 * t), t**3 / 3]) + 0.1 * rng.normal(size=(n, 4))
    wrong = rng.random(n) < share
    X[wrong] = 2.0 * rng.normal(size=(wrong.sum(), 4)) + [0, 1.3, 0, 0]
    return X, wrong


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, VariationalAutoencoder, AutoencoderEnsemble])
def test_robust_training_finds_anomalies_among_its_training_rows(cls):
    X, wrong = contaminated()
    plain, robust = (cls(robust=r, random_state=0).fit(X).score_samples(X) for r in (False, True))
    assert roc_auc_score(wrong, -robust) > 0.9
    assert roc_auc_score(wrong, -robust) > roc_auc_score(wrong, -plain) - 0.005


def test_varieties_set_members_apart_one_after_another(rows):
    varieties = ((1, 1, 1), (0.25, 2, 0.5))
    detector = AutoencoderEnsemble(varieties=varieties, n_estimators=3, latent_dim=32, max_iter=20, random_state=0)
    assert detector.fit(rows).state_.model.spec.code_sizes == (32, 8, 32)
    assert detector._members(0, len(rows)).learning_rates == (2e-3, 1e-3, 2e-3)
    named = AutoencoderEnsemble(max_iter=20, latent_dim=32, random_state=0)
    spelt_out = clone(named).set_params(varieties=[(1, 1, 1), (1, 0.5, 1), (0.25, 1, 0.5), (1, 2, 0.5)])
    np.testing.assert_array_equal(named.fit(rows).score_samples(rows), spelt_out.fit(rows).score_samples(rows))


@pytest.mark.parametrize("varieties", [(), "abc", ((1, 1),), ((2, 1, 1),), ((1, 0, 1),), ((1, 1, float("nan")),), 3])
def test_invalid_varieties_are_refused(rows, varieties):
    with pytest.raises(ValueError, match="varieties must be None, or tuples"):
        AutoencoderEnsemble(varieties=varieties).fit(rows)
