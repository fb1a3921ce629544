"""Steps on an accelerator: the numbers of the CPU, nothing that a CUDA graph forbids, and members that never mix."""

import numpy as np
import pytest
import torch

from aeanomaly import graphs
from aeanomaly.likelihoods import build_likelihood
from aeanomaly.nn import NetworkSpec, build_network
from aeanomaly.objectives import (
    Contraction,
    GaussianCorruption,
    KLSparsity,
    L1Sparsity,
    MaskingCorruption,
    NegativeELBO,
    ReconstructionObjective,
    SaltAndPepperCorruption,
)
from aeanomaly.streams import MemberKey, NoiseStream
from aeanomaly.training import EarlyStopping, TrainingData, TrainingSettings, engine, train
from aeanomaly.training.steps import DeviceSteps
from tests.accelerators.simulated import DEVICE, simulated_device

RNG = np.random.default_rng(0)
#: Two real columns, a two-valued one, counts, and a category of three.
ROWS = np.hstack(
    [
        RNG.normal(size=(150, 2)),
        RNG.integers(0, 2, size=(150, 1)),
        RNG.poisson(3, size=(150, 1)),
        np.eye(3)[RNG.integers(0, 3, size=150)],
    ]
).astype("float32")
MIXED = [("gaussian", 2), ("bernoulli", 1), ("poisson", 1), ("categorical", 3)]
KINDS = (
    "plain",
    "gaussian noise",
    "masking",
    "salt and pepper",
    "contractive",
    "deep contractive",
    "l1",
    "kl",
    "variational",
)


def likelihood(*, missing=False):
    return build_likelihood(MIXED, ROWS.mean(axis=0), np.ones(7), allow_missing=missing)


def objective(kind, *, missing=False):
    own, mean = likelihood(missing=missing), torch.from_numpy(ROWS.mean(axis=0)).view(1, 1, -1)
    corruptions = {
        "gaussian noise": GaussianCorruption([0.1, 0.2, 0.3]),
        "masking": MaskingCorruption(0.2, mean),
        "salt and pepper": SaltAndPepperCorruption(0.2, mean - 1, mean + 1),
    }
    penalties = {
        "contractive": Contraction(0.1),
        "deep contractive": Contraction(0.1),
        "l1": L1Sparsity([0.1, 0.2, 0.3]),
        "kl": KLSparsity(0.1, 0.05),
    }
    if kind == "variational":
        return NegativeELBO(own, beta=[0.5, 1.0, 2.0])
    return ReconstructionObjective(own, corruption=corruptions.get(kind), penalty=penalties.get(kind))


def spec_of(kind, n_members=3, *, missing=False, prototypes=False):
    return NetworkSpec(
        code="gaussian" if kind == "variational" else "point",
        n_encoded=7,
        latent_dim=4,
        hidden_layer_sizes=() if kind == "contractive" else (16,),
        activation="rbf" if prototypes else "silu",
        code_activation="logistic" if kind in ("kl", "contractive") else "identity",
        n_members=n_members,
        allow_nan=missing,
    )


def rows_with(*, missing):
    rows = ROWS.copy()
    if missing:
        rows[::7, 0] = rows[3::11, 2] = np.nan
    return torch.from_numpy(rows)


def network_of(kind, members=(0, 1, 2), **options):
    network = build_network(spec_of(kind, len(members), **options))
    generator = torch.Generator().manual_seed(1)
    draws = {name: 0.3 * torch.randn(p[:1].shape, generator=generator) for name, p in network.named_parameters()}
    with torch.no_grad():
        for name, p in network.named_parameters():
            p.copy_(torch.cat([(1 + 0.1 * m) * draws[name] for m in members]))
    return network


def trained(kind, device, members=(0, 1, 2), *, missing=False, prototypes=False, target=None, on_step=None, **settings):
    network = network_of(kind, members, missing=missing, prototypes=prototypes).to(device)
    data = TrainingData(
        rows_with(missing=missing).to(device)[None],
        [np.arange(20, 150 - m) for m in members],
        [np.arange(20)] * len(members) if "early_stopping" in settings else None,
    )
    keys = [MemberKey(7, m) for m in members]
    defaults = {"n_steps": 60, "batch_size": 32, "learning_rate": [1e-3 * (1 + m) for m in members]}
    chosen = TrainingSettings(keys=keys, weight_decay=[1e-2] * len(keys), **{**defaults, **settings})
    target = target or objective(kind, missing=missing)
    result = train(network.requires_grad_(True), target, data, chosen, on_step=on_step)
    return {name: values.detach().cpu() for name, values in network.state_dict().items()}, result


@pytest.fixture
def equal_noise(monkeypatch):
    """Make all draws of a purpose equal, because their number in a block differs between devices."""

    def draw_block(self, kind, purpose, shape, draws):
        first = drawn(self, kind, purpose, shape, 1) if purpose not in kept else kept[purpose]
        kept[purpose] = first
        return first.expand(draws, *first.shape[1:])

    kept, drawn = {}, NoiseStream.draw_block
    monkeypatch.setattr(NoiseStream, "draw_block", draw_block)
    return kept


@pytest.mark.parametrize(("missing", "prototypes"), [(False, False), (True, True)])
@pytest.mark.parametrize("kind", KINDS)
def test_training_gives_the_weights_of_the_cpu(kind, missing, prototypes, equal_noise):
    options = {"missing": missing, "prototypes": prototypes, "n_steps": 30}
    expected, of_cpu = trained(kind, "cpu", **options)
    equal_noise.clear()
    with simulated_device():
        found, on_device = trained(kind, DEVICE, **options)
    np.testing.assert_allclose(on_device.loss, of_cpu.loss, rtol=2e-3)
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, rtol=5e-3, atol=5e-4, msg=name)
    assert on_device.optimizer.n_steps == of_cpu.optimizer.n_steps == 30


@pytest.fixture
def as_if_captured(monkeypatch):
    """Forbid all steps but the first what the capture of a CUDA graph forbids, and return the launches of each step."""
    launches, simulations = [], []

    def run(self, body, n_calls=1):
        for _ in range(n_calls):
            simulation = simulations[-1]
            before, simulation.capturing = simulation.launches, bool(launches)
            try:
                body()
            finally:
                simulation.capturing = False
            launches.append(simulation.launches - before)

    monkeypatch.setattr(graphs.Replay, "run", run)
    with simulated_device() as simulation:
        simulations.append(simulation)
        yield launches


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_can_be_captured(kind, missing, as_if_captured):
    trained(kind, DEVICE, missing=missing, prototypes=kind != "contractive", n_steps=8)
    assert len(as_if_captured) == 8
    assert len(set(as_if_captured[1:])) == 1  # every step launches the same kernels


def test_the_host_waits_only_at_checks():
    def waits(n_steps):
        with simulated_device() as simulation:
            trained("variational", DEVICE, n_steps=n_steps)
        return simulation.synchronizations

    assert waits(100) - waits(50) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_members_together_equal_the_same_members_apart(kind, monkeypatch):
    monkeypatch.setattr(engine, "steps_of", DeviceSteps)
    objective_of_all = objective(kind)
    together, _ = trained(kind, "cpu", target=objective_of_all)
    parts = {"gaussian noise": ("corruption", "level"), "l1": ("penalty", "weight"), "variational": (None, "beta")}
    for m in range(3):
        own = objective(kind)
        if kind in parts:
            holder, name = parts[kind]
            holder = own if holder is None else getattr(own, holder)
            object.__setattr__(holder, name, getattr(holder, name)[m : m + 1])
        alone, _ = trained(kind, "cpu", [m], target=own)
        for name, values in alone.items():
            assert torch.equal(values[0], together[name][m]), name


def test_early_stopping_looks_when_it_is_due(monkeypatch):
    rule = EarlyStopping(every=13, patience=2, tol=1e-3)
    shared = {"early_stopping": rule, "n_steps": 400, "learning_rate": [1e-3, 3.0, 2e-3]}
    _, of_cpu = trained("plain", "cpu", **shared)
    monkeypatch.setattr(engine, "steps_of", DeviceSteps)
    _, result = trained("plain", "cpu", **shared)
    np.testing.assert_array_equal(result.validated % 13, 0)
    np.testing.assert_array_equal(result.validated, of_cpu.validated)
    np.testing.assert_array_equal(result.n_steps, of_cpu.n_steps)
    np.testing.assert_allclose(result.validation_loss, of_cpu.validation_loss, rtol=1e-3)


def test_the_step_hook_is_called_at_checks_and_can_stop(monkeypatch):
    monkeypatch.setattr(engine, "steps_of", DeviceSteps)
    seen = []
    _, result = trained("plain", "cpu", n_steps=90, on_step=lambda step: seen.append(step) or step == 75)
    assert seen == [25, 50, 75]
    assert len(result.loss) == 75
    assert set(result.status) == {"stopped"}


@pytest.mark.parametrize("n_steps", [1, 24, 25, 26, 57])
def test_any_number_of_steps(n_steps, monkeypatch):
    expected, of_cpu = trained("plain", "cpu", n_steps=n_steps)
    monkeypatch.setattr(engine, "steps_of", DeviceSteps)
    found, result = trained("plain", "cpu", n_steps=n_steps)
    assert len(result.loss) == n_steps
    np.testing.assert_allclose(result.loss, of_cpu.loss, rtol=1e-4)
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, rtol=1e-3, atol=1e-5)


def test_a_wide_table_has_short_windows():
    with simulated_device():
        rows = torch.zeros((1, 50, 3000), device=DEVICE)
        network = build_network(
            NetworkSpec(code="point", n_encoded=3000, latent_dim=2, hidden_layer_sizes=(), activation="relu")
        )
        settings = TrainingSettings(
            keys=[MemberKey(0)], n_steps=7, batch_size=700, learning_rate=[1e-3], weight_decay=[0.0]
        )
        corrupted = ReconstructionObjective(
            build_likelihood([("gaussian", 3000)], np.zeros(3000), np.ones(3000), allow_missing=False),
            corruption=GaussianCorruption(0.1),
        )
        result = train(
            network.to(DEVICE).requires_grad_(True), corrupted, TrainingData(rows, [np.arange(50)]), settings
        )
    assert len(result.loss) == 7
