"""Likelihoods against the distributions of scipy and the deviances of scikit-learn."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import mean_poisson_deviance

from aeanomaly.likelihoods import LIKELIHOODS, Likelihood
from aeanomaly.likelihoods.bernoulli import Bernoulli
from aeanomaly.likelihoods.categorical import Categorical
from aeanomaly.likelihoods.gaussian import Gaussian
from aeanomaly.likelihoods.observed import Observed
from aeanomaly.likelihoods.poisson import Poisson
from aeanomaly.likelihoods.product import Product

RNG = np.random.default_rng(0)
NO_SCALE = torch.zeros(1)


def counts(mean, dtype=torch.float64):
    return torch.from_numpy(RNG.poisson(mean, size=300)).to(dtype)


@pytest.mark.parametrize("mean", [0.01, 0.5, 3, 30, 1e3, 1e6])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.float32, 5e-3)])
def test_poisson_log_prob_is_that_of_the_counts(mean, dtype, tolerance):
    x, scale = counts(mean), 50.0
    log_rate = torch.full((300,), math.log(mean / scale), dtype=dtype)
    found = Poisson(scale).log_prob((x / scale).to(dtype), log_rate, NO_SCALE)
    np.testing.assert_allclose(found.double(), stats.poisson.logpmf(x, mean), atol=tolerance)


def test_poisson_log_probs_of_all_counts_sum_to_one():
    x = torch.arange(200, dtype=torch.float64)
    log_prob = Poisson(4.0).log_prob(x / 4, torch.full_like(x, math.log(9 / 4)), NO_SCALE)
    assert float(log_prob.exp().sum()) == pytest.approx(1, rel=1e-7)


@pytest.mark.parametrize("mean", [0.5, 3, 1e3])
def test_poisson_deviance_is_that_of_scikit_learn(mean):
    x, scale = counts(mean), 20.0
    predicted = torch.from_numpy(mean * RNG.uniform(0.5, 2, size=300))
    found = Poisson(scale, weight=0.25).deviance(x / scale, (predicted / scale).log()).mean()
    assert float(found) == pytest.approx(0.25 * mean_poisson_deviance(x, predicted), rel=1e-6)


@pytest.mark.parametrize("mean", [1e2, 1e4, 1e6])
def test_poisson_deviance_keeps_its_digits_where_counts_are_large(mean):
    x, scale = counts(mean), math.sqrt(mean)
    log_rate = torch.full((300,), math.log(mean / scale))
    exact = Poisson(scale).deviance(x / scale, log_rate.double())
    single = Poisson(scale).deviance((x / scale).float(), log_rate)
    assert float((single - exact).abs().max()) < 0.01 * float(exact.mean())


@pytest.mark.parametrize("dispersion", [1, 4, 100])
def test_a_dispersed_count_adds_about_as_much_as_a_standardized_column(dispersion):
    mean = 20.0
    x = RNG.poisson(mean * RNG.gamma(mean / max(dispersion - 1, 1e-9), max(dispersion - 1, 1e-9) / mean, size=20000))
    scale, encoded = np.array([x.std()]), torch.from_numpy(x / x.std())
    likelihood = Poisson.from_training(np.array([encoded.mean()]), scale)
    deviance = likelihood.deviance(encoded, encoded.mean().log())
    assert 0.5 < float(deviance.mean()) < 2


def test_a_column_of_zeros_is_surprised_by_a_count():
    likelihood = Poisson.from_training(np.array([0.0]), np.array([1.0]))
    output = likelihood.output(torch.zeros(1))
    zero, seven = likelihood.deviance(torch.tensor([0.0, 7.0]), output)
    assert zero < 0.1
    assert seven > 50


def test_poisson_draws_have_the_mean_and_the_variance_of_counts():
    output = torch.full((50_000,), math.log(6 / 2.5))
    drawn = 2.5 * Poisson(2.5).sample(output, NO_SCALE, torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn, drawn.round())
    assert float(drawn.mean()) == pytest.approx(6, rel=0.02)
    assert float(drawn.var()) == pytest.approx(6, rel=0.03)


@pytest.mark.parametrize("target", [-1e6, -1.0, 0.0, 1e-30, 1e12])
@pytest.mark.parametrize("output", [-1e4, 0.0, 1e4])
def test_poisson_stays_finite(target, output):
    likelihood, x, y = Poisson(1e3), torch.tensor([target]), torch.tensor([output])
    for numbers in (*likelihood.deviance_and_residual(x, y), likelihood.log_prob(x, y, NO_SCALE)):
        assert numbers.isfinite().all()
    assert (likelihood.deviance(x, y) >= 0).all()


@pytest.mark.parametrize("likelihood", [Gaussian(), Bernoulli(), Poisson(3.0, 0.5), Categorical(0.25)])
def test_derivatives_by_hand_are_the_defaults(likelihood):
    target = torch.nn.functional.one_hot(torch.arange(40) % 5, 5).double()
    output, log_scale = torch.from_numpy(RNG.normal(size=(2, 40, 5)))
    for name, arguments in (("deviance_and_residual", ()), ("log_prob_gradient", (log_scale,))):
        by_hand = getattr(likelihood, name)(target, output, *arguments)
        default = getattr(Likelihood, name)(likelihood, target, output, *arguments)
        for ours, expected in zip(by_hand, default, strict=True):
            assert not expected.requires_grad
            torch.testing.assert_close(ours, expected)


class Undifferentiated(Gaussian):
    """Likelihood without derivatives by hand."""

    deviance_and_residual = Likelihood.deviance_and_residual
    log_prob_gradient = Likelihood.log_prob_gradient


def test_only_derivatives_by_hand_are_replayed():
    assert all(likelihood().replayable for likelihood in LIKELIHOODS.values())
    assert Observed(Product(((Gaussian(), 1), (Poisson(), 1)))).replayable
    assert not Undifferentiated().replayable
    assert not Observed(Product(((Gaussian(), 1), (Undifferentiated(), 1)))).replayable
