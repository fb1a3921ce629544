"""The flat AdamW against torch's own."""

from itertools import pairwise

import pytest
import torch

from aeanomaly.likelihoods.gaussian import Gaussian
from aeanomaly.nn import NetworkSpec, build_network
from aeanomaly.objectives import ReconstructionObjective
from aeanomaly.streams import MemberKey
from aeanomaly.training.device import resolve_device
from aeanomaly.training.optimizer import AdamW, FlatParameters
from aeanomaly.training.schedule import schedule_factor


def network():
    spec = NetworkSpec(code="point", n_encoded=128, latent_dim=128, hidden_layer_sizes=(), activation="identity")
    built = build_network(spec)
    built.reset([MemberKey(0)])
    return built


def test_the_optimizer_takes_the_steps_of_torch():
    ours, theirs = network(), network()
    optimizer = AdamW(flat := FlatParameters(ours), [0.01], [0.1])
    weights = [p for n, p in theirs.named_parameters() if n.endswith("weight")]
    biases = [p for n, p in theirs.named_parameters() if n.endswith("bias")]
    groups = [{"params": weights, "weight_decay": 0.1}, {"params": biases, "weight_decay": 0.0}]
    reference = torch.optim.AdamW(groups, lr=0.01)
    rows = torch.randn(1, 32, 128, generator=torch.Generator().manual_seed(0))
    for _ in range(20):
        reference.zero_grad()
        (theirs.decode(theirs.encode(rows)) - rows).square().sum(dim=2).mean().backward()
        reference.step()
        ReconstructionObjective(Gaussian()).backward(ours, rows, None)
        optimizer.step(flat.gradients, 1.0)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6)


def test_parameters_become_aligned_views_without_changing():
    before = {n: p.detach().clone() for n, p in network().named_parameters()}
    changed = network()
    flat = FlatParameters(changed)
    for name, p in changed.named_parameters():
        assert torch.equal(p, before[name])
        assert (p.data_ptr() - flat.values.data_ptr()) % 64 == 0


def test_narrow_layers_get_a_higher_rate():
    spec = NetworkSpec(code="gaussian", n_encoded=32, latent_dim=2, hidden_layer_sizes=(256,), activation="silu")
    flat = FlatParameters(build_network(spec))
    assert set(flat.rates.unique().tolist()) == {0.5, 1.0, 4.0, 16.0}


def test_the_schedule_warms_up_and_comes_to_rest():
    factors = [schedule_factor("cosine", step, 200) for step in range(200)]
    assert factors.index(max(factors)) == 9
    assert all(a > b for a, b in pairwise(factors[9:]))
    assert 0 < factors[-1] < 1e-3
    assert schedule_factor("constant", 5, 10) == 1.0


def test_a_missing_or_unknown_device_is_one_clear_sentence():
    assert resolve_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=r"device='warp' is unknown to torch"):
        resolve_device("warp")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match=r"device='cuda' is not available here; use device='auto' or one of .*cpu"):
            resolve_device("cuda")
