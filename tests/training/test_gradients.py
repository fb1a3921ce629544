"""Gradients of the package and recorded gradients, compared with those of autograd."""

import pytest
import torch

from aeanomaly.likelihoods.bernoulli import Bernoulli
from aeanomaly.likelihoods.gaussian import Gaussian
from aeanomaly.likelihoods.observed import Observed
from aeanomaly.likelihoods.product import Product
from aeanomaly.nn import ACTIVATIONS, RBF, InitData, NetworkSpec, build_network
from aeanomaly.objectives import (
    Contraction,
    GaussianCorruption,
    KLSparsity,
    L1Sparsity,
    MaskingCorruption,
    NegativeELBO,
    Objective,
    ReconstructionObjective,
    SaltAndPepperCorruption,
)
from aeanomaly.streams import MemberKey, NoiseStream
from aeanomaly.training.optimizer import FlatParameters
from aeanomaly.training.step import Step

KEYS = [MemberKey(0, 0), MemberKey(0, 1)]
ROWS = torch.rand(64, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).expand(2, -1, -1)
MIXED = Product([(Gaussian(), 4), (Bernoulli(), 2)])


def network(activation, code, hidden, code_sizes=None, kind="point", **rest):
    spec = NetworkSpec(
        code=kind,
        n_encoded=6,
        latent_dim=12,
        hidden_layer_sizes=hidden,
        activation=activation,
        code_activation=code,
        n_members=2,
        code_sizes=code_sizes,
        **rest,
    )
    built = build_network(spec)
    with torch.no_grad():
        built.reset(KEYS, InitData(ROWS[0].float(), MIXED.output))
    return built.double()


def assert_the_same_gradients(objective, built, rows=ROWS):
    """Compare twice, since the first call could leave something behind."""
    FlatParameters(built)
    noises = [NoiseStream(KEYS, device=torch.device("cpu")) for _ in range(3)]
    losses = Objective.backward(objective, built, rows, noises[0])
    expected = {name: p.grad.clone() for name, p in built.named_parameters()}
    for noise in noises[1:]:
        torch.testing.assert_close(objective.backward(built, rows, noise), losses)
        for name, p in built.named_parameters():
            torch.testing.assert_close(p.grad, expected[name], msg=name)
    assert_the_same_when_recorded(objective, built, rows)


def assert_the_same_when_recorded(objective, built, first):
    """Compare to the bit, batch by batch."""
    noises = [NoiseStream(KEYS, device=torch.device("cpu")) for _ in range(2)]
    step = Step(built, objective, noises[0], recorded=True)
    for number in range(6):
        rows = first.roll(number, dims=1) * (1 + number)
        losses = step(rows).clone()
        gradients = {name: p.grad.clone() for name, p in built.named_parameters()}
        assert torch.equal(losses, objective.backward(built, rows, noises[1]))
        for name, p in built.named_parameters():
            assert torch.equal(gradients[name], p.grad), name
    assert bool(step._calls) == (not isinstance(getattr(objective, "penalty", None), Contraction))


@pytest.mark.parametrize("hidden", [(), (32,), (32, 8)])
@pytest.mark.parametrize("code", ["identity", "relu", "logistic", RBF])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_of_every_network(activation, code, hidden):
    assert_the_same_gradients(ReconstructionObjective(MIXED), network(activation, code, hidden))


@pytest.mark.parametrize("code", ["relu", RBF])
def test_of_members_with_codes_of_different_widths(code):
    corruption = GaussianCorruption(torch.tensor([0.1, 0.5]).view(2, 1, 1))
    assert_the_same_gradients(ReconstructionObjective(MIXED, corruption=corruption), network(RBF, code, (), (4, 12)))


@pytest.mark.parametrize(
    "corruption",
    [
        MaskingCorruption(0.2, ROWS[:1].mean(dim=1, keepdim=True)),
        SaltAndPepperCorruption([0.1, 0.5], ROWS[:1].amin(dim=1, keepdim=True), ROWS[:1].amax(dim=1, keepdim=True)),
    ],
    ids=["masking", "salt and pepper"],
)
def test_of_random_corruptions(corruption):
    assert_the_same_gradients(ReconstructionObjective(MIXED, corruption=corruption), network("tanh", "relu", (32,)))


@pytest.mark.parametrize("activation", ["silu", RBF])
def test_of_rows_with_missing_values(activation):
    missing = torch.rand(ROWS.shape, generator=torch.Generator().manual_seed(1)) < 0.2
    objective = ReconstructionObjective(Observed(MIXED), corruption=GaussianCorruption(0.1))
    built = network(activation, "identity", (32,), allow_nan=True)
    assert_the_same_gradients(objective, built, ROWS.masked_fill(missing, torch.nan))


@pytest.mark.parametrize(("penalty", "code"), [(L1Sparsity(0.1), "relu"), (KLSparsity(0.1, 0.05), "logistic")])
def test_of_penalties_on_the_code(penalty, code):
    assert_the_same_gradients(ReconstructionObjective(MIXED, penalty=penalty), network(RBF, code, (32,)))


@pytest.mark.parametrize("hidden", [(), (32,)])
@pytest.mark.parametrize("code", ["logistic", RBF])
def test_of_contraction(code, hidden):
    objective = ReconstructionObjective(MIXED, penalty=Contraction([0.1, 0.5]))
    assert_the_same_gradients(objective, network(RBF, code, hidden))


@pytest.mark.parametrize("noise_variance", ["column", "shared", 0.3])
@pytest.mark.parametrize("activation", ["silu", RBF])
def test_of_the_elbo(activation, noise_variance):
    built = network(activation, "identity", (32,), kind="gaussian", noise_variance=noise_variance)
    assert_the_same_gradients(NegativeELBO(MIXED, [1.0, 0.2]), built)


def test_of_an_elbo_whose_scales_are_at_their_bounds():
    built = network("silu", "identity", (32,), kind="gaussian", noise_variance="column")
    with torch.no_grad():
        built.encoder.layers[-1].bias[:, :, 12:] = torch.linspace(-12, 6, 12)
        built.noise[:, :, :2] = -6.0
    assert_the_same_gradients(NegativeELBO(MIXED, 1.0), built)
    assert (built.noise.grad[:, :, :2] == 0).all()
    assert (built.noise.grad[:, :, 2:4] != 0).all()
