"""Learning rate schedules."""

import math

_WARM_UP = 0.05


def schedule_factor(schedule: str, step: int, n_steps: int) -> float:
    """Return the factor of the learning rate at the 0-based `step` of `n_steps`.

    "cosine" rises linearly over the first 5% of the steps, then falls along a half cosine to almost 0.

    >>> [round(schedule_factor("cosine", step, 100), 2) for step in (0, 4, 52, 99)]
    [0.2, 1.0, 0.5, 0.0]
    """
    if schedule == "constant":
        return 1.0
    warm_up = max(1, round(_WARM_UP * n_steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step + 1 - warm_up) / (n_steps + 1 - warm_up)))
