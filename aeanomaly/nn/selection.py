"""Selection of rows and values on any device."""

import numpy as np
import torch


def take(rows: torch.Tensor, places: np.ndarray) -> torch.Tensor:
    """Return the rows at some places, on the device of the rows."""
    return rows[torch.from_numpy(places).to(rows.device)]


def mean_of(values: torch.Tensor, selected: torch.Tensor) -> torch.Tensor:
    """Return the mean of the selected values, NaN if there are none; both tensors have one shape."""
    if values.device.type == "cpu":
        return values[selected].mean()
    # The number of selected values, and hence their shape, is known on the accelerator only.
    return values.masked_fill(~selected, 0).sum() / selected.sum()
