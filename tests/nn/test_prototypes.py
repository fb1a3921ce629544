"""The layer of prototypes: what it computes, and where it starts."""

import numpy as np
import pytest
import torch

from aeanomaly.nn import InitData, NetworkSpec, PrototypeInit, StackedPrototypes, build_network, neighbor_distance
from aeanomaly.streams import MemberKey


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def spec(**changes):
    shape = {"code": "point", "n_encoded": 4, "latent_dim": 16, "hidden_layer_sizes": (), "activation": "rbf"}
    return NetworkSpec(**{**shape, "code_activation": "rbf", **changes})


def started(network_spec, rows, keys, **shift):
    network = build_network(network_spec)
    with torch.no_grad():
        network.reset(keys, InitData(rows, lambda x: x, **shift))
    return network


def examples_of(rows, n, **shift):
    return PrototypeInit.draw(InitData(rows, lambda x: x, **shift), keys(1), n)


def keys(n, first=0):
    return [MemberKey(7, member) for member in range(first, first + n)]


def test_a_softmax_of_the_logits_is_the_posterior_of_an_even_mixture():
    layer, rows = StackedPrototypes(1, 4, 6), normal(1, 50, 4)
    layer.initialize(examples_of(rows[0], 6))
    with torch.no_grad():
        bandwidth = float(layer.log_bandwidth.exp())
        log_density = -0.5 * torch.cdist(rows, layer.weight.mT + layer.centre).square() / bandwidth**2
        torch.testing.assert_close(torch.softmax(layer(rows), 2), torch.softmax(log_density, 2), rtol=1e-3, atol=1e-5)


def test_a_network_started_at_its_rows_is_the_optimal_denoiser_of_them():
    rows = normal(16, 4)
    network = started(spec(), rows, keys(1), shifts=0)
    noisy = (rows + 0.3 * normal(16, 4, seed=1)).double()
    variance = float(network.encoder.layers[0].spacing) ** 2
    weight = torch.exp(-0.5 * torch.cdist(noisy, rows.double()).square() / variance)
    posterior_mean = (weight / weight.sum(dim=1, keepdim=True)) @ rows.double()
    with torch.no_grad():
        found = network.decode(network.encode(noisy.float()[None]))[0]
    torch.testing.assert_close(found.double(), posterior_mean, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("code", ["point", "gaussian"])
def test_a_network_with_hidden_prototypes_starts_as_a_smoother(code):
    rows = normal(500, 2) @ normal(2, 4, seed=1)
    narrow = spec(code=code, hidden_layer_sizes=(256,), latent_dim=3, code_activation="identity")
    network = started(narrow, rows, keys(1))
    with torch.no_grad():
        error = (network.decode(network.encode(rows[None])) - rows).square().sum(dim=2).mean()
    assert error < 0.1 * rows.square().sum(dim=1).mean()


@pytest.mark.parametrize(("n_codes", "n_columns"), [(1000, 1), (100, 2), (10, 4)])
def test_prototypes_of_codes_start_wider_but_within_the_spread_of_the_codes(n_codes, n_columns):
    codes, probes = normal(1, n_codes, n_columns), normal(1, 1000, n_columns, seed=1)
    layer = StackedPrototypes(1, n_columns, n_codes)
    layer.initialize(PrototypeInit(codes, probes, codes, code_bandwidth=0.4), of_codes=True)
    spacing, bandwidth = float(layer.spacing), float(layer.log_bandwidth.detach().exp())
    share = 0.4 * float(codes[0].std(dim=0, correction=0).square().mean().sqrt())
    assert bandwidth == pytest.approx(max(spacing, min(10 * spacing, share)), rel=1e-3)
    for of_codes, factor in ((True, 10), (False, 1)):
        layer.initialize(PrototypeInit(codes, probes, codes), of_codes=of_codes)
        assert float(layer.log_bandwidth.detach().exp()) == pytest.approx(factor * spacing)


def test_no_row_is_stored_and_an_isolated_row_is_not_a_prototype():
    rows = torch.cat([normal(99, 4), torch.full((1, 4), 50.0)])
    examples = examples_of(rows, 100).examples[0]
    assert torch.cdist(examples, rows).min() > 0
    assert torch.cdist(examples, rows[-1:]).min() > 30


def test_two_shifts_move_examples_to_where_rows_are_many():
    rows = normal(1000, 4)
    once, twice = (examples_of(rows, 200, shifts=s, n_neighbors=10).examples for s in (1, 2))
    assert twice.norm(dim=2).mean() < once.norm(dim=2).mean() < rows.norm(dim=1).mean()


def test_fewer_rows_than_examples_are_used_equally_often():
    rows = normal(5, 4)
    examples = examples_of(rows, 15, shifts=0).examples[0]
    counts = (torch.cdist(examples, rows) < 1e-5).sum(dim=0)
    assert counts.tolist() == [3] * 5


def test_spacing_is_a_deviation_per_column_and_knows_no_equal_rows():
    grid = torch.arange(10.0)[:, None].expand(-1, 4)
    assert neighbor_distance(grid, grid) == pytest.approx(1.0)
    assert neighbor_distance(grid[:1], grid[:1].expand(3, -1)) == 1.0
    assert neighbor_distance(100 * grid, 100 * grid) == pytest.approx(100.0)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_spacing_of_rows_among_themselves_leaves_each_row_itself_out(offset):
    rows = normal(300, 30) + offset
    exact = torch.cdist(rows.double(), rows.double(), compute_mode="donot_use_mm_for_euclid_dist")
    nearest = exact.fill_diagonal_(torch.inf).amin(dim=1).mean() / 30**0.5
    assert neighbor_distance(rows, rows) == pytest.approx(float(nearest), rel=1e-3)


def test_prototypes_do_not_mind_where_the_origin_is():
    rows = normal(300, 4)
    near, far = (started(spec(), rows + offset, keys(1)) for offset in (0.0, 1024.0))
    with torch.no_grad():
        torch.testing.assert_close(near.encode(rows[None]), far.encode(rows[None] + 1024), rtol=0.05, atol=1e-2)


@pytest.mark.parametrize(
    "shape", [{}, {"hidden_layer_sizes": (32,), "latent_dim": 3, "code_activation": "identity", "code": "gaussian"}]
)
def test_members_started_together_are_those_started_apart(shape):
    rows = normal(300, 4)
    sizes = None if shape else (16, 5, 16)
    together = started(spec(n_members=3, code_sizes=sizes, **shape), rows, keys(3))
    for member in range(3):
        size = None if sizes is None else sizes[member : member + 1]
        alone = started(spec(code_sizes=size, **shape), rows, keys(1, first=member))
        for (name, stack), one in zip(together.state_dict().items(), alone.state_dict().values(), strict=True):
            assert torch.equal(stack[member], one[0]), name


@pytest.mark.parametrize("activation", ["rbf", "silu"])
def test_a_narrow_member_of_a_stack_is_the_narrow_network(activation):
    rows = normal(300, 4)
    wide = started(spec(n_members=1, code_sizes=(5,), code_activation=activation, activation=activation), rows, keys(1))
    narrow = started(spec(latent_dim=5, code_activation=activation, activation=activation), rows, keys(1))
    with torch.no_grad():
        code = wide.encode(rows[None])
        torch.testing.assert_close(code[:, :, :5], narrow.encode(rows[None]))
        assert (code[:, :, 5:] == 0).all()
        if activation == "rbf":  # where the decoder starts at the rows, not at draws that know its width
            torch.testing.assert_close(wide.decode(code), narrow.decode(code[:, :, :5]))


@pytest.mark.parametrize("sizes", [(16,), (16, 17), (0, 16), (16, 1.5)])
def test_code_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(ValueError, match="does not fit 2 members"):
        spec(n_members=2, code_sizes=sizes)


def test_shapes_are_those_of_the_network_built():
    for network_spec in (
        spec(n_members=2, code_sizes=(3, 16)),
        spec(hidden_layer_sizes=(8, 5), code_activation="relu"),
        spec(code="gaussian", hidden_layer_sizes=(8,), code_activation="identity"),
    ):
        built = {name: tuple(value.shape) for name, value in build_network(network_spec).state_dict().items()}
        assert built == network_spec.shapes()
        assert NetworkSpec.from_dict(network_spec.to_dict()) == network_spec


def test_rows_far_from_all_prototypes_cannot_be_reconstructed():
    rows = normal(300, 4)
    network = started(spec(), rows, keys(1))
    with torch.no_grad():
        far = network.decode(network.encode(1e6 * rows[None, :5]))
    assert np.isfinite(far.numpy()).all()
    assert far.abs().max() <= rows.abs().max()
