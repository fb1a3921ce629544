"""Results that only a GPU can break, by its own sums and sorts, by copies, or by graphs."""

import numpy as np
import pytest
import torch
from sklearn import config_context

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder, graphs
from aeanomaly.detectors import REGISTRY
from aeanomaly.fitting import encoding
from aeanomaly.scoring.gaps import find_gaps
from tests.accelerators.tables import plane

pytestmark = pytest.mark.gpu

FEW = {"max_iter": 30, "contamination": 0.1, "device": "cuda", "random_state": 0}


def without_graphs(monkeypatch):
    monkeypatch.setattr(graphs, "_WORTH_CAPTURING", 10**9)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_steps_in_graphs_give_the_bits_of_single_launches(name, monkeypatch):
    X = plane()
    replayed = REGISTRY[name](**FEW).fit(X)
    without_graphs(monkeypatch)
    launched = REGISTRY[name](**FEW).fit(X)
    np.testing.assert_array_equal(replayed.score_samples(X), launched.score_samples(X))


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_scores_in_graphs_have_the_bits_of_single_launches(name, monkeypatch):
    detector, X = REGISTRY[name](**FEW).fit(plane()), plane(600_000)  # more than a block, so that threads write it
    replayed = detector.score_samples(X)
    without_graphs(monkeypatch)
    np.testing.assert_array_equal(detector.score_samples(X), replayed)
    np.testing.assert_array_equal(detector.score_samples(X[-3:]), replayed[-3:])


def test_tensors_on_the_gpu_score_as_arrays(monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    X = plane(5000)
    detector, rows = DenoisingAutoencoder(**FEW).fit(X[:200]), torch.from_numpy(X).to("cuda")
    scores, labels = detector.score_samples(X), detector.predict(X)
    np.testing.assert_array_equal(detector.score_samples(rows), scores)
    np.testing.assert_array_equal(detector.predict(rows), labels)
    with config_context(array_api_dispatch=True):
        found = detector.score_samples(rows)
        assert found.device == rows.device
        np.testing.assert_array_equal(found.cpu().numpy(), scores)
        np.testing.assert_array_equal(detector.predict(rows).cpu().numpy(), labels)


def test_the_encoding_of_a_large_table_is_that_of_the_host(monkeypatch):
    X = np.column_stack([plane(3000), np.arange(3000) % 2])
    X[np.random.default_rng(1).random(X.shape) < 0.05] = np.nan
    on_host = DenoisingAutoencoder(**FEW, missing="model").fit(X).state_.model.schema
    monkeypatch.setattr(encoding, "_LEAST_CELLS", 1)
    on_gpu = DenoisingAutoencoder(**FEW, missing="model").fit(X).state_.model.schema
    assert on_gpu.kinds == on_host.kinds
    for name in ("offset", "scale"):
        np.testing.assert_allclose(getattr(on_gpu, name), getattr(on_host, name), rtol=1e-9)


def test_missing_values_of_any_sign_are_the_last_in_the_order_of_gaps():
    rows = torch.from_numpy(plane(500)).float()
    rows[::7, 1], rows[::5, 2] = torch.nan, -torch.nan
    for found, expected in zip(find_gaps(rows.to("cuda")), find_gaps(rows.numpy()), strict=True):
        np.testing.assert_allclose(found.cpu().numpy(), expected.numpy(), rtol=1e-9)


@pytest.mark.parametrize("n_columns", [129, 130])
@pytest.mark.parametrize(
    "detector",
    [
        DenoisingAutoencoder(**FEW),
        DenoisingAutoencoder(**FEW, latent_dim=1030),
        VariationalAutoencoder(**FEW, n_draws=1, latent_dim=130),
        VariationalAutoencoder(**FEW),
        AutoencoderEnsemble(**FEW),
    ],
    ids=["denoising", "many prototypes", "wide code", "variational", "ensemble"],
)
def test_the_place_of_a_wide_row_with_large_cells_does_not_change_its_score(detector, n_columns):
    X = plane(300, n_columns)
    detector = detector.fit(X)
    X[np.arange(300), np.arange(300) % n_columns] = 1e6
    scores = detector.score_samples(X)
    np.testing.assert_array_equal(detector.score_samples(X[::-1]), scores[::-1])
    np.testing.assert_array_equal([detector.score_samples(X[[row]])[0] for row in range(5)], scores[:5])
