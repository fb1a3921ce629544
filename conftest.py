"""Device of all tests and doctests: the CPU, or the GPUs of this machine with ``--gpu``.

Detectors choose a GPU where there is one, but most tests compare bits, fork or start processes, or limit memory. GPUs
are therefore hidden from the tests and from the processes that they start, except with ``--gpu``.
"""

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--gpu", action="store_true", help="run the tests on a GPU, which is hidden from them otherwise")


def pytest_configure(config: pytest.Config) -> None:
    """Hide the GPUs before torch has looked for them, or require one."""
    if not config.getoption("--gpu"):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        return
    import torch

    if not torch.cuda.is_available():
        pytest.exit("the tests on a GPU are skipped, because torch finds none on this machine", returncode=0)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs a GPU."""
    if item.get_closest_marker("gpu") and not item.config.getoption("--gpu"):
        pytest.skip("needs a GPU; run `make test-gpu`")
