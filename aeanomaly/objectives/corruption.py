"""Ways to damage a row before the network sees it (Vincent et al. 2010, JMLR 11)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch

from aeanomaly.objectives.stackable import Stackable
from aeanomaly.streams import NoiseStream


@dataclass(frozen=True, eq=False)
class Corruption(Stackable, ABC):
    """Maps clean encoded rows (M, B, D) to damaged ones of the same shape."""

    @abstractmethod
    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor: ...


@dataclass(frozen=True, eq=False)
class GaussianCorruption(Corruption):
    """Adds normal noise of standard deviation `level`, a number or one for each member, in encoded units."""

    level: Any

    def __post_init__(self) -> None:
        self._per_member("level", 1, 1)

    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        return torch.addcmul(rows, self.level.to(rows.device), noise.normal("gaussian corruption", *rows.shape[1:]))


@dataclass(frozen=True, eq=False)
class MaskingCorruption(Corruption):
    """Replaces each value, with probability `level`, by its column's training mean (M or 1, 1, D)."""

    level: Any
    mean: torch.Tensor

    def __post_init__(self) -> None:
        self._per_member("level", 1, 1)

    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        hit = noise.uniform("masking", *rows.shape[1:]) < self.level.to(rows.device)
        return torch.where(hit & ~rows.isnan(), self.mean, rows)


@dataclass(frozen=True, eq=False)
class SaltAndPepperCorruption(Corruption):
    """Replaces each value, with probability `level`, by its column's minimum or maximum (M or 1, 1, D), evenly."""

    level: Any
    minimum: torch.Tensor
    maximum: torch.Tensor

    def __post_init__(self) -> None:
        self._per_member("level", 1, 1)

    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        u = noise.uniform("salt and pepper", *rows.shape[1:])
        level = self.level.to(rows.device)
        extreme = torch.where(u < 0.5 * level, self.minimum, self.maximum)
        return torch.where((u < level) & ~rows.isnan(), extreme, rows)
