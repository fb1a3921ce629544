"""Many rows, a chunk at a time."""

import threading
import tracemalloc

import numpy as np
import pytest
import torch

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder
from aeanomaly.scoring import in_blocks, over_chunks, padded

CPU = torch.device("cpu")


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("n_rows", [1, 255, 4096, 4097, 20_000])
def test_every_row_is_met_once_and_in_its_place(n_rows):
    rows = np.arange(2.0 * n_rows).reshape(n_rows, 2)
    np.testing.assert_array_equal(over_chunks(lambda part: 3 * part, rows, CPU, 2), 3 * rows)
    np.testing.assert_array_equal(over_chunks(lambda part: part.sum(axis=1), rows, CPU, 2), rows.sum(axis=1))


@pytest.mark.parametrize(("width", "most"), [(1, 4096), (1000, 2048), (10**6, 256)])
def test_the_wider_the_network_the_fewer_rows_in_a_chunk(width, most):
    sizes = []
    over_chunks(lambda part: sizes.append(len(part)) or part, np.zeros((9000, 1)), CPU, width)
    assert max(sizes) == most
    assert sum(sizes) == 9000


def test_the_more_columns_the_fewer_rows_in_a_chunk():
    sizes = []
    over_chunks(lambda part: sizes.append(len(part)) or part, np.zeros((3000, 1000)), CPU, 1)
    assert max(sizes) == 512
    assert sum(sizes) == 3000


@pytest.mark.parametrize(("width", "most"), [(1, 1024), (1000, 512), (10**6, 256)])
def test_blocks_of_a_chunk_are_put_together_even_if_each_is_written_over_the_last(width, most):
    rows, memory, sizes = torch.randn(2, 4096, 3), torch.empty(2, most, 1), []

    def function(block):
        sizes.append(block.shape[1])
        return torch.sum(block, dim=2, keepdim=True, out=memory[:, : block.shape[1]])

    torch.testing.assert_close(in_blocks(function, rows, width), rows.sum(dim=2, keepdim=True), rtol=0, atol=0)
    assert max(sizes) == most
    assert sum(sizes) == 4096


def cramped(most, devices=("cpu", "cuda")):
    """`padded`, on devices that hold so many rows at most."""

    def apply(function, rows, device):
        if device.type in devices and len(rows) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return padded(function, rows, torch.device("cpu"))

    return apply


def test_a_device_without_memory_gets_smaller_chunks(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(5000, 3))
    detector = AutoencoderEnsemble(max_iter=5, random_state=0).fit(rows[:500])
    expected = [f(rows) for f in (detector.score_samples, detector.transform, detector.reconstruct)]
    monkeypatch.setattr("aeanomaly.detectors._model.padded", cramped(300))
    found = [f(rows) for f in (detector.score_samples, detector.transform, detector.reconstruct)]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    monkeypatch.setattr("aeanomaly.detectors._model.padded", cramped(100))
    with pytest.raises(torch.OutOfMemoryError):
        detector.score_samples(rows)


def test_one_without_any_memory_leaves_the_call_to_the_cpu_with_one_warning(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(5000, 3))
    detector = AutoencoderEnsemble(max_iter=5, random_state=0).fit(rows[:500])
    calls = [detector.score_samples, detector.transform, detector.reconstruct, detector.reconstruction_error]
    expected = [call(rows) for call in calls]
    monkeypatch.setattr("aeanomaly.detectors._model.padded", cramped(0, devices=("cuda",)))
    for model in (detector._model, detector._kernel):
        monkeypatch.setattr(model, "device", torch.device("cuda"))
        monkeypatch.setattr(model, "scales", model.scales)
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, *_: tensor)
    for call, answer in zip(calls, expected, strict=True):
        with pytest.warns(UserWarning, match=r"cuda has no memory for AutoencoderEnsemble; .* on the CPU") as seen:
            found = call(rows)
        assert len(seen) == 1
        np.testing.assert_array_equal(found, answer)
    assert detector._model.device.type == "cuda"


@pytest.mark.usefixtures("two_threads")
def test_within_a_chunk_no_further_threads_start():
    alive = []

    def inner(part):
        alive.append(threading.active_count())
        return part

    before = threading.active_count()
    over_chunks(lambda part: over_chunks(inner, part, CPU, 10**6), np.zeros((20_000, 1)), CPU, 1)
    assert max(alive) <= before + 2


def test_a_short_chunk_is_filled_up_and_cut_again():
    shapes = []
    rows = np.ones((300, 3), dtype=np.float32)
    numbers = padded(lambda filled: shapes.append(filled.shape) or filled.sum(dim=1, keepdim=True), rows, CPU)
    assert shapes == [(512, 3)]
    np.testing.assert_array_equal(numbers, np.full((300, 1), 3.0))
    assert numbers.dtype == np.float64


@pytest.mark.parametrize("activation", ["relu", "softmax"])
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
