"""random_state -> one integer, without touching any global generator."""

from typing import Any

import numpy as np


def draw_seed(random_state: Any) -> int:
    """An int as it is; a number drawn from a RandomState or Generator; fresh entropy for None.

    Raises
    ------
    ValueError
        For anything else.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint32)[0])
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool) and random_state >= 0:
        return int(random_state)
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(np.iinfo(np.int32).max))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(np.iinfo(np.int32).max))
    raise ValueError(
        f"random_state must be None, an integer of at least 0, a RandomState or a Generator; got {random_state!r}"
    )
