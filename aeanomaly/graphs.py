"""CUDA graphs: kernels on fixed memory that are launched at once."""

import logging
import threading
from collections.abc import Callable

import torch

#: Number of calls from which capture, which takes about as long as ten calls, pays off.
_WORTH_CAPTURING = 20
_LOGGER = logging.getLogger(__name__)


class _ThreadStreams(threading.local):
    """Streams of a thread in which it captures, one for each device, as each stream has its workspace of products."""

    def __init__(self) -> None:
        self.by_device: dict[torch.device, torch.cuda.Stream] = {}


_STREAMS = _ThreadStreams()


def _capture_stream(device: torch.device) -> torch.cuda.Stream:
    if device not in _STREAMS.by_device:
        _STREAMS.by_device[device] = torch.cuda.Stream(device)
    return _STREAMS.by_device[device]


class Replay:
    """Repeated calls of a function that launches the same kernels on the same memory in every call.

    Launching a small kernel takes longer than running it. On CUDA, the calls are captured as a graph, whose kernels are
    launched together; the first call is not captured, as it allocates the buffers. On other devices, and if capture
    fails, the function itself is called, with the same result.

    Parameters
    ----------
    body : callable()
        Function that neither waits for the device nor copies from the host, and keeps all of its state in tensors.
    device : torch.device
    n_expected : int
        Expected number of calls; a few calls are not captured.
    unrolled : int, default=1
        Number of calls in a graph. Remaining calls have a graph of their own.

    Examples
    --------
    >>> total = torch.zeros(1)
    >>> Replay(lambda: total.add_(1), torch.device("cpu"), n_expected=7, unrolled=5).run(7)
    >>> total
    tensor([7.])
    """

    def __init__(self, body: Callable[[], object], device: torch.device, n_expected: int, unrolled: int = 1):
        self._body = body
        self._device = device
        self._sizes = sorted({unrolled, 1}, reverse=True)
        self._captures = device.type == "cuda" and n_expected >= _WORTH_CAPTURING
        self._is_warm = False
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}

    def run(self, n_calls: int = 1) -> None:
        """Call the function `n_calls` times."""
        if not self._captures:
            self._call(n_calls)
            return
        with torch.cuda.device(self._device):
            if n_calls and not self._is_warm:
                self._call(1)
                self._is_warm, n_calls = True, n_calls - 1
            for size in self._sizes:
                n_replays, n_calls = divmod(n_calls, size)
                self._replay(size, n_replays)

    def _call(self, n_calls: int) -> None:
        for _ in range(n_calls):
            self._body()

    def _replay(self, size: int, n_replays: int) -> None:
        """Replay the graph of `size` calls, which is captured if it does not exist."""
        if n_replays and self._captures and size not in self._graphs:
            self._try_to_capture(size)
        if size not in self._graphs:
            self._call(size * n_replays)
            return
        for _ in range(n_replays):
            self._graphs[size].replay()

    def _try_to_capture(self, size: int) -> None:
        try:
            self._graphs[size] = self._capture(size)
        except RuntimeError as error:  # an operation that graphs do not support, or too little memory
            self._captures = False
            _LOGGER.info("%s: no CUDA graph, because %s", self._device, error)

    def _capture(self, size: int) -> torch.cuda.CUDAGraph:
        graph, stream = torch.cuda.CUDAGraph(), _capture_stream(self._device)
        pool = next((other.pool() for other in self._graphs.values()), None)
        # Not of the device, which another thread that captures would forbid.
        torch.cuda.current_stream(self._device).synchronize()
        with torch.cuda.stream(stream):
            # Other threads may allocate or wait at the same time, which "global" would forbid.
            graph.capture_begin(pool=pool, capture_error_mode="thread_local")
            try:
                self._call(size)
            finally:
                graph.capture_end()
        return graph
