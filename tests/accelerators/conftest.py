"""Device of these tests: a GPU with ``--gpu``, else the simulated accelerator."""

import pytest

from tests.accelerators.models import fit_denoiser
from tests.accelerators.simulated import DEVICE, simulated_device


@pytest.fixture(scope="module")
def device(request):
    """Name the device, as for the parameter `device` of detectors."""
    if request.config.getoption("--gpu"):
        yield "cuda"
    else:
        with simulated_device():
            yield DEVICE.type


@pytest.fixture(scope="module")
def build(device):
    """Build a detector of few steps on the device: enough for a graph, but not for rounding to grow."""

    def of_class(cls, **parameters):
        return cls(**{"device": device, "max_iter": 30, "contamination": 0.1, "random_state": 0, **parameters})

    return of_class


@pytest.fixture
def simulation():
    """Simulate an accelerator, also with ``--gpu``."""
    with simulated_device() as simulation:
        yield simulation


@pytest.fixture(scope="module")
def denoiser():
    """Fit a denoiser to plain numbers on the CPU."""
    return fit_denoiser()
