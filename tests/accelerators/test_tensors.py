"""Rows on an accelerator, and results in the array library of the rows."""

import copy
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn import config_context

from aeanomaly import DenoisingAutoencoder
from aeanomaly.detectors import _tensors
from aeanomaly.thresholds import Conformal
from tests.accelerators.models import N_ROWS, counted, moved, plain
from tests.accelerators.simulated import DEVICE
from tests.bits import numbers, with_missing


def test_rows_on_the_device_stay_there(denoiser, simulation, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    detector, table = moved(denoiser), plain(N_ROWS)
    rows = torch.from_numpy(table).to(DEVICE)
    detector.score_samples(rows)  # builds the encoder
    found, to_host, waits = counted(simulation, detector.score_samples, rows)
    assert isinstance(found, np.ndarray)
    assert (to_host, waits) == (1, 2)  # the scores; and the check of the rows
    with config_context(array_api_dispatch=True):
        calls = (
            detector.score_samples,
            detector.decision_function,
            detector.predict,
            detector.reconstruction_error,
        )
        for call in calls:
            found, to_host, waits = counted(simulation, call, rows)
            assert (to_host, waits) == (0, 1)
            assert found.device == DEVICE
            expected = getattr(denoiser, call.__name__)(table)
            assert found.dtype == torch.from_numpy(expected).dtype
            np.testing.assert_array_equal(found.cpu().numpy(), expected)
        errors = detector.reconstruction_error(rows, per_feature=True)
        assert errors.device == DEVICE
        assert detector.score(rows) == pytest.approx(denoiser.score(table))


@pytest.mark.usefixtures("simulation")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "uint8", "int32", "int64", "bool"])
def test_tensors_of_any_real_dtype_score_as_tables(denoiser, dtype):
    rows = torch.from_numpy(np.clip(plain(N_ROWS), 0, 100)).to(DEVICE).to(getattr(torch, dtype))
    table = rows.cpu().double().numpy()
    np.testing.assert_array_equal(moved(denoiser).score_samples(rows), denoiser.score_samples(table))
    transposed = rows.mT.contiguous().mT
    np.testing.assert_array_equal(moved(denoiser).score_samples(transposed), denoiser.score_samples(table))


def test_tensors_on_the_cpu_have_scores_there_if_arrays_are_dispatched(denoiser, simulation, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    table = plain(N_ROWS)
    expected = denoiser.score_samples(table)
    for detector in (denoiser, moved(denoiser)):
        assert isinstance(detector.score_samples(torch.from_numpy(table)), np.ndarray)
        with config_context(array_api_dispatch=True):
            found = detector.score_samples(torch.from_numpy(table))
            assert isinstance(detector.score_samples(table), np.ndarray)
        assert isinstance(found, torch.Tensor)
        assert found.device.type == "cpu"
        np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.usefixtures("simulation")
def test_a_model_on_the_cpu_scores_tensors_of_a_device(denoiser, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    rows = torch.from_numpy(plain(N_ROWS)).to(DEVICE)
    with config_context(array_api_dispatch=True):
        found = denoiser.score_samples(rows)
    assert found.device == DEVICE
    np.testing.assert_array_equal(found.cpu().numpy(), denoiser.score_samples(plain(N_ROWS)))


@pytest.mark.usefixtures("simulation")
def test_missing_values_and_columns_with_names_are_as_in_arrays():
    table = with_missing(numbers(200))
    detector = DenoisingAutoencoder(missing="model", max_iter=10, random_state=0).fit(table)
    rows = table.to_numpy(np.float64).copy()
    expected = detector.score_samples(table)
    with pytest.warns(UserWarning, match="valid feature names"):
        found = moved(detector).score_samples(torch.from_numpy(rows).to(DEVICE))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.usefixtures("simulation")
def test_invalid_rows_have_the_errors_of_arrays(denoiser):
    detector, table = moved(denoiser), plain(20)
    table[3, 1], table[5, 2] = np.nan, np.inf
    for X in (table, np.nan_to_num(table, nan=0.0, posinf=np.inf), table[:, :2], table[0], table[:0]):
        with pytest.raises(ValueError) as expected:  # noqa: PT011
            denoiser.score_samples(X)
        with pytest.raises(ValueError) as raised:  # noqa: PT011
            detector.score_samples(torch.from_numpy(X).to(DEVICE))
        assert str(raised.value).replace("OnDevice", "ndarray") == str(expected.value)


@pytest.mark.usefixtures("simulation")
def test_a_sum_that_overflows_does_not_refuse_finite_rows(denoiser):
    table = plain(20)
    table[:4, 0] = 1.7e308
    rows = torch.from_numpy(table).to(DEVICE)
    np.testing.assert_array_equal(moved(denoiser).score_samples(rows), denoiser.score_samples(table))


def test_thresholds_and_p_values_accept_tensors(denoiser, simulation, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    table = plain(300)
    rows, on_device = torch.from_numpy(table).to(DEVICE), moved(denoiser)
    denoiser = copy.copy(denoiser)
    with config_context(array_api_dispatch=True):
        on_device.set_threshold(Conformal(0.1), rows)
        denoiser.set_threshold(Conformal(0.1), table)
        assert on_device.offset_ == denoiser.offset_
        np.testing.assert_array_equal(on_device.p_values(rows), denoiser.p_values(table))


class DeviceArray:
    """Array of another library on the device, such as CuPy."""

    __module__ = "another_library"
    __cuda_array_interface__ = None

    def __init__(self, tensor):
        self.tensor = tensor

    def __dlpack_device__(self):
        return (2, 0)

    def __neg__(self):
        return DeviceArray(-self.tensor)

    def get(self):
        return self.tensor.cpu().numpy()


@pytest.fixture
def another_library(monkeypatch):
    """Let torch share memory with `DeviceArray` on the simulated device."""
    found = _tensors._device_of_array(DeviceArray(None))
    assert found == torch.device("cuda:0")
    monkeypatch.setattr(_tensors, "_device_of_array", lambda X: DEVICE if isinstance(X, DeviceArray) else None)
    monkeypatch.setattr(torch, "from_dlpack", lambda X: X.tensor)
    monkeypatch.setitem(sys.modules, "another_library", SimpleNamespace(from_dlpack=DeviceArray))
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")


@pytest.mark.usefixtures("another_library")
def test_an_array_of_another_library_has_scores_of_this_library(denoiser, simulation):
    detector, table = moved(denoiser), plain(N_ROWS)
    rows = DeviceArray(torch.from_numpy(table).to(DEVICE))
    expected = denoiser.score_samples(table)
    np.testing.assert_array_equal(detector.score_samples(rows), expected)
    with config_context(array_api_dispatch=True):
        found, to_host, _ = counted(simulation, detector.score_samples, rows)
        assert to_host == 0
        assert isinstance(found, DeviceArray)
        np.testing.assert_array_equal(found.get(), expected)
        assert isinstance(denoiser.score_samples(rows), DeviceArray)  # a model on the CPU
        detector.set_threshold(0.1, rows)


@pytest.mark.usefixtures("another_library", "simulation")
def test_an_array_that_torch_cannot_share_is_copied_to_the_host(denoiser, monkeypatch):
    def refuse(X):
        raise BufferError("bool is not supported")

    monkeypatch.setattr(torch, "from_dlpack", refuse)
    table = plain(20)
    found = moved(denoiser).score_samples(DeviceArray(torch.from_numpy(table)))
    np.testing.assert_array_equal(found, denoiser.score_samples(table))


def test_a_foreign_array_on_the_cpu_is_a_table(denoiser):
    class Foreign:
        """Array with the DLPack protocol, on the CPU."""

        def __init__(self, array):
            self.array, self.shape = array, array.shape

        def __array__(self, dtype=None, copy=None):
            return self.array

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

        def __dlpack__(self, **keywords):
            return self.array.__dlpack__(**keywords)

    table = plain(20)
    np.testing.assert_array_equal(denoiser.score_samples(Foreign(table)), denoiser.score_samples(table))
