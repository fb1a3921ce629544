"""CUDA graphs: kernels on fixed memory that are launched at once."""

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

import torch

#: Number of calls from which capture, which takes about as long as ten calls, pays off.
_WORTH_CAPTURING = 20
_LOGGER = logging.getLogger(__name__)
#: Held during a capture and a replay: torch registers its random generators with a capture for all threads.
_LOCK = threading.RLock()

Body = Callable[[], object]


class Replay:
    """Repeated calls of a function that launches the same kernels on the same memory in every call.

    Launching a small kernel takes longer than running it. On CUDA, the calls are therefore captured as a graph, whose
    kernels are launched together; the first call is not captured, as it allocates the buffers. On other devices, and if
    capture fails, the function itself is called, with the same result.

    Parameters
    ----------
    device : torch.device
    n_expected : int
        Expected number of calls; a few calls are not captured.
    unrolled : int, default=1
        Number of calls in a graph. Remaining calls have a graph of their own.

    Examples
    --------
    >>> total = torch.zeros(1)
    >>> Replay(torch.device("cpu"), n_expected=7, unrolled=5).run(lambda: total.add_(1), 7)
    >>> total
    tensor([7.])
    """

    def __init__(self, device: torch.device, n_expected: int, unrolled: int = 1):
        self._device = device
        self._sizes = sorted({unrolled, 1}, reverse=True)
        self._captures = device.type == "cuda" and n_expected >= _WORTH_CAPTURING
        self._is_warm = False
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}
        self._space: _Space | None = None

    def __del__(self) -> None:
        with _LOCK:
            self._graphs.clear()
            if self._space is not None:
                self._space.release()

    def run(self, body: Body, n_calls: int = 1) -> None:
        """Call a function `n_calls` times.

        It must be the same function in every run. It neither waits for the device nor copies from the host, and keeps
        all of its state in tensors. It is not stored, because a cycle of references would keep graphs in memory.
        """
        if not self._captures:
            _call(body, n_calls)
            return
        with torch.cuda.device(self._device):
            if n_calls and not self._is_warm:
                body()
                self._is_warm, n_calls = True, n_calls - 1
            for size in self._sizes:
                n_replays, n_calls = divmod(n_calls, size)
                self._replay(body, size, n_replays)

    def _replay(self, body: Body, size: int, n_replays: int) -> None:
        """Replay the graph of `size` calls, which is captured if it does not exist."""
        if n_replays and self._captures and size not in self._graphs:
            self._try_to_capture(body, size)
        if size not in self._graphs:
            _call(body, size * n_replays)
            return
        for _ in range(n_replays):
            with _LOCK:
                self._graphs[size].replay()

    def _try_to_capture(self, body: Body, size: int) -> None:
        try:
            self._space = self._space or _Space.of(self._device)
            self._graphs[size] = self._space.capture(lambda: _call(body, size))
        except RuntimeError as error:  # an operation that graphs do not support, or too little memory
            _LOGGER.info("%s: no CUDA graph, because %s", self._device, str(error))
            torch.cuda.current_stream(self._device).synchronize()
            with _LOCK:
                self._graphs.clear()  # they share memory of the stream with the graph that failed
            self._captures, self._space = False, None  # without a release of the space
            with suppress(RuntimeError):
                _Space(self._device).release()  # a complete capture resets the random generator of torch


class _Space:
    """Stream and memory pool in which one `Replay` at a time captures.

    Spaces are reused, because the memory of a pool is not used again when its graphs are deleted. The pool is kept by a
    graph that is never replayed.
    """

    _free: ClassVar[dict[torch.device, list["_Space"]]] = {}

    def __init__(self, device: torch.device):
        self._device = device
        self._stream = torch.cuda.Stream(device, priority=-1)  # torch takes streams of copies from another set
        self._replayed_in = torch.cuda.current_stream(device)
        self._pool = torch.cuda.graph_pool_handle()
        self._anchor = self.capture(lambda: torch.zeros(1, device=device))

    @classmethod
    def of(cls, device: torch.device) -> "_Space":
        """Return a free space of a device, or a new one."""
        with _LOCK:
            free = cls._free.setdefault(device, [])
            known = free.pop() if free else None
        space = known or cls(device)
        current = torch.cuda.current_stream(device)
        current.wait_stream(space._replayed_in)  # graphs of its last owner may still run
        space._replayed_in = current
        return space

    def release(self) -> None:
        """Leave the space to another owner; all graphs of this one must be deleted."""
        with _LOCK:
            self._free.setdefault(self._device, []).append(self)

    def capture(self, body: Body) -> torch.cuda.CUDAGraph:
        """Capture the kernels that a function launches, without running them."""
        graph = torch.cuda.CUDAGraph()
        # Not of the device, which another thread that captures would forbid.
        torch.cuda.current_stream(self._device).synchronize()
        with _LOCK, _without_collection(), torch.cuda.stream(self._stream):
            try:
                # Other threads may allocate or wait at the same time, which "global" would forbid.
                graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
                try:
                    body()
                finally:
                    graph.capture_end()
            except RuntimeError:
                # A capture that CUDA ends leaves the allocator in it, which then frees no memory.
                with suppress(Exception):
                    torch._C._cuda_endAllocateToPool(self._device.index, self._pool)
                raise
        return graph


def free_unused() -> bool:
    """Return the memory of deleted graphs to torch; return False if there is none."""
    with _LOCK:
        n_spaces = sum(map(len, _Space._free.values()))
        _Space._free.clear()
    return n_spaces > 0


@contextmanager
def _without_collection() -> Iterator[None]:
    """Suspend the collection of garbage, which may delete another graph and so end a capture."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _call(body: Body, n_calls: int) -> None:
    for _ in range(n_calls):
        body()
