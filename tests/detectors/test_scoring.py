"""Meaning of scores, labels, codes and reconstructions, for every detector."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from aeanomaly import AutoencoderEnsemble, VariationalAutoencoder
from aeanomaly.detectors import REGISTRY
from tests.conftest import mixed_rows, with_two_clusters


@pytest.fixture
def fitted(detector_class, rows):
    return detector_class(max_iter=150, random_state=0).fit(rows)


def test_planted_anomalies_score_lower_and_their_column_is_blamed(detector_class):
    train, normal, broken = mixed_rows(600), mixed_rows(300, 1), mixed_rows(300, 2)
    broken[:, 3] = broken[::-1, 3] + 3
    detector = detector_class(random_state=0).fit(train)
    scores = detector.score_samples(np.vstack([normal, broken]))
    assert roc_auc_score(np.repeat([1, 0], 300), scores) > 0.9
    blamed = detector.explain(broken).drop(columns="kl", errors="ignore").idxmax(axis=1)
    assert np.mean(blamed == "x3") > 0.6


def test_score_decision_and_label_agree(fitted, detector_class, rows):
    scores = fitted.score_samples(rows)
    np.testing.assert_array_equal(fitted.decision_function(rows), scores - fitted.offset_)
    np.testing.assert_array_equal(fitted.predict(rows), np.where(scores >= fitted.offset_, 1, -1))
    np.testing.assert_array_equal(fitted.training_scores_, scores)
    assert fitted.score(rows) == scores.mean()
    labels = detector_class(max_iter=5, random_state=0).fit_predict(rows)
    np.testing.assert_array_equal(labels, detector_class(max_iter=5, random_state=0).fit(rows).predict(rows))


def test_errors_per_column_add_up_to_minus_the_score(fitted, rows):
    errors = fitted.reconstruction_error(rows, per_feature=True)
    assert errors.shape == rows.shape
    assert (errors >= 0).all()
    np.testing.assert_array_equal(errors.sum(axis=1), fitted.reconstruction_error(rows))
    if isinstance(fitted, VariationalAutoencoder):
        np.testing.assert_array_equal(fitted.negative_elbo(rows), -fitted.score_samples(rows))
    elif isinstance(fitted, AutoencoderEnsemble):
        total = fitted.reconstruction_error(rows) + fitted.explain(rows)["kl"]
        np.testing.assert_allclose(total, -fitted.score_samples(rows), rtol=1e-12)
    else:
        np.testing.assert_array_equal(-fitted.reconstruction_error(rows), fitted.score_samples(rows))


def test_contributions_add_up_to_minus_the_score(fitted, rows):
    found = fitted.explain(rows)
    np.testing.assert_allclose(found.sum(axis=1), -fitted.score_samples(rows), rtol=1e-12, atol=1e-12)
    names = [f"x{number}" for number in range(rows.shape[1])]
    variational = isinstance(fitted, (VariationalAutoencoder, AutoencoderEnsemble))
    assert list(found) == [*names, *["kl"] * variational]
    if variational:
        assert (found["kl"] >= 0).all()
    if not isinstance(fitted, VariationalAutoencoder):
        assert (found >= 0).all(axis=None)


def test_contributions_have_the_names_of_columns_and_rows(detector_class, rows):
    frame = pd.DataFrame(rows, columns=list("abcd"), index=[f"row {number}" for number in range(len(rows))])
    fitted = detector_class(max_iter=5, random_state=0).fit(frame)
    found = fitted.explain(frame[::-2])
    assert list(found)[:4] == list("abcd")
    assert found.index.equals(frame.index[::-2])
    assert found.loc["row 3":"row 1"].equals(fitted.explain(frame.loc[["row 3", "row 1"]]))
    with pytest.raises(ValueError, match="feature names"):
        fitted.explain(frame[list("bacd")])


def test_code_and_rows_go_back_and_forth(fitted, rows):
    code = fitted.transform(rows)
    assert code.shape == (len(rows), fitted.latent_dim_)
    again = fitted.inverse_transform(code)
    np.testing.assert_allclose(again, fitted.reconstruct(rows), rtol=1e-5, atol=1e-4)
    spread = rows.std(axis=0)
    assert (np.abs(again - rows).mean(axis=0) < spread).all()
    assert ((again[:, 1] >= 3) & (again[:, 1] <= 7)).all()


def test_reconstruction_error_is_that_of_the_reconstruction(fitted, rows):
    if isinstance(fitted, AutoencoderEnsemble):
        pytest.skip("an ensemble's is the mean of its members' errors, not the error of their mean")
    z, back = ((values - rows.mean(axis=0)) / rows.std(axis=0) for values in (rows, fitted.reconstruct(rows)))
    errors = fitted.reconstruction_error(rows, per_feature=True)
    real = [0, 2, 3]
    np.testing.assert_allclose(errors[:, real], np.square(z - back)[:, real], rtol=1e-3, atol=1e-5)
    p = (fitted.reconstruct(rows)[:, 1] - 3) / 4
    if isinstance(fitted, VariationalAutoencoder):
        expected = -2 * np.log(np.where(rows[:, 1] == 7, p, 1 - p))
    else:
        share = (rows[:, 1] == 7).mean()
        expected = np.square((rows[:, 1] == 7) - p) / np.sqrt(share * (1 - share))
    np.testing.assert_allclose(errors[:, 1], expected, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("name", sorted(REGISTRY))
@pytest.mark.parametrize("seed", [0, 1])
def test_the_midpoint_of_two_clusters_scores_below_the_rows(name, seed):
    rows, midpoint = with_two_clusters(2, seed), np.zeros((1, 2))
    detector = REGISTRY[name](random_state=seed).fit(rows)
    assert (detector.score_samples(rows) <= detector.score_samples(midpoint)).mean() <= 0.01


def test_a_code_of_the_wrong_width_is_refused(fitted, rows):
    with pytest.raises(ValueError, match=r"X has 4 columns, but the code has \d+"):
        fitted.inverse_transform(np.zeros((2, 4)))


def test_the_encoder_module_gives_the_code_and_can_be_trained(fitted, rows):
    import torch

    before = fitted.score_samples(rows)
    module = fitted.encoder_module()
    code = module(torch.from_numpy(rows))
    np.testing.assert_allclose(code.detach().numpy(), fitted.transform(rows), rtol=1e-4, atol=1e-5)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    code.square().sum().backward()
    optimizer.step()
    assert not torch.equal(module(torch.from_numpy(rows)), code)
    np.testing.assert_array_equal(fitted.score_samples(rows), before)


def test_names_of_codes_and_frames_as_output(fitted, rows):
    names = fitted.get_feature_names_out()
    assert len(names) == fitted.latent_dim_
    assert names[0] == type(fitted).__name__.lower() + "0"
    frame = fitted.set_output(transform="pandas").transform(rows)
    assert list(frame.columns) == list(names)


def test_samples_look_like_the_training_rows(rows):
    detector = VariationalAutoencoder(max_iter=1500, random_state=0).fit(mixed_rows(1000))
    new = detector.sample(2000, random_state=1)
    np.testing.assert_array_equal(new, detector.sample(2000, random_state=1))
    assert set(np.unique(new[:, 1])) == {3.0, 7.0}
    z = (new - mixed_rows(1000).mean(axis=0)) / mixed_rows(1000).std(axis=0)
    assert (np.abs(z.mean(axis=0)) < 0.3).all()
    assert ((z.std(axis=0) > 0.6) & (z.std(axis=0) < 1.5)).all()
    assert np.corrcoef(z[:, 0], z[:, 3])[0, 1] > 0.5
    assert detector.sample(3).shape == (3, 4)
    assert not np.array_equal(detector.sample(3), detector.sample(3))


def test_shapes_of_noise_variance():
    X = mixed_rows(500)[:, [0, 2, 3]]
    shapes = {
        mode: VariationalAutoencoder(noise_variance=mode, max_iter=100, random_state=0)
        .fit(X)
        .state_.model.scorer.network.noise.shape
        for mode in ("column", "shared", 0.5)
    }
    assert shapes == {"column": (1, 1, 3), "shared": (1, 1, 1), 0.5: (1, 1, 1)}
