"""Training step."""

from functools import partial

import torch
from torch import nn

from aeanomaly.objectives import Objective
from aeanomaly.streams import NoiseStream
from aeanomaly.training.recorder import Call, Recorder

#: Number of the step that is recorded, when all buffers are allocated.
_RECORDED = 2


class Step:
    """Computation of losses and gradients of a batch.

    In a small step, the Python code takes as long as the arithmetic. So one step is recorded and then replayed, on
    the same memory and with the same bits, if the objective is `replayable`.

    Parameters
    ----------
    network : nn.Module
    objective : Objective
    noise : NoiseStream
    recorded : bool
        Record and replay a step if possible.
    """

    def __init__(self, network: nn.Module, objective: Objective, noise: NoiseStream, *, recorded: bool):
        self._network = network
        self._objective = objective
        self._noise = noise
        self._until_recorded = _RECORDED if recorded and objective.replayable else 0
        self._rows = self._losses = torch.empty(0)
        self._calls: list[Call] = []

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the losses (M,) of a batch (M, B, D), valid until the next call; write the gradients to ``grad``."""
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
    """Noise stream whose draws are repeated at every replay."""

    def __init__(self, stream: NoiseStream, recorder: Recorder):
        self._stream = stream
        self._recorder = recorder

    def draw(self, kind: str, purpose: str, shape: tuple[int, ...]) -> torch.Tensor:
        return self._recorder.redraw(partial(self._stream.draw, kind, purpose, shape))
