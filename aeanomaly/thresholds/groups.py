"""Offsets of groups of rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

#: Maximum number of groups that a sentence names.
_NAMED = 5


@dataclass(frozen=True)
class GroupOffsets:
    """Offsets of groups; other groups have the offset of all rows.

    Attributes
    ----------
    columns : tuple of str or int
        Columns whose cells are the labels of groups.
    offsets : dict of str to float
        Offset of each group with enough calibration rows.
    """

    columns: tuple[str | int, ...]
    offsets: dict[str, float]

    def of_rows(self, labels: np.ndarray, pooled: float) -> np.ndarray:
        """Return the offsets of rows with the given labels, (n,)."""
        known, codes = np.unique(labels, return_inverse=True)
        return np.array([self.offsets.get(str(label), pooled) for label in known])[codes]

    def guarantee(self, labels: np.ndarray) -> str:
        """Return the end of a sentence on the groups among the labels of calibration rows."""
        pooled = [label for label in map(str, np.unique(labels)) if label not in self.offsets]
        if not self.offsets:
            return "no group has enough calibration rows for the rate, so all groups have the same offset"
        text = f"this holds in each of {len(self.offsets):,} groups, the smallest of which has these rows"
        if not pooled:
            return text
        more = f" and {len(pooled) - _NAMED:,} more" if len(pooled) > _NAMED else ""
        named = ", ".join(map(repr, pooled[:_NAMED])) + more
        return f"{text}; groups with too few calibration rows have the offset of all rows: {named}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for a file."""
        return {"columns": list(self.columns), "offsets": self.offsets}

    @classmethod
    def from_dict(cls, data: Any) -> "GroupOffsets":
        """Build the offsets from the output of `to_dict`; raise a ValueError for invalid data."""
        columns, offsets = data["columns"], data["offsets"]
        if not columns or not all(type(name) in (str, int) for name in columns):
            raise ValueError("the columns of groups are not names or positions")
        if not all(type(offset) is float and np.isfinite(offset) for offset in offsets.values()):
            raise ValueError("the offsets of groups are not finite numbers")
        return cls(tuple(columns), dict(offsets))
