"""Effect of each regularizer."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from aeanomaly import ContractiveAutoencoder, DenoisingAutoencoder, SparseAutoencoder, VariationalAutoencoder

WIDE = {
    "hidden_layer_sizes": (),
    "activation": "identity",
    "latent_dim": 64,
    "max_iter": 1500,
    "weight_decay": 0.0,
    "random_state": 0,
}


def correlated_rows(n, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ np.random.default_rng(1).normal(size=(2, 6)) + 0.4 * rng.normal(size=(n, 6))


def auroc_on_broken_correlations(detector):
    normal, broken = correlated_rows(500, 2), correlated_rows(500, 3)
    broken = np.column_stack([np.random.default_rng(j).permutation(c) for j, c in enumerate(broken.T)])
    scores = detector.fit(correlated_rows(1000, 0)).score_samples(np.vstack([normal, broken]))
    return roc_auc_score(np.repeat([0, 1], 500), -scores)


def test_wide_autoencoder_without_penalty_copies_anomalies_too():
    assert 0.4 < auroc_on_broken_correlations(DenoisingAutoencoder(**WIDE, corruption_level=0.0)) < 0.6


@pytest.mark.parametrize(
    "detector",
    [
        DenoisingAutoencoder(**WIDE, corruption_level=0.3),
        ContractiveAutoencoder(**WIDE, contraction_weight=1.0),
        SparseAutoencoder(**WIDE, sparsity_weight=1.0),
        SparseAutoencoder(**WIDE, sparsity="kl", sparsity_weight=1.0),
        VariationalAutoencoder(**WIDE, noise_variance="shared", device="cpu"),  # some draws of a GPU are worse
    ],
    ids=["denoising", "contractive", "l1", "kl", "variational"],
)
def test_each_regularizer_restores_detection(detector):
    assert auroc_on_broken_correlations(detector) > 0.8


@pytest.mark.parametrize("target", [0.05, 0.2])
def test_kl_sparsity_moves_the_mean_activation_to_its_target(target):
    X = correlated_rows(1000, 0)
    shared = {"sparsity": "kl", "sparsity_target": target, "latent_dim": 32, "max_iter": 1000, "random_state": 0}
    shared |= {"activation": "silu", "learning_rate": 2e-3}
    free = SparseAutoencoder(**shared, sparsity_weight=0.0).fit(X).transform(X).mean()
    held = SparseAutoencoder(**shared, sparsity_weight=50.0).fit(X).transform(X).mean()
    assert abs(held - target) < 0.1 * target
    assert abs(free - target) > 2 * abs(held - target)


def test_more_l1_penalty_means_fewer_active_units():
    X = correlated_rows(500, 0)
    shares = [
        (SparseAutoencoder(sparsity_weight=w, activation="silu", random_state=0).fit(X).transform(X) > 1e-6).mean()
        for w in (0.0, 0.1, 1.0)
    ]
    assert shares[0] > shares[1] > shares[2]


def test_more_contraction_means_a_flatter_code():
    X = correlated_rows(500, 0)

    def spread(weight):
        detector = ContractiveAutoencoder(contraction_weight=weight, activation="silu", random_state=0).fit(X)
        return detector.transform(X).std(axis=0).sum()

    assert spread(0.0) > spread(0.5) > spread(5.0)


def test_importance_weighted_bound_is_never_below_the_elbo_and_rises_with_draws():
    X = correlated_rows(300, 0)
    detector = VariationalAutoencoder(n_draws=8, max_iter=300, random_state=0).fit(X)
    assert (detector.log_evidence(X) >= detector.elbo(X) - 1e-4).all()
    np.testing.assert_array_equal(detector.log_evidence(X), detector.log_evidence(X, n_draws=8))
    means = [detector.log_evidence(X, n_draws=n).mean() for n in (2, 8, 32, 128, 512)]
    assert detector.elbo(X).mean() < means[0] < means[-1]
    # Matched moments lift the bound of few draws, so that its rise is not strict between adjacent ones.
    assert all(after > before - 0.005 for before, after in pairwise(means))


def test_beta_trades_reconstruction_for_a_code_near_the_prior():
    X = correlated_rows(500, 0)
    loose, tight = (VariationalAutoencoder(beta=b, max_iter=500, random_state=0).fit(X) for b in (0.1, 4.0))
    assert loose.reconstruction_error(X).mean() < tight.reconstruction_error(X).mean()
    assert np.square(loose.transform(X)).mean() > np.square(tight.transform(X)).mean()
