"""Export of a trained encoder as a plain torch module."""

from collections.abc import Sequence

import torch
from torch import nn

from aeanomaly.nn.activations import ACTIVATIONS
from aeanomaly.nn.mlp import StackedMLP


class Standardize(nn.Module):
    """Encode rows in original units as float32.

    The mean is subtracted in float64, as in the detector, so that a column of 1e9 +- 1 keeps its digits.

    Shape: (B, F) -> (B, D).
    """

    order: torch.Tensor
    offset: torch.Tensor
    scale: torch.Tensor
    limit: torch.Tensor
    unit: torch.Tensor

    def __init__(
        self, order: torch.Tensor, offset: torch.Tensor, scale: torch.Tensor, limit: torch.Tensor, unit: torch.Tensor
    ):
        super().__init__()
        constants = {"order": order, "offset": offset, "scale": scale, "limit": limit, "unit": unit}
        for name, value in constants.items():
            self.register_buffer(name, value)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        values = rows[:, self.order].double()
        # Units of logarithmic columns; 0 for the others.
        values = torch.where(self.unit > 0, torch.asinh(0.5 * values / self.unit.clamp(min=1e-300)), values)
        z = (values - self.offset) / self.scale
        return z.clamp(-self.limit, self.limit).float()


class Concatenation(nn.Module):
    """Apply several modules to the same rows and concatenate their outputs: (B, D) -> (B, L)."""

    def __init__(self, modules: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(modules)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([member(x) for member in self.members], dim=1)


def encoder_module(encoder: StackedMLP, used_code: Sequence[int], standardize: Standardize) -> nn.Sequential:
    """Copy the encoder of every member into ``nn.Sequential(Standardize, Linear, activation, ...)``.

    With several members, ``Standardize`` is followed by a single `Concatenation`.
    """
    members = [_member_layers(encoder, member, used) for member, used in enumerate(used_code)]
    if len(members) == 1:
        return nn.Sequential(standardize, *members[0])
    return nn.Sequential(standardize, Concatenation([nn.Sequential(*modules) for modules in members]))


def _member_layers(encoder: StackedMLP, member: int, used: int) -> list[nn.Module]:
    modules: list[nn.Module] = []
    for number, (layer, name) in enumerate(zip(encoder.layers, encoder.activations, strict=True)):
        weight, bias = (part[member].detach() for part in layer.affine())
        if number == len(encoder.layers) - 1:  # drop unused units, and the log scale of a Gaussian code
            weight, bias = weight[:, :used], bias[:, :used]
        # Skip the initialization, which would draw from torch's global generator.
        linear = nn.utils.skip_init(nn.Linear, *weight.shape, dtype=torch.float32, device="cpu")
        linear.weight.data.copy_(weight.T)
        linear.bias.data.copy_(bias[0])
        modules += [linear, ACTIVATIONS[name].module()]
    return [m for m in modules if not isinstance(m, nn.Identity)]
