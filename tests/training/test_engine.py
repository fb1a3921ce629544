"""The engine: members never mix, the best weights are kept, trouble is caught."""

import numpy as np
import pytest
import torch

from aeanomaly.likelihoods.gaussian import Gaussian
from aeanomaly.nn import NetworkSpec, build_network
from aeanomaly.objectives import Contraction, GaussianCorruption, KLSparsity, NegativeELBO, ReconstructionObjective
from aeanomaly.streams import MemberKey
from aeanomaly.training import EarlyStopping, TrainingData, TrainingSettings, train

ROWS = np.random.default_rng(0).normal(size=(150, 6)).astype("float32") @ np.ones((6, 6), "float32")


def objective(kind):
    return {
        "plain": ReconstructionObjective(Gaussian()),
        "denoising": ReconstructionObjective(Gaussian(), corruption=GaussianCorruption(0.1)),
        "contractive": ReconstructionObjective(Gaussian(), penalty=Contraction(0.1)),
        "sparse": ReconstructionObjective(Gaussian(), penalty=KLSparsity(0.1, 0.05)),
        "variational": NegativeELBO(Gaussian(), beta=1.0),
    }[kind]


def trained(
    kind, members, *, rows=None, rates=None, rows_of=None, validation=None, target=None, on_step=None, **settings
):
    keys = [MemberKey(7, m) for m in members]
    spec = NetworkSpec(
        code="gaussian" if kind == "variational" else "point",
        n_encoded=6,
        latent_dim=4,
        hidden_layer_sizes=(16,),
        activation="silu",
        code_activation="logistic" if kind == "sparse" else "identity",
        n_members=len(keys),
    )
    network = build_network(spec)
    network.reset(keys)
    rows = ROWS if rows is None else rows
    data = TrainingData(torch.from_numpy(rows)[None], rows_of or [np.arange(len(rows))] * len(keys), validation)
    defaults = {"n_steps": 60, "batch_size": 32, "weight_decay": [1e-4] * len(keys)}
    chosen = TrainingSettings(keys=keys, learning_rate=rates or [2e-3] * len(keys), **{**defaults, **settings})
    result = train(network, target or objective(kind), data, chosen, on_step=on_step)
    return network.state_dict(), result


@pytest.mark.parametrize("kind", ["plain", "denoising", "contractive", "sparse", "variational"])
def test_three_members_together_equal_the_same_three_apart_to_the_bit(kind):
    rates, rows_of = [1e-3, 2e-3, 5e-3], [np.arange(150), np.arange(20), np.arange(50, 150)]
    together, result = trained(kind, [0, 1, 2], rates=rates, rows_of=rows_of)
    for m in range(3):
        alone, own = trained(kind, [m], rates=[rates[m]], rows_of=[rows_of[m]])
        for name, weights in alone.items():
            assert torch.equal(weights[0], together[name][m]), name
        np.testing.assert_array_equal(own.loss[:, 0], result.loss[:, m])


def test_members_stop_early_apart_and_keep_their_best_weights():
    rule = EarlyStopping(every=5, patience=2, tol=1e-3)
    validation = [np.arange(100, 150), np.arange(100, 133)]
    rows_of = [np.arange(100)] * 2
    rates = [2e-3, 3.0]
    shared = {"validation": validation, "early_stopping": rule, "n_steps": 400}
    together, result = trained("plain", [0, 1], rates=rates, rows_of=rows_of, **shared)
    best = np.argmin(result.validation_loss[:, 1])
    assert result.n_steps[1] == 5 * best < result.n_steps[0]
    alone, _ = trained("plain", [0], rates=rates[:1], rows_of=rows_of[:1], **{**shared, "validation": validation[:1]})
    assert all(torch.equal(alone[name][0], together[name][0]) for name in alone)


def test_best_weights_have_the_best_validation_loss():
    held_out = np.arange(86, 150)
    rule = EarlyStopping(every=5, patience=3, tol=0.0)
    weights, result = trained(
        "plain", [0], rates=[0.05], rows_of=[np.arange(86)], validation=[held_out], early_stopping=rule, n_steps=300
    )
    network = build_network(
        NetworkSpec(code="point", n_encoded=6, latent_dim=4, hidden_layer_sizes=(16,), activation="silu")
    )
    network.load_state_dict(weights)
    rows = torch.from_numpy(ROWS[held_out])[None]
    loss = objective("plain").losses(network, rows, None).item()
    assert loss == pytest.approx(result.validation_loss.min(), rel=1e-5)


class Failing(ReconstructionObjective):
    """Turns not-a-number for one member from one step on; the steps are counted by torch, as they are recorded."""

    def __init__(self, member, step):
        super().__init__(Gaussian())
        self.member, self.step, self.calls = member, step, torch.zeros(())

    def backward(self, network, rows, noise):
        losses = super().backward(network, rows, noise)
        with torch.no_grad():
            self.calls += 1
            for values in (losses, *(p.grad for p in network.parameters())):
                values[self.member].masked_fill_(self.calls > self.step, torch.nan)
        return losses


def test_a_diverging_member_keeps_its_last_finite_weights_and_disturbs_no_other():
    together, result = trained("plain", [0, 1], target=Failing(1, 40))
    alone, _ = trained("plain", [0])
    assert result.status == ["finished", "diverged"]
    assert result.n_steps.tolist() == [60, 25]
    assert all(torch.isfinite(values).all() for values in together.values())
    assert all(torch.equal(alone[name][0], together[name][0]) for name in alone)


def test_divergence_of_all_ends_training():
    _, result = trained("plain", [0], target=Failing(0, 0))
    assert result.status == ["diverged"]
    assert result.n_steps.tolist() == [0]


def test_the_step_hook_counts_steps_and_can_stop():
    seen = []
    _, result = trained("plain", [0], on_step=lambda step: seen.append(step) or step == 10)
    assert seen == list(range(1, 11))
    assert len(result.loss) == 10
    assert result.status == ["stopped"]


def test_training_lowers_the_loss_and_decay_shrinks_the_weights():
    free, result = trained("plain", [0], n_steps=300)
    held, _ = trained("plain", [0], n_steps=300, weight_decay=[10.0])
    assert result.loss[-10:].mean() < 0.2 * result.loss[:10].mean()
    name = "encoder.layers.0.weight"
    assert held[name].norm() < 0.9 * free[name].norm()


def test_the_optimizer_state_is_restored_from_arrays():
    _, result = trained("plain", [0], schedule="constant")
    assert result.optimizer.n_steps == 60
    arrays = result.optimizer.arrays()
    again = type(result.optimizer).from_arrays(arrays, torch.device("cpu"))
    assert torch.equal(again.mean, result.optimizer.mean)
    assert again.n_steps == 60
