"""Penalties on the code that prevent a wide autoencoder from learning the identity."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch

from aeanomaly.nn import ACTIVATIONS, PullBack, StackedMLP, grad
from aeanomaly.objectives.stackable import Stackable
from aeanomaly.streams import NoiseStream

#: Bounds of a code unit's mean activation.
_RATE_RANGE = (1e-6, 1 - 1e-6)


@dataclass(frozen=True, eq=False)
class Penalty(Stackable, ABC):
    """Term added to the loss of each member, times `weight`, which is shared or one for each member."""

    weight: Any

    def __post_init__(self) -> None:
        self._per_member("weight")

    @abstractmethod
    def __call__(
        self, encoder: StackedMLP, rows: torch.Tensor, noise: NoiseStream
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the penalty (M,) and the code (M, B, L) of input rows (M, B, D)."""

    @property
    def replayable(self) -> bool:
        """True if `vjp` does without autograd."""
        return type(self).vjp is not Penalty.vjp

    def vjp(
        self, encoder: StackedMLP, rows: torch.Tensor, noise: NoiseStream
    ) -> tuple[torch.Tensor, torch.Tensor, PullBack]:
        """Return penalty, code, and the pullback of the code's gradient, which adds that of the penalty."""
        with torch.enable_grad():
            outputs = self(encoder, rows, noise)

        def pull_back(gradient: torch.Tensor) -> None:
            parameters = list(encoder.parameters())
            found = torch.autograd.grad(outputs, parameters, [torch.ones_like(outputs[0]), gradient])
            for p, by_parameter in zip(parameters, found, strict=True):
                grad(p).copy_(by_parameter)

        penalty, code = outputs
        return penalty.detach(), code.detach(), pull_back


class CodePenalty(Penalty):
    """Penalty that depends only on the code."""

    @abstractmethod
    def value(self, code: torch.Tensor) -> torch.Tensor:
        """Return the penalty (M,) of a code (M, B, L)."""

    @abstractmethod
    def gradient(self, code: torch.Tensor) -> torch.Tensor:
        """Return the derivative of `value` by the code, broadcastable to (M, B, L)."""

    def __call__(
        self, encoder: StackedMLP, rows: torch.Tensor, noise: NoiseStream
    ) -> tuple[torch.Tensor, torch.Tensor]:
        code = encoder(rows)
        return self.value(code), code

    def vjp(
        self, encoder: StackedMLP, rows: torch.Tensor, noise: NoiseStream
    ) -> tuple[torch.Tensor, torch.Tensor, PullBack]:
        code, through_encoder = encoder.vjp(rows, with_input=False)
        by_code = self.gradient(code)
        return self.value(code), code, lambda gradient: through_encoder(gradient + by_code)


class L1Sparsity(CodePenalty):
    """Mean over rows of the sum of absolute code values, times `weight`."""

    def value(self, code: torch.Tensor) -> torch.Tensor:
        return self.weight * code.abs().sum(dim=2).mean(dim=1)

    def gradient(self, code: torch.Tensor) -> torch.Tensor:
        return code.sign() * (self.weight.view(-1, 1, 1) / code.shape[1])


@dataclass(frozen=True, eq=False)
class KLSparsity(CodePenalty):
    """Sum over code units of KL(target || mean activation), times `weight` (Ng 2011).

    The code must lie in (0, 1); the mean is over the batch.
    """

    target: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        self._per_member("target", 1)

    def value(self, code: torch.Tensor) -> torch.Tensor:
        rate = code.mean(dim=1).clamp(*_RATE_RANGE)
        target = self.target.to(rate)
        kl = target * (target / rate).log() + (1 - target) * ((1 - target) / (1 - rate)).log()
        return self.weight * kl.sum(dim=1)

    def gradient(self, code: torch.Tensor) -> torch.Tensor:
        unbounded = code.mean(dim=1, keepdim=True)
        rate = unbounded.clamp(*_RATE_RANGE)
        target = self.target.to(rate).unsqueeze(2)
        slope = (rate - target) / (rate * (1 - rate))
        weight = self.weight.view(-1, 1, 1) / code.shape[1]
        return (weight * slope).masked_fill(unbounded != rate, 0)


class Contraction(Penalty):
    """Mean over rows of the squared Jacobian norm of the encoder, times `weight` (Rifai et al. 2011, ICML).

    For a one-layer encoder the norm is exact: sum_l act'(a_l)^2 ||w_l||^2. For a deeper encoder its unbiased
    estimate is ||J v||^2, with one random-sign probe v per row (Hutchinson 1990).
    """

    def __call__(
        self, encoder: StackedMLP, rows: torch.Tensor, noise: NoiseStream
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if len(encoder.layers) == 1:
            code, squared_norm = exact_squared_jacobian(encoder, rows)
        else:
            code, squared_norm = probed_squared_jacobian(encoder, rows, noise)
        return self.weight * squared_norm.mean(dim=1), code


def exact_squared_jacobian(encoder: StackedMLP, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the code (M, B, L) of a one-layer encoder and the squared Frobenius norm of its Jacobian (M, B)."""
    (layer,), (name,) = encoder.layers, encoder.activations
    activation, (weight, _), a = ACTIVATIONS[name], layer.affine(), layer(rows)
    code = activation.function(a)
    if activation.derivative is None:
        squared_norm = _softmax_squared_jacobian(weight, code)
    else:
        slope = activation.derivative(a)
        squared_norm = torch.bmm(slope.square(), weight.square().sum(dim=1).unsqueeze(2)).squeeze(2)
    return encoder.masked(code), squared_norm


def _softmax_squared_jacobian(weight: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Return the sum over units k of p_k^2 |w_k - E_p w|^2: weight (M, D, L), softmax p (M, B, L) -> (M, B)."""
    mean = torch.bmm(share, weight.mT)
    away = weight.square().sum(dim=1, keepdim=True) - 2 * torch.bmm(mean, weight) + mean.square().sum(2, keepdim=True)
    return (share.square() * away).sum(dim=2)


def probed_squared_jacobian(
    encoder: StackedMLP, rows: torch.Tensor, noise: NoiseStream
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the code and an unbiased estimate of the squared norm, from one forward-mode tangent per row."""
    tangent = 2 * (noise.uniform("contraction", *rows.shape[1:]) < 0.5).to(rows.dtype) - 1
    x = rows
    for layer, name in zip(encoder.layers, encoder.activations, strict=True):
        tangent = torch.bmm(tangent, layer.affine()[0])
        a = layer(x)
        activation = ACTIVATIONS[name]
        x = activation.function(a)
        if activation.derivative is None:
            tangent = x * (tangent - (x * tangent).sum(dim=2, keepdim=True))
        else:
            tangent = activation.derivative(a) * tangent
    return encoder.masked(x), tangent.square().sum(dim=2)
