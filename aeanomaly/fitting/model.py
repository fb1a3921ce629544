"""Fitted model: the encoder of a table and the scorers of encoded rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch

from aeanomaly.fitting.device_encoder import ErrorModule
from aeanomaly.fitting.left_out import LeftOutCells
from aeanomaly.fitting.rows import spaced_rows
from aeanomaly.fitting.scorers import likelihood_of, scorer_from_state, scorer_to_state
from aeanomaly.nn import GaussianAutoencoder, NetworkSpec, Standardize, encoder_module
from aeanomaly.persistence import add_prefix, take_prefix
from aeanomaly.preprocessing import Column, Schema, TableEncoder, are_numeric, check_table, column_from_json
from aeanomaly.scoring import (
    PADDING,
    ELBOScorer,
    Launches,
    NetworkScorer,
    Scorer,
    column_terms,
    has_launches,
    log_weights,
    map_chunks,
    mean_of_members,
    member_terms,
    to_numpy,
    total_errors,
)
from aeanomaly.streams import MemberKey, torch_stream
from aeanomaly.threads import check_fork
from aeanomaly.training import resolve_device

#: Products of a larger code with weights may overflow float32.
_LARGEST_CODE = 1e12
#: Numbers of rows to which single rows are padded, if their errors stay the same for a number of random rows.
_PADDINGS, _PROBES = (16, 32, 64, 128), 32
#: Number of rows that are explained at once.
_EXPLAINED = 1024


@dataclass(frozen=True)
class FittedModel:
    """Model that computes errors, codes and reconstructions of the rows of a table.

    The network of the first scorer encodes and reconstructs; the terms of all scorers are added. A model is immutable,
    so that several threads may use it. It is pickled as NumPy arrays, and can be loaded on a machine without the device
    of its training.

    Attributes
    ----------
    encoder : TableEncoder
    scorers : tuple of Scorer
    device : torch.device
    padding : int, default=256
        Number of rows to which chunks are padded.
    """

    encoder: TableEncoder
    scorers: tuple[Scorer, ...]
    device: torch.device
    padding: int = PADDING

    @property
    def schema(self) -> Schema:
        return self.encoder.schema

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns of the table, (F,)."""
        return self.schema.columns

    @property
    def scorer(self) -> NetworkScorer:
        """First scorer, whose network encodes and reconstructs."""
        first = self.scorers[0]
        assert isinstance(first, NetworkScorer)
        return first

    @property
    def spec(self) -> NetworkSpec:
        return self.scorer.spec

    @property
    def allow_nan(self) -> bool:
        """True if rows may have missing values."""
        return self.spec.allow_nan

    @property
    def code_width(self) -> int:
        """Number of code units that all members use together."""
        return sum(self.spec.used_code)

    def validate(self, estimator: Any, X: Any) -> np.ndarray:
        """Validate a table against a fitted estimator, and return its numbers (N, F)."""
        return check_table(estimator, X, columns=self.columns, allow_nan=self.allow_nan)[0]

    def errors(self, table: np.ndarray) -> np.ndarray:
        """Return minus the scores, (N,)."""
        if self.launches is not None:
            return self.launches.of_table(table)
        finish = partial(total_errors, self.scorers, self.encoder)
        return map_chunks(partial(member_terms, self.scorers), finish, table, **self._loop)

    def terms(self, table: np.ndarray) -> np.ndarray:
        """Return the terms of `errors`, (N, F), or (N, F + 1) with the term of the code; their sum is `errors`."""
        finish = partial(column_terms, self.scorers, self.encoder)
        return map_chunks(partial(member_terms, self.scorers), finish, table, **self._loop)

    def device_errors(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `errors` of valid rows (N, F) on an accelerator, (N,) float64 on its device."""
        if self.launches is not None:
            return self.launches.of_tensor(rows)
        return torch.from_numpy(self.errors(rows.to("cpu", torch.float64).numpy()))

    @cached_property
    def launches(self) -> Launches | None:
        """Computation of `errors` on an accelerator; None on the CPU, and for columns that are encoded only there."""
        if not has_launches(self.device) or self.schema.groups is not None:
            return None
        check_fork(self.device)
        module = ErrorModule(self.schema, self.scorers)
        module.encoder.to(self.device)
        width = max(module.encoder.width, *(scorer.device_width for scorer in self.scorers))
        return Launches(module, len(self.columns), width, self.device)

    def for_single_rows(self) -> "FittedModel":
        """Return a model that pads single rows less, if this machine computes bitwise equal errors then.

        The rounding of products depends on their shape, but not on the values. It is compared for random rows.
        """
        if self.device.type != "cpu":
            return self
        random = np.random.default_rng(0).normal(size=(_PROBES, len(self.schema.offset)))
        table = self.encoder.decode(random.astype(np.float32), known_categories=True)
        expected = self.errors(table)
        for padding in _PADDINGS:
            narrow = replace(self, padding=padding)
            if all(narrow.errors(table[[row]])[0] == expected[row] for row in range(_PROBES)):
                return narrow
        return self

    def reconstruction_model(self) -> "FittedModel":
        """Return a model whose errors are reconstruction errors, without terms of the code."""
        scorers = tuple(scorer.without_code() for scorer in self.scorers)
        return self if scorers == self.scorers else replace(self, scorers=scorers)

    def encode(self, table: np.ndarray) -> np.ndarray:
        """Return the code of each row, with the codes of the members concatenated, (N, code_width)."""

        def concatenate(codes: torch.Tensor) -> np.ndarray:
            pairs = zip(codes, self.spec.used_code, strict=True)
            return to_numpy(torch.cat([code[:, :used] for code, used in pairs], dim=1))

        return self._map(self.scorer.network.encode, concatenate, table)

    def decode(self, code: np.ndarray) -> np.ndarray:
        """Decode codes (N, code_width) to expected rows in original units (N, F)."""

        def rows(codes: torch.Tensor) -> torch.Tensor:
            stack = codes.new_zeros((self.spec.n_members, codes.shape[1], self.spec.latent_dim))
            for member, part in enumerate(codes[0].split(self.spec.used_code, dim=1)):
                stack[member, :, : part.shape[1]] = part
            return self.scorer.likelihood.mean(self.scorer.network.decode(stack))

        return self._map(rows, lambda rows: self.encoder.decode(mean_of_members(rows)), code, encode=_code_in_float32)

    def reconstruct(self, table: np.ndarray) -> np.ndarray:
        """Return the expected row given each row's code, in original units, (N, F)."""

        def finish(parts: list[torch.Tensor], chunk: np.ndarray) -> np.ndarray:
            return self.encoder.decode(mean_of_members(parts[0]), chunk, known_categories=True)

        shape = (self.spec.n_members, -1, -1)
        return map_chunks(lambda rows: (_expected(self.scorer, rows.expand(shape)),), finish, table, **self._loop)

    def log_prob(self, table: np.ndarray) -> np.ndarray:
        """Return the log density of each encoded row given its reconstruction, at unit scale, in nats, (N,)."""
        unit, scorer = torch.zeros(1, dtype=torch.float32, device=self.device), self.scorer

        def log_prob(rows: torch.Tensor) -> torch.Tensor:
            return scorer.likelihood.log_prob(rows, scorer.network.decode(scorer.network.encode(rows)), unit)

        return self._map(log_prob, lambda terms: mean_of_members(terms).sum(axis=1), table)

    def log_evidence(self, table: np.ndarray, n_draws: int) -> np.ndarray:
        """Return the importance-weighted estimate of log p(x) by an ELBO scorer, in nats, (N,)."""
        scorer = self.scorer
        assert isinstance(scorer, ELBOScorer)
        scorer = scorer.replaced(n_draws=n_draws)

        def bound(rows: torch.Tensor) -> torch.Tensor:
            weights = log_weights(scorer.network, scorer.likelihood, rows, scorer.draws)
            return (torch.logsumexp(weights, dim=0) - float(np.log(n_draws))).unsqueeze(2)

        model = replace(self, scorers=(scorer,))
        return model._map(bound, lambda bounds: mean_of_members(bounds)[:, 0], table)

    def sample(self, n_samples: int, seed: int) -> np.ndarray:
        """Draw rows with a code from the prior N(0, I), in original units, (n_samples, F)."""
        cpu, network = torch.device("cpu"), self.scorer.network
        assert isinstance(network, GaussianAutoencoder)
        generator = torch_stream(MemberKey(seed), "sample", 0, cpu)
        code = torch.empty((n_samples, self.spec.latent_dim), dtype=torch.float32, device=cpu)
        code.normal_(generator=generator)
        decoded = self._map(network.decode, lambda rows: to_numpy(rows[0]), code.numpy(), encode=_code_in_float32)
        outputs = torch.from_numpy(decoded).float()
        with torch.no_grad():
            rows = self.scorer.likelihood.sample(outputs, network.log_noise_scale[0].to(cpu), generator)
        return self.encoder.decode(rows.numpy())

    def leave_one_out(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Score rows without each column in turn, with one pass through the networks per column.

        Returns
        -------
        drops : ndarray (N, F)
            Decrease of the error of a row without the column.
        expected : ndarray (N, F)
            Value that is expected from the other columns, in original units; the more probable value of a two-valued
            column; the most probable category.
        confidence : ndarray (N, F)
            Probability of this value or category; NaN for other columns.
        """
        parts = [self._leave_one_out(table[start : start + _EXPLAINED]) for start in range(0, len(table), _EXPLAINED)]
        drops, expected = map(np.concatenate, zip(*parts, strict=True))
        return drops, *self.encoder.most_likely(expected, table)

    def terms_without(self, table: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return the terms of rows (N, F) without a column of each, at `places` (N,) of the table."""
        starts = range(0, len(table), _EXPLAINED)
        parts = [(table[start : start + _EXPLAINED], places[start : start + _EXPLAINED]) for start in starts]
        return np.concatenate([self._terms_without(*part) for part in parts])

    def _terms_without(self, table: np.ndarray, places: np.ndarray) -> np.ndarray:
        likelihood = likelihood_of(self.schema, allow_missing=True)
        scorers = [s if s.allow_nan else s.allowing_missing(likelihood) for s in self.scorers]
        cells = LeftOutCells(self.encoder.encode(table), self.schema)
        pairs = np.stack([np.arange(len(table)), cells.number_of(places)], axis=1)

        def finish(parts: list[torch.Tensor], pairs: np.ndarray) -> np.ndarray:
            return column_terms(scorers, self.encoder, parts, table[pairs[:, 0]])

        return map_chunks(partial(member_terms, scorers), finish, pairs, **{**self._loop, "encode": cells.rows})

    def _leave_one_out(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return decreases of the error (N, F), and expected encoded features by the first scorer (N, D)."""
        likelihood = likelihood_of(self.schema, allow_missing=True)
        cells = LeftOutCells(self.encoder.encode(table), self.schema)
        drops, expected = np.zeros((len(table), len(self.columns))), np.zeros((len(table), self.schema.n_encoded))
        for number, scorer in enumerate(self.scorers):
            whole = scorer if scorer.allow_nan else scorer.allowing_missing(likelihood)
            found = self._score_left_out(whole, cells, expects=number == 0)
            drops += cells.decreases(found[:, : scorer.n_members], scorer.weights[:, :, 0].cpu())
            if number == 0:
                cells.put_expected(found[:, scorer.n_members :], expected)
        return drops, expected

    def _score_left_out(self, scorer: Scorer, cells: LeftOutCells, *, expects: bool) -> np.ndarray:
        """Return for each left-out cell the unscaled errors of the members, and its expected features if asked for."""

        def compute(rows: torch.Tensor) -> list[torch.Tensor]:
            rows = rows.expand(scorer.n_members, -1, -1)
            errors = scorer.raw_terms(rows).sum(dim=2, keepdim=True)
            return [errors, _expected(scorer, rows)] if expects else [errors]

        def finish(parts: list[torch.Tensor], pairs: np.ndarray) -> np.ndarray:
            errors = to_numpy(parts[0][:, :, 0].T)
            if not expects:
                return errors
            return np.concatenate([errors, cells.select(mean_of_members(parts[1]), pairs)], axis=1)

        return map_chunks(compute, finish, cells.pairs, **{**self._loop, "encode": cells.rows})

    def fit_typical_error(self, table: np.ndarray) -> "FittedModel":
        """Return a model whose scorers have the mean term of an observed column, measured on some rows."""
        if not self.allow_nan:
            return self
        rows = table[spaced_rows(table)]
        observed = ~np.isnan(rows) & self.encoder.is_scored

        def with_typical_error(scorer: Scorer) -> Scorer:
            scorer = scorer.replaced(typical_error=0.0)
            terms = replace(self, scorers=(scorer,)).terms(rows)[:, : rows.shape[1]]
            return scorer.replaced(typical_error=float(np.where(observed, terms, 0).sum() / max(1, observed.sum())))

        return replace(self, scorers=tuple(map(with_typical_error, self.scorers)))

    def copied(self, *, device: torch.device | None = None) -> "FittedModel":
        """Return a copy with copied networks, on another device if given."""
        device = device or self.device
        return replace(self, scorers=tuple(scorer.copied(device) for scorer in self.scorers), device=device)

    def encoder_module(self) -> torch.nn.Sequential:
        """Return the encoder as a standard torch module on the CPU."""
        if not are_numeric(self.columns):
            raise ValueError(
                "encoder_module() needs rows of numbers, but not all columns are numeric; encode them before fit"
            )
        if self.schema.groups is not None:
            raise ValueError("encoder_module() does not support groups; use transform()")
        places = np.flatnonzero(self.encoder.is_scored)[self.schema.order]
        units = np.array([getattr(column, "unit", 0.0) for column in self.columns])
        parts = (places, self.schema.offset, self.schema.scale, self.schema.limit, units[places])
        constants = [torch.from_numpy(np.array(part)) for part in parts]
        return encoder_module(self.scorer.network.encoder, self.spec.used_code, Standardize(*constants))

    @property
    def _loop(self) -> dict[str, Any]:
        """Arguments of the chunk loop."""
        width = max(s.width if self.device.type == "cpu" else s.device_width for s in self.scorers)
        return {"encode": self.encoder.encode, "device": self.device, "width": width, "padding": self.padding}

    def _map(
        self,
        function: Callable[[torch.Tensor], torch.Tensor],
        finish: Callable[[torch.Tensor], np.ndarray],
        table: np.ndarray,
        **loop: Any,
    ) -> np.ndarray:
        """Apply a function of encoded rows (M, b, D) to a table in chunks, and finish its output (M, n, T)."""
        shape = (self.spec.n_members, -1, -1)
        return map_chunks(
            lambda rows: (function(rows.expand(shape)),),
            lambda parts, _: finish(parts[0]),
            table,
            **{**self._loop, **loop},
        )

    def to_state(self) -> tuple[list[dict[str, Any]], list[dict[str, np.ndarray]]]:
        """Return each scorer as plain data, and its arrays, with those of the schema in the first."""
        scorers, arrays = map(list, zip(*map(scorer_to_state, self.scorers), strict=True))
        arrays[0] = {**add_prefix("schema", self.schema.arrays()), **arrays[0]}
        return scorers, arrays

    @classmethod
    def from_state(
        cls,
        scorers: Sequence[dict[str, Any]],
        arrays: Sequence[dict[str, np.ndarray]],
        columns: Sequence[Column],
        blocks: Sequence[tuple[str, int]],
        device: torch.device,
        draws: tuple[int, MemberKey],
    ) -> "FittedModel":
        """Build a model from the output of `to_state`, which is consumed, with the columns and blocks of its schema.

        `draws` are number and key of the draws of an ELBO scorer.

        Raises
        ------
        ValueError
            If names, shapes or dtypes are inconsistent, or a number is not finite.
        """
        schema = Schema.from_arrays(take_prefix("schema", arrays[0]), columns, blocks)
        pairs = zip(scorers, arrays, strict=True)
        built = tuple(scorer_from_state(data, part, schema, device, draws) for data, part in pairs)
        return cls(TableEncoder(schema), built, device)

    def __getstate__(self) -> dict[str, Any]:
        scorers, arrays = self.to_state()
        scorer = self.scorer
        draws = (scorer.n_draws, tuple(scorer.key)) if isinstance(scorer, ELBOScorer) else (1, (0, 0))
        columns = [column.to_json() for column in self.columns]
        return {
            "scorers": scorers,
            "arrays": arrays,
            "columns": columns,
            "blocks": self.schema.blocks,
            "device": str(self.device),
            "draws": draws,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        columns = [column_from_json(column) for column in state["columns"]]
        n_draws, key = state["draws"]
        device = device_or_cpu(state["device"])
        rebuilt = self.from_state(
            state["scorers"], state["arrays"], columns, state["blocks"], device, (n_draws, MemberKey(*key))
        )
        self.__dict__.update(rebuilt.__dict__)


def device_or_cpu(device: str) -> torch.device:
    """Return the requested device if this machine has it, else the CPU."""
    try:
        return resolve_device(device)
    except ValueError:
        return torch.device("cpu")


def _expected(scorer: Scorer, rows: torch.Tensor) -> torch.Tensor:
    assert isinstance(scorer, NetworkScorer)
    return scorer.likelihood.mean(scorer.network.decode(scorer.network.encode(rows)))


def _code_in_float32(code: np.ndarray) -> np.ndarray:
    return np.clip(code, -_LARGEST_CODE, _LARGEST_CODE).astype(np.float32)
