"""Training many networks at about the cost of a few: as members of common stacks."""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch

from aeanomaly.fitting.job import FitJob, PreparedFit
from aeanomaly.nn import join_networks, split_network
from aeanomaly.threads import limit_threads
from aeanomaly.training import StepHook, TrainingData, TrainingResult, TrainingSettings, is_worth_threads, train

#: Numbers in all layers of a batch, members together. A larger stack saves nothing and does not fit into the cache.
_MAX_NUMBERS = 1 << 20


class _Numbered(NamedTuple):
    """A prepared fit with its number."""

    number: int
    fit: PreparedFit

    @property
    def job(self) -> FitJob:
        return self.fit[0]


def fit_stacked(fits: Iterable[PreparedFit | Exception]) -> Iterator[tuple[int, Any]]:
    """Run prepared fits; each learns what it would have learned alone, to the bit.

    Networks of one shape train as one stack, with their own learning rates, decays, penalties, noise, seeds and rows.
    On the CPU each of torch's threads trains a stack. A narrower code could be masked among wider ones, but products
    and sums would round differently, and training amplifies that. Networks that are worth several threads train alone.

    Parameters
    ----------
    fits : iterable of PreparedFit or Exception
        Read as memory allows. An exception, from a fit that could not be prepared, is passed through.

    Yields
    ------
    number, fitted : int, detector or Exception
        As they finish: the number of the fit, and the fitted detector or the exception that the fit raised.
    """
    waiting: dict[Hashable, list[_Numbered]] = {}
    for number, fit in enumerate(fits):
        if isinstance(fit, Exception):
            yield number, fit
            continue
        entry = _Numbered(number, fit)
        if is_worth_threads(entry.job.network, entry.job.settings):
            yield from _run_stack([entry])
            continue
        key = _stack_key(entry.job)
        waiting.setdefault(key, []).append(entry)
        if len(waiting[key]) * _n_numbers(entry.job) >= _MAX_NUMBERS * _n_workers(entry.job):
            yield from _run_side_by_side([waiting.pop(key)])
    yield from _run_side_by_side(list(waiting.values()))


def _stack_key(job: FitJob) -> Hashable:
    """Return a key that is equal for jobs that can be one stack."""
    return (
        replace(job.spec, n_members=1, code_sizes=None),
        job.objective.stack_key,
        job.settings.stack_key,
        job.device,
        job.data.validation is None,
    )


def _n_numbers(job: FitJob) -> int:
    """Return the numbers in all layers of a batch."""
    spec = job.spec
    width = 2 * sum(spec.hidden_layer_sizes) + spec.latent_dim + spec.n_encoded
    return spec.n_members * job.settings.batch_size * width


def _n_workers(job: FitJob) -> int:
    """Return the number of stacks that train side by side."""
    return torch.get_num_threads() if job.device.type == "cpu" else 1


def _run_side_by_side(groups: Sequence[list[_Numbered]]) -> Iterator[tuple[int, Any]]:
    """Train the fits of each group, which have one stack key, with as many stacks at a time as there are threads."""
    stacks = [part for group in groups for part in _parts(group, _n_workers(group[0].job))]
    if not stacks:
        return
    given_up = threading.Event()

    def run(stack: Sequence[_Numbered]) -> list[tuple[int, Any]]:
        # One thread each: threads that share a product would wait for each other at every one of many small steps.
        with limit_threads(1):
            return list(_run_stack(stack, lambda _: given_up.is_set()))

    with ThreadPoolExecutor(max(_n_workers(group[0].job) for group in groups)) as pool:
        try:
            for done in pool.map(run, stacks):
                yield from done
        finally:
            given_up.set()


def _parts(group: list[_Numbered], n_parts: int) -> list[list[_Numbered]]:
    """Divide fits into parts of at least two, where there are enough."""
    n_parts = max(1, min(n_parts, len(group) // 2))
    return [group[part::n_parts] for part in range(n_parts)]


def _run_stack(stack: Sequence[_Numbered], on_step: StepHook | None = None) -> Iterator[tuple[int, Any]]:
    """Train a stack and finish each of its fits."""
    try:
        with torch.inference_mode(False):
            results: Sequence[Any] = _train([entry.job for entry in stack], on_step)
    except Exception as error:
        results = [error] * len(stack)
    for (number, (_, finish)), result in zip(stack, results, strict=True):
        yield number, result if isinstance(result, Exception) else _finished(finish, result)


def _finished(finish: Callable[[TrainingResult], Any], result: TrainingResult) -> Any:
    """Return the fitted detector, or the exception."""
    try:
        with torch.inference_mode(False):
            return finish(result)
    except Exception as error:
        return error


def _train(jobs: Sequence[FitJob], on_step: StepHook | None) -> list[TrainingResult]:
    """Train the networks of all jobs in place, as one stack."""
    if len(jobs) == 1:
        return [jobs[0].train(on_step=on_step)]
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
