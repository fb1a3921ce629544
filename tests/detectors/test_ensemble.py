"""The ensemble: its members, their scales and shares, and training that resists anomalies."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

import aeanomaly
from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.fitting.member_errors import member_errors
from aeanomaly.scoring import (
    DevianceScorer,
    MarginalScorer,
    MaskedLinearScorer,
    MemoryScorer,
    NeighborhoodScorer,
    VariationalScorer,
)
from tests.conftest import mixed_rows

QUICK = {"n_estimators": 2, "latent_dim": 32, "max_iter": 60, "random_state": 0}


def errors_of(model, scorer, rows):
    """Return the unscaled error of each row by each member of a scorer."""
    return member_errors(scorer, torch.from_numpy(model.encoder.encode(rows)))


def contributions(detector, rows):
    """Return the contribution of each scorer to minus the score of each row: errors over scales, averaged."""
    model = detector.state_.model
    return [(errors_of(model, scorer, rows) / scorer.scales).mean(axis=1) for scorer in model.scorers]


@pytest.mark.parametrize("robust", [False, True])
def test_the_score_is_the_weighted_mean_of_the_errors_each_on_its_scale(rows, robust):
    detector = AutoencoderEnsemble(**QUICK, robust=robust).fit(rows)
    np.testing.assert_allclose(-detector.score_samples(rows), sum(contributions(detector, rows)), rtol=1e-5)


def test_a_scale_is_the_median_error_on_rows_that_the_member_did_not_train_on(rows):
    detector = AutoencoderEnsemble(**QUICK, max_samples=0.7).fit(rows)
    model = detector.state_.model
    networks, variational, memory, marginal = model.scorers
    errors = errors_of(model, networks, rows)
    for member, sample in enumerate(detector._members(0, len(rows)).rows):
        assert len(sample) == 140
        unseen = np.setdiff1d(np.arange(len(rows)), sample)
        assert networks.scales[member] == pytest.approx(8 * np.median(errors[unseen, member]))
    errors = errors_of(model, variational, rows)[:, 0]
    unseen = np.setdiff1d(np.arange(len(rows)), detector._variational_members(0, len(rows)).rows[0])
    assert variational.scales[0] == pytest.approx(4 * np.median(errors[unseen]))
    errors = errors_of(model, memory.replaced(known_share=1.0), rows)
    np.testing.assert_allclose(memory.scales, np.median(errors, axis=0) * [1, 4])
    np.testing.assert_allclose(marginal.scales, 4 / 3)


def test_members_have_their_shares_of_the_score_of_new_rows():
    rows = mixed_rows(2000)
    detector = AutoencoderEnsemble(random_state=0).fit(rows[:1000])
    shares = [np.median(part) for part in contributions(detector, rows[1000:])]
    np.testing.assert_allclose(shares, [1 / 8, 2 / 8, 5 / 8, 0], rtol=0.5)


def test_parameters_select_the_members(rows):
    def kinds(**parameters):
        detector = AutoencoderEnsemble(**QUICK, **parameters).fit(rows)
        return [type(scorer) for scorer in detector.state_.model.scorers]

    assert kinds() == [DevianceScorer, VariationalScorer, MemoryScorer, MarginalScorer]
    assert kinds(kernel_member=False) == [DevianceScorer, VariationalScorer, MarginalScorer]
    assert kinds(variational_member=False) == [DevianceScorer, MemoryScorer, MarginalScorer]
    assert kinds(marginal_member=False) == [DevianceScorer, VariationalScorer, MemoryScorer]
    assert kinds(robust=True) == [DevianceScorer, MemoryScorer, MaskedLinearScorer, NeighborhoodScorer]
    assert kinds(robust=True, kernel_member=False) == [DevianceScorer, MaskedLinearScorer]


@pytest.mark.parametrize("robust", [False, True, 0.2])
def test_without_the_kernel_member_no_training_row_is_stored(robust):
    rows = np.random.default_rng(0).normal(size=(300, 5))
    model = AutoencoderEnsemble(**QUICK, robust=robust, kernel_member=False).fit(rows).state_.model
    encoded = model.encoder.encode(rows)
    _, arrays = model.to_state()
    for array in [values for part in arrays for values in part.values() if values.ndim > 1]:
        for candidate in (array, array.swapaxes(-1, -2)):
            if candidate.shape[-1] == 5:
                distances = np.abs(candidate.reshape(-1, 1, 5) - encoded).max(axis=2)
                assert distances.min() > 1e-6


def test_networks_differ_in_rows_and_code_size(rows):
    detector = AutoencoderEnsemble(**QUICK, member_configs=({}, {"code": 0.25})).fit(rows)
    samples = detector._members(0, len(rows)).rows
    assert len({tuple(sorted(sample)) for sample in samples}) == 2
    assert detector.state_.model.spec.used_code == (32, 8)
    assert detector.latent_dim_ == 40 == detector.transform(rows).shape[1]


def test_more_networks_change_neither_the_first_ones_nor_the_other_members(rows):
    few, many = (AutoencoderEnsemble(**{**QUICK, "n_estimators": m}).fit(rows).state_.model for m in (2, 5))
    ours, theirs = errors_of(few, few.scorer, rows), errors_of(many, many.scorer, rows)
    np.testing.assert_array_equal(ours, theirs[:, :2])
    for own, other in zip(few.scorers[1:], many.scorers[1:], strict=True):
        np.testing.assert_array_equal(errors_of(few, own, rows), errors_of(many, other, rows))


def test_codes_side_by_side_go_back_to_the_mean_of_the_members(rows):
    detector = AutoencoderEnsemble(**QUICK).fit(rows)
    back = detector.inverse_transform(detector.transform(rows))
    np.testing.assert_allclose(back, detector.reconstruct(rows), rtol=1e-4, atol=1e-3)


def test_the_memory_stores_at_most_4096_rows():
    rows = np.random.default_rng(0).normal(size=(5000, 3))
    memory = AutoencoderEnsemble(**QUICK, variational_member=False).fit(rows).state_.model.scorers[1]
    assert memory.stored.shape == (4096, 3)


def test_rows_that_come_twice_leave_the_scales_finite(rows):
    twice = np.repeat(rows[:20], 10, axis=0)
    detector = AutoencoderEnsemble(**QUICK).fit(twice)
    assert all((scorer.scales > 0).all() for scorer in detector.state_.model.scorers)
    assert np.isfinite(detector.score_samples(rows)).all()


def test_a_file_without_a_member_is_refused(rows, tmp_path):
    from aeanomaly.persistence import read_model, write_model

    AutoencoderEnsemble(**QUICK).fit(rows).save(tmp_path / "whole.aea")
    manifest, arrays = read_model(tmp_path / "whole.aea")
    write_model(tmp_path / "less.aea", manifest, {n: a for n, a in arrays.items() if not n.startswith("scorer2.")})
    with pytest.raises(aeanomaly.ModelFileError, match="does not contain a complete detector"):
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
    detector = AutoencoderEnsemble(**QUICK).fit(rows).set_params(n_estimators=3)
    with pytest.raises(ValueError, match="partial_fit continues with"):
        detector.partial_fit(rows)


@pytest.mark.parametrize(
    ("name", "value"),
    [("scales", np.inf), ("scales", 1e-300), ("scorer2.scales", 0.0), ("scorer2.stored", np.nan), ("strange", 1.0)],
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


def test_configurations_of_networks_repeat_in_order(rows):
    configs = ({}, {"code": 0.25, "noise": 2, "learning_rate": 0.5})
    detector = AutoencoderEnsemble(member_configs=configs, n_estimators=3, latent_dim=32, max_iter=20, random_state=0)
    assert detector.fit(rows).state_.model.spec.code_sizes == (32, 8, 32)
    assert detector._members(0, len(rows)).learning_rates == (2e-3, 1e-3, 2e-3)
    named = AutoencoderEnsemble(max_iter=20, latent_dim=32, random_state=0)
    explicit = clone(named).set_params(member_configs=[{"code": 1, "noise": 1, "learning_rate": 1}])
    np.testing.assert_array_equal(named.fit(rows).score_samples(rows), explicit.fit(rows).score_samples(rows))


@pytest.mark.parametrize(
    "configs", [(), "abc", ((1, 1),), ({"code": 2},), ({"noise": 0},), ({"noise": float("nan")},), ({"rate": 1},), 3]
)
def test_invalid_configurations_are_refused(rows, configs):
    with pytest.raises(ValueError, match="member_configs must be None, or a non-empty list of dicts"):
        AutoencoderEnsemble(member_configs=configs).fit(rows)


def test_configurations_are_saved(rows, tmp_path):
    AutoencoderEnsemble(**QUICK, member_configs=({"noise": 2.0}, {})).fit(rows).save(tmp_path / "model.aea")
    assert [dict(config) for config in aeanomaly.load(tmp_path / "model.aea").member_configs] == [{"noise": 2.0}, {}]


def test_rows_between_clusters_score_below_the_training_rows():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(-6, 1, size=(500, 4)), rng.normal(6, 1, size=(500, 4))])
    detector = AutoencoderEnsemble(random_state=0).fit(X)
    assert (detector.score_samples(X) > detector.score_samples(np.zeros((1, 4)))).mean() > 0.99


def test_a_small_clump_of_similar_anomalies_is_found_by_robust_training():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 6))
    X[:17] = 4 + 0.2 * rng.normal(size=(17, 6))
    scores = AutoencoderEnsemble(robust=True, random_state=0).fit(X).score_samples(X)
    assert roc_auc_score(np.arange(1000) < 17, -scores) > 0.99


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, VariationalAutoencoder, AutoencoderEnsemble])
def test_the_given_share_is_removed_before_training(cls):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    X[:40] = 10 + rng.normal(size=(40, 4)) * 5
    detector = cls(robust=0.2, max_iter=20, random_state=0).fit(X)
    assert np.abs(detector.schema_.offset).max() < 0.3  # the means of all rows are about 1
    assert len(detector.training_scores_) == detector.n_samples_seen_ == 400
    assert (np.argsort(detector.score_samples(X))[:40] < 40).mean() > 0.9


@pytest.mark.parametrize("robust", [0.0, 0.6, -0.1, "yes"])
def test_invalid_shares_are_refused(rows, robust):
    with pytest.raises(ValueError, match="robust must be"):
        DenoisingAutoencoder(robust=robust).fit(rows)


def test_a_boolean_of_numpy_is_no_share(rows):
    expected, found = (DenoisingAutoencoder(robust=r, max_iter=5, random_state=0).fit(rows) for r in (True, np.True_))
    np.testing.assert_array_equal(found.score_samples(rows), expected.score_samples(rows))
