"""Steps of training: one by one on a CPU, and many at a time on an accelerator, without the host."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import nn

from aeanomaly.graphs import Replay
from aeanomaly.objectives import Objective
from aeanomaly.streams import MemberKey, NoiseStream
from aeanomaly.training.batches import RowOrder, batches_of
from aeanomaly.training.optimizer import AdamW
from aeanomaly.training.schedule import schedule_factor
from aeanomaly.training.settings import TrainingData, TrainingSettings
from aeanomaly.training.step import Step

#: Number of steps from which recording a step pays off.
_WORTH_RECORDING = 50
#: Maximum number of steps whose inputs are on the device at a time, and number of steps in a CUDA graph.
_WINDOW, _UNROLLED = 25, 5
#: Maximum number of elements of the noise of one member in a window.
_IN_WINDOW = 1 << 22


@dataclass(frozen=True)
class Task:
    """Arguments of a training.

    Attributes
    ----------
    network : nn.Module
    objective : Objective
        Objective on the device of the rows.
    data : TrainingData
    settings : TrainingSettings
    gradients : Tensor (M, P)
    optimizer : AdamW
    """

    network: nn.Module
    objective: Objective
    data: TrainingData
    settings: TrainingSettings
    gradients: torch.Tensor
    optimizer: AdamW

    @property
    def device(self) -> torch.device:
        return self.data.rows.device

    def empty_loss(self) -> torch.Tensor:
        """Return a tensor for the losses of all batches, (n_steps + 1, M)."""
        shape = self.settings.n_steps + 1, len(self.settings.keys)
        return torch.zeros(shape, dtype=torch.float32, device=self.device)

    def factor(self, n_steps: int) -> float:
        """Return the factor of the learning rates in the step after `n_steps` steps."""
        return schedule_factor(self.settings.schedule, n_steps, self.settings.n_steps)


class Steps(Protocol):
    """Steps of a training.

    Attributes
    ----------
    at_once : int
        Maximum number of steps that `advance` takes at a time.
    loss : Tensor (n_steps + 1, M)
        Losses of the batches so far, one more than steps.
    """

    at_once: int
    loss: torch.Tensor

    def start(self) -> None:
        """Compute losses and gradients of the first batch."""

    def advance(self, n_steps: int) -> None:
        """Take steps, each followed by losses and gradients of the next batch."""


def steps_of(task: Task) -> Steps:
    """Return the steps of a training on the device of its rows."""
    return HostSteps(task) if task.device.type == "cpu" else DeviceSteps(task)


class HostSteps:
    """Steps on a CPU."""

    at_once = 1

    def __init__(self, task: Task):
        settings = task.settings
        self.loss = task.empty_loss()
        self._task = task
        self._batches = batches_of(task.data, settings.keys, settings.batch_size, settings.run_index)
        noise = NoiseStream(settings.keys, device=task.device, run_index=settings.run_index)
        self._step = Step(task.network, task.objective, noise, recorded=settings.n_steps >= _WORTH_RECORDING)
        self._n_steps = 0

    def start(self) -> None:
        self.loss[self._n_steps] = self._step(next(self._batches))

    def advance(self, n_steps: int) -> None:
        for _ in range(n_steps):
            self._task.optimizer.step(self._task.gradients, self._task.factor(self._n_steps))
            self._n_steps += 1
            self.start()


class DeviceSteps:
    """Steps on an accelerator, whose inputs are all in its memory.

    Row indices, noise and schedule of the next steps form a window, which the host fills. A step reads its place in the
    window from a counter on the device, so that all steps launch the same kernels on the same memory (see `Replay`).
    """

    at_once = _WINDOW

    def __init__(self, task: Task):
        settings, device = task.settings, task.device
        n_rows = len(settings.keys) * settings.batch_size
        self.loss = task.empty_loss()
        self._task = task
        self._order = RowOrder(task.data, settings.keys, settings.batch_size, settings.run_index)
        self._flat = task.data.flat
        # Independent of the number of members, whose noise must be the same in any stack.
        self._size = int(np.clip(_IN_WINDOW // (settings.batch_size * self._flat.shape[1]), 1, _WINDOW))
        self._numbers = torch.zeros((self._size, n_rows), dtype=torch.int64, device=device)
        self._scalars = torch.zeros((self._size, 3), dtype=torch.float32, device=device)
        self._counters = torch.zeros(2, dtype=torch.int64, device=device)
        self._place, self._n_batches = self._counters.split(1)
        self._noise = WindowNoise(settings.keys, device, settings.run_index, self._size, self._place)
        self._replay = Replay(device, settings.n_steps, unrolled=_UNROLLED)
        self._n_steps = self._n_left = 0

    def start(self) -> None:
        _upload(self._order.take(1), self._numbers[:1])
        self._evaluate()
        self._fill()

    def advance(self, n_steps: int) -> None:
        while n_steps > 0:
            now = min(n_steps, self._n_left)
            self._replay.run(self._step, now)
            self._task.optimizer.state.n_steps += now
            self._n_left, n_steps = self._n_left - now, n_steps - now
            if self._n_left == 0 and self._n_steps < self._task.settings.n_steps:
                self._fill()

    def _fill(self) -> None:
        """Fill the window with the inputs of the next steps, while the device computes earlier ones."""
        optimizer, size = self._task.optimizer, self._size
        factors = [self._task.factor(n) for n in range(self._n_steps, self._n_steps + size)]
        _upload(optimizer.scalars(factors), self._scalars)
        _upload(self._order.take(size), self._numbers)
        self._noise.refill()
        self._place.zero_()
        self._n_steps += size
        self._n_left = size

    def _step(self) -> None:
        scalars = self._scalars.index_select(0, self._place)[0]
        self._task.optimizer.step_by(self._task.gradients, scalars)
        self._evaluate()

    def _evaluate(self) -> None:
        """Compute losses and gradients of the batch at the current place in the window."""
        task = self._task
        numbers = self._numbers.index_select(0, self._place)[0]
        rows = self._flat.index_select(0, numbers).view(len(task.settings.keys), -1, self._flat.shape[1])
        losses = task.objective.backward(task.network, rows, self._noise)
        self.loss.index_copy_(0, self._n_batches, losses.unsqueeze(0))
        self._counters.add_(1)


class WindowNoise(NoiseStream):
    """Noise whose next draws are on the device; a draw depends on the place in the window.

    Parameters
    ----------
    keys, device, run_index
        See `NoiseStream`.
    size : int
        Number of draws in the window.
    place : Tensor (1,)
        Current place in the window.
    """

    def __init__(self, keys: Sequence[MemberKey], device: torch.device, run_index: int, size: int, place: torch.Tensor):
        super().__init__(keys, device=device, run_index=run_index)
        self._size = size
        self._place = place
        self._windows: dict[tuple[str, str, tuple[int, ...]], torch.Tensor] = {}

    def refill(self) -> None:
        """Draw the noise of the next window."""
        for (kind, purpose, shape), window in self._windows.items():
            window.copy_(self.draw_block(kind, purpose, shape, self._size))

    def draw(self, kind: str, purpose: str, shape: tuple[int, ...]) -> torch.Tensor:
        name = kind, purpose, shape
        if name not in self._windows:
            self._windows[name] = self.draw_block(kind, purpose, shape, self._size)
        return self.for_members(self._windows[name].index_select(0, self._place)[0])


def _upload(array: np.ndarray, into: torch.Tensor) -> None:
    """Copy an array to the device, without waiting for the device if memory can be pinned."""
    host = torch.from_numpy(np.ascontiguousarray(array))
    if into.device.type == "cuda":
        into.copy_(host.pin_memory(), non_blocking=True)
    else:
        into.copy_(host)
