"""Reuse of memory: only on request, by one thread, without gradients."""

import threading

import torch

from aeanomaly.nn import NetworkSpec, build_network, workspace
from aeanomaly.nn.buffers import buffer
from aeanomaly.streams import MemberKey

LIKE = torch.zeros(1)


def test_an_owner_gets_the_same_memory_for_the_same_shape_until_the_end():
    with torch.no_grad():
        with workspace():
            first = buffer("owner", (2, 3), LIKE)
            with workspace():  # for scores in a callback of training
                assert buffer("owner", (2, 3), LIKE) is not first
            assert buffer("owner", (2, 3), LIKE) is first
            assert buffer("owner", (3, 2), LIKE) is not first
            assert buffer("other", (2, 3), LIKE) is not first
        assert buffer("owner", (2, 3), LIKE) is None


def test_there_is_none_with_gradients_and_none_for_another_thread():
    seen = []
    with workspace():
        assert buffer("owner", (2,), LIKE) is None
        thread = threading.Thread(target=lambda: seen.append(torch.no_grad()(buffer)("owner", (2,), LIKE)))
        thread.start()
        thread.join()
    assert seen == [None]


def test_a_network_gives_the_same_bits_in_a_workspace():
    network = build_network(
        NetworkSpec(code="point", n_encoded=6, latent_dim=3, hidden_layer_sizes=(40,), activation="silu")
    )
    network.reset([MemberKey(0)])
    rows = torch.randn(1, 256, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network.decode(network.encode(rows))
        with workspace():
            for _ in range(2):
                assert torch.equal(network.decode(network.encode(rows)), expected)
