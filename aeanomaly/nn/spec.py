"""What a network looks like, as plain data that a model file can hold."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from aeanomaly.nn.activations import ACTIVATIONS


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """Everything that decides the shape of a stack of autoencoders, and nothing learned.

    Parameters
    ----------
    code : {"point", "gaussian"}
        A plain code, or the mean and scale of a Gaussian over codes.
    n_columns, latent_dim : int
        Width of the encoded row and of the code.
    hidden_layer_sizes : tuple of int
        Widths of the encoder's hidden layers; the decoder mirrors them.
    activation, code_activation : str
        Names from ``ACTIVATIONS``: in the hidden layers, and on the code.
    noise_variance : {"column", "shared"} or float
        Gaussian code only: the decoder's noise variance, learned per column, learned as one number, or given.
    n_members : int
        Networks in the stack, M.
    """

    code: Literal["point", "gaussian"]
    n_columns: int
    latent_dim: int
    hidden_layer_sizes: tuple[int, ...]
    activation: str
    code_activation: str = "identity"
    noise_variance: str | float = "column"
    n_members: int = 1

    def __post_init__(self) -> None:
        """Refuse what no detector would ask for; files are the ones that might."""
        widths = (self.n_columns, self.latent_dim, self.n_members, *self.hidden_layer_sizes)
        if self.code not in ("point", "gaussian") or {self.activation, self.code_activation} - set(ACTIVATIONS):
            raise ValueError(
                f"there is no network with {self.code!r} code, {self.activation!r}, {self.code_activation!r}"
            )
        if not all(type(width) is int and width >= 1 for width in widths):
            raise ValueError(f"the widths of a network must be positive whole numbers; got {widths}")
        given = self.noise_variance
        if given not in ("column", "shared") and not (isinstance(given, float) and given > 0):
            raise ValueError(f"noise_variance={given!r} must be 'column', 'shared' or a number above 0")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor of the network, known without building it."""
        encoder = (self.n_columns, *self.hidden_layer_sizes, self.latent_dim * (2 if self.code == "gaussian" else 1))
        decoder = (self.latent_dim, *reversed(self.hidden_layer_sizes), self.n_columns)
        shapes: dict[str, tuple[int, ...]] = {}
        for part, widths in (("encoder", encoder), ("decoder", decoder)):
            for number, (n_inputs, n_outputs) in enumerate(pairwise(widths)):
                shapes[f"{part}.layers.{number}.weight"] = (self.n_members, n_inputs, n_outputs)
                shapes[f"{part}.layers.{number}.bias"] = (self.n_members, 1, n_outputs)
        if self.code == "gaussian":
            shapes["noise"] = (self.n_members, 1, self.n_columns if self.noise_variance == "column" else 1)
        return shapes

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a file."""
        return {**asdict(self), "hidden_layer_sizes": list(self.hidden_layer_sizes)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "NetworkSpec":
        """The inverse of `to_dict`."""
        return cls(**{**data, "hidden_layer_sizes": tuple(data["hidden_layer_sizes"])})
