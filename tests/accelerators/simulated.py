"""A simulated accelerator: tensors of another device, computed on the CPU.

A tensor of the simulated device wraps a tensor of the CPU and reports another device. Every operation is checked as a
real accelerator would: operands of two devices raise an error. Transfers and synchronizations are counted, so that a
test shows which code waits for the device, and which operations a CUDA graph could not capture.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from aeanomaly import streams
from aeanomaly.scoring import chunks
from aeanomaly.training import device as device_module

#: Stand-in for a real device; torch has no kernels for it that could hide a fault.
DEVICE = torch.device("meta")
_CPU = torch.device("cpu")
#: Maximum number of rows in a launch of scores.
LAUNCH_SIZE = 512
_READS = {"aten::_local_scalar_dense", "aten::item", "aten::nonzero", "aten::is_nonzero", "aten::equal"}


class OnDevice(torch.Tensor):
    """Tensor of the simulated device."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> "OnDevice":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
            requires_grad=False,
        )
        made.inner = inner
        return made

    def data_ptr(self) -> int:
        return self.inner.data_ptr()

    @property
    def data(self) -> torch.Tensor:
        return OnDevice(self.inner.detach())

    @data.setter
    def data(self, value: "OnDevice") -> None:
        torch.Tensor.data.__set__(self, value)
        self.inner = value.inner

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError("a tensor of the simulated device is used outside of `simulated_device()`")


class Simulation(TorchDispatchMode):
    """Dispatch of all operations; counts of launches, transfers and synchronizations.

    Attributes
    ----------
    launches : int
        Number of operations on the device, without views.
    transfers : Counter
        Number of copies "to device" and "to host".
    synchronizations : int
        Number of times that the host waited for the device.
    capturing : bool
        True while transfers and synchronizations raise an error, as during the capture of a CUDA graph.
    """

    def __init__(self) -> None:
        super().__init__()
        self.launches = 0
        self.transfers: Counter[str] = Counter()
        self.synchronizations = 0
        self.capturing = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        values = [v for v in tree_flatten((args, kwargs))[0] if isinstance(v, torch.Tensor)]
        on_device = any(isinstance(v, OnDevice) for v in values)
        wanted = kwargs.get("device")
        wanted = None if wanted is None else torch.device(wanted)
        name = func.name().split(".")[0]
        if name in ("aten::_to_copy", "aten::copy_"):
            return self._copy(func, name, args, kwargs, wanted)
        if not on_device and wanted != DEVICE:
            return func(*args, **kwargs)
        self._check(name, values)
        if name in _READS:
            self._synchronize(name)
        self.launches += not func.is_view
        if wanted == DEVICE:
            kwargs["device"] = _CPU
            kwargs.pop("pin_memory", None)
        inner_args, inner_kwargs = tree_map(_unwrapped, (args, kwargs))
        result = func(*inner_args, **inner_kwargs)
        return self._wrapped(func, args, kwargs, result, to_host=wanted == _CPU)

    def _copy(self, func: Any, name: str, args: Any, kwargs: Any, wanted: torch.device | None) -> Any:
        if name == "aten::copy_":
            target, source = args[:2]
            if isinstance(target, OnDevice) != isinstance(source, OnDevice):
                self._transfer("to device" if isinstance(target, OnDevice) else "to host")
            elif isinstance(target, OnDevice):
                self.launches += 1
            func(_unwrapped(target), _unwrapped(source), *args[2:], **kwargs)
            return target
        source = args[0]
        target = (DEVICE if isinstance(source, OnDevice) else source.device) if wanted is None else wanted
        if (target == DEVICE) != isinstance(source, OnDevice):
            self._transfer("to device" if target == DEVICE else "to host")
        elif target == DEVICE:
            self.launches += 1
        kwargs.pop("device", None)
        made = func(_unwrapped(source), **kwargs)
        return OnDevice(made) if target == DEVICE else made

    def _check(self, name: str, values: list[torch.Tensor]) -> None:
        strangers = [v for v in values if not isinstance(v, OnDevice) and v.dim() > 0]
        if strangers and any(isinstance(v, OnDevice) for v in values):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, but found a tensor of the CPU")

    def _transfer(self, direction: str) -> None:
        if self.capturing:
            raise RuntimeError(f"a copy {direction} is not permitted during capture")
        self.transfers[direction] += 1
        if direction == "to host":
            self._synchronize("copy")

    def _synchronize(self, name: str) -> None:
        if self.capturing:
            raise RuntimeError(f"{name} waits for the device, which is not permitted during capture")
        self.synchronizations += 1

    def _wrapped(self, func: Any, args: Any, kwargs: Any, result: Any, *, to_host: bool) -> Any:
        known = {id(v.inner): v for v in tree_flatten((args, kwargs))[0] if isinstance(v, OnDevice)}

        def wrap(value: Any) -> Any:
            if not isinstance(value, torch.Tensor) or to_host:
                return value
            return known[id(value)] if id(value) in known else OnDevice(value)

        return tree_map(wrap, result)


def _unwrapped(value: Any) -> Any:
    return value.inner if isinstance(value, OnDevice) else value


@contextmanager
def simulated_device() -> Iterator[Simulation]:
    """Simulate an accelerator in this thread, and in the threads of pools; detectors accept it as device="meta"."""
    with ExitStack() as stack:
        simulation = Simulation()
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(device_module, "_count", lambda name: int(name == DEVICE.type))
        patch.setattr(streams, "torch_stream", lambda key, purpose, run, _: _torch_stream(key, purpose, run, _CPU))
        # Wrappers of tensors cannot be inference tensors.
        patch.setattr(torch, "inference_mode", lambda mode=True: torch.no_grad() if mode else nullcontext())
        patch.setattr(ThreadPoolExecutor, "submit", _submit_within(simulation))
        # The CPU computes small launches of scores faster.
        patch.setattr(chunks, "_LAUNCH_ROWS", LAUNCH_SIZE)
        stack.enter_context(simulation)
        yield simulation


_torch_stream, _submit = streams.torch_stream, ThreadPoolExecutor.submit


def _submit_within(simulation: Simulation) -> Callable[..., Any]:
    def submit(pool: ThreadPoolExecutor, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def run() -> Any:
            with simulation:
                return function(*args, **kwargs)

        return _submit(pool, run)

    return submit
