"""The replay of calls as CUDA graphs, with a substitute for CUDA that records calls while it captures."""

import gc
import threading
import weakref
from contextlib import nullcontext
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from aeanomaly import DenoisingAutoencoder, graphs
from aeanomaly.detectors import REGISTRY
from aeanomaly.graphs import Replay
from aeanomaly.scoring import launches
from aeanomaly.training.steps import DeviceSteps
from tests.accelerators.simulated import simulated_device

#: A device that no machine has, so that nothing of these tests is left for others.
CUDA = torch.device("cuda", 99)


class Recorded:
    """Substitute for `torch.cuda.CUDAGraph`; the body asks whether a graph is open."""

    open = None
    made: list
    broken: set
    is_broken = False

    def __init__(self):
        self.n_calls = self.n_replays = 0
        self.pool = None
        Recorded.made.append(self)

    def capture_begin(self, pool=None, capture_error_mode="global"):
        assert capture_error_mode == "thread_local"
        assert Recorded.open is None
        assert not gc.isenabled()
        assert pool not in Recorded.broken
        self.pool, Recorded.open = pool, self

    def capture_end(self):
        Recorded.open = None
        if self.is_broken:
            Recorded.broken.add(self.pool)
            raise RuntimeError("the capture is invalid")

    def replay(self):
        assert Recorded.open is None
        self.n_replays += 1

    @classmethod
    def of_calls(cls):
        """Return the graphs of the calls of bodies, without those that keep a pool."""
        return [graph for graph in cls.made if graph.n_calls or graph.is_broken]


@pytest.fixture
def cuda(monkeypatch):
    Recorded.open, Recorded.made, Recorded.broken = None, [], set()
    substitutes = {
        "CUDAGraph": Recorded,
        "Stream": Mock(),
        "stream": lambda _: nullcontext(),
        "device": lambda _: nullcontext(),
        "current_stream": Mock(),
        "graph_pool_handle": object,
    }
    for name, value in substitutes.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(torch, "zeros", Mock())
    monkeypatch.setattr(graphs._Space, "_free", {})
    return Recorded


def counting(fails=False):
    """Return a body that counts the calls that ran; in a capture, they only become part of the graph."""
    ran = []

    def body():
        if Recorded.open is None:
            ran.append(1)
        elif fails:
            Recorded.open.is_broken = True
            raise RuntimeError("operation not permitted when stream is capturing")
        else:
            Recorded.open.n_calls += 1

    return body, ran


@pytest.mark.parametrize("n_calls", [[1], [2], [6], [7, 3, 25], [25, 25], [0, 1, 4]])
def test_every_call_runs_once_in_a_graph_or_by_itself(n_calls, cuda):
    body, ran = counting()
    replay = Replay(CUDA, 20, unrolled=5)
    for n in n_calls:
        replay.run(body, n)
    made = cuda.of_calls()
    assert len(ran) == 1  # allocates the buffers
    assert sum(graph.n_calls * graph.n_replays for graph in made) + 1 == sum(n_calls)
    assert {graph.n_calls for graph in made} <= {1, 5}
    assert len(made) <= 2
    assert gc.isenabled()


def test_where_capture_fails_the_calls_run_by_themselves(cuda):
    body, ran = counting(fails=True)
    replay = Replay(CUDA, 20, unrolled=5)
    replay.run(body, 12)
    replay.run(body, 3)
    assert len(ran) == 15
    assert len(cuda.of_calls()) == 1
    assert cuda.open is None
    assert gc.isenabled()
    del replay
    other, _ = counting()
    Replay(CUDA, 20, unrolled=5).run(other, 11)  # in a space of its own
    assert [graph.n_replays for graph in cuda.of_calls()[1:]] == [2]


def test_a_fault_of_the_body_is_raised(cuda):
    def body():
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        Replay(CUDA, 20).run(body)


def test_a_few_calls_are_not_captured(cuda):
    body, ran = counting()
    Replay(CUDA, 19).run(body, 19)
    assert len(ran) == 19
    assert not cuda.made


def test_other_devices_call_the_function():
    body, ran = counting()
    Replay(torch.device("cpu"), 20, unrolled=5).run(body, 12)
    assert len(ran) == 12


def test_memory_is_reused_but_never_by_two_at_a_time(cuda):
    def pools(*replays):
        for replay in replays:
            replay.run(counting()[0], 3)
        return [graph.pool for graph in cuda.of_calls()[-len(replays) :]]

    first, second = pools(Replay(CUDA, 20), Replay(CUDA, 20))
    assert first is not second
    assert pools(Replay(CUDA, 20))[0] in (first, second)
    assert len(cuda.made) - len(cuda.of_calls()) == 2
    assert graphs.free_unused()
    assert not graphs.free_unused()
    assert pools(Replay(CUDA, 20))[0] not in (first, second)


def test_threads_capture_and_replay_in_turn(cuda):
    def work():
        for _ in range(20):
            Replay(CUDA, 20, unrolled=5).run(counting()[0], 30)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(graph.n_replays == 5 for graph in cuda.of_calls() if graph.n_calls == 5)
    assert len(cuda.made) - len(cuda.of_calls()) <= 4


def test_memory_of_the_device_is_free_after_a_fit_and_a_score_without_the_garbage_collector(monkeypatch):
    alive = []
    for owner in (DeviceSteps, launches._Launch):
        init = owner.__init__

        def noted(self, *arguments, init=init, **named):
            alive.append(weakref.ref(self))
            init(self, *arguments, **named)

        monkeypatch.setattr(owner, "__init__", noted)
    gc.collect()
    gc.disable()
    try:
        with simulated_device():
            X = np.random.default_rng(0).normal(size=(200, 3))
            DenoisingAutoencoder(max_iter=30, random_state=0, device="meta").fit(X).score_samples(X)
        assert len(alive) >= 3
        assert not any(reference() for reference in alive)
    finally:
        gc.enable()


@pytest.mark.gpu
@pytest.mark.parametrize("missing", ["error", "model"])
@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_steps_and_launches_are_captured_on_a_gpu(name, missing, caplog, monkeypatch):
    captured, capture = [], graphs._Space.capture
    monkeypatch.setattr(graphs._Space, "capture", lambda *a: captured.append(1) or capture(*a))
    caplog.set_level("INFO", logger="aeanomaly.graphs")
    rng = np.random.default_rng(0)
    parameters = {"max_iter": 50, "missing": missing, "random_state": 0, "device": "cuda"}
    detector = REGISTRY[name](**parameters).fit(rng.normal(size=(500, 4)))
    fitted = len(captured)
    detector.score_samples(rng.normal(size=(400_000, 4)))
    assert fitted > 0
    assert len(captured) > fitted
    assert not caplog.records  # no capture failed
