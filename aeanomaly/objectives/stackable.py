"""Plain data that can be stacked along the member axis."""

import copy
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import torch


@dataclass(frozen=True, eq=False)
class Stackable:
    """Data class of tensors with a leading member axis (M or 1), other stackables, and shared values."""

    @property
    def stack_key(self) -> Hashable:
        """Type, shapes and shared values; objects with equal keys can be stacked."""
        return (type(self), *(_stack_key(value) for value in self._values()))

    @classmethod
    def stack(cls, parts: Sequence[Self], sizes: Sequence[int]) -> Self:
        """Concatenate objects with the given numbers of members."""
        columns = zip(*(part._values() for part in parts), strict=True)
        return cls(*(_stack(values, sizes) for values in columns))

    def to(self, device: torch.device) -> Self:
        """Return a copy whose tensors are on a device."""
        moved = copy.copy(self)
        for field, value in zip(fields(self), self._values(), strict=True):
            object.__setattr__(moved, field.name, _moved(value, device))
        return moved

    def _values(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self)]

    def _per_member(self, name: str, *trailing: int) -> None:
        """Convert a number, or one for each member, to a tensor (M or 1, *trailing)."""
        value = torch.as_tensor(getattr(self, name), dtype=torch.float32)
        object.__setattr__(self, name, value.reshape(-1, *trailing))


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, (Stackable, torch.Tensor)) else value


def _stack_key(value: Any) -> Hashable:
    if isinstance(value, Stackable):
        return value.stack_key
    return ("tensor", value.shape[1:]) if isinstance(value, torch.Tensor) else value


def _stack(values: Sequence[Any], sizes: Sequence[int]) -> Any:
    first = values[0]
    if isinstance(first, Stackable):
        return type(first).stack(values, sizes)
    if isinstance(first, torch.Tensor):
        return torch.cat([value.expand(size, *value.shape[1:]) for value, size in zip(values, sizes, strict=True)])
    return first
