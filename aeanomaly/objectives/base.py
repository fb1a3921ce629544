"""What the training engine knows of an objective."""

from abc import ABC, abstractmethod
from typing import Any

import torch

from aeanomaly.streams import NoiseStream


class Objective(ABC):
    """A loss for each member of a stack; members never mix."""

    @abstractmethod
    def losses(self, network: Any, rows: torch.Tensor, noise: NoiseStream) -> torch.Tensor:
        """Mean loss per row: network and rows (M, B, D) -> (M,)."""
