"""One step of training."""

from functools import partial

import torch
from torch import nn

from aeanomaly.objectives import Objective
from aeanomaly.streams import NoiseStream
from aeanomaly.training.recorder import Call, Recorder

#: The step that is recorded: by then all memory that is used again is there.
_RECORDED = 2


class Step:
    """Losses and gradients, batch after batch.

    The arithmetic of a small step takes hardly longer than Python needs to find out what is to be done, which is
    the same every time. So one step is recorded, and from then on its calls of torch are made again, on the same
    memory and with the same numbers to the bit. An objective that uses autograd is asked every time.

    Parameters
    ----------
    network : nn.Module
    objective : Objective
    noise : NoiseStream
    recorded : bool
        Whether to do so.
    """

    def __init__(self, network: nn.Module, objective: Objective, noise: NoiseStream, *, recorded: bool):
        self._network = network
        self._objective = objective
        self._noise = noise
        self._until_recorded = _RECORDED if recorded else 0
        self._rows = self._losses = torch.empty(0)
        self._calls: list[Call] = []

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Losses (M,) of a batch (M, B, D), until the next call; gradients are left in ``grad`` of the parameters."""
        if self._calls:
            return self._replay(rows)
        self._until_recorded -= 1
        if self._until_recorded == 0:
            return self._record(rows)
        return self._objective.backward(self._network, rows, self._noise)

    def _replay(self, rows: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            self._rows.copy_(rows)
            for call in self._calls:
                call()
        return self._losses

    def _record(self, rows: torch.Tensor) -> torch.Tensor:
        self._rows = rows.clone()
        with Recorder() as recorder:
            noise = _RecordedNoise(self._noise, recorder)
            self._losses = self._objective.backward(self._network, self._rows, noise)
        self._calls = recorder.calls
        return self._losses


class _RecordedNoise(NoiseStream):
    """Another stream, of which each repetition draws the next."""

    def __init__(self, stream: NoiseStream, recorder: Recorder):
        self._stream = stream
        self._recorder = recorder

    def normal(self, purpose: str, *shape: int) -> torch.Tensor:
        return self._recorder.redraw(partial(self._stream.normal, purpose, *shape))

    def uniform(self, purpose: str, *shape: int) -> torch.Tensor:
        return self._recorder.redraw(partial(self._stream.uniform, purpose, *shape))
