"""Unscaled errors of members on encoded rows, from which scales and cores are computed."""

import numpy as np
import torch

from aeanomaly.scoring import Scorer, map_chunks, to_numpy

#: Number of elements that an accelerator holds at once, and least number of rows.
_AT_ONCE, _LEAST_ROWS = 1 << 26, 256


def member_errors(scorer: Scorer, encoded: torch.Tensor) -> np.ndarray:
    """Return the unscaled error of each encoded row (N, D) by each member of a scorer, (N, M)."""

    def compute(rows: torch.Tensor) -> tuple[torch.Tensor]:
        return (scorer.raw_terms(rows.expand(scorer.n_members, -1, -1)).sum(dim=2, keepdim=True),)

    def finish(parts: list[torch.Tensor], chunk: np.ndarray) -> np.ndarray:
        return to_numpy(parts[0][:, :, 0].T)

    if encoded.device.type == "cpu":
        return map_chunks(
            compute, finish, encoded.numpy(), encode=np.asarray, device=encoded.device, width=scorer.width
        )
    with torch.no_grad():
        parts = [compute(rows[None])[0] for rows in encoded.split(max(_LEAST_ROWS, _AT_ONCE // scorer.device_width))]
    return finish([torch.cat(parts, dim=1)], np.empty(0))
