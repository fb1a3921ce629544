"""What a fit leaves behind: a schema, a network, and the ways through them."""

from typing import Any

import numpy as np
import torch

from aeanomaly.likelihoods import Bernoulli, Gaussian, Likelihood, Product
from aeanomaly.nn import NetworkSpec, Standardize, build_network, encoder_module
from aeanomaly.preprocessing import Schema, TableEncoder
from aeanomaly.scoring import deviance_terms, in_chunks
from aeanomaly.streams import MemberKey, torch_stream
from aeanomaly.training import resolve_device

#: Beyond this, products of a code with weights might leave float32.
_LARGEST_CODE = 1e12
_LIKELIHOODS = {"gaussian": Gaussian, "bernoulli": Bernoulli}


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
    """

    def __init__(self, schema: Schema, spec: NetworkSpec, network: Any, device: torch.device):
        self.schema = schema
        self.spec = spec
        self.network = network.to(device).requires_grad_(False)
        self.device = device
        self.likelihood = _likelihood(schema)
        self._encoder = TableEncoder.of(schema)

    @classmethod
    def fresh(cls, schema: Schema, spec: NetworkSpec, keys: Any, device: torch.device) -> "Model":
        """A model with newly drawn weights."""
        network = build_network(spec)
        network.reset(keys)
        return cls(schema, spec, network, device)

    def encode(self, table: np.ndarray) -> np.ndarray:
        """Table (N, F) -> float32 rows (N, D)."""
        return self._encoder.encode(table)

    def apply(self, function: Any, table: np.ndarray, encode: Any = None) -> np.ndarray:
        """`function` on encoded rows (M, B, D) -> (M, B, T), averaged over members: (N, T) float64."""

        def members(rows: torch.Tensor) -> torch.Tensor:
            return function(rows.expand(self.spec.n_members, -1, -1)).mean(dim=0)

        return in_chunks(members, table, encode or self.encode, self.device)

    def deviance(self, table: np.ndarray) -> np.ndarray:
        """Reconstruction error per column of the table, (N, F)."""
        terms = self.apply(lambda rows: deviance_terms(self.network, self.likelihood, rows), table)
        return self.schema.in_table_order(terms)

    def code(self, table: np.ndarray) -> np.ndarray:
        """Code of each row, (N, L)."""
        return self.apply(self.network.encode, table)

    def from_code(self, code: np.ndarray) -> np.ndarray:
        """Expected row for each code (N, L), in original units (N, F)."""
        rows = self.apply(lambda codes: self.likelihood.mean(self.network.decode(codes)), code, _code_in_float32)
        return self._encoder.decode(rows)

    def reconstruct(self, table: np.ndarray) -> np.ndarray:
        """Expected row given each row's code, in original units (N, F)."""
        through = self.network
        rows = self.apply(lambda rows: self.likelihood.mean(through.decode(through.encode(rows))), table)
        return self._encoder.decode(rows)

    def sample(self, n_samples: int, seed: int) -> np.ndarray:
        """Random rows of the first member with a code from the prior N(0, I), in original units (n_samples, F)."""
        cpu = torch.device("cpu")
        generator = torch_stream(MemberKey(seed), "sample", 0, cpu)
        code = torch.empty((n_samples, self.spec.latent_dim), dtype=torch.float32, device=cpu)
        code.normal_(generator=generator)

        def output(codes: torch.Tensor) -> torch.Tensor:
            return self.network.decode(codes.expand(self.spec.n_members, -1, -1))[0]

        outputs = torch.from_numpy(in_chunks(output, code.numpy(), lambda part: part, self.device)).float()
        with torch.no_grad():
            rows = self.likelihood.sample(outputs, self.network.log_noise_scale[0].to(cpu), generator)
        return self._encoder.decode(rows.numpy())

    def encoder_module(self) -> torch.nn.Sequential:
        """The encoder of a single network as a plain module on the CPU."""
        constants = [torch.from_numpy(np.array(getattr(self.schema, n))) for n in ("order", "offset", "scale", "limit")]
        return encoder_module(self.network.encoder, 0, self.spec.latent_dim, Standardize(*constants))

    def copy(self, *, schema: Schema | None = None, device: torch.device | None = None) -> "Model":
        """The same model with a network of its own; under another schema, on another device, if given."""
        copied = self.from_state(*self.to_state(), device=device or self.device)
        return copied if schema is None else Model(schema, copied.spec, copied.network, copied.device)

    def to_state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Plain data and numpy arrays that make up the model."""
        weights = {f"network.{name}": p.detach().cpu().numpy().copy() for name, p in self.network.state_dict().items()}
        schema = {f"schema.{name}": value for name, value in self.schema.arrays().items()}
        return self.spec.to_dict(), {**schema, **weights}

    @classmethod
    def from_state(cls, spec: dict[str, Any], arrays: dict[str, np.ndarray], device: torch.device) -> "Model":
        """The inverse of `to_state`.

        Raises
        ------
        ValueError
            If names, shapes or dtypes do not fit together, or a number is not finite.
        """
        built = NetworkSpec.from_dict(spec)
        weights = {n.removeprefix("network."): a for n, a in arrays.items() if n.startswith("network.")}
        expected = built.shapes()
        if {n: a.shape for n, a in weights.items()} != expected:
            raise ValueError("the weights do not have the names and shapes of the network in the manifest")
        for name, array in weights.items():
            if array.dtype != np.float32 or not np.isfinite(array).all():
                raise ValueError(f"the weights {name!r} are not finite float32 numbers")
        network = build_network(built)
        network.load_state_dict({n: torch.from_numpy(np.array(a)) for n, a in weights.items()})
        schema = Schema.from_arrays(
            {n.removeprefix("schema."): a for n, a in arrays.items() if n.startswith("schema.")}
        )
        return cls(schema, built, network, device)

    def __getstate__(self) -> dict[str, Any]:
        spec, arrays = self.to_state()
        return {"spec": spec, "arrays": arrays, "device": str(self.device)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        rebuilt = self.from_state(state["spec"], state["arrays"], device_or_cpu(state["device"]))
        self.__dict__.update(rebuilt.__dict__)


def _code_in_float32(code: np.ndarray) -> np.ndarray:
    return np.clip(code, -_LARGEST_CODE, _LARGEST_CODE).astype(np.float32)


def device_or_cpu(device: str) -> torch.device:
    """The device asked for if this machine has it, else the CPU."""
    try:
        return resolve_device(device)
    except ValueError:
        return torch.device("cpu")


def _likelihood(schema: Schema) -> Likelihood:
    blocks = [(_LIKELIHOODS[kind](), width) for kind, width in schema.blocks]
    return blocks[0][0] if len(blocks) == 1 else Product(blocks)
