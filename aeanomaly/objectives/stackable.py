"""What objectives are made of: plain data, so that those of several stacks can stand side by side."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import torch


@dataclass(frozen=True, eq=False)
class Stackable:
    """Tensors with a leading axis of members, M or 1; other parts; and what is one for all members."""

    @property
    def stack_key(self) -> Hashable:
        """All but the tensors' numbers: parts of one stack_key can be joined."""
        return (type(self), *(_stack_key(value) for value in self._values()))

    @classmethod
    def stack(cls, parts: Sequence[Self], sizes: Sequence[int]) -> Self:
        """One part for the members of all, of which each has so many."""
        columns = zip(*(part._values() for part in parts), strict=True)
        return cls(*(_stack(values, sizes) for values in columns))

    def _values(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self)]

    def _per_member(self, name: str, *trailing: int) -> None:
        """Make a number for all members, or one for each, a tensor (M or 1, *trailing)."""
        value = torch.as_tensor(getattr(self, name), dtype=torch.float32)
        object.__setattr__(self, name, value.reshape(-1, *trailing))


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
