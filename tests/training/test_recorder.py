"""Recorded calls, compared with the same calls without recording."""

import pytest
import torch

from aeanomaly.training.recorder import _MOST_BYTES, Recorder

WORK = {
    "new results": lambda x: torch.exp(x).add(x),
    "operators": lambda x: 1 - x * 2 + 3 / (x + 1),
    "comparison": lambda x: (x > 1).to(x.dtype) + x.masked_fill(x > 2, 0),
    "written over": lambda x: x.square().mul_(3).add_(x),
    "views": lambda x: x.mT[1:].reshape(2, -1) + x.view(-1)[0],
    "a view of something new": lambda x: (x + 1).mT.contiguous().view(-1),
    "joined": lambda x: torch.cat([x, x + 1], dim=1).split([2, 4], dim=1)[1],
    "an integer result": lambda x: x.argmax(dim=1) + 1,
    "nothing to do": lambda x: x.to(torch.float32).contiguous(),
    "a constant": lambda x: torch.ones(3) + x,
    "a scalar": lambda x: x.sum() / len(x) + x.shape[1],
    "told where": lambda x: torch.mul(x, 2, out=torch.empty(2, 3)),
}


def recorded(work, x):
    with torch.no_grad(), Recorder() as recorder:
        result = work(x)
    return recorder.calls, result


@pytest.mark.parametrize("name", sorted(WORK))
def test_a_replayed_call_gives_the_result_of_a_new_call(name):
    x, work = torch.arange(6.0).view(2, 3), WORK[name]
    calls, result = recorded(work, x)
    assert torch.equal(result, work(x))
    for factor in (-1.5, 7.0):
        x.mul_(factor)
        for call in calls:
            call()
        assert torch.equal(result, work(x))


def test_memory_is_the_same_ever_after():
    x = torch.ones(2, 3)
    calls, result = recorded(WORK["operators"], x)
    place = result.data_ptr()
    for call in calls:
        call()
    assert result.data_ptr() == place


def test_refilled_buffers_are_read_from_their_source_each_time():
    left = iter(torch.arange(5.0))
    with torch.no_grad(), Recorder() as recorder:
        result = recorder.redraw(lambda: next(left) + 0) * 10
    seen = [float(result)]
    for _ in range(4):
        for call in recorder.calls:
            call()
        seen.append(float(result))
    assert seen == [0, 10, 20, 30, 40]


@pytest.mark.parametrize(
    "work",
    [
        lambda x: x + float(x.sum()),
        lambda x: x + 1 if (x > 0).all() else x,
        lambda x: torch.from_numpy(x.numpy() + 1),
        lambda x: x.max(dim=1).values,
        lambda x: torch.empty(_MOST_BYTES // 4).fill_(0) + x.sum(),
    ],
    ids=["a number", "a branch", "numpy", "two results", "much memory"],
)
def test_calls_that_cannot_be_replayed_are_not_recorded(work):
    x = torch.ones(2, 3)
    calls, result = recorded(work, x)
    assert calls == []
    assert torch.equal(result, work(x))


def test_tensors_with_gradients_are_not_recorded():
    x = torch.ones(3, requires_grad=True)
    with Recorder() as recorder:
        (gradient,) = torch.autograd.grad((x * x).sum(), x)
    assert recorder.calls == []
    assert gradient.tolist() == [2, 2, 2]
