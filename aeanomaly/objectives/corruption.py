"""Corruption of the input of denoising autoencoders (Vincent et al. 2010, JMLR 11)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch

from aeanomaly.objectives.stackable import Stackable
from aeanomaly.streams import NoiseStream


@dataclass(frozen=True, eq=False)
class Corruption(Stackable, ABC):
    """Map from clean encoded rows (M, B, D) to corrupted rows of the same shape."""

    @abstractmethod
    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor: ...


@dataclass(frozen=True, eq=False)
class GaussianCorruption(Corruption):
    """Add normal noise of standard deviation `level`, in encoded units, shared or one for each member."""

    level: Any

    def __post_init__(self) -> None:
        self._per_member("level", 1, 1)

    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        return torch.addcmul(rows, self.level, noise.normal("gaussian corruption", *rows.shape[1:]))


@dataclass(frozen=True, eq=False)
class MaskingCorruption(Corruption):
    """Replace each value, with probability `level`, by the training mean of its column (M or 1, 1, D)."""

    level: Any
    mean: torch.Tensor

    def __post_init__(self) -> None:
        self._per_member("level", 1, 1)

    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        hit = noise.uniform("masking", *rows.shape[1:]) < self.level
        return torch.where(hit & ~rows.isnan(), self.mean, rows)


@dataclass(frozen=True, eq=False)
class SaltAndPepperCorruption(Corruption):
    """Replace each value, with probability `level`, by the minimum or maximum of its column (M or 1, 1, D)."""

    level: Any
    minimum: torch.Tensor
    maximum: torch.Tensor

    def __post_init__(self) -> None:
        self._per_member("level", 1, 1)

    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        u = noise.uniform("salt and pepper", *rows.shape[1:])
        extreme = torch.where(u < 0.5 * self.level, self.minimum, self.maximum)
        return torch.where((u < self.level) & ~rows.isnan(), extreme, rows)
