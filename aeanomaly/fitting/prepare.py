"""Preparation of a training from validated rows."""

from dataclasses import replace

import torch

from aeanomaly.fitting.encoding import encode_rows, rows_at_start
from aeanomaly.fitting.initializer import Initializer
from aeanomaly.fitting.job import FitJob
from aeanomaly.fitting.members import Members
from aeanomaly.fitting.recipe import Recipe
from aeanomaly.fitting.robust import robust_core
from aeanomaly.fitting.rows import TrainingRows
from aeanomaly.fitting.state import FittedState
from aeanomaly.nn import NetworkSpec
from aeanomaly.preprocessing import Schema, TableEncoder
from aeanomaly.training import EarlyStopping, OptimizerState, TrainingData, TrainingSettings, resolve_device


def prepare_fit(
    recipe: Recipe,
    rows: TrainingRows,
    seed: int,
    initializer: Initializer,
    warm: FittedState | None = None,
) -> FitJob:
    """Prepare a whole fit: encode the rows, and initialize the networks, or copy the first from the state `warm`."""
    common = rows.columns, recipe.encoder_options, rows.names, resolve_device(recipe.device)
    schema, encoded = initializer.encode(rows.table, *common)
    if recipe.trimmed_share:
        core = robust_core(rows_at_start(encoded), schema.feature_kinds, recipe.trimmed_share, seed)
        rows = replace(rows, core=core)
        initializer = Initializer()  # cached results and known statistics are those of all rows
        schema, encoded = initializer.encode(rows.core_table, *common)
    first, *others = (
        _prepare_network(part, rows, schema, encoded, seed, initializer, warm if part is recipe else None)
        for part in (recipe, *recipe.companions)
    )
    return replace(first, companions=tuple(others))


def _prepare_network(
    recipe: Recipe,
    rows: TrainingRows,
    schema: Schema,
    encoded: torch.Tensor,
    seed: int,
    initializer: Initializer,
    warm: FittedState | None,
) -> FitJob:
    """Prepare the training of the network of one recipe."""
    device, options = resolve_device(recipe.device), recipe.training
    spec = recipe.network_spec(schema.n_encoded)
    members = recipe.members(seed, len(encoded))
    if warm is None:
        samples, run_index = members.split(options.held_out_fraction, 0).training, 0
        network = initializer.network(schema, spec, members.keys, encoded, samples=samples, **recipe.prototype_start)
    else:
        _check_warm_start(warm, spec, schema.kinds)
        network, run_index = warm.model.copied(device=device).scorer.network, warm.n_runs
    split, n_steps = members.split(options.held_out_fraction, run_index), options.n_steps(spec, len(encoded))
    stopping, encoder = options.stopping(len(split.training[0]), n_steps), TableEncoder(schema)
    return FitJob(
        rows=rows,
        encoder=encoder,
        spec=spec,
        network=network,
        members=members,
        objective=recipe.objective(network, encoder),
        data=TrainingData(encoded[None], split.training, split.validation),
        settings=_settings(recipe, members, n_steps, run_index, stopping),
        device=device,
        seed=seed,
        run_index=run_index,
    )


def prepare_first_pass(recipe: Recipe, rows: TrainingRows, seed: int) -> FitJob:
    """Prepare a first pass over rows at a constant learning rate."""
    job = prepare_fit(recipe, rows, seed, Initializer())
    data = replace(job.data, members=list(job.members.rows), validation=None)
    return replace(job, data=data, settings=_settings_of_pass(recipe, job.members, len(job.encoded), 0))


def prepare_next_pass(recipe: Recipe, rows: TrainingRows, state: FittedState) -> tuple[FitJob, OptimizerState | None]:
    """Prepare a pass over more rows, and return it with the state of the optimizer to continue from."""
    model = state.model.copied(device=resolve_device(recipe.device))
    requested = recipe.network_spec(model.spec.n_encoded)
    if requested != model.spec:
        raise ValueError(
            f"partial_fit continues with {model.spec}, but the parameters now require {requested}; restore the "
            "parameters, or call fit"
        )
    encoded, network = encode_rows(model.encoder, rows.table, model.device), model.scorer.network
    members = recipe.members(state.seed, len(encoded))
    job = FitJob(
        rows=rows,
        encoder=model.encoder,
        spec=model.spec,
        network=network,
        members=members,
        objective=recipe.objective(network, model.encoder),
        data=TrainingData(encoded[None], list(members.rows)),
        settings=_settings_of_pass(recipe, members, len(encoded), state.n_runs),
        device=model.device,
        seed=state.seed,
        run_index=state.n_runs,
    )
    moments = state.optimizer
    return job, None if moments is None else OptimizerState.from_arrays(moments, model.device)


def _check_warm_start(warm: FittedState, spec: NetworkSpec, kinds: list[str]) -> None:
    known = warm.model.spec, warm.model.schema.kinds
    if known != (spec, kinds):
        raise ValueError(
            "warm_start=True needs the columns and the network of the last fit: "
            f"it had {known[0]}, with columns {known[1]}; this fit has {spec}, with columns {kinds}; "
            "set warm_start=False to start again"
        )


def _settings(
    recipe: Recipe, members: Members, n_steps: int, run_index: int, early_stopping: EarlyStopping | None
) -> TrainingSettings:
    return TrainingSettings(
        keys=members.keys,
        n_steps=n_steps,
        batch_size=recipe.training.batch_size,
        learning_rate=members.learning_rates,
        weight_decay=[recipe.training.weight_decay] * len(members.keys),
        early_stopping=early_stopping,
        run_index=run_index,
    )


def _settings_of_pass(recipe: Recipe, members: Members, n_rows: int, run_index: int) -> TrainingSettings:
    n_steps = -(-n_rows // recipe.training.batch_size)
    return replace(_settings(recipe, members, n_steps, run_index, None), schedule="constant")
