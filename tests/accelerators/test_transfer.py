"""Copies of tables to a device in blocks."""

import numpy as np
import pytest
import torch

from aeanomaly.scoring import to_device, transfer
from tests.accelerators.models import N_ROWS, plain
from tests.accelerators.simulated import DEVICE


@pytest.mark.usefixtures("simulation")
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_a_table_arrives_in_blocks(monkeypatch, dtype):
    monkeypatch.setattr("aeanomaly.scoring.transfer.BLOCK_BYTES", 10_000)
    table = np.asfortranarray(plain(N_ROWS).astype(dtype))
    found = to_device(table, DEVICE)
    assert found.device == DEVICE
    assert found.dtype is (torch.float32 if dtype in ("float32", "bool") else torch.float64)
    np.testing.assert_array_equal(found.cpu().numpy(), table)


def test_copies_through_pinned_memory_wait_for_the_work_that_they_would_overwrite(monkeypatch):
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
