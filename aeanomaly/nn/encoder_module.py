"""A trained encoder as a plain torch module, to fine-tune elsewhere."""

import torch
from torch import nn

from aeanomaly.nn.activations import ACTIVATIONS
from aeanomaly.nn.mlp import StackedMLP


class Standardize(nn.Module):
    """Rows in original units -> encoded float32 rows.

    The subtraction runs in float64, as in the detector: a column of 1e9 +- 1 must survive it.

    Shape: (B, F) -> (B, D).
    """

    order: torch.Tensor
    offset: torch.Tensor
    scale: torch.Tensor
    limit: torch.Tensor

    def __init__(self, order: torch.Tensor, offset: torch.Tensor, scale: torch.Tensor, limit: torch.Tensor):
        super().__init__()
        for name, value in (("order", order), ("offset", offset), ("scale", scale), ("limit", limit)):
            self.register_buffer(name, value)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        z = (rows[:, self.order].double() - self.offset) / self.scale
        return z.clamp(-self.limit, self.limit).float()


class FirstColumns(nn.Module):
    """The mean of a Gaussian code: the first half of the encoder's output."""

    def __init__(self, n_columns: int):
        super().__init__()
        self.n_columns = n_columns

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, : self.n_columns]


def encoder_module(encoder: StackedMLP, member: int, latent_dim: int, standardize: Standardize) -> nn.Sequential:
    """Copy one member's encoder into ``nn.Sequential(Standardize, Linear, activation, ...)``."""
    modules: list[nn.Module] = [standardize]
    for layer, name in zip(encoder.layers, encoder.activations, strict=True):
        weight, bias = layer.weight[member].detach(), layer.bias[member, 0].detach()
        # Without its own draw of weights, which would move torch's global generator.
        linear = nn.utils.skip_init(nn.Linear, *weight.shape, dtype=torch.float32, device="cpu")
        linear.weight.data.copy_(weight.T)
        linear.bias.data.copy_(bias)
        modules += [linear, ACTIVATIONS[name].module()]
    modules = [m for m in modules if not isinstance(m, nn.Identity)]
    if encoder.layers[-1].weight.shape[2] != latent_dim:
        modules.append(FirstColumns(latent_dim))
    return nn.Sequential(*modules)
