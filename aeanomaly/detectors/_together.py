"""Many detectors fitted at about the price of a few: their networks are members of common stacks."""

import copy
import threading
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch

from aeanomaly.detectors._learning import Plan
from aeanomaly.detectors._starts import RememberedStarts
from aeanomaly.nn import join_networks, split_network
from aeanomaly.threads import limit_threads
from aeanomaly.training import StepHook, TrainingData, TrainingResult, TrainingSettings, is_worth_threads, train

#: Numbers in all layers of a batch, members together, from which a larger stack saves nothing, and leaves the cache.
_NUMBERS = 1 << 20


class _Job(NamedTuple):
    """A detector that is ready to train."""

    number: int
    learner: Any
    rows: Any
    plan: Plan


def fit_together(fits: Iterable[tuple[Any, Any]]) -> Iterator[tuple[int, Any]]:
    """Fit detectors, each to its table; what each learns is what it would have learned alone.

    Detectors whose networks have one shape train as one stack, whatever their learning rates, decays, penalties,
    noise, seeds and rows; on the CPU a stack for each of torch's threads, side by side. Masked, a narrower
    code could stand among wider ones, but products and sums would round differently, which training blows up: it
    would no longer be what the detector learns alone. Networks that are worth several threads train alone.

    Parameters
    ----------
    fits : iterable of (detector, table)
        Detectors of this package, which are not changed, and array-likes or DataFrames. Read as memory
        allows; a table that comes again at once, the same object, is encoded once.

    Yields
    ------
    number, fitted : int, detector or Exception
        As they are done, the number of the pair, and a fitted copy or what its fit raised.
    """
    waiting: dict[Hashable, list[_Job]] = {}
    starts = RememberedStarts()
    for number, (detector, table) in enumerate(fits):
        try:
            job = _prepared(number, detector, table, starts)
        except Exception as error:
            yield number, error
            continue
        if is_worth_threads(job.plan.model.network, job.plan.settings):
            yield from _fitted([job])
            continue
        kind = _kind(job.plan)
        waiting.setdefault(kind, []).append(job)
        if len(waiting[kind]) * _numbers(job.plan) >= _NUMBERS * _workers(job.plan):
            yield from _side_by_side([waiting.pop(kind)])
    yield from _side_by_side(list(waiting.values()))


def _prepared(number: int, detector: Any, table: Any, starts: RememberedStarts) -> _Job:
    learner = copy.copy(detector)
    with torch.inference_mode(False):
        return _Job(number, learner, *learner._prepare(table, starts=starts.of(table)))


def _kind(plan: Plan) -> Hashable:
    """What the members of a stack have in common."""
    return (
        replace(plan.model.spec, n_members=1, code_sizes=None),
        plan.objective.stack_key,
        plan.settings.stack_key,
        plan.model.device,
        plan.data.validation is None,
    )


def _numbers(plan: Plan) -> int:
    """Numbers in all layers of a batch."""
    spec = plan.model.spec
    width = 2 * sum(spec.hidden_layer_sizes) + spec.latent_dim + spec.n_encoded
    return spec.n_members * plan.settings.batch_size * width


def _workers(plan: Plan) -> int:
    """Stacks that train side by side."""
    return torch.get_num_threads() if plan.model.device.type == "cpu" else 1


def _side_by_side(kinds: Sequence[list[_Job]]) -> Iterator[tuple[int, Any]]:
    """Train jobs, of one kind in each list, with as many stacks at a time as there are threads."""
    stacks = [part for jobs in kinds for part in _parts(jobs, _workers(jobs[0].plan))]
    if not stacks:
        return
    given_up = threading.Event()

    def fitted(stack: Sequence[_Job]) -> list[tuple[int, Any]]:
        # Not by shared products: their threads would wait for each other at every one of many small steps.
        with limit_threads(1):
            return list(_fitted(stack, lambda _: given_up.is_set()))

    with ThreadPoolExecutor(max(_workers(jobs[0].plan) for jobs in kinds)) as pool:
        try:
            for done in pool.map(fitted, stacks):
                yield from done
        finally:
            given_up.set()


def _parts(jobs: list[_Job], n_parts: int) -> list[list[_Job]]:
    """Jobs in so many parts, or fewer where there are not two for each."""
    n_parts = max(1, min(n_parts, len(jobs) // 2))
    return [jobs[part::n_parts] for part in range(n_parts)]


def _fitted(stack: Sequence[_Job], on_step: StepHook | None = None) -> Iterator[tuple[int, Any]]:
    """Train a stack, and end each of its fits."""
    try:
        with torch.inference_mode(False):
            results: Sequence[Any] = _trained([job.plan for job in stack], on_step)
    except Exception as error:
        results = [error] * len(stack)
    for job, result in zip(stack, results, strict=True):
        yield job.number, _ended(job, result)


def _ended(job: _Job, result: Any) -> Any:
    """The fitted detector, or the exception."""
    if isinstance(result, Exception):
        return result
    try:
        with torch.inference_mode(False):
            job.learner._finish(job.plan.model, result, job.rows)
    except Exception as error:
        return error
    return job.learner


def _trained(plans: Sequence[Plan], on_step: StepHook | None) -> list[TrainingResult]:
    """Train the networks of all plans, in place, as one stack."""
    if len(plans) == 1:
        return [plans[0].train(on_step=on_step)]
    specs, networks = [plan.model.spec for plan in plans], [plan.model.network for plan in plans]
    sizes = [spec.n_members for spec in specs]
    joined = join_networks(specs, networks)
    objective = type(plans[0].objective).stack([plan.objective for plan in plans], sizes)
    data = TrainingData.stack([plan.data for plan in plans])
    settings = TrainingSettings.stack([plan.settings for plan in plans])
    result = train(joined.requires_grad_(True), objective, data, settings, on_step=on_step)
    split_network(joined, networks)
    ends = accumulate(sizes, initial=0)
    return [result.select(slice(first, end)) for first, end in pairwise(ends)]
