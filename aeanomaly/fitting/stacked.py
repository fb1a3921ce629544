"""Training of many detectors as members of common stacks."""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch

from aeanomaly.fitting.job import FitJob, PreparedFit
from aeanomaly.nn import join_networks, split_network
from aeanomaly.threads import limit_threads, thread_pool
from aeanomaly.training import StepHook, TrainingData, TrainingResult, TrainingSettings, is_worth_threads, train

#: Maximum number of elements in all layers of a batch. On a CPU, a larger stack is not faster, and does not fit into
#: the cache; on an accelerator, it takes too much memory.
_MAX_ELEMENTS, _MAX_ON_DEVICE = 1 << 20, 1 << 27


class _Numbered(NamedTuple):
    """Prepared fit with its index."""

    number: int
    job: FitJob
    finish: Callable[[TrainingResult], Any]


def fit_stacked(fits: Iterable[PreparedFit | Exception]) -> Iterator[tuple[int, Any]]:
    """Run prepared fits in stacks, with results that are bitwise equal to those of separate fits on a CPU.

    Networks of one shape are trained as one stack, with individual learning rates, decays, penalties, noise, seeds and
    rows. Narrower codes are not masked to join wider ones, because products and sums would round differently, and
    training amplifies the difference. On a CPU, each thread of torch trains one stack, and networks that are large
    enough for several threads are trained separately. On an accelerator, products of larger stacks may round
    differently.

    Parameters
    ----------
    fits : iterable of PreparedFit or Exception
        Prepared fits, read as memory allows. An exception, from a failed preparation, is passed through.

    Yields
    ------
    number, fitted : int, detector or Exception
        Index of the fit, in the order of completion, and the fitted detector or the exception of the fit.
    """
    waiting: dict[Hashable, list[_Numbered]] = {}
    for number, fit in enumerate(fits):
        if isinstance(fit, Exception):
            yield number, fit
            continue
        entry = _Numbered(number, *fit)
        if _is_trained_alone(entry.job):
            yield from _run_stack([entry])
            continue
        key = _stack_key(entry.job)
        waiting.setdefault(key, []).append(entry)
        if len(waiting[key]) * _n_elements(entry.job) >= _most_elements(entry.job):
            yield from _run_groups([waiting.pop(key)])
    yield from _run_groups(waiting.values())


def _stack_key(job: FitJob) -> Hashable:
    """Return a key that is equal for jobs that can be combined into one stack."""
    return (
        replace(job.spec, n_members=1, code_sizes=None),
        job.objective.stack_key,
        job.settings.stack_key,
        job.device,
        job.data.validation is None,
    )


def _n_elements(job: FitJob) -> int:
    """Return the number of elements in all layers of a batch."""
    spec = job.spec
    width = 2 * sum(spec.hidden_layer_sizes) + spec.latent_dim + spec.n_encoded
    return spec.n_members * job.settings.batch_size * width


def _most_elements(job: FitJob) -> int:
    """Return the number of elements in all layers of a batch from which fits wait no longer for others."""
    return _MAX_ELEMENTS * torch.get_num_threads() if job.device.type == "cpu" else _MAX_ON_DEVICE


def _is_trained_alone(job: FitJob) -> bool:
    """Return True if the threads of a CPU share the products of a network, which is then too large for a stack."""
    return job.device.type == "cpu" and is_worth_threads(job.network, job.settings)


def _run_groups(groups: Iterable[list[_Numbered]]) -> Iterator[tuple[int, Any]]:
    """Train the fits of each group, which have the same stack key."""
    groups = list(groups)
    yield from _run_in_parallel([group for group in groups if group[0].job.device.type == "cpu"])
    for group in groups:
        if group[0].job.device.type != "cpu":
            yield from _run_stack(group)  # in this thread, which has the current stream of the user


def _run_in_parallel(groups: Sequence[list[_Numbered]]) -> Iterator[tuple[int, Any]]:
    """Train groups of fits on the CPU, with one stack per thread in parallel."""
    n_workers = torch.get_num_threads()
    stacks = [part for group in groups for part in _parts(group, n_workers)]
    if not stacks:
        return
    is_cancelled = threading.Event()

    def run(stack: Sequence[_Numbered]) -> list[tuple[int, Any]]:
        # One thread per stack: threads that share small products would spend most of the time waiting for each other.
        with limit_threads(1):
            return list(_run_stack(stack, lambda _: is_cancelled.is_set()))

    with thread_pool(n_workers) as pool:
        try:
            for done in pool.map(run, stacks):
                yield from done
        finally:
            is_cancelled.set()


def _parts(group: list[_Numbered], n_parts: int) -> list[list[_Numbered]]:
    """Divide fits into parts of at least two, if there are enough."""
    n_parts = max(1, min(n_parts, len(group) // 2))
    return [group[part::n_parts] for part in range(n_parts)]


def _run_stack(stack: Sequence[_Numbered], on_step: StepHook | None = None) -> Iterator[tuple[int, Any]]:
    """Train a stack, and yield the result of each of its fits."""
    try:
        with torch.inference_mode(False):
            results: Sequence[Any] = train_together([entry.job for entry in stack], on_step)
    except Exception as error:
        results = [error] * len(stack)
    for (number, _, finish), result in zip(stack, results, strict=True):
        yield number, result if isinstance(result, Exception) else _finished(finish, result)


def _finished(finish: Callable[[TrainingResult], Any], result: TrainingResult) -> Any:
    """Return the fitted detector, or the exception of `finish`."""
    try:
        with torch.inference_mode(False):
            return finish(result)
    except Exception as error:
        return error


def train_together(jobs: Sequence[FitJob], on_step: StepHook | None = None) -> list[TrainingResult]:
    """Train the networks of all jobs in place, those with equal stack keys as one stack."""
    stacks: dict[Hashable, list[int]] = {}
    for number, job in enumerate(jobs):
        stacks.setdefault(_stack_key(job), []).append(number)
    results: dict[int, TrainingResult] = {}
    for numbers in stacks.values():
        results.update(zip(numbers, _train_stack([jobs[n] for n in numbers], on_step), strict=True))
    return [results[number] for number in range(len(jobs))]


def _train_stack(jobs: Sequence[FitJob], on_step: StepHook | None) -> list[TrainingResult]:
    """Train the networks of jobs with equal stack keys in place, as one stack."""
    if len(jobs) == 1:
        return [jobs[0].train(on_step)]
    _train_companions(jobs)
    specs, networks = [job.spec for job in jobs], [job.network for job in jobs]
    sizes = [spec.n_members for spec in specs]
    joined = join_networks(specs, networks)
    objective = type(jobs[0].objective).stack([job.objective for job in jobs], sizes)
    data = TrainingData.stack([job.data for job in jobs])
    settings = TrainingSettings.stack([job.settings for job in jobs])
    result = train(joined.requires_grad_(True), objective, data, settings, on_step=on_step)
    split_network(joined, networks)
    ends = accumulate(sizes, initial=0)
    return [result.select(slice(first, end)) for first, end in pairwise(ends)]


def _train_companions(jobs: Sequence[FitJob]) -> None:
    """Train the companions of jobs in place; on an accelerator, those of several jobs as stacks."""
    if jobs[0].device.type == "cpu":
        for job in jobs:
            job.train_companions()
        return
    companions = [companion for job in jobs for companion in job.companions]
    for companion, result in zip(companions, train_together(companions), strict=True):
        companion.check(result)
