"""Stacks of autoencoders with a point code or a Gaussian code."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from aeanomaly.nn.mlp import StackedMLP
from aeanomaly.nn.products import grad
from aeanomaly.nn.prototype_init import InitData, PrototypeInit
from aeanomaly.nn.prototypes import StackedPrototypes
from aeanomaly.nn.spec import NetworkSpec
from aeanomaly.streams import MemberKey

#: Bounds of the code's log scale, to keep its exponential finite and positive.
_LOG_SCALE_RANGE = (-8.0, 4.0)
#: Lower bound of the learned log noise scale, in encoded units: a variance of 1e-4.
_LOG_SCALE_FLOOR = -4.6
#: Initial log scales of the code and of the noise.
_INITIAL_LOG_SCALE, _INITIAL_LOG_NOISE = -3.0, -1.0

#: Maps the gradients of the code's mean and log scale to those of the encoder's parameters.
PosteriorPullBack = Callable[[torch.Tensor, torch.Tensor], None]


class PointAutoencoder(nn.Module):
    """Stack of autoencoders with a point code.

    Shape: rows (M, B, D) -> code (M, B, L) -> decoder output (M, B, D).
    """

    def __init__(self, spec: NetworkSpec):
        super().__init__()
        self.spec = spec
        self.latent_dim = spec.latent_dim
        self.encoder = _encoder(spec, spec.latent_dim)
        self.decoder = _decoder(spec)

    def reset(self, keys: Sequence[MemberKey], init_data: InitData | None = None) -> None:
        """Initialize the weights, each member from its own streams; prototypes need `init_data`."""
        init, targets = _draw_init(self, keys, init_data)
        components = _principal_codes(self.encoder, init, self.latent_dim)
        codes = self.encoder.reset(keys, "encoder", init=init, targets=components)
        self.decoder.reset(keys, "decoder", init=codes, from_code=True, targets=targets)

    @property
    def encode(self) -> StackedMLP:
        """Rows (M, B, D) -> code (M, B, L)."""
        return self.encoder

    @property
    def decode(self) -> StackedMLP:
        """Code (M, B, L) -> decoder output (M, B, D)."""
        return self.decoder

    @property
    def neighbor_distance(self) -> torch.Tensor:
        """Distance between neighboring training rows per column, (M, 1, 1)."""
        return _neighbor_distance(self.encoder)


class GaussianAutoencoder(nn.Module):
    """Stack of autoencoders with a diagonal Gaussian code and a decoder noise scale.

    Shape: rows (M, B, D) -> mean and log scale of the code, both (M, B, L) -> decoder output (M, B, D);
    ``log_noise_scale`` is (M, 1, D).
    """

    noise: torch.Tensor

    def __init__(self, spec: NetworkSpec):
        super().__init__()
        self.spec = spec
        self.latent_dim = spec.latent_dim
        self.encoder = _encoder(spec, 2 * spec.latent_dim)
        self.decoder = _decoder(spec)
        self.n_encoded = spec.n_encoded
        if isinstance(spec.noise_variance, str):
            width = spec.n_encoded if spec.noise_variance == "column" else 1
            self.noise = nn.Parameter(torch.zeros(spec.n_members, 1, width, dtype=torch.float32, device="cpu"))
        else:
            log_scale = 0.5 * torch.tensor(float(spec.noise_variance), dtype=torch.float64, device="cpu").log()
            self.register_buffer("noise", log_scale.float().expand(spec.n_members, 1, 1).clone())

    def reset(self, keys: Sequence[MemberKey], init_data: InitData | None = None) -> None:
        """Initialize the weights, each member from its own streams; a learned noise scale starts at exp(-1)."""
        init, targets = _draw_init(self, keys, init_data)
        components = _principal_codes(self.encoder, init, self.latent_dim)
        if components is not None:
            loc = components / components.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1e-6)
            components = torch.cat([loc, torch.full_like(loc, _INITIAL_LOG_SCALE)], dim=2)
        codes = self.encoder.reset(keys, "encoder", init=init, targets=components)
        if codes is not None:
            codes = codes.narrow(self.latent_dim)
        self.decoder.reset(keys, "decoder", init=codes, from_code=True, targets=targets)
        if isinstance(self.noise, nn.Parameter):
            nn.init.constant_(self.noise, _INITIAL_LOG_NOISE)

    @property
    def log_noise_scale(self) -> torch.Tensor:
        """Log of the decoder's noise scale, (M, 1, D); bounded below if it is learned."""
        noise = self.noise.clamp(min=_LOG_SCALE_FLOOR) if isinstance(self.noise, nn.Parameter) else self.noise
        return noise.expand(-1, -1, self.n_encoded)

    def posterior(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean and log scale of the code given the rows, each (M, B, L)."""
        loc, log_scale = self.encoder(rows).chunk(2, dim=-1)
        return loc, log_scale.clamp(*_LOG_SCALE_RANGE)

    def posterior_vjp(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, PosteriorPullBack]:
        """Return the output of `posterior` and its pullback to the encoder's parameters."""
        code, through_encoder = self.encoder.vjp(rows, with_input=False)
        loc, unbounded = code.chunk(2, dim=-1)
        log_scale = unbounded.clamp(*_LOG_SCALE_RANGE)

        def pull_back(by_loc: torch.Tensor, by_log_scale: torch.Tensor) -> None:
            by_log_scale = by_log_scale.masked_fill(unbounded != log_scale, 0)
            through_encoder(torch.cat([by_loc, by_log_scale], dim=-1))

        return loc, log_scale, pull_back

    def write_noise_gradient(self, by_log_noise_scale: torch.Tensor) -> None:
        """Write the gradient by `log_noise_scale` (M, 1, D) to the noise parameter, if it is learned."""
        if isinstance(self.noise, nn.Parameter):
            by_noise = by_log_noise_scale.sum_to_size(self.noise.shape)
            grad(self.noise).copy_(by_noise.masked_fill(self.noise < _LOG_SCALE_FLOOR, 0))

    def encode(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows (M, B, D) -> mean of the code (M, B, L)."""
        return self.posterior(rows)[0]

    @property
    def decode(self) -> StackedMLP:
        """Code (M, B, L) -> decoder output (M, B, D)."""
        return self.decoder

    @property
    def neighbor_distance(self) -> torch.Tensor:
        """Distance between neighboring training rows per column, (M, 1, 1)."""
        return _neighbor_distance(self.encoder)


def _neighbor_distance(encoder: StackedMLP) -> torch.Tensor:
    """Return the distance that the prototypes of the first layer know; half a standard deviation without any."""
    first = encoder.layers[0]
    if isinstance(first, StackedPrototypes):
        return first.spacing
    return torch.full((len(first.weight), 1, 1), 0.5, dtype=torch.float32, device=first.weight.device)


def build_network(spec: NetworkSpec) -> PointAutoencoder | GaussianAutoencoder:
    """Build a stack of networks; its weights are not initialized."""
    return PointAutoencoder(spec) if spec.code == "point" else GaussianAutoencoder(spec)


def copy_network(
    network: PointAutoencoder | GaussianAutoencoder, device: torch.device
) -> PointAutoencoder | GaussianAutoencoder:
    """Return a copy of a network on a device, to compute with, without the buffers of its training."""

    def copied(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.detach().to(device, copy=True, memory_format=torch.contiguous_format)

    parts: dict[int, Any] = {id(network.spec): network.spec}
    parts |= {id(own): nn.Parameter(copied(own), requires_grad=False) for own in network.parameters()}
    parts |= {id(own): copied(own) for own in network.buffers()}
    return copy.deepcopy(network, parts)


def _draw_init(
    network: nn.Module, keys: Sequence[MemberKey], init_data: InitData | None
) -> tuple[PrototypeInit | None, torch.Tensor | None]:
    """Draw initial prototypes and the decoder outputs for them; both None for a network without prototypes."""
    widths = [layer.weight.shape[2] for layer in network.modules() if isinstance(layer, StackedPrototypes)]
    if not widths:
        return None, None
    assert init_data is not None
    init = PrototypeInit.draw(init_data, keys, max(widths))
    return init, init_data.output(init.examples)


def _principal_codes(encoder: StackedMLP, init: PrototypeInit | None, latent_dim: int) -> torch.Tensor | None:
    """Return the principal components of the examples (M, E, D) as initial codes (M, E, L).

    None if the code does not follow a prototype layer, or if there are fewer than L components.
    """
    if init is None or not encoder.follows_prototypes or latent_dim > min(init.examples.shape[1:]):
        return None
    centered = init.examples - init.examples.mean(dim=1, keepdim=True)
    if centered.device.type != "cpu":
        return _components_by_eigenvectors(centered, latent_dim)
    left, deviations, _ = torch.linalg.svd(centered, full_matrices=False)
    return left[:, :, :latent_dim] * deviations[:, None, :latent_dim]


def _components_by_eigenvectors(centered: torch.Tensor, n_components: int) -> torch.Tensor:
    """Return the principal components of centered rows (M, E, D), (M, E, L).

    The eigenvectors of the smaller product with itself are much faster on an accelerator than singular vectors.
    """
    rows = centered.double()  # a product in float32 would lose the small components
    is_wide = rows.shape[2] > rows.shape[1]
    products = rows @ rows.mT if is_wide else rows.mT @ rows
    try:
        values, vectors = torch.linalg.eigh(products)
    except torch.linalg.LinAlgError:  # the solver of CUDA may not converge where that of the CPU does
        values, vectors = (part.to(rows.device) for part in torch.linalg.eigh(products.cpu()))
    largest = vectors[:, :, -n_components:].flip(2)
    scale = values[:, None, -n_components:].flip(2).clamp(min=0).sqrt()
    return (largest * scale if is_wide else rows @ largest).float()


def _encoder(spec: NetworkSpec, n_outputs: int) -> StackedMLP:
    widths = (spec.n_encoded, *spec.hidden_layer_sizes, n_outputs)
    return StackedMLP(
        spec.n_members,
        widths,
        spec.activation,
        spec.code_activation,
        output_sizes=spec.code_sizes,
        allow_nan=spec.allow_nan,
    )


def _decoder(spec: NetworkSpec) -> StackedMLP:
    widths = (spec.latent_dim, *reversed(spec.hidden_layer_sizes), spec.n_encoded)
    return StackedMLP(spec.n_members, widths, spec.activation, input_activation=spec.code_activation)
