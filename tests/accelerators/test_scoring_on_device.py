"""Scores on an accelerator: launches of one size, copies in blocks, tensors in and out."""

import copy
import itertools
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import config_context

from aeanomaly.detectors import REGISTRY, DenoisingAutoencoder
from aeanomaly.fitting import DeviceEncoder, FittedModel
from aeanomaly.graphs import Replay
from aeanomaly.preprocessing import TableEncoder, rows_of
from aeanomaly.scoring import Launches, launches, to_device, transfer
from aeanomaly.thresholds import Conformal
from tests.accelerators.simulated import DEVICE, LAUNCH_SIZE, simulated_device
from tests.bits import mixed, numbers, with_missing

N_ROWS = 1500
TABLES = {
    "numbers": (numbers, {}),
    "mixed": (mixed, {}),
    "trend": (mixed, {"time_trend": True}),
    "missing numbers": (lambda n: with_missing(numbers(n)), {"missing": "model"}),
    "missing": (lambda n: with_missing(mixed(n)), {"missing": "informative"}),
    "counts": (numbers, {"likelihood": {"count": "poisson", "two": "gaussian"}, "standardize": False}),
    "robust": (numbers, {"robust": True}),
}


@pytest.fixture
def simulation():
    """Simulate the accelerator."""
    with simulated_device() as simulation:
        yield simulation


def moved(detector, device=DEVICE):
    """Return a copy of a fitted detector with the same weights on another device."""
    copied = copy.copy(detector)
    copied.state_ = replace(detector.state_, model=detector.state_.model.copied(device=device))
    return copied


@pytest.fixture(scope="module", params=itertools.product(sorted(REGISTRY), TABLES), ids=" ".join)
def fitted(request):
    """Fit each detector to each table on the CPU; also return the table and its scores."""
    name, kind = request.param
    make, parameters = TABLES[kind]
    detector = REGISTRY[name](max_iter=10, contamination=0.1, random_state=0, **parameters).fit(make(200))
    table = make(N_ROWS)
    return detector, table, detector.score_samples(table)


@pytest.fixture(scope="module")
def denoiser():
    """Fit a denoiser to plain numbers on the CPU."""
    return DenoisingAutoencoder(max_iter=10, contamination=0.1, random_state=0).fit(plain(200))


def plain(n_rows):
    return numbers(n_rows).to_numpy().copy()


def counted(simulation, call, *arguments):
    """Return the result of a call, the number of copies to the host, and the number of waits."""
    simulation.transfers.clear()
    before = simulation.synchronizations
    found = call(*arguments)
    return found, simulation.transfers["to host"], simulation.synchronizations - before


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

            def run(self, n_calls=1):
                n_runs.append(n_calls)
                simulation.capturing = len(n_runs) > 1
                try:
                    super().run(n_calls)
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
        monkeypatch.setattr(launches, "_MAX_ROWS", 1 << 14)

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
        detector, table, sizes = moved(denoiser), np.tile(plain(1000), (20, 1)), []
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
        assert max(sizes) <= 1 << 18
        assert peak < 8 * len(table) + 3e5  # tensors are not traced

    @pytest.mark.usefixtures("simulation")
    def test_a_launch_that_does_not_fit_is_halved(self, denoiser):
        sizes, on_device = [], moved(denoiser).state_.model
        compute = on_device.launches.compute

        def cramped(rows):
            sizes.append(len(rows))
            if len(rows) > 256:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return compute(rows)

        found = replace(on_device.launches, compute=cramped).of_table(plain(N_ROWS))
        assert set(sizes) == {512, 256}
        np.testing.assert_array_equal(-found, denoiser.score_samples(plain(N_ROWS)))

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


class TestTransfer:
    @pytest.mark.usefixtures("simulation")
    @pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
    def test_a_table_arrives_in_blocks(self, monkeypatch, dtype):
        monkeypatch.setattr("aeanomaly.scoring.transfer.BLOCK_BYTES", 10_000)
        table = np.asfortranarray(plain(N_ROWS).astype(dtype))
        found = to_device(table, DEVICE)
        assert found.device == DEVICE
        assert found.dtype is (torch.float32 if dtype in ("float32", "bool") else torch.float64)
        np.testing.assert_array_equal(found.cpu().numpy(), table)

    def test_copies_through_pinned_memory_wait_for_the_work_that_they_would_overwrite(self, monkeypatch):
        """Simulate streams: each operation on a block must follow, in its stream or by an event, the one before it."""
        log = []

        class Event:
            def record(self, stream):
                self.known = set(stream.done)

            def synchronize(self):
                log.append(("host", getattr(self, "known", set())))

        class Stream:
            def __init__(self, device=None):
                self.done = set()

            def wait_event(self, event):
                self.done |= event.known

            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

        current = Stream()
        monkeypatch.setattr(torch.cuda, "Stream", Stream)
        monkeypatch.setattr(torch.cuda, "Event", Event)
        monkeypatch.setattr(torch.cuda, "stream", lambda stream: stream)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: current)
        monkeypatch.setattr(torch.Tensor, "record_stream", lambda *_: None)
        copy_ = torch.Tensor.copy_

        def copied(target, source, non_blocking=False):
            staging = next(s for s in stagings if s.block.data_ptr() == target.data_ptr())
            number = len(copies)
            copies.append(staging)
            if number >= 2:  # the block was computed with, and the stream of copies knows it
                assert ("used", number - 2) in staging._copies.done
            staging._copies.done.add(("copied", number))
            assert non_blocking
            return copy_(target, source)

        stagings, copies = [], []
        make = transfer._PinnedStaging

        def staging(*arguments):
            stagings.append(make(*arguments))
            return stagings[-1]

        monkeypatch.setattr(torch.Tensor, "copy_", copied)
        monkeypatch.setattr(transfer, "_staging", staging)
        table = np.arange(90.0).reshape(30, 3)
        found = []
        for number, block in enumerate(transfer.blocks_on_device(table, 7, torch.device("cpu"))):
            assert ("copied", number) in current.done
            if number >= 2:  # the host waited for the copy out of the memory that it wrote
                assert ("copied", number - 2) in log[number][1]
            found.append(block.numpy().copy())
            current.done.add(("used", number))
        np.testing.assert_array_equal(np.concatenate(found), table)
        assert len(stagings) == 2


class TestTensors:
    def test_rows_on_the_device_stay_there(self, denoiser, simulation, monkeypatch):
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
    def test_tensors_of_any_real_dtype_score_as_tables(self, denoiser, dtype):
        rows = torch.from_numpy(np.clip(plain(N_ROWS), 0, 100)).to(DEVICE).to(getattr(torch, dtype))
        table = rows.cpu().double().numpy()
        np.testing.assert_array_equal(moved(denoiser).score_samples(rows), denoiser.score_samples(table))
        transposed = rows.mT.contiguous().mT
        np.testing.assert_array_equal(moved(denoiser).score_samples(transposed), denoiser.score_samples(table))

    def test_tensors_on_the_cpu_have_scores_there_if_arrays_are_dispatched(self, denoiser, simulation, monkeypatch):
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
    def test_a_model_on_the_cpu_scores_tensors_of_a_device(self, denoiser, monkeypatch):
        monkeypatch.setenv("SCIPY_ARRAY_API", "1")
        rows = torch.from_numpy(plain(N_ROWS)).to(DEVICE)
        with config_context(array_api_dispatch=True):
            found = denoiser.score_samples(rows)
        assert found.device == DEVICE
        np.testing.assert_array_equal(found.cpu().numpy(), denoiser.score_samples(plain(N_ROWS)))

    @pytest.mark.usefixtures("simulation")
    def test_missing_values_and_columns_with_names_are_as_in_arrays(self):
        table = with_missing(numbers(200))
        detector = DenoisingAutoencoder(missing="model", max_iter=10, random_state=0).fit(table)
        rows = table.to_numpy(np.float64).copy()
        expected = detector.score_samples(table)
        with pytest.warns(UserWarning, match="valid feature names"):
            found = moved(detector).score_samples(torch.from_numpy(rows).to(DEVICE))
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    @pytest.mark.usefixtures("simulation")
    def test_invalid_rows_have_the_errors_of_arrays(self, denoiser):
        detector, table = moved(denoiser), plain(20)
        table[3, 1], table[5, 2] = np.nan, np.inf
        for X in (table, np.nan_to_num(table, nan=0.0, posinf=np.inf), table[:, :2], table[0], table[:0]):
            with pytest.raises(ValueError) as expected:  # noqa: PT011
                denoiser.score_samples(X)
            with pytest.raises(ValueError) as raised:  # noqa: PT011
                detector.score_samples(torch.from_numpy(X).to(DEVICE))
            assert str(raised.value).replace("OnDevice", "ndarray") == str(expected.value)

    @pytest.mark.usefixtures("simulation")
    def test_a_sum_that_overflows_does_not_refuse_finite_rows(self, denoiser):
        table = plain(20)
        table[:4, 0] = 1.7e308
        rows = torch.from_numpy(table).to(DEVICE)
        np.testing.assert_array_equal(moved(denoiser).score_samples(rows), denoiser.score_samples(table))

    def test_thresholds_and_p_values_accept_tensors(self, denoiser, simulation, monkeypatch):
        monkeypatch.setenv("SCIPY_ARRAY_API", "1")
        table = plain(300)
        rows, on_device = torch.from_numpy(table).to(DEVICE), moved(denoiser)
        denoiser = copy.copy(denoiser)
        with config_context(array_api_dispatch=True):
            on_device.set_threshold(Conformal(0.1), rows)
            denoiser.set_threshold(Conformal(0.1), table)
            assert on_device.offset_ == denoiser.offset_
            np.testing.assert_array_equal(on_device.p_values(rows), denoiser.p_values(table))

    def test_a_foreign_array_on_the_cpu_is_a_table(self, denoiser):
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


def test_models_with_launches_are_pickled_and_copied_as_others(denoiser, simulation):
    model = moved(denoiser).state_.model
    assert model.launches is model.launches
    assert isinstance(model.copied(device=torch.device("cpu")), FittedModel)
    assert model.copied(device=torch.device("cpu")).launches is None
    assert "launches" not in model.__getstate__()
