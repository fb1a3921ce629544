"""Labels of the groups to which rows belong."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.preprocessing.cells import cell_texts
from aeanomaly.preprocessing.tables import as_pandas

_JOIN = ", "


def group_labels(X: Any, names: Sequence[Any]) -> np.ndarray:
    """Return the group of each row as text (N,): the cells of the named columns, or of positions in an array.

    Raises
    ------
    ValueError
        If a column does not exist.
    """
    frame = as_pandas(X)
    frame = pd.DataFrame(np.asarray(X, dtype=object)) if frame is None else frame
    for name in names:
        if name not in frame.columns:
            known = ", ".join(map(repr, frame.columns[:20]))
            raise ValueError(
                f"groups names {name!r}, which is not a column of X; the columns are {known}; add the column"
            )
    parts = [cell_texts(frame[name]) for name in names]
    return parts[0] if len(parts) == 1 else np.array([_JOIN.join(cells) for cells in zip(*parts, strict=True)], object)


def describe_groups(X: Any, names: Sequence[Any], known: np.ndarray) -> list[str]:
    """Return the group of each row for a sentence, such as "customer 'C17'"; `known` is False for unknown groups."""
    cells = [group_labels(X, [name]) for name in names]
    phrases = ([f"{name} {label!r}" for label in found] for name, found in zip(names, cells, strict=True))
    groups = [_JOIN.join(parts) for parts in zip(*phrases, strict=True)]
    return [group if is_known else f"all rows ({group} is new)" for group, is_known in zip(groups, known, strict=True)]
