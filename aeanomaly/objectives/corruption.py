"""Ways to damage a row before the network sees it (Vincent et al. 2010, JMLR 11)."""

from abc import ABC, abstractmethod

import torch

from aeanomaly.streams import NoiseStream


class Corruption(ABC):
    """Maps clean encoded rows (M, B, D) to damaged ones of the same shape."""

    @abstractmethod
    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor: ...


class GaussianCorruption(Corruption):
    """Adds normal noise of standard deviation `level`, a number or (M, 1, 1), in encoded units."""

    def __init__(self, level: float | torch.Tensor):
        self._level = torch.as_tensor(level, dtype=torch.float32)

    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        return torch.addcmul(rows, self._level.to(rows.device), noise.normal("gaussian corruption", *rows.shape[1:]))


class MaskingCorruption(Corruption):
    """Replaces each value, with probability `level`, by its column's training mean (D,)."""

    def __init__(self, level: float, mean: torch.Tensor):
        self._level = level
        self._mean = mean

    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        hit = noise.uniform("masking", *rows.shape[1:]) < self._level
        return torch.where(hit, self._mean, rows)


class SaltAndPepperCorruption(Corruption):
    """Replaces each value, with probability `level`, by its column's training minimum or maximum (D,), evenly."""

    def __init__(self, level: float, minimum: torch.Tensor, maximum: torch.Tensor):
        self._level = level
        self._minimum = minimum
        self._maximum = maximum

    def __call__(self, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        u = noise.uniform("salt and pepper", *rows.shape[1:])
        extreme = torch.where(u < 0.5 * self._level, self._minimum, self._maximum)
        return torch.where(u < self._level, extreme, rows)
