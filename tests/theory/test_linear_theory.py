"""Linear autoencoders, compared with their closed forms."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from aeanomaly import DenoisingAutoencoder, UndercompleteAutoencoder, VariationalAutoencoder

LINEAR = {"hidden_layer_sizes": (), "activation": "identity", "random_state": 0}


def low_rank_rows(n, d, k, noise, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, k)) @ rng.normal(size=(k, d)) + noise * rng.normal(size=(n, d)) + 5 * rng.normal(size=d)


def standardized(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.parametrize(("n", "d", "latent_dim"), [(500, 8, 3), (2000, 20, 5), (1000, 10, 2)])
def test_linear_autoencoder_reaches_the_error_of_pca_with_default_training(n, d, latent_dim):
    X = low_rank_rows(n, d, latent_dim, 0.4)
    Z = standardized(X)
    pca = PCA(latent_dim).fit(Z)
    best = np.square(Z - pca.inverse_transform(pca.transform(Z))).sum(axis=1).mean()
    detector = UndercompleteAutoencoder(**LINEAR, latent_dim=latent_dim).fit(X)
    assert best * (1 - 1e-6) <= detector.reconstruction_error(X).mean() <= 1.01 * best


def probabilistic_pca_log_likelihood(Z, latent_dim):
    """Tipping & Bishop (1999): mean exact log-likelihood of the rows at its maximum."""
    d = Z.shape[1]
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(Z.T, bias=True)))[::-1]
    noise = eigenvalues[latent_dim:].mean()
    log_determinant = np.log(eigenvalues[:latent_dim]).sum() + (d - latent_dim) * np.log(noise)
    return -0.5 * (d * np.log(2 * np.pi) + log_determinant + d)


@pytest.mark.parametrize(("n", "d", "latent_dim"), [(500, 8, 3), (1000, 20, 5)])
def test_linear_variational_autoencoder_reaches_probabilistic_pca(n, d, latent_dim):
    X = low_rank_rows(n, d, latent_dim, 0.5)
    exact = probabilistic_pca_log_likelihood(standardized(X), latent_dim)
    detector = VariationalAutoencoder(
        **LINEAR, latent_dim=latent_dim, noise_variance="shared", max_iter=2000, learning_rate=0.01
    ).fit(X)
    assert 0 <= exact - detector.elbo(X).mean() <= 0.05
    assert abs(exact - detector.log_evidence(X, n_draws=256).mean()) <= 0.05


def test_expectation_in_the_elbo_of_a_linear_decoder_is_exact():
    X = low_rank_rows(300, 6, 2, 0.5)
    fitted = VariationalAutoencoder(**LINEAR, latent_dim=3, max_iter=300).fit(X)
    few, many = fitted.set_params(n_draws=6).elbo(X), fitted.set_params(n_draws=500).elbo(X)
    np.testing.assert_allclose(few, many, rtol=1e-4, atol=1e-4)


def closed_form_denoising_error(covariance, level):
    """Trace of S - S (S + level^2 I)^-1 S."""
    shrunk = covariance @ np.linalg.solve(covariance + level**2 * np.eye(len(covariance)), covariance)
    return np.trace(covariance - shrunk)


@pytest.mark.parametrize(
    "network", [LINEAR, {"hidden_layer_sizes": (128,), "activation": "silu", "latent_dim": 64, "random_state": 0}]
)
def test_denoiser_of_gaussian_rows_is_the_closed_form_optimum(network):
    level = 0.5
    Z = standardized(low_rank_rows(5000, 6, 3, 0.5))
    detector = DenoisingAutoencoder(**network, corruption_level=level, max_iter=2000).fit(Z)
    damaged = Z + level * np.random.default_rng(1).normal(size=Z.shape)
    error = np.square(Z - detector.reconstruct(damaged)).sum(axis=1).mean()
    best = closed_form_denoising_error(np.cov(Z.T, bias=True), level)
    assert 0.97 * best <= error <= 1.05 * best
