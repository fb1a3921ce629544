"""The replay of calls as CUDA graphs, with a substitute for CUDA that records calls while it captures."""

from contextlib import contextmanager, nullcontext
from unittest.mock import Mock

import pytest
import torch

from aeanomaly.graphs import Replay

CUDA = torch.device("cuda")


class Recorded:
    """Substitute for `torch.cuda.CUDAGraph`; the body asks whether a graph is open."""

    open = None
    made: list

    def __init__(self):
        self.n_calls = self.n_replays = 0
        Recorded.made.append(self)

    def capture_begin(self, pool=None, capture_error_mode="global"):
        assert capture_error_mode == "thread_local"
        assert pool is None or pool == "pool"
        Recorded.open = self

    def capture_end(self):
        Recorded.open = None

    def pool(self):
        return "pool"

    def replay(self):
        self.n_replays += 1


@pytest.fixture
def cuda(monkeypatch):
    @contextmanager
    def within(_):
        yield

    Recorded.open, Recorded.made = None, []
    for name, value in {
        "CUDAGraph": Recorded,
        "Stream": lambda device: None,
        "stream": within,
        "device": lambda device: nullcontext(),
        "current_stream": lambda device: Mock(),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return Recorded


def counting(fails=False):
    """Return a body that counts the calls that ran; in a capture, they only become part of the graph."""
    ran = []

    def body():
        if Recorded.open is None:
            ran.append(1)
        elif fails:
            raise RuntimeError("operation not permitted when stream is capturing")
        else:
            Recorded.open.n_calls += 1

    return body, ran


@pytest.mark.parametrize("n_calls", [[1], [2], [6], [7, 3, 25], [25, 25], [0, 1, 4]])
def test_every_call_runs_once_in_a_graph_or_by_itself(n_calls, cuda):
    body, ran = counting()
    replay = Replay(body, CUDA, 20, unrolled=5)
    for n in n_calls:
        replay.run(n)
    assert len(ran) == 1  # allocates the buffers
    assert sum(graph.n_calls * graph.n_replays for graph in cuda.made) + 1 == sum(n_calls)
    assert {graph.n_calls for graph in cuda.made} <= {1, 5}
    assert len(cuda.made) <= 2


def test_where_capture_fails_the_calls_run_by_themselves(cuda):
    body, ran = counting(fails=True)
    replay = Replay(body, CUDA, 20, unrolled=5)
    replay.run(12)
    replay.run(3)
    assert len(ran) == 15
    assert len(cuda.made) == 1
    assert cuda.open is None


def test_a_fault_of_the_body_is_raised(cuda):
    def body():
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        Replay(body, CUDA, 20).run()


def test_a_few_calls_are_not_captured(cuda):
    body, ran = counting()
    Replay(body, CUDA, 19).run(19)
    assert len(ran) == 19
    assert not cuda.made


def test_other_devices_call_the_function():
    body, ran = counting()
    Replay(body, torch.device("cpu"), 20, unrolled=5).run(12)
    assert len(ran) == 12
