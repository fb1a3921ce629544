"""What a fit leaves behind: a schema, a network, and the ways through them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from aeanomaly.likelihoods import Bernoulli, Categorical, Gaussian, Likelihood, Observed, Product
from aeanomaly.nn import SOFTMAX, InitData, NetworkSpec, StackedPrototypes, Standardize, build_network, encoder_module
from aeanomaly.preprocessing import Column, Kind, Schema, TableEncoder, are_numeric, column_from_json
from aeanomaly.scoring import deviance_terms, in_blocks, over_chunks, padded
from aeanomaly.streams import MemberKey, torch_stream
from aeanomaly.threads import limit_threads
from aeanomaly.training import check_memory, resolve_device

#: Beyond this, products of a code with weights might leave float32.
_LARGEST_CODE = 1e12
#: No training gets as far; files might.
_LARGEST_WEIGHT = 1e9
#: Rows from which the usual error of a column is learned.
_USUAL_ROWS = 4096
#: What a member's errors are divided by is at least this.
SMALLEST_SCALE = 1e-12
#: Entropy, in nats, of an even choice between two levels: what a column of more adds is as much on the average.
_EVEN = math.log(2)


def _mean_of_members(terms: torch.Tensor) -> torch.Tensor:
    return terms.mean(dim=0) if len(terms) > 1 else terms[0]


#: A model and encoded rows (M, B, D) -> what each row is off by, (M, B).
RowErrors = Callable[["Model", torch.Tensor], torch.Tensor]


def deviance_of(model: "Model", rows: torch.Tensor) -> torch.Tensor:
    """Reconstruction error of encoded rows (M, B, D), before any scale: (M, B)."""
    return deviance_terms(model.network, model.likelihood, rows).sum(dim=2)


class Model:
    """Rows of the table through the network, and back.

    Never changed once it is in an estimator: scoring only reads it, from as many threads as one likes.
    Pickles as plain numpy arrays, and loads on a machine without the device it was trained on.

    Parameters
    ----------
    schema : Schema
    spec : NetworkSpec
    network : nn.Module
        Of that spec, its weights drawn or trained.
    device : torch.device
    scales : ndarray of float64 (M,), optional
        What each member's errors are divided by, its share of the score included; 1 by default.
    usual : float, default=0
        What a column of a training row adds to the error, on the average: rows with holes lean on it.
    """

    def __init__(
        self,
        schema: Schema,
        spec: NetworkSpec,
        network: Any,
        device: torch.device,
        scales: np.ndarray | None = None,
        usual: float = 0.0,
    ):
        self.schema = schema
        self.spec = spec
        self.scales = np.ones(spec.n_members) if scales is None else scales
        self.usual = usual
        self.network = network.to(device).requires_grad_(False)
        self.device = device
        self.likelihood = Observed(_likelihood(schema)) if spec.allow_nan else _likelihood(schema)
        self._encoder = TableEncoder.from_schema(schema)

    @classmethod
    def fresh(
        cls,
        schema: Schema,
        spec: NetworkSpec,
        keys: Any,
        rows: np.ndarray,
        device: torch.device,
        **rest: Any,
    ) -> "Model":
        """A model with newly drawn weights, and prototypes out of encoded rows (N, D); `rest` is for `InitData`.

        A ValueError if the device cannot hold it.
        """
        check_memory(spec.n_weights, device)
        network = build_network(spec)
        with limit_threads(1), torch.no_grad():
            network.reset(keys, InitData(torch.from_numpy(rows), _likelihood(schema).output, **rest))
        return cls(schema, spec, network, device)

    def neighbor_distance(self) -> torch.Tensor:
        """How far apart neighbouring rows are per column, (M, 1, 1), as far as the encoder's prototypes know.

        Half a standard deviation if it has none.
        """
        first = self.network.encoder.layers[0]
        if isinstance(first, StackedPrototypes):
            return first.spacing
        return torch.full((self.spec.n_members, 1, 1), 0.5, dtype=torch.float32, device=self.device)

    def encode(self, table: np.ndarray) -> np.ndarray:
        """Table (N, F) -> float32 rows (N, D)."""
        return self._encoder.encode(table)

    def apply(self, function: Any, table: np.ndarray, join: Any = _mean_of_members) -> np.ndarray:
        """`function` on encoded rows (M, B, D) -> (M, B, T), joined over members: (N, T) float64."""

        def members(rows: torch.Tensor) -> torch.Tensor:
            return join(in_blocks(function, rows.expand(self.spec.n_members, -1, -1), self.width))

        return self.in_chunks(lambda part: padded(members, self.encode(part), self.device), table)

    def in_chunks(self, function: Any, rows: np.ndarray) -> np.ndarray:
        """`function` of parts of a table or of codes, as many rows at a time as suit this network."""
        return over_chunks(function, rows, self.device, self.width)

    def deviance(self, table: np.ndarray) -> np.ndarray:
        """Reconstruction error per column of the table, (N, F): the mean over members, each on its own scale."""
        weights = torch.from_numpy(1 / self.scales).float().to(self.device).view(-1, 1, 1)
        terms = self.apply(lambda rows: deviance_terms(self.network, self.likelihood, rows).mul_(weights), table)
        return self.of_whole_rows(self.schema.in_table_order(terms), table)

    def log_prob(self, table: np.ndarray) -> np.ndarray:
        """Log-density of each encoded row given its reconstruction, at unit scale, in nats, (N,)."""
        unit = torch.zeros(1, dtype=torch.float32, device=self.device)

        def log_prob(rows: torch.Tensor) -> torch.Tensor:
            return self.likelihood.log_prob(rows, self.network.decode(self.network.encode(rows)), unit)

        return self.in_chunks(lambda part: self.apply(log_prob, part).sum(axis=1), table)

    def of_whole_rows(self, terms: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Terms (N, F) of rows with holes, made comparable with those of rows that have all of their columns.

        A hole counts as the mean of what its row has, with one column more that is off as usual: a
        guess from few columns leans on that. What it counts is put on the columns that are there.
        """
        if not self.spec.allow_nan:
            return terms
        there = ~np.isnan(table)
        present = there.sum(axis=1, keepdims=True)
        guesses = (table.shape[1] - present) / (present + 1)
        usual = np.where(there, guesses * self.usual / np.maximum(present, 1), 0)
        return terms * (1 + guesses) + np.where(present == 0, self.usual, usual)

    def learn_usual(self, error_terms: Any, table: np.ndarray) -> None:
        """Learn how far columns of training rows are off, from some rows and terms that this model makes of them."""
        if self.spec.allow_nan:
            rows = table[np.linspace(0, len(table) - 1, min(len(table), _USUAL_ROWS)).astype(int)]
            self.usual = 0.0
            present = ~np.isnan(rows)
            terms = self.in_chunks(error_terms, rows)[:, : rows.shape[1]]
            self.usual = float(np.where(present, terms, 0).sum() / max(1, present.sum()))

    def errors_of_members(self, table: np.ndarray) -> np.ndarray:
        """Reconstruction error of each row by each member, before any scale, (N, M)."""
        found = self.apply(lambda rows: deviance_of(self, rows), table, lambda members: members.T)
        if not self.spec.allow_nan:
            return found
        return found * (table.shape[1] / np.maximum(1, (~np.isnan(table)).sum(axis=1, keepdims=True)))

    @property
    def width(self) -> int:
        """Numbers in the widest layer of a row, members together."""
        spec = self.spec
        return spec.n_members * max(spec.n_encoded, spec.latent_dim, *spec.hidden_layer_sizes)

    @property
    def code_width(self) -> int:
        """Units that the members use, all together."""
        return sum(self.spec.used_code)

    def code(self, table: np.ndarray) -> np.ndarray:
        """Code of each row, members side by side, (N, code_width)."""

        def side_by_side(codes: torch.Tensor) -> torch.Tensor:
            return torch.cat([c[:, :used] for c, used in zip(codes, self.spec.used_code, strict=True)], dim=1)

        return self.apply(self.network.encode, table, side_by_side)

    def from_code(self, code: np.ndarray) -> np.ndarray:
        """Expected row for each code (N, code_width), in original units (N, F)."""

        def rows(codes: torch.Tensor) -> torch.Tensor:
            stack = codes.new_zeros((self.spec.n_members, len(codes), self.spec.latent_dim))
            for member, part in enumerate(codes.split(self.spec.used_code, dim=1)):
                stack[member, :, : part.shape[1]] = part
            return self.likelihood.mean(self.network.decode(stack)).mean(dim=0)

        def decoded(part: np.ndarray) -> np.ndarray:
            return self._encoder.decode(padded(rows, _code_in_float32(part), self.device))

        return self.in_chunks(decoded, code)

    def reconstruct(self, table: np.ndarray) -> np.ndarray:
        """Expected row given each row's code, in original units (N, F)."""
        return self._encoder.decode(self._expected(table))

    def _expected(self, table: np.ndarray) -> np.ndarray:
        return self.apply(self._mean_of, table)

    def _mean_of(self, rows: torch.Tensor) -> torch.Tensor:
        return self.likelihood.mean(self.network.decode(self.network.encode(rows)))

    def without_each(self, table: np.ndarray, errors: RowErrors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is known of each column when the others are left to tell of it: a pass through the network for each.

        Returns
        -------
        drops : ndarray (N, F)
            How far `errors` of a row fall when a column is taken out of it, by members on the mean, each on its scale.
        expected : ndarray (N, F)
            What is expected in its place, in original units, the likelier one of two values, the likeliest level.
        confidence : ndarray (N, F)
            How probable that value or level is; NaN for other columns.
        """
        whole = self._with_holes()
        weights = torch.from_numpy(1 / self.scales).float().to(self.device).view(-1, 1)
        starts = np.append(self.schema.layout.starts, self.schema.n_encoded)
        features = [np.flatnonzero((self.schema.order >= a) & (self.schema.order < b)) for a, b in pairwise(starts)]

        def members(rows: torch.Tensor) -> torch.Tensor:
            before, drops, expected = errors(whole, rows), [], torch.zeros_like(rows)
            for places in features:
                left = rows.clone()
                left[:, :, places] = torch.nan
                drops.append((before - errors(whole, left)) * weights)
                expected[:, :, places] = whole._mean_of(left)[:, :, places]
            return torch.cat([torch.stack(drops, dim=2), expected], dim=2)

        found = self.apply(members, table)
        n_columns = len(features)
        return found[:, :n_columns], *self._encoder.most_likely(found[:, n_columns:])

    def _with_holes(self) -> "Model":
        """The same network for rows with holes: a layer that is not of prototypes takes these as 0."""
        if self.spec.allow_nan:
            return self
        spec = replace(self.spec, allow_nan=True)
        network = build_network(spec)
        network.load_state_dict({**network.state_dict(), **self.network.state_dict()})
        return Model(self.schema, spec, network, self.device, self.scales)

    def sample(self, n_samples: int, seed: int) -> np.ndarray:
        """Random rows of the first member with a code from the prior N(0, I), in original units (n_samples, F)."""
        cpu = torch.device("cpu")
        generator = torch_stream(MemberKey(seed), "sample", 0, cpu)
        code = torch.empty((n_samples, self.spec.latent_dim), dtype=torch.float32, device=cpu)
        code.normal_(generator=generator)

        def output(codes: torch.Tensor) -> torch.Tensor:
            return self.network.decode(codes.expand(self.spec.n_members, -1, -1))[0]

        decoded = self.in_chunks(lambda part: padded(output, part, self.device), code.numpy())
        outputs = torch.from_numpy(decoded).float()
        with torch.no_grad():
            rows = self.likelihood.sample(outputs, self.network.log_noise_scale[0].to(cpu), generator)
        return self._encoder.decode(rows.numpy())

    def stands_beside(self, model: "Model") -> bool:
        """Whether this takes the same rows as `model`, encoded alike, and is a single network of prototypes."""
        ours, theirs = self.schema.arrays(), model.schema.arrays()
        same = ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)
        return same and (self.spec.n_members, self.spec.code_activation) == (1, SOFTMAX)

    def encoder_module(self) -> torch.nn.Sequential:
        """The encoder of a single network as a plain module on the CPU."""
        if not are_numeric(self.schema.columns):
            raise ValueError("encoder_module() takes rows of numbers, and not all columns are; encode them beforehand")
        constants = [torch.from_numpy(np.array(getattr(self.schema, n))) for n in ("order", "offset", "scale", "limit")]
        units = np.array([getattr(column, "unit", 0.0) for column in self.schema.columns])
        constants.append(torch.from_numpy(units[self.schema.order]))
        return encoder_module(self.network.encoder, self.spec.used_code, Standardize(*constants))

    def copy(self, *, schema: Schema | None = None, device: torch.device | None = None) -> "Model":
        """The same model with a network of its own; under another schema, on another device, if given."""
        network = build_network(self.spec)
        network.load_state_dict(self.network.state_dict())
        return Model(schema or self.schema, self.spec, network, device or self.device, self.scales.copy(), self.usual)

    def to_state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain data and numpy arrays that make up the model, but for its columns."""
        weights = {f"network.{name}": p.detach().cpu().numpy().copy() for name, p in self.network.state_dict().items()}
        schema = {f"schema.{name}": value for name, value in self.schema.arrays().items()}
        return self.spec.to_dict(), {
            **schema,
            **weights,
            "scales": self.scales.copy(),
            "usual": np.array(self.usual),
        }

    @classmethod
    def from_state(
        cls, spec: dict[str, Any], arrays: dict[str, np.ndarray], columns: Sequence[Column], device: torch.device
    ) -> "Model":
        """The inverse of `to_state`.

        Raises
        ------
        ValueError
            If names, shapes or dtypes do not fit together, or a number is not finite.
        """
        built = NetworkSpec.from_dict(spec)
        weights = {n.removeprefix("network."): a for n, a in arrays.items() if n.startswith("network.")}
        if strange := {n for n in arrays if not n.startswith(("network.", "schema."))} - {"scales", "usual"}:
            raise ValueError(f"{sorted(strange)} belong to nothing")
        expected = built.shapes()
        if {n: a.shape for n, a in weights.items()} != expected:
            raise ValueError("the weights do not have the names and shapes of the network in the manifest")
        for name, array in weights.items():
            if array.dtype != np.float32 or not (np.abs(array) < _LARGEST_WEIGHT).all():
                raise ValueError(f"the weights {name!r} are not float32 numbers that a fit could give")
            if name.endswith("spacing") and not (array > 0).all():
                raise ValueError(f"{name!r} is not above 0")
        network = build_network(built)
        network.load_state_dict({n: torch.from_numpy(np.array(a)) for n, a in weights.items()})
        schema = Schema.from_arrays(
            {n.removeprefix("schema."): a for n, a in arrays.items() if n.startswith("schema.")}, columns
        )
        if built.n_encoded != schema.n_encoded:
            raise ValueError("the network does not have the columns of the schema")
        scales = arrays["scales"]
        if scales.dtype != np.float64 or scales.shape != (built.n_members,) or not _plausible(scales):
            raise ValueError("the scales are not one plausible number above 0 for each member")
        usual = arrays["usual"]
        if usual.dtype != np.float64 or usual.shape != () or not np.isfinite(usual):
            raise ValueError("the usual error of a column is no finite number")
        return cls(schema, built, network, device, scales, float(usual))

    def __getstate__(self) -> dict[str, Any]:
        spec, arrays = self.to_state()
        columns = [column.to_json() for column in self.schema.columns]
        return {"spec": spec, "arrays": arrays, "columns": columns, "device": str(self.device)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        columns = [column_from_json(column) for column in state["columns"]]
        rebuilt = self.from_state(state["spec"], state["arrays"], columns, device_or_cpu(state["device"]))
        self.__dict__.update(rebuilt.__dict__)


def _plausible(scales: np.ndarray) -> bool:
    return bool(((scales >= SMALLEST_SCALE) & (scales <= 1 / SMALLEST_SCALE**2)).all())


def _code_in_float32(code: np.ndarray) -> np.ndarray:
    return np.clip(code, -_LARGEST_CODE, _LARGEST_CODE).astype(np.float32)


def device_or_cpu(device: str) -> torch.device:
    """The device asked for if this machine has it, else the CPU."""
    try:
        return resolve_device(device)
    except ValueError:
        return torch.device("cpu")


def _likelihood(schema: Schema) -> Likelihood:
    ends = np.cumsum([width for _, width in schema.blocks])[:-1]
    means = np.split(schema.mean, ends)
    blocks = [(_of_block(kind, mean), width) for (kind, width), mean in zip(schema.blocks, means, strict=True)]
    return blocks[0][0] if len(blocks) == 1 else Product(tuple(blocks))


def _of_block(kind: Kind, mean: np.ndarray) -> Likelihood:
    if kind == "gaussian":
        return Gaussian()
    if kind == "bernoulli":
        return Bernoulli()
    # The deviance of a level by its frequency alone, as a real column's by its mean alone is 1.
    entropy = -float(np.sum(mean * np.log(np.where(mean > 0, mean, 1))))
    return Categorical(min(1.0, _EVEN / max(entropy, _EVEN)))
