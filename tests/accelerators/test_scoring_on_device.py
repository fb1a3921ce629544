"""Scores on an accelerator: launches of one size, waits, copies and memory."""

import itertools
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from aeanomaly.detectors import REGISTRY, DenoisingAutoencoder
from aeanomaly.fitting import DeviceEncoder, FittedModel
from aeanomaly.graphs import Replay
from aeanomaly.nn import ACTIVATIONS, row_sums
from aeanomaly.preprocessing import TableEncoder, rows_of
from aeanomaly.scoring import Launches, chunks, launches
from tests.accelerators.models import N_ROWS, counted, moved, plain
from tests.accelerators.simulated import DEVICE, LAUNCH_SIZE
from tests.bits import mixed, numbers, with_missing

TABLES = {
    "numbers": (numbers, {}),
    "mixed": (mixed, {}),
    "trend": (mixed, {"time_trend": True}),
    "missing numbers": (lambda n: with_missing(numbers(n)), {"missing": "model"}),
    "missing": (lambda n: with_missing(mixed(n)), {"missing": "informative"}),
    "counts": (numbers, {"likelihood": {"count": "poisson", "two": "gaussian"}, "standardize": False}),
    "robust": (numbers, {"robust": True}),
}


@pytest.fixture(scope="module", params=itertools.product(sorted(REGISTRY), TABLES), ids=" ".join)
def fitted(request):
    """Fit each detector to each table on the CPU; also return the table and its scores."""
    name, kind = request.param
    make, parameters = TABLES[kind]
    of_class = {"max_iter": 10, "contamination": 0.1, "device": "cpu", "random_state": 0}
    detector = REGISTRY[name](**of_class, **parameters).fit(make(200))
    table = make(N_ROWS)
    return detector, table, detector.score_samples(table)


class TestScores:
    @pytest.mark.usefixtures("simulation")
    def test_scores_are_those_of_the_cpu_and_the_sums_of_their_terms(self, fitted):
        detector, table, scores = fitted
        on_device = moved(detector)
        assert isinstance(on_device.state_.model.launches, Launches)
        found = on_device.score_samples(table)
        np.testing.assert_allclose(found, scores, rtol=1e-5)
        np.testing.assert_allclose(-found, on_device.state_.model.terms(table.pipe(_cells, on_device)).sum(axis=1))
        errors = on_device.reconstruction_error(table)
        np.testing.assert_allclose(errors, on_device.reconstruction_error(table, per_feature=True).sum(axis=1))

    @pytest.mark.usefixtures("simulation")
    def test_a_row_has_the_same_bits_alone_in_reverse_and_in_parts(self, fitted):
        detector, table, _ = fitted
        detector = moved(detector)
        scores, backward = detector.score_samples(table), np.arange(N_ROWS)[::-1]
        for row in (0, LAUNCH_SIZE, N_ROWS - 1):
            assert detector.score_samples(rows_of(table, np.array([row])))[0] == scores[row]
        np.testing.assert_array_equal(detector.score_samples(rows_of(table, backward)), scores[backward])
        parts = [rows_of(table, part) for part in np.split(np.arange(N_ROWS), [3, 700])]
        np.testing.assert_array_equal(np.concatenate(list(detector.score_batches(parts))), scores)

    @pytest.mark.usefixtures("simulation")
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "uint16", "bool"])
    @pytest.mark.parametrize("order", ["C", "F", "strided", "backward", "read-only"])
    def test_a_table_of_any_dtype_and_memory_order_scores_as_on_the_cpu(self, denoiser, dtype, order):
        table = np.clip(plain(N_ROWS), 0, 100).astype(dtype)
        if order == "F":
            table = np.asfortranarray(table)
        elif order == "strided":
            table = np.repeat(table, 2, axis=1)[:, ::2]
        elif order == "backward":
            table = table[::-1]
        elif order == "read-only":
            table.flags.writeable = False
        np.testing.assert_array_equal(moved(denoiser).score_samples(table), denoiser.score_samples(table))

    @pytest.mark.parametrize("n_draws", [1, 64, 130])
    def test_draws_of_the_code_are_decoded_together(self, simulation, n_draws):
        detector = REGISTRY["variational"](max_iter=10, n_draws=n_draws, random_state=0).fit(plain(200))
        on_device, before = moved(detector), simulation.launches
        found = on_device.score_samples(plain(N_ROWS))
        np.testing.assert_allclose(found, detector.score_samples(plain(N_ROWS)), rtol=1e-5)
        assert simulation.launches - before < 1000

    @pytest.mark.usefixtures("simulation")
    def test_rows_relative_to_groups_are_scored_in_chunks(self):
        table = mixed(200)
        detector = DenoisingAutoencoder(max_iter=10, groups="color", random_state=0).fit(table)
        on_device = moved(detector)
        assert on_device.state_.model.launches is None
        np.testing.assert_allclose(on_device.score_samples(table), detector.score_samples(table), rtol=1e-5)


def _cells(table, detector):
    return detector.state_.model.validate(detector, table)


class TestEncoder:
    def test_it_encodes_as_on_the_host(self, fitted):
        detector, table, _ = fitted
        schema, rows = detector.schema_, _cells(table, detector)
        rows = np.vstack([rows, np.where(np.isnan(rows[:40]), np.nan, 1e9 * rows[:40])])
        expected = TableEncoder(schema).encode(rows)
        found = DeviceEncoder(schema)(torch.from_numpy(rows)).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
        if schema.layout.is_plain:
            np.testing.assert_array_equal(found, expected)


@pytest.mark.usefixtures("simulation")
@pytest.mark.parametrize("width", [1, 3, 4, 130, 1030])
def test_rows_whose_elements_are_added_are_aligned_to_four_of_them(monkeypatch, width):
    """An order of additions that depends on the alignment would depend on the position of the row."""
    values, widths = torch.randn(2, 5, width), []
    for owner, name in ((torch, "softmax"), (torch.Tensor, "sum")):
        function = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda a, f=function, **rest: widths.append(a.shape[-1]) or f(a, **rest))
    found = row_sums(values.to(DEVICE)), ACTIVATIONS["rbf"].in_place(values.to(DEVICE))
    assert [width % 4 for width in widths] == [0, 0]
    torch.testing.assert_close(found[0].cpu(), values.sum(dim=-1))
    torch.testing.assert_close(found[1].cpu(), torch.softmax(values, dim=-1))


class TestLaunches:
    def test_only_scores_come_back_in_one_copy(self, fitted, simulation):
        detector, table, _ = fitted
        detector = moved(detector)
        rows, model = _cells(table, detector), detector.state_.model
        n_launches = []
        model.errors(rows[:1])  # builds the encoder
        counts = replace(model.launches, compute=lambda rows: n_launches.append(len(rows)) or rows.double().sum(dim=1))
        _, to_host, waits = counted(simulation, counts.of_table, rows)
        assert n_launches == [LAUNCH_SIZE] * 3
        assert (to_host, waits) == (1, 1)

    def test_nothing_waits_in_a_launch_so_that_a_graph_can_repeat_it(self, simulation, monkeypatch):
        n_runs = []

        class Captured(Replay):
            """The first call allocates memory, and later ones neither wait nor copy."""

            def run(self, body, n_calls=1):
                n_runs.append(n_calls)
                simulation.capturing = len(n_runs) > 1
                try:
                    super().run(body, n_calls)
                finally:
                    simulation.capturing = False

        monkeypatch.setattr(launches, "Replay", Captured)
        for name, (make, parameters) in itertools.product(sorted(REGISTRY), TABLES.values()):
            detector = REGISTRY[name](max_iter=5, random_state=0, **parameters).fit(make(200))
            table, on_device = make(N_ROWS), moved(detector)
            n_runs.clear()
            np.testing.assert_allclose(on_device.score_samples(table), detector.score_samples(table), rtol=1e-5)
            assert n_runs == [1] * 3

    def test_their_number_of_rows_depends_on_the_model_only(self, monkeypatch):
        monkeypatch.setattr(chunks, "_LAUNCH_ROWS", 1 << 14)

        def size(width, n_columns):
            return Launches(torch.sum, n_columns, width, DEVICE).size

        assert size(512, 20) == size(2048, 20) == 1 << 14
        assert size(1 << 14, 20) == 2048
        assert size(512, 1000) == 2048
        assert size(1 << 24, 1 << 20) == 256
        assert all(size(width, 20) % 256 == 0 for width in range(1000, 10_000, 77))

    def test_scores_of_many_rows_leave_the_device_in_parts(self, denoiser, simulation, monkeypatch):
        monkeypatch.setattr(launches, "_HELD_ROWS", 2 * LAUNCH_SIZE)
        detector, table = moved(denoiser), plain(N_ROWS)
        detector.score_samples(table[:1])
        found, to_host, _ = counted(simulation, detector.score_samples, table)
        assert to_host == 2
        np.testing.assert_array_equal(found, denoiser.score_samples(table))

    @pytest.mark.usefixtures("simulation")
    def test_memory_holds_the_scores_and_a_few_blocks(self, denoiser, monkeypatch):
        monkeypatch.setattr(launches, "BLOCK_BYTES", 1 << 18)
        detector, table, sizes = moved(denoiser), np.tile(plain(1000), (50, 1)), []
        empty = torch.empty

        def recorded(*arguments, **keywords):
            made = empty(*arguments, **keywords)
            sizes.append(made.nbytes)
            return made

        monkeypatch.setattr(torch, "empty", recorded)
        detector.score_samples(table[:1])
        tracemalloc.start()
        try:
            detector.score_samples(table)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert max(size for size in sizes if size != 8 * len(table)) <= 1 << 18  # besides the scores
        assert peak < table.nbytes / 2  # the scores are a fifth; tensors are not traced

    @pytest.mark.usefixtures("simulation")
    def test_a_device_without_memory_leaves_the_call_to_the_cpu_with_one_warning(self, denoiser, monkeypatch):
        def full(*_):
            raise torch.OutOfMemoryError("CUDA out of memory")

        on_device, table = moved(denoiser), plain(N_ROWS)
        rows = torch.from_numpy(table).to(DEVICE)
        monkeypatch.setattr(Launches, "_of_table", full)
        monkeypatch.setattr(Launches, "_of_tensor", full)
        for X in (table, rows):
            with pytest.warns(UserWarning, match=r"ran out of memory in DenoisingAutoencoder; .* on the CPU") as seen:
                found = on_device.score_samples(X)
            assert len(seen) == 1
            np.testing.assert_array_equal(found, denoiser.score_samples(table))


def test_models_with_launches_are_pickled_and_copied_as_others(denoiser, simulation):
    model = moved(denoiser).state_.model
    assert model.launches is model.launches
    assert isinstance(model.copied(device=torch.device("cpu")), FittedModel)
    assert model.copied(device=torch.device("cpu")).launches is None
    assert "launches" not in model.__getstate__()
