"""Missing values and categorical columns, compared with their exact probabilities."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from aeanomaly import DenoisingAutoencoder
from aeanomaly.likelihoods.bernoulli import Bernoulli
from aeanomaly.likelihoods.categorical import Categorical
from aeanomaly.likelihoods.gaussian import Gaussian
from aeanomaly.likelihoods.observed import Observed
from aeanomaly.likelihoods.poisson import Poisson
from aeanomaly.likelihoods.product import Product
from aeanomaly.nn import InitData, NetworkSpec, build_network
from aeanomaly.nn.missing import impute
from aeanomaly.nn.prototypes import StackedPrototypes
from aeanomaly.objectives import GaussianCorruption, Objective, ReconstructionObjective
from aeanomaly.streams import MemberKey, NoiseStream
from aeanomaly.training import FlatParameters

RNG = np.random.default_rng(0)
HOLES = torch.from_numpy(RNG.random((40, 5)) < 0.3)
ROWS = torch.from_numpy(RNG.normal(size=(40, 5))).masked_fill(HOLES, torch.nan)


def prototypes(**how):
    layer = StackedPrototypes(1, 5, 7, allow_nan=True, **how).double()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(RNG.normal(size=(1, 5, 7))))
        layer.centre.fill_(0.3)
        layer.log_bandwidth.fill_(-0.4)
    return layer


def test_prototypes_answer_by_the_posterior_of_a_mixture_given_what_is_there():
    layer = prototypes()
    found = torch.softmax(layer(ROWS[None]), dim=2)[0].detach()
    centres, deviation = (layer.weight[0].T + 0.3).detach(), float(np.exp(-0.4))
    for row, posterior in zip(ROWS, found, strict=True):
        there = ~row.isnan()
        density = torch.distributions.Normal(centres[:, there], deviation).log_prob(row[there]).sum(dim=1)
        torch.testing.assert_close(posterior, torch.softmax(density, dim=0))


def test_a_row_without_any_value_is_likely_to_come_from_each_prototype():
    blank = torch.full((1, 1, 5), torch.nan, dtype=torch.float64)
    torch.testing.assert_close(torch.softmax(prototypes()(blank), dim=2), torch.full((1, 1, 7), 1 / 7).double())


@pytest.mark.parametrize("activation", ["rbf", "silu"])
def test_gradients_by_hand_are_those_of_autograd(activation):
    spec = NetworkSpec(
        code="point",
        n_encoded=5,
        latent_dim=8,
        hidden_layer_sizes=(),
        activation=activation,
        code_activation=activation,
        allow_nan=True,
    )
    likelihood = Observed(Product(((Gaussian(), 1), (Bernoulli(), 1), (Categorical(0.5), 3))))
    rows = torch.cat([ROWS[:, :2], functional.one_hot(torch.arange(40) % 3, 3).double()], dim=1)[None]
    rows[:, ::4, 2:] = torch.nan
    built, keys = build_network(spec), [MemberKey(0)]
    with torch.no_grad():
        built.reset(keys, InitData(rows[0].float(), likelihood.output))
        built.double()
        if activation == "silu":
            built.encoder.layers[0].absent_weight.normal_(generator=torch.Generator().manual_seed(0))
    FlatParameters(built)
    objective = ReconstructionObjective(likelihood, corruption=GaussianCorruption(0.1))
    noises = [NoiseStream(keys, device=torch.device("cpu")) for _ in range(2)]
    losses = Objective.backward(objective, built, rows, noises[0])
    expected = {name: p.grad.clone() for name, p in built.named_parameters()}
    assert losses.isfinite().all()
    torch.testing.assert_close(objective.backward(built, rows, noises[1]), losses)
    for name, p in built.named_parameters():
        torch.testing.assert_close(p.grad, expected[name], msg=name)


def test_missing_values_are_neither_likely_nor_unlikely():
    whole, target = Observed(Gaussian()), torch.tensor([[1.0, torch.nan]])
    scale = torch.zeros(2)
    near, far = torch.tensor([[0.5, 0.0]]), torch.tensor([[0.5, 9.0]])
    torch.testing.assert_close(whole.deviance(target, near), whole.deviance(target, far))
    for first, second in zip(*(whole.deviance_and_residual(target, output) for output in (near, far)), strict=True):
        torch.testing.assert_close(first, second)
    assert float(whole.log_prob(target, near, scale)[0, 1]) == 0


def test_a_categorical_column_costs_the_cross_entropy():
    logits, level = torch.from_numpy(RNG.normal(size=(20, 4))), torch.from_numpy(RNG.integers(0, 4, 20))
    target, weight = functional.one_hot(level, 4).double(), 0.25
    cross_entropy = functional.cross_entropy(logits, level, reduction="none")
    deviance = Categorical(weight).deviance(target, logits.requires_grad_())
    torch.testing.assert_close(deviance.sum(dim=1), 2 * weight * cross_entropy)
    gradient = torch.autograd.grad(deviance.sum(), logits)[0]
    torch.testing.assert_close(2 * Categorical(weight).deviance_and_residual(target, logits)[1], gradient)
    log_prob = torch.distributions.Categorical(logits=logits).log_prob(level)
    torch.testing.assert_close(Categorical(weight).log_prob(target, logits, torch.zeros(4)).sum(dim=1), log_prob)


@pytest.mark.parametrize(
    "likelihood",
    [
        Gaussian(),
        Bernoulli(),
        Poisson(7.0, 0.3),
        Categorical(0.25),
        Product(((Gaussian(), 1), (Bernoulli(), 1), (Categorical(), 3))),
        Product(((Poisson(2.0), 1), (Gaussian(), 1), (Categorical(), 3))),
    ],
)
def test_gradients_are_those_of_autograd_and_zero_for_what_is_missing(likelihood):
    target = functional.one_hot(torch.arange(40) % 5, 5).double()
    if not isinstance(likelihood, Categorical):
        target[:, :2] = torch.from_numpy(RNG.normal(size=(40, 2)))
        target[:, 2:] = functional.one_hot(torch.arange(40) % 3, 3)
    target[::4] = torch.nan
    output, log_scale = (torch.from_numpy(RNG.normal(size=(40, 5))).requires_grad_() for _ in range(2))
    observed = Observed(likelihood)
    log_prob = observed.log_prob(target, output, log_scale).sum()
    expected = torch.autograd.grad(log_prob, [output, log_scale], allow_unused=True, materialize_grads=True)
    for gradient, ours in zip(expected, observed.log_prob_gradient(target, output, log_scale), strict=True):
        torch.testing.assert_close(ours.detach(), gradient)
        assert (ours[::4] == 0).all()
    deviance = observed.deviance(target, output)
    (gradient,) = torch.autograd.grad(deviance.sum(), output)
    found, residual = observed.deviance_and_residual(target, output)
    torch.testing.assert_close(found, deviance)
    torch.testing.assert_close(2 * residual, gradient)
    assert (residual[::4] == 0).all()


def test_drawn_categories_have_their_expected_frequencies():
    share = torch.tensor([0.5, 0.3, 0.2])
    drawn = Categorical().sample(share.log().expand(20000, -1), torch.zeros(3), torch.Generator().manual_seed(0))
    assert (drawn.sum(dim=1) == 1).all()
    torch.testing.assert_close(drawn.mean(dim=0), share, atol=0.015, rtol=0)


def test_missing_values_are_filled_from_similar_rows():
    t = np.linspace(-1, 1, 200)
    rows = torch.from_numpy(np.stack([t, 2 * t, -t, t**2], axis=1)).float()
    missing = torch.from_numpy(RNG.random((200, 4)) < 0.2)
    found = impute(rows.masked_fill(missing, torch.nan), rows.masked_fill(missing, torch.nan))
    told = ~missing[:, :3].all(dim=1)  # the square alone does not tell the sign
    assert (found - rows)[told].abs().max() < 0.15
    torch.testing.assert_close(found[~missing], rows[~missing])


def test_a_missing_column_of_a_normal_table_is_its_conditional_mean():
    """The reconstructed value approximates the conditional mean."""
    covariance = np.array([[1.0, 0.8, 0.6], [0.8, 1.0, 0.7], [0.6, 0.7, 1.0]])
    rows = RNG.multivariate_normal(np.zeros(3), covariance, size=6000)
    train, test = rows[:4000].copy(), rows[4000:].copy()
    train[RNG.random(train.shape) < 0.1] = np.nan
    test[:, 2] = np.nan
    found = DenoisingAutoencoder(missing="model", random_state=0).fit(train).reconstruct(test)[:, 2]
    exact = test[:, :2] @ np.linalg.solve(covariance[:2, :2], covariance[:2, 2])
    best = np.mean((rows[4000:, 2] - exact) ** 2)
    assert np.mean((found - exact) ** 2) < 0.25 * best
    assert np.mean((rows[4000:, 2] - found) ** 2) < 1.25 * best
