"""What a network looks like, as plain data that a model file can hold."""

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from aeanomaly.nn.activations import ACTIVATIONS, SOFTMAX

_DEEPEST = 100
#: Keys of model files that differ from the names of the fields.
_FILE_KEYS = {"n_encoded": "n_columns", "allow_nan": "holes"}


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """Everything that decides the shape of a stack of autoencoders, and nothing learned.

    Parameters
    ----------
    code : {"point", "gaussian"}
        A plain code, or the mean and scale of a Gaussian over codes.
    n_encoded, latent_dim : int
        Width of the encoded row and of the code.
    hidden_layer_sizes : tuple of int
        Widths of the encoder's hidden layers; the decoder mirrors them.
    activation, code_activation : str
        Names from ``ACTIVATIONS``: in the hidden layers, and on the code.
    noise_variance : {"column", "shared"} or float
        Gaussian code only: the decoder's noise variance, learned per column, learned as one number, or given.
    n_members : int
        Networks in the stack, M.
    code_sizes : tuple of int, optional
        Units of the code that each member uses, the first ones; by default all.
    allow_nan : bool, default=False
        Whether rows may have holes (NaN).
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
        """Refuse what no detector would ask for; files are the ones that might."""
        widths = (self.n_encoded, self.latent_dim, self.n_members, *self.hidden_layer_sizes)
        if self.code not in ("point", "gaussian") or {self.activation, self.code_activation} - set(ACTIVATIONS):
            raise ValueError(
                f"there is no network with {self.code!r} code, {self.activation!r}, {self.code_activation!r}"
            )
        if not all(type(width) is int and width >= 1 for width in widths):
            raise ValueError(f"the widths of a network must be positive whole numbers; got {widths}")
        if len(self.hidden_layer_sizes) > _DEEPEST:
            raise ValueError(f"a network has {_DEEPEST} hidden layers at most; got {len(self.hidden_layer_sizes)}")
        if self.code_sizes is not None and not (
            self.code == "point"
            and len(self.code_sizes) == self.n_members
            and all(type(size) is int and 1 <= size <= self.latent_dim for size in self.code_sizes)
        ):
            raise ValueError(f"{self.n_members} members cannot use {self.code_sizes} of {self.latent_dim} code units")
        given = self.noise_variance
        if given not in ("column", "shared") and not (isinstance(given, float) and given > 0):
            raise ValueError(f"noise_variance={given!r} must be 'column', 'shared' or a number above 0")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor of the network, known without building it."""
        encoder = (self.n_encoded, *self.hidden_layer_sizes, self.latent_dim * (2 if self.code == "gaussian" else 1))
        decoder = (self.latent_dim, *reversed(self.hidden_layer_sizes), self.n_encoded)
        shapes: dict[str, tuple[int, ...]] = {}
        for part, widths, last in (("encoder", encoder, self.code_activation), ("decoder", decoder, "identity")):
            for number, (n_inputs, n_outputs) in enumerate(pairwise(widths)):
                shapes[f"{part}.layers.{number}.weight"] = (self.n_members, n_inputs, n_outputs)
                if (last if number == len(widths) - 2 else self.activation) == SOFTMAX:
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
        """Numbers in all tensors."""
        return sum(math.prod(shape) for shape in self.shapes().values())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a file."""
        sizes = None if self.code_sizes is None else list(self.code_sizes)
        values = {**asdict(self), "hidden_layer_sizes": list(self.hidden_layer_sizes), "code_sizes": sizes}
        return {_FILE_KEYS.get(name, name): value for name, value in values.items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "NetworkSpec":
        """The inverse of `to_dict`."""
        sizes = None if data["code_sizes"] is None else tuple(data["code_sizes"])
        if known := set(data) & set(_FILE_KEYS):
            raise ValueError(f"the network has unknown keys {sorted(known)}")
        values = {**data, "hidden_layer_sizes": tuple(data["hidden_layer_sizes"]), "code_sizes": sizes}
        names = {key: name for name, key in _FILE_KEYS.items()}
        return cls(**{names.get(key, key): value for key, value in values.items()})

    @property
    def has_prototypes(self) -> bool:
        """Whether any layer holds prototypes."""
        return self.code_activation == SOFTMAX or (self.activation == SOFTMAX and bool(self.hidden_layer_sizes))

    @property
    def used_code(self) -> tuple[int, ...]:
        """Units of the code that each member uses, (M,)."""
        return self.code_sizes or (self.latent_dim,) * self.n_members
