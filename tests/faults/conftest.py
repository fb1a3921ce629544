"""Small tables, quick detectors, and a fingerprint of a fitted one."""

import numpy as np
import pytest
import torch

import aeanomaly
from aeanomaly.detectors import REGISTRY

QUICK = {"hidden_layer_sizes": (12,), "batch_size": 32, "max_iter": 12, "random_state": 0}


def builder(cls):
    """Return a function that builds a quick detector of this class."""

    def build(**parameters):
        return cls(**(QUICK | parameters))

    build.cls = cls
    return build


@pytest.fixture(autouse=True)
def one_thread():
    """Give torch one thread: a table this small gains nothing from two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=sorted(REGISTRY))
def any_detector(request):
    """Build each of the detectors in turn, for properties in which detectors may differ."""
    return builder(REGISTRY[request.param])


@pytest.fixture(params=["variational", "ensemble"])
def either_detector(request):
    """Build the detector with the most methods, then the one with several networks, for properties of shared code."""
    return builder(REGISTRY[request.param])


@pytest.fixture
def detector():
    """Build the simplest detector."""
    return builder(aeanomaly.UndercompleteAutoencoder)


@pytest.fixture
def variational():
    """Build the detector with the most methods."""
    return builder(aeanomaly.VariationalAutoencoder)


@pytest.fixture
def X():  # noqa: N802
    """Rows near a plane in five columns: 120 of them, float64, C order."""
    rng = np.random.default_rng(0)
    code = rng.normal(size=(120, 2))
    return code @ rng.normal(size=(2, 5)) + 0.1 * rng.normal(size=(120, 5)) + np.arange(5.0)


@pytest.fixture
def methods_on_rows():
    """Name the methods that take rows and return numbers, for a detector."""

    def named(fitted):
        names = ["score_samples", "decision_function", "predict", "transform", "reconstruct", "reconstruction_error"]
        return names + [name for name in ("elbo", "negative_elbo", "log_evidence") if hasattr(fitted, name)]

    return named


@pytest.fixture
def answers(methods_on_rows):
    """Collect all answers of a fitted detector about some rows, as bytes."""

    def collect(fitted, rows):
        said = {name: getattr(fitted, name)(rows).tobytes() for name in methods_on_rows(fitted)}
        weights = {name: value.numpy().tobytes() for name, value in fitted.encoder_module().state_dict().items()}
        learnt = {
            "offset_": float(fitted.offset_),
            "loss_curve_": np.asarray(fitted.loss_curve_).tobytes(),
            "training_scores_": np.asarray(fitted.training_scores_).tobytes(),
            "n_iter_": fitted.n_iter_,
        }
        return said | weights | learnt

    return collect
