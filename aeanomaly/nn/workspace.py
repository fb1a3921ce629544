"""Memory that is used again and again."""

import torch


class Workspace:
    """Tensors that each training step writes anew.

    The system takes the pages of freed tensors back at its whim; to get them again costs more than a
    layer's arithmetic.
    """

    def __init__(self) -> None:
        self._tensors: dict[str, torch.Tensor] = {}

    def tensor(self, name: str, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
        """The tensor of that name, or a new one if it does not have that shape; its content is undefined."""
        kept = self._tensors.get(name)
        if kept is None or kept.shape != shape or kept.device != like.device:
            kept = self._tensors[name] = torch.empty(shape, dtype=like.dtype, device=like.device)
        return kept
