"""Accelerators that run out of memory."""

from unittest.mock import Mock

import numpy as np
import pytest
import torch

from aeanomaly import DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.nn import StackedMLP
from aeanomaly.training import resolve_device
from tests.accelerators.tables import assert_close, on_cpu, plane

X = plane(5000)
METHODS = ["score_samples", "transform", "reconstruct", "reconstruction_error"]


@pytest.fixture(
    params=[
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=type,
)
def limit_rows(request, monkeypatch):
    """Limit the number of rows for which a layer on an accelerator finds memory, and return the sizes that it saw."""
    forward, sizes = StackedMLP.forward, []

    def limit(most):
        def limited(layers, rows):
            sizes.append(rows.shape[1])
            if rows.device.type != "cpu" and rows.shape[1] > most:
                raise request.param
            return forward(layers, rows)

        monkeypatch.setattr(StackedMLP, "forward", limited)
        return sizes

    return limit


@pytest.fixture(scope="module", params=[(DenoisingAutoencoder, {}), (VariationalAutoencoder, {"n_draws": 1})], ids=str)
def fitted(request, build):
    """Fit a detector of each kind of code."""
    cls, parameters = request.param
    return build(cls, **parameters).fit(X[:200])


@pytest.mark.parametrize("method", METHODS)
def test_too_little_memory_for_a_launch_halves_it(fitted, limit_rows, method):
    expected = getattr(fitted, method)(X)
    sizes = limit_rows(256)
    assert_close(getattr(fitted, method)(X), expected)
    assert max(sizes) > 256
    assert min(sizes) == 256


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_too_little_memory_for_a_fit_is_one_sentence_and_changes_nothing(build, monkeypatch, device, method):
    detector = build(DenoisingAutoencoder).fit(X[:200])
    before = vars(detector).copy()
    monkeypatch.setattr(StackedMLP, "vjp", Mock(side_effect=torch.OutOfMemoryError("CUDA out of memory. Tried")))
    name = f"{resolve_device(device)} ran out of memory in the fit of DenoisingAutoencoder"
    with pytest.raises(MemoryError, match=f"{name}; free memory .* device='cpu'"):
        getattr(detector, method)(X[:300])
    assert vars(detector) == before


@pytest.mark.parametrize("method", METHODS)
def test_too_little_memory_for_a_few_rows_moves_the_call_to_the_cpu_with_one_warning(
    fitted, limit_rows, method, device
):
    expected = getattr(on_cpu(fitted), method)(X)
    limit_rows(0)
    name = type(fitted).__name__
    with pytest.warns(
        UserWarning, match=f"{resolve_device(device)} ran out of memory in {name}; .* on the CPU"
    ) as seen:
        found = getattr(fitted, method)(X)
    assert len(seen) == 1
    np.testing.assert_array_equal(found, expected)
    assert fitted.state_.model.device.type == device
