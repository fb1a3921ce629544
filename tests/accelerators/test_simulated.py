"""Tests of the simulated accelerator itself."""

import pytest
import torch

from tests.accelerators.simulated import DEVICE, simulated_device


def test_numbers_are_those_of_the_cpu():
    x = torch.randn(4, 3)
    with simulated_device():
        y = x.to(DEVICE)
        assert y.device == DEVICE
        product = (y @ y.mT).cpu()
    assert torch.equal(product, x @ x.mT)


def test_operands_on_two_devices_are_an_error():
    with simulated_device(), pytest.raises(RuntimeError, match="same device"):
        torch.zeros(3, device=DEVICE) + torch.zeros(3)


def test_transfers_and_synchronizations_are_counted():
    with simulated_device() as simulation:
        x = torch.zeros(3).to(DEVICE)
        bool((x == 0).all())
        x.cpu()
    assert simulation.transfers == {"to device": 1, "to host": 1}
    assert simulation.synchronizations == 2


def test_a_view_shares_memory():
    with simulated_device():
        x = torch.zeros(2, 3, device=DEVICE)
        x.view(-1)[1:3].fill_(7)
        assert x.cpu().sum() == 14
        assert x.view(-1).data_ptr() == x.data_ptr() != torch.zeros(2, 3, device=DEVICE).data_ptr()


def test_nothing_waits_during_capture():
    with simulated_device() as simulation:
        x = torch.zeros(3, device=DEVICE)
        simulation.capturing = True
        (x + 1).square_()
        with pytest.raises(RuntimeError, match="capture"):
            x.cpu()
        with pytest.raises(RuntimeError, match="capture"):
            x.copy_(torch.ones(3))
