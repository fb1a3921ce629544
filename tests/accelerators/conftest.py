"""Device of these tests: a GPU with ``--gpu``, else the simulated accelerator."""

import pytest

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
    """Build a detector of few steps on the device."""
    n_steps = 120 if device == "cuda" else 30

    def of_class(cls, **parameters):
        return cls(**{"device": device, "max_iter": n_steps, "contamination": 0.1, "random_state": 0, **parameters})

    return of_class
