"""The two autoencoders: one whose code is a point, one whose code is a Gaussian."""

from collections.abc import Sequence

import torch
from torch import nn

from aeanomaly.nn.mlp import StackedMLP
from aeanomaly.nn.spec import NetworkSpec
from aeanomaly.streams import MemberKey

#: Bounds of the code's log scale: exp stays finite and positive whatever the row.
_LOG_SCALE_RANGE = (-8.0, 4.0)
#: Lower bound of the decoder's learned log scale, in encoded units: a variance of 1e-4.
_LOG_SCALE_FLOOR = -4.6


class PointAutoencoder(nn.Module):
    """Encoder and decoder with a code that is a point.

    Shape: rows (M, B, D) -> code (M, B, L) -> decoder output (M, B, D).
    """

    def __init__(self, spec: NetworkSpec):
        super().__init__()
        self.encoder = _encoder(spec, spec.latent_dim)
        self.decoder = _decoder(spec)

    def reset(self, keys: Sequence[MemberKey]) -> None:
        """Draw the weights, each member from its own streams."""
        self.encoder.reset(keys, "encoder")
        self.decoder.reset(keys, "decoder", from_code=True)

    def encode(self, rows: torch.Tensor) -> torch.Tensor:
        return self.encoder(rows)

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        return self.decoder(code)


class GaussianAutoencoder(nn.Module):
    """Encoder and decoder with a code that is a diagonal Gaussian, and the decoder's noise scale.

    Shape: rows (M, B, D) -> mean and log scale of the code, both (M, B, L) -> decoder output (M, B, D);
    ``log_noise_scale`` is (M, 1, D).
    """

    noise: torch.Tensor

    def __init__(self, spec: NetworkSpec):
        super().__init__()
        self.encoder = _encoder(spec, 2 * spec.latent_dim)
        self.decoder = _decoder(spec)
        self.n_columns = spec.n_columns
        if isinstance(spec.noise_variance, str):
            width = spec.n_columns if spec.noise_variance == "column" else 1
            self.noise = nn.Parameter(torch.zeros(spec.n_members, 1, width, dtype=torch.float32, device="cpu"))
        else:
            log_scale = 0.5 * torch.tensor(float(spec.noise_variance), dtype=torch.float64, device="cpu").log()
            self.register_buffer("noise", log_scale.float().expand(spec.n_members, 1, 1).clone())

    def reset(self, keys: Sequence[MemberKey]) -> None:
        """Draw the weights, each member from its own streams; a learned noise variance starts at 1."""
        self.encoder.reset(keys, "encoder")
        self.decoder.reset(keys, "decoder", from_code=True)
        if isinstance(self.noise, nn.Parameter):
            nn.init.zeros_(self.noise)

    @property
    def log_noise_scale(self) -> torch.Tensor:
        """Log of the decoder's noise scale, (M, 1, D); bounded below where it is learned."""
        noise = self.noise.clamp(min=_LOG_SCALE_FLOOR) if isinstance(self.noise, nn.Parameter) else self.noise
        return noise.expand(-1, -1, self.n_columns)

    def posterior(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log scale of the code given rows, each (M, B, L)."""
        loc, log_scale = self.encoder(rows).chunk(2, dim=-1)
        return loc, log_scale.clamp(*_LOG_SCALE_RANGE)

    def encode(self, rows: torch.Tensor) -> torch.Tensor:
        return self.posterior(rows)[0]

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        return self.decoder(code)


def build_network(spec: NetworkSpec) -> PointAutoencoder | GaussianAutoencoder:
    """A stack of networks of the given shape, its weights not yet drawn."""
    return PointAutoencoder(spec) if spec.code == "point" else GaussianAutoencoder(spec)


def _encoder(spec: NetworkSpec, n_outputs: int) -> StackedMLP:
    widths = (spec.n_columns, *spec.hidden_layer_sizes, n_outputs)
    return StackedMLP(spec.n_members, widths, spec.activation, spec.code_activation)


def _decoder(spec: NetworkSpec) -> StackedMLP:
    widths = (spec.latent_dim, *reversed(spec.hidden_layer_sizes), spec.n_columns)
    return StackedMLP(spec.n_members, widths, spec.activation)
