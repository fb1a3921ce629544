"""Scoring of many rows in chunks."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder
from aeanomaly.scoring import map_blocks, map_chunks, to_numpy, with_padding

CPU = torch.device("cpu")


def map_rows(finish, rows, width=1):
    """Apply a function of a chunk (n, F) to rows, in the loop that runs networks."""
    return map_chunks(
        lambda encoded: (encoded,),
        lambda parts, chunk: finish(chunk),
        rows,
        encode=lambda chunk: chunk.astype(np.float32),
        device=CPU,
        width=width,
    )


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("n_rows", [1, 255, 4096, 4097, 20_000])
def test_every_row_is_met_once_and_in_its_place(n_rows):
    rows = np.arange(2.0 * n_rows).reshape(n_rows, 2)
    np.testing.assert_array_equal(map_rows(lambda chunk: 3 * chunk, rows), 3 * rows)
    np.testing.assert_array_equal(map_rows(lambda chunk: chunk.sum(axis=1), rows), rows.sum(axis=1))


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("n_rows", [1, 255, 4096, 4097, 20_000])
def test_networks_meet_the_encoded_rows(n_rows):
    rows = np.arange(2.0 * n_rows).reshape(n_rows, 2)
    found = map_chunks(
        lambda encoded: (encoded + 1, 2 * encoded),
        lambda parts, chunk: np.hstack([to_numpy(part[0]) for part in parts]) - np.tile(chunk, 2),
        rows,
        encode=lambda chunk: chunk.astype(np.float32),
        device=CPU,
        width=2,
    )
    np.testing.assert_array_equal(found, np.hstack([np.ones_like(rows), rows]))


@pytest.mark.parametrize(("width", "most"), [(1, 4096), (1000, 2048), (10**6, 256)])
def test_the_wider_the_network_the_fewer_rows_in_a_chunk(width, most):
    sizes = []
    map_rows(lambda chunk: sizes.append(len(chunk)) or chunk, np.zeros((9000, 1)), width)
    assert max(sizes) == most
    assert sum(sizes) == 9000


def test_the_more_columns_the_fewer_rows_in_a_chunk():
    sizes = []
    map_rows(lambda chunk: sizes.append(len(chunk)) or chunk, np.zeros((3000, 1000)))
    assert max(sizes) == 512
    assert sum(sizes) == 3000


@pytest.mark.parametrize(("width", "most"), [(1, 1024), (1000, 512), (10**6, 256)])
def test_blocks_of_a_chunk_are_put_together_even_if_each_is_written_over_the_last(width, most):
    rows, memory, sizes = torch.randn(1, 4096, 3), torch.empty(2, most, 1), []

    def compute(block):
        sizes.append(block.shape[1])
        block = block.expand(2, -1, -1)
        return (torch.sum(block, dim=2, keepdim=True, out=memory[:, : block.shape[1]]),)

    (found,) = map_blocks(compute, rows, width)
    torch.testing.assert_close(found, rows.sum(dim=2, keepdim=True).expand(2, -1, -1), rtol=0, atol=0)
    assert max(sizes) == most
    assert sum(sizes) == 4096


def cramped(most, devices=("cpu", "cuda")):
    """`with_padding`, on devices that hold a number of rows at most."""

    def apply(rows, device, padding):
        if device.type in devices and len(rows) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return with_padding(rows, torch.device("cpu"), padding)

    return apply


def test_a_device_without_memory_gets_smaller_chunks(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(5000, 3))
    detector = AutoencoderEnsemble(max_iter=5, random_state=0).fit(rows[:500])
    expected = [f(rows) for f in (detector.score_samples, detector.transform, detector.reconstruct)]
    monkeypatch.setattr("aeanomaly.scoring.chunks.with_padding", cramped(300))
    found = [f(rows) for f in (detector.score_samples, detector.transform, detector.reconstruct)]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    monkeypatch.setattr("aeanomaly.scoring.chunks.with_padding", cramped(100))
    with pytest.raises(torch.OutOfMemoryError):
        detector.score_samples(rows)


def test_a_device_without_any_memory_leaves_the_call_to_the_cpu_with_one_warning(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(5000, 3))
    detector = AutoencoderEnsemble(max_iter=5, random_state=0).fit(rows[:500])
    calls = [detector.score_samples, detector.transform, detector.reconstruct, detector.reconstruction_error]
    expected = [call(rows) for call in calls]
    monkeypatch.setattr("aeanomaly.scoring.chunks.with_padding", cramped(0, devices=("cuda",)))
    monkeypatch.setattr("aeanomaly.fitting.model.has_launches", lambda device: False)
    model = replace(detector.state_.model, device=torch.device("cuda"))
    detector.state_ = replace(detector.state_, model=model)
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, *_, **__: tensor)
    for call, answer in zip(calls, expected, strict=True):
        with pytest.warns(UserWarning, match=r"cuda ran out of memory in AutoencoderEnsemble; .* on the CPU") as seen:
            found = call(rows)
        assert len(seen) == 1
        np.testing.assert_array_equal(found, answer)
    assert detector.state_.model.device.type == "cuda"


def test_a_short_chunk_is_filled_up_with_zeros():
    filled = with_padding(np.ones((300, 3), dtype=np.float32), CPU)
    assert filled.shape == (1, 512, 3)
    assert filled.sum() == 900
    assert filled.data_ptr() % 64 == 0


@pytest.mark.parametrize("activation", ["relu", "rbf"])
@pytest.mark.parametrize("missing", ["error", "model", "informative"])
def test_a_row_scores_the_same_to_the_bit_in_the_last_of_many_chunks_and_alone(activation, missing):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(9000, 5))
    if missing != "error":
        rows[rng.random(rows.shape) < 0.2] = np.nan
    ragged = {"hidden_layer_sizes": (20,), "latent_dim": 7, "activation": activation}
    detector = DenoisingAutoencoder(**ragged, missing=missing, max_iter=5, random_state=0).fit(rows[:500])
    np.testing.assert_array_equal(detector.score_samples(rows)[-300:], detector.score_samples(rows[-300:]))


@pytest.mark.parametrize("detector_class", [DenoisingAutoencoder, AutoencoderEnsemble])
def test_scoring_holds_its_answer_and_a_few_chunks(detector_class):
    rows = np.random.default_rng(0).normal(size=(100_000, 20)).astype(np.float32)
    detector = detector_class(latent_dim=32, max_iter=5, random_state=0).fit(rows[:500])
    tracemalloc.start()
    try:
        detector.score_samples(rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The numbers of all columns would be 16 MB.
    assert peak < 8 * len(rows) + 6e6


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, AutoencoderEnsemble])
def test_launches_of_one_size_give_a_row_alone_the_bits_of_any_chunk(monkeypatch, cls):
    rows = np.random.default_rng(0).normal(size=(9000, 5))
    detector = cls(max_iter=5, random_state=0).fit(rows[:500])
    sizes, scores = set(), detector.score_samples(rows)

    def recorded(*arguments):
        filled = with_padding(*arguments)
        sizes.add(filled.shape[1])
        return filled

    monkeypatch.setattr("aeanomaly.scoring.chunks.has_fixed_launches", lambda device: True)
    monkeypatch.setattr("aeanomaly.scoring.chunks.with_padding", recorded)
    found = detector.score_samples(rows)
    alone = [detector.score_samples(rows[[number]])[0] for number in (0, 300, 8999)]
    assert len(sizes) == 1
    np.testing.assert_array_equal(found, scores)  # on a CPU, multiples of 256 rows have equal bits, too
    np.testing.assert_array_equal(alone, found[[0, 300, 8999]])


def test_a_launch_that_does_not_fit_is_halved(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(5000, 3))
    detector = DenoisingAutoencoder(max_iter=5, random_state=0).fit(rows[:500])
    expected = detector.score_samples(rows)
    sizes = []

    def cramped_launch(rows, device, padding):
        if padding > 512:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sizes.append(padding)
        return with_padding(rows, device, padding)

    monkeypatch.setattr("aeanomaly.scoring.chunks.has_fixed_launches", lambda device: True)
    monkeypatch.setattr("aeanomaly.scoring.chunks.with_padding", cramped_launch)
    np.testing.assert_array_equal(detector.score_samples(rows), expected)
    assert set(sizes) == {512}
