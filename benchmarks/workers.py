"""Distribution of jobs to worker processes, which send each line as soon as a run ends."""

import contextlib
import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from benchmarks.machine import threads
from benchmarks.peers import Entry, warm_up
from benchmarks.runs import Job, lines

# A worker is forked from a server that has imported this module and has no threads, where systems support it.
_HAS_SERVER = "forkserver" in multiprocessing.get_all_start_methods()
_CONTEXT = multiprocessing.get_context("forkserver" if _HAS_SERVER else "spawn")
if _HAS_SERVER:
    _CONTEXT.set_forkserver_preload([__name__])
_SECONDS_TO_END = 5


class Lost(NamedTuple):
    """Run whose worker process died before it ended."""

    key: dict[str, Any]
    exit_code: int | None


class WorkerError(Exception):
    """Error of a worker process before its first run, with a one-sentence message."""


class Worker:
    """Worker process, and the runs of its job that have not ended."""

    def __init__(self, taking_part: Iterable[Entry], n_threads: int):
        self.connection, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs, tuple(taking_part), n_threads), daemon=True)
        with _interrupts_ignored():  # the process inherits this: only the main process handles an interruption
            self._process.start()
        theirs.close()
        self._is_ready = False
        self.job: Job | None = None

    def give(self, job: Job) -> None:
        """Send a job to the process; it must not have another one."""
        self.job = job
        with contextlib.suppress(OSError):  # the process has died: `receive` reports it
            self.connection.send(job)

    def receive(self) -> dict[str, Any] | Lost | None:
        """Return the line of the run that has just ended, or the lost run; None if the process has become ready."""
        assert self.job is not None
        try:
            received = self.connection.recv()
        except (EOFError, OSError):
            received = self._lost(self.job)
        if received is None:
            self._is_ready = True
        else:
            self.job = self.job.rest()
        return received

    def _lost(self, job: Job) -> Lost:
        self._process.join()
        code = self._process.exitcode
        if not self._is_ready:
            raise WorkerError(
                f"a worker process ended with exit code {code} before its first run; pass --processes 1 to see the "
                "error in the main process"
            )
        return Lost(job.key(job.entries[0]), code)

    def stop(self) -> None:
        """End the process at once; a run that does not let it end is killed."""
        self.connection.close()
        self._process.terminate()
        self._process.join(_SECONDS_TO_END)
        self._process.kill()
        self._process.join()


def distribute(
    jobs: Iterable[Job], taking_part: Iterable[Entry], n_processes: int, n_threads: int
) -> Iterator[dict[str, Any] | Lost]:
    """Yield the line of each run, or the run that was lost with its process; the other runs continue.

    The processes end with the iterator.
    """
    queue, taking_part = deque(jobs), tuple(taking_part)
    workers: list[Worker] = []
    try:
        while queue or any(worker.job for worker in workers):
            _hand_out(queue, workers, n_processes, partial(Worker, taking_part, n_threads))
            for worker in _readable(workers):
                received = worker.receive()
                if isinstance(received, Lost):
                    worker.stop()
                    workers.remove(worker)
                    queue.extendleft([worker.job] if worker.job else [])
                if received is not None:
                    yield received
    finally:
        for worker in workers:
            worker.stop()


def _hand_out(queue: deque[Job], workers: list[Worker], n_processes: int, start: Callable[[], Worker]) -> None:
    """Give jobs to workers without one, and start workers for the others, at most `n_processes` in total."""
    while queue:
        idle = next((worker for worker in workers if worker.job is None), None)
        if idle is None:
            if len(workers) == n_processes:
                return
            workers.append(idle := start())
        idle.give(queue.popleft())


def _readable(workers: Iterable[Worker]) -> list[Worker]:
    """Wait until a worker with a job has sent a line or has died."""
    busy = {worker.connection: worker for worker in workers if worker.job}
    return [busy[connection] for connection in wait(list(busy))]


def _serve(connection: Connection, taking_part: Iterable[Entry], n_threads: int) -> None:
    """Run jobs until the main process ends this process, or has ended itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # release semaphores
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError), threads(n_threads):
        for entry in taking_part:
            warm_up(entry)
        connection.send(None)  # ready
        while True:
            for line in lines(connection.recv()):
                connection.send(line)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
