"""Start of a fit on an accelerator: prototypes, closed-form members, statistics and encoding of the rows."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from aeanomaly import (
    AutoencoderEnsemble,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    UndercompleteAutoencoder,
    VariationalAutoencoder,
)
from aeanomaly.fitting import fit_robust_scorers
from aeanomaly.fitting.encoding import DeviceStatistics, fit_encoding
from aeanomaly.fitting.robust import robust_core
from aeanomaly.preprocessing import EncoderOptions, Numeric, Statistics
from aeanomaly.scoring import MarginalScorer, MemoryScorer, gaps, two_valued_factors, whitening_matrix
from tests.accelerators.simulated import DEVICE, simulated_device

DETECTORS = {
    "denoising": DenoisingAutoencoder(),
    "deep": DenoisingAutoencoder(hidden_layer_sizes=(40, 30), latent_dim=8),
    "ordinary": DenoisingAutoencoder(hidden_layer_sizes=(16,), activation="silu"),
    "sparse": SparseAutoencoder(),
    "contractive": ContractiveAutoencoder(),
    "undercomplete": UndercompleteAutoencoder(),
    "variational": VariationalAutoencoder(),
    "ensemble": AutoencoderEnsemble(n_estimators=2),
    "robust denoising": DenoisingAutoencoder(robust=True),
    "robust ensemble": AutoencoderEnsemble(n_estimators=2, robust=True),
}


def numbers(n_rows=600, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, 3)) @ rng.normal(size=(3, 6)) + 0.2 * rng.normal(size=(n_rows, 6))
    return np.column_stack([rows, rows[:, 0] > 1, np.where(rows[:, 1] > 0, 4, -4) + rows[:, 2]])


def with_missing(table):
    table = table.copy()
    table[np.random.default_rng(1).random(table.shape) < 0.05] = np.nan
    return table


def mixed(n_rows=600):
    rng = np.random.default_rng(2)
    return pd.DataFrame(numbers(n_rows)[:, :4], columns=list("abcd")).assign(
        color=np.array(["red", "green", "blue"])[rng.integers(0, 3, n_rows)],
        count=np.floor(np.exp(2 * np.abs(rng.normal(size=n_rows)) + 1)),
        when=pd.date_range("2026-01-05", periods=n_rows, freq="7h"),
    )


def prepared(detector, table, device, **parameters):
    return type(detector)(**{**detector.get_params(), **parameters, "device": device, "random_state": 0})._prepare_fit(
        table
    )


def tensor(rows):
    return torch.from_numpy(np.asarray(rows, dtype=np.float32))


def assert_close(found, expected, rtol=1e-3, atol=1e-4):
    np.testing.assert_allclose(found.cpu().numpy(), expected.numpy(), rtol=rtol, atol=atol)


def assert_equal_start(found, expected):
    """Compare the initial networks of two jobs; the sign of a principal component is not determined."""
    assert np.array_equal(found.encoded.cpu().numpy(), expected.encoded.numpy(), equal_nan=True)
    weights, others = found.network.state_dict(), expected.network.state_dict()
    if expected.network.encoder.follows_prototypes:
        rows = expected.encoded[:50].expand(expected.spec.n_members, -1, -1)
        decoded = found.network.decode(found.network.encode(rows.to(DEVICE)))
        assert_close(decoded, expected.network.decode(expected.network.encode(rows)), rtol=1e-2, atol=1e-2)
        weights, others = (
            {n: w for n, w in ws.items() if n.startswith("encoder.layers.0")} for ws in (weights, others)
        )
    assert weights.keys() == others.keys()
    for name, values in weights.items():
        assert_close(values, others[name])
    for part, other in zip(found.companions, expected.companions, strict=True):
        assert_equal_start(part, other)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("kind", ["numbers", "missing", "mixed"])
def test_networks_start_as_on_the_cpu(name, kind):
    table, missing = {
        "numbers": (numbers(), "error"),
        "missing": (with_missing(numbers()), "model"),
        "mixed": (mixed(), "error"),
    }[kind]
    detector = DETECTORS[name]
    expected = prepared(detector, table, "cpu", missing=missing)
    with simulated_device(), torch.no_grad():
        assert_equal_start(prepared(detector, table, "meta", missing=missing), expected)


@pytest.mark.parametrize("n_members", [1, 3])
def test_the_start_waits_at_most_once_per_member_for_any_number_of_rows(n_members):
    found = []
    for n_rows in (1_000, 9_000):
        with simulated_device() as simulation:
            prepared(AutoencoderEnsemble(n_estimators=n_members), numbers(n_rows), "meta", variational_member=False)
        found.append((simulation.synchronizations, simulation.transfers.total()))
    assert found[0] == found[1]
    assert found[0][0] <= n_members
    assert found[0][1] <= 10 + 4 * n_members


@pytest.mark.parametrize("name", ["ensemble", "robust ensemble", "variational"])
def test_scorers_wait_as_often_for_any_number_of_rows(name):
    found = []
    for n_rows in (3_000, 12_000):
        with simulated_device() as simulation:
            job = prepared(DETECTORS[name], numbers(n_rows), "meta")
            before, copies = simulation.synchronizations, simulation.transfers.total()
            DETECTORS[name]._scorers(job, job.network)
        found.append((simulation.synchronizations - before, simulation.transfers.total() - copies))
    assert found[0] == found[1]
    assert found[0][0] <= 8


@pytest.mark.parametrize("missing", [False, True])
def test_gaps_are_those_of_the_cpu(missing):
    rows = np.column_stack([numbers(500), np.arange(500) % 3, np.zeros(500)])
    rows = np.column_stack([with_missing(rows) if missing else rows, np.full(500, np.nan), rows[:, 0]]).astype(
        "float32"
    )
    rows[3:, -1] = np.nan
    expected = MarginalScorer.fit(rows, allow_nan=True)
    with simulated_device() as simulation:
        on_device = tensor(rows).to(DEVICE)
        found = MarginalScorer.fit(on_device, allow_nan=True)
        assert simulation.synchronizations == 0
        for name in MarginalScorer.arrays:
            assert_close(getattr(found, name), getattr(expected, name), rtol=1e-6, atol=0)


def test_gaps_of_many_cells_are_found_in_blocks_of_columns(monkeypatch):
    rows = numbers(500).astype("float32")
    expected = MarginalScorer.fit(rows)
    monkeypatch.setattr(gaps, "_AT_ONCE", 3 * len(rows))
    with simulated_device():
        found = MarginalScorer.fit(tensor(rows).to(DEVICE))
        for name in MarginalScorer.arrays:
            assert_close(getattr(found, name), getattr(expected, name), rtol=1e-6, atol=0)


def test_gaps_do_not_depend_on_the_sign_of_missing_values(monkeypatch):
    """Sort as CUDA does, by bits: missing values with a negative sign come first."""
    rows = with_missing(numbers(500)).astype("float32")
    expected = MarginalScorer.fit(rows, allow_nan=True)
    sort = torch.Tensor.sort

    def by_bits(values, dim):
        order = values.masked_fill(values.isnan() & values.signbit(), -torch.inf).argsort(dim)
        return SimpleNamespace(values=values.gather(dim, order))

    with simulated_device():
        monkeypatch.setattr(torch.Tensor, "sort", by_bits)
        found = MarginalScorer.fit(
            tensor(np.where(np.isnan(rows), -np.float32("nan"), rows)).to(DEVICE), allow_nan=True
        )
        monkeypatch.setattr(torch.Tensor, "sort", sort)
        for name in MarginalScorer.arrays:
            assert_close(getattr(found, name), getattr(expected, name), rtol=1e-6, atol=0)


@pytest.mark.parametrize("n_rows", [1, 2, 5])
def test_gaps_of_few_rows_are_those_of_the_cpu(n_rows):
    rows = numbers(n_rows).astype("float32")
    expected = MarginalScorer.fit(rows)
    with simulated_device():
        found = MarginalScorer.fit(tensor(rows).to(DEVICE))
        for name in MarginalScorer.arrays:
            assert_close(getattr(found, name), getattr(expected, name), rtol=1e-6, atol=0)


@pytest.mark.parametrize("table", [numbers(800), with_missing(numbers(800)), np.zeros((30, 8))])
def test_robust_members_are_those_of_the_cpu(table):
    kinds = np.array(["gaussian"] * 6 + ["categorical"] * 2)
    rows = tensor(table)
    expected = fit_robust_scorers(rows, kinds, 0, allow_nan=True)
    core = robust_core(rows, kinds, 0.2, 0)
    with simulated_device():
        found = fit_robust_scorers(rows.to(DEVICE), kinds, 0, allow_nan=True)
        for scorer, other in zip(found, expected, strict=True):
            for name in scorer.arrays:
                assert_close(getattr(scorer, name), getattr(other, name))
        assert found[0].bandwidth == pytest.approx(expected[0].bandwidth)
        np.testing.assert_array_equal(robust_core(rows.to(DEVICE), kinds, 0.2, 0), core)


def test_whitening_is_that_of_the_cpu():
    rows = tensor(numbers(300))
    with simulated_device():
        on_device = rows.to(DEVICE)
        np.testing.assert_allclose(whitening_matrix(on_device), whitening_matrix(rows), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            two_valued_factors(on_device, np.array([6])), two_valued_factors(rows, np.array([6]))
        )


@pytest.mark.parametrize("name", ["ensemble", "robust ensemble"])
@pytest.mark.parametrize("missing", ["error", "model"])
def test_closed_form_members_score_as_on_the_cpu_without_waiting(name, missing):
    table = mixed() if missing == "error" else with_missing(numbers())
    detector = DETECTORS[name].__class__(**{**DETECTORS[name].get_params(), "missing": missing, "max_iter": 5})
    detector.set_params(device="cpu", random_state=0, contamination=0.1).fit(table)
    rows = tensor(detector.state_.model.encoder.encode(detector._prepare_fit(table).rows.table[:256]))[None]
    for scorer in detector.state_.model.scorers[1:]:
        expected = scorer.member_terms(rows)
        with simulated_device() as simulation, torch.no_grad():
            moved, on_device = scorer.copied(DEVICE), rows.to(DEVICE)
            moved.member_terms(on_device)  # the first call may fill caches
            simulation.capturing = True
            found = moved.member_terms(on_device)
            simulation.capturing = False
            assert_close(found, expected, rtol=1e-3, atol=1e-3)
            assert not isinstance(scorer, MemoryScorer) or found.shape[0] == 2


OPTIONS = EncoderOptions("auto", (), True)
TABLES = {
    "plain": numbers(500),
    "missing": np.column_stack([with_missing(numbers(500)), np.full(500, 2.5)]),
    "float32": numbers(500).astype(np.float32),
    "integers": np.arange(600).reshape(-1, 3) % 7,
    "booleans": numbers(500)[:, :4] > 0,
    "other order": np.asfortranarray(numbers(500)),
    "far": numbers(500) * [1e300, 1e-300, 1, 1, 1, 1, 1, 1] + [0, 0, 1e12, 0, 0, 0, 0, 0],
}


def encode(table, device, known=None, columns=None):
    return fit_encoding(table, columns or [Numeric()] * table.shape[1], OPTIONS, None, known, device)


@pytest.fixture
def small_tables_are_copied(monkeypatch):
    monkeypatch.setattr("aeanomaly.fitting.encoding._LEAST_CELLS", 1)
    monkeypatch.setattr("aeanomaly.fitting.encoding._AT_ONCE", 1000)


@pytest.mark.usefixtures("small_tables_are_copied")
@pytest.mark.parametrize("name", TABLES)
def test_statistics_and_rows_are_those_of_the_host(name):
    table = TABLES[name]
    expected, rows = encode(table, torch.device("cpu"))
    with simulated_device() as simulation:
        schema, found = encode(table, DEVICE)
        assert simulation.synchronizations == 2
        assert found.dtype == torch.float32
        assert_close(found, rows, rtol=1e-6, atol=1e-6)
    for key, values in expected.arrays().items():
        np.testing.assert_allclose(schema.arrays()[key], values, rtol=1e-12, atol=1e-12, err_msg=key)
    assert schema.kinds == expected.kinds


@pytest.mark.usefixtures("small_tables_are_copied")
def test_known_statistics_of_more_rows_count_on_the_device_too():
    table, more = numbers(300), 5 * numbers(900, seed=3)
    known = np.arange(table.shape[1]), Statistics.from_rows(more)
    expected, _ = encode(table, torch.device("cpu"), known)
    with simulated_device():
        schema, _ = encode(table, DEVICE, known)
    np.testing.assert_allclose(schema.scale, expected.scale, rtol=1e-12)


@pytest.mark.usefixtures("small_tables_are_copied")
@pytest.mark.parametrize("parameters", [{}, {"missing": "informative"}, {"groups": "color"}])
def test_a_mixed_table_is_encoded_as_on_the_host(parameters):
    detector = DenoisingAutoencoder(time_trend=["when"])
    expected = prepared(detector, mixed(), "cpu", **parameters)
    with simulated_device():
        found = prepared(detector, mixed(), "meta", **parameters)
        assert_close(found.encoded, expected.encoded, rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("small_tables_are_copied")
def test_a_table_that_does_not_fit_on_the_device_is_encoded_on_the_host(monkeypatch):
    def fail(*_):
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(DeviceStatistics, "range", fail)
    table = numbers(300)
    with simulated_device():
        schema, found = encode(table, DEVICE)
        assert_close(found, encode(table, torch.device("cpu"))[1])
    assert schema.n_encoded == table.shape[1]


@pytest.mark.parametrize("name", ["variational", "ensemble", "robust denoising", "robust ensemble"])
def test_the_start_is_computed_on_the_cpu_if_the_device_lacks_float64(name, monkeypatch):
    for module in ("aeanomaly.fitting.encoding", "aeanomaly.nn.precision"):
        monkeypatch.setattr(f"{module}.has_float64", lambda device: device.type == "cpu")
    expected = prepared(DETECTORS[name], numbers(), "cpu")
    with simulated_device(), torch.no_grad():
        found = prepared(DETECTORS[name], numbers(), "meta")
        for key, weights in found.network.state_dict().items():
            assert weights.device == DEVICE
            np.testing.assert_array_equal(weights.cpu().numpy(), expected.network.state_dict()[key].numpy())
        for scorer in DETECTORS[name]._scorers(found, found.network):
            assert scorer.weights.device == DEVICE


def test_eigenvectors_that_a_device_does_not_find_are_those_of_the_cpu(monkeypatch):
    table, solve = numbers(), torch.linalg.eigh
    with simulated_device():
        expected = prepared(DETECTORS["undercomplete"], table, DEVICE.type).network.state_dict()
        n_refused = []

        def refused(products):
            if products.device.type != "cpu":
                n_refused.append(1)
                raise torch.linalg.LinAlgError("linalg.eigh: the algorithm failed to converge")
            return solve(products)

        monkeypatch.setattr(torch.linalg, "eigh", refused)
        found = prepared(DETECTORS["undercomplete"], table, DEVICE.type).network.state_dict()
        assert n_refused
        for name, weights in expected.items():
            assert_close(found[name], weights.cpu())
