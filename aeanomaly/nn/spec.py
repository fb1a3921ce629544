"""Shape of a network as plain data for a model file."""

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from aeanomaly.nn.activations import ACTIVATIONS, RBF

_DEEPEST = 100
#: Keys of model files that differ from the names of the fields.
_FILE_KEYS = {"n_encoded": "n_columns", "allow_nan": "holes"}


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """Shape of a stack of autoencoders, without learned values.

    Parameters
    ----------
    code : {"point", "gaussian"}
        A point code, or the mean and log scale of a Gaussian code.
    n_encoded, latent_dim : int
        Width of the encoded row and of the code.
    hidden_layer_sizes : tuple of int
        Widths of the encoder's hidden layers; the decoder mirrors them.
    activation, code_activation : str
        Activations of the hidden layers and of the code, names from ``ACTIVATIONS``.
    noise_variance : {"column", "shared"} or float
        Noise variance of the decoder, for a Gaussian code: learned per column, learned as one number, or fixed.
    n_members : int
        Number of members M.
    code_sizes : tuple of int, optional
        Number of code units of each member, the first ones; all by default.
    allow_nan : bool, default=False
        Accept missing values (NaN).
    """

    code: Literal["point", "gaussian"]
    n_encoded: int
    latent_dim: int
    hidden_layer_sizes: tuple[int, ...]
    activation: str
    code_activation: str = "identity"
    noise_variance: str | float = "column"
    n_members: int = 1
    code_sizes: tuple[int, ...] | None = None
    allow_nan: bool = False

    def __post_init__(self) -> None:
        """Reject invalid values, which may come from model files."""
        widths = (self.n_encoded, self.latent_dim, self.n_members, *self.hidden_layer_sizes)
        if self.code not in ("point", "gaussian") or {self.activation, self.code_activation} - set(ACTIVATIONS):
            raise ValueError(
                f"unknown network: code={self.code!r}, activation={self.activation!r}, "
                f"code_activation={self.code_activation!r}"
            )
        if not all(type(width) is int and width >= 1 for width in widths):
            raise ValueError(f"the widths of a network must be positive integers; got {widths}")
        if len(self.hidden_layer_sizes) > _DEEPEST:
            raise ValueError(f"a network can have at most {_DEEPEST} hidden layers; got {len(self.hidden_layer_sizes)}")
        if self.code_sizes is not None and not (
            self.code == "point"
            and len(self.code_sizes) == self.n_members
            and all(type(size) is int and 1 <= size <= self.latent_dim for size in self.code_sizes)
        ):
            raise ValueError(
                f"code_sizes={self.code_sizes} does not fit {self.n_members} members and {self.latent_dim} code units"
            )
        given = self.noise_variance
        if given not in ("column", "shared") and not (isinstance(given, float) and given > 0):
            raise ValueError(f"noise_variance={given!r} must be 'column', 'shared' or a float above 0")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every tensor of the network, without building it."""
        encoder = (self.n_encoded, *self.hidden_layer_sizes, self.latent_dim * (2 if self.code == "gaussian" else 1))
        decoder = (self.latent_dim, *reversed(self.hidden_layer_sizes), self.n_encoded)
        shapes: dict[str, tuple[int, ...]] = {}
        for part, widths, last in (("encoder", encoder, self.code_activation), ("decoder", decoder, "identity")):
            for number, (n_inputs, n_outputs) in enumerate(pairwise(widths)):
                shapes[f"{part}.layers.{number}.weight"] = (self.n_members, n_inputs, n_outputs)
                if (last if number == len(widths) - 2 else self.activation) == RBF:
                    shapes[f"{part}.layers.{number}.log_bandwidth"] = (self.n_members, 1, 1)
                    shapes[f"{part}.layers.{number}.spacing"] = (self.n_members, 1, 1)
                    shapes[f"{part}.layers.{number}.centre"] = (self.n_members, 1, n_inputs)
                else:
                    shapes[f"{part}.layers.{number}.bias"] = (self.n_members, 1, n_outputs)
                    if self.allow_nan and part == "encoder" and number == 0:
                        shapes[f"{part}.layers.{number}.absent_weight"] = (self.n_members, n_inputs, n_outputs)
        if self.code == "gaussian":
            shapes["noise"] = (self.n_members, 1, self.n_encoded if self.noise_variance == "column" else 1)
        return shapes

    @property
    def n_weights(self) -> int:
        """Total number of elements in all tensors."""
        return sum(math.prod(shape) for shape in self.shapes().values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for a model file."""
        sizes = None if self.code_sizes is None else list(self.code_sizes)
        values = {**asdict(self), "hidden_layer_sizes": list(self.hidden_layer_sizes), "code_sizes": sizes}
        return {_FILE_KEYS.get(name, name): value for name, value in values.items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "NetworkSpec":
        """Build the specification from the output of `to_dict`."""
        sizes = None if data["code_sizes"] is None else tuple(data["code_sizes"])
        if known := set(data) & set(_FILE_KEYS):
            raise ValueError(f"the network has unknown keys {sorted(known)}")
        values = {**data, "hidden_layer_sizes": tuple(data["hidden_layer_sizes"]), "code_sizes": sizes}
        names = {key: name for name, key in _FILE_KEYS.items()}
        return cls(**{names.get(key, key): value for key, value in values.items()})

    @property
    def has_prototypes(self) -> bool:
        """True if any layer is a prototype layer."""
        return self.code_activation == RBF or (self.activation == RBF and bool(self.hidden_layer_sizes))

    @property
    def used_code(self) -> tuple[int, ...]:
        """Number of code units of each member, (M,)."""
        return self.code_sizes or (self.latent_dim,) * self.n_members
