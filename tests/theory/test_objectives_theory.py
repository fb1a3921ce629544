"""Parts of the objectives, compared with the distributions and autograd of torch."""

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Normal, kl_divergence

from aeanomaly.likelihoods.bernoulli import Bernoulli
from aeanomaly.likelihoods.gaussian import Gaussian
from aeanomaly.likelihoods.product import Product
from aeanomaly.nn import ACTIVATIONS, RBF, InitData, PrototypeInit, StackedMLP, kl_to_standard_normal
from aeanomaly.objectives.penalties import exact_squared_jacobian, probed_squared_jacobian
from aeanomaly.streams import MemberKey, NoiseStream

CPU = torch.device("cpu")


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_kl_is_that_of_torch_distributions():
    loc, log_scale = normal(3, 7, 5), normal(3, 7, 5, seed=1)
    expected = kl_divergence(Normal(loc, log_scale.exp()), Normal(0.0, 1.0)).sum(-1)
    torch.testing.assert_close(kl_to_standard_normal(loc, log_scale), expected)


def test_log_densities_are_those_of_torch_distributions():
    output, log_scale = normal(2, 9, 4), 0.3 * normal(2, 1, 4, seed=1)
    real, binary = normal(2, 9, 4, seed=2), (normal(2, 9, 4, seed=3) > 0).float()
    gaussian = Normal(output, log_scale.exp()).log_prob(real)
    bernoulli = TorchBernoulli(logits=output).log_prob(binary)
    torch.testing.assert_close(Gaussian().log_prob(real, output, log_scale), gaussian)
    torch.testing.assert_close(Bernoulli().log_prob(binary, output, log_scale), bernoulli)
    mixed = Product([(Gaussian(), 1), (Bernoulli(), 3)])
    both = torch.cat([real[..., :1], binary[..., 1:]], dim=-1)
    expected = torch.cat([gaussian[..., :1], bernoulli[..., 1:]], dim=-1)
    torch.testing.assert_close(mixed.log_prob(both, output, log_scale), expected)


@pytest.mark.parametrize("likelihood", [Gaussian(), Bernoulli()])
def test_unit_deviance_is_twice_the_loss_of_log_likelihood_and_zero_at_best(likelihood):
    target = torch.tensor([[0.0, 1.0, 1.0, 0.0]])
    output = normal(1, 4)
    best = torch.where(target > 0.5, 40.0, -40.0) if isinstance(likelihood, Bernoulli) else target
    unit = torch.zeros(1, 4)
    lost = 2 * (likelihood.log_prob(target, best, unit) - likelihood.log_prob(target, output, unit))
    torch.testing.assert_close(likelihood.deviance(target, output), lost)
    torch.testing.assert_close(likelihood.deviance(target, best), unit)


def test_unseen_value_of_a_two_valued_column_only_surprises_more():
    logits = torch.tensor([-4.0, 0.0, 4.0])
    for level, beyond in ((1.0, 1.5), (0.0, -0.5)):
        seen, unseen = (Bernoulli().deviance(torch.full((3,), v), logits) for v in (level, beyond))
        assert (unseen > seen).all()


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {RBF}))
def test_derivatives_of_activations_are_those_of_autograd(name):
    a = normal(50).requires_grad_()
    (expected,) = torch.autograd.grad(ACTIVATIONS[name].function(a).sum(), a)
    torch.testing.assert_close(ACTIVATIONS[name].derivative(a.detach()), expected)
    torch.testing.assert_close(ACTIVATIONS[name].module()(a), ACTIVATIONS[name].function(a))


def stacked_encoder(widths, activation):
    keys = [MemberKey(0, 0), MemberKey(0, 1)]
    encoder = StackedMLP(2, widths, activation, activation)
    init = PrototypeInit.draw(InitData(normal(50, widths[0]), lambda x: x), keys, max(widths[1:]))
    encoder.reset(keys, "encoder", init=init)
    return encoder


def autograd_squared_jacobian(encoder, rows):
    norms = torch.empty(rows.shape[:2])
    for member, batch in enumerate(rows):
        for number, row in enumerate(batch):
            jacobian = torch.autograd.functional.jacobian(lambda x, m=member: encoder(x.expand(2, 1, -1))[m, 0], row)
            norms[member, number] = jacobian.square().sum()
    return norms


@pytest.mark.parametrize("activation", ["logistic", "silu", "tanh", RBF])
def test_contraction_of_a_one_layer_encoder_is_autograds_jacobian(activation):
    encoder, rows = stacked_encoder((5, 7), activation), normal(2, 4, 5)
    code, squared_norm = exact_squared_jacobian(encoder, rows)
    torch.testing.assert_close(squared_norm, autograd_squared_jacobian(encoder, rows))
    torch.testing.assert_close(code, encoder(rows))


@pytest.mark.parametrize("activation", ["silu", RBF])
def test_probed_contraction_of_a_deep_encoder_is_autograds_jacobian_in_the_mean(activation):
    encoder, rows = stacked_encoder((5, 8, 6), activation), normal(2, 3, 5)
    noise = NoiseStream([MemberKey(0, 0), MemberKey(0, 1)], device=CPU)
    with torch.no_grad():
        probes = torch.stack([probed_squared_jacobian(encoder, rows, noise)[1] for _ in range(4096)])
        torch.testing.assert_close(probed_squared_jacobian(encoder, rows, noise)[0], encoder(rows))
    error = probes.std(dim=0) / 4096**0.5
    assert ((probes.mean(dim=0) - autograd_squared_jacobian(encoder, rows)).abs() < 4 * error + 1e-6).all()


def test_matched_draws_have_exact_moments():
    from aeanomaly.scoring import matched_draws

    for n_draws, latent_dim in ((2, 5), (16, 5), (10, 5), (7, 3)):
        draws = matched_draws(MemberKey(3), n_draws, latent_dim)
        assert draws.shape == (n_draws, latent_dim)
        np.testing.assert_allclose(draws.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(np.square(draws).mean(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(np.cov(matched_draws(MemberKey(3), 16, 5).T, bias=True), np.eye(5), atol=1e-5)
