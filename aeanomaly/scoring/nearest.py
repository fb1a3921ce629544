"""Search for the nearest of some stored rows."""

import torch
from torch import nn
from torch.nn import functional

from aeanomaly.nn import buffer, row_sums

#: Number of stored rows in a segment, whose largest similarity is computed first.
_SEGMENT = 32
#: Maximum number of stored rows in a tile, whose similarities to a block of rows fit into a cache.
_LARGEST_TILE = 1024


class NearestRows(nn.Module):
    """Exhaustive search for the nearest of stored rows (K, D).

    The similarity x.c - |c|^2 / 2 orders the stored rows c like the distance from x. It is a matrix product, which is
    fast but rounds; distances are then computed from differences, for the rows of the most similar segments only.

    Parameters
    ----------
    rows : Tensor (K, D)
        Stored rows without missing values.
    allow_nan : bool, default=False
        Accept missing values in other rows; distances then run over the observed features.
    """

    rows: torch.Tensor
    center: torch.Tensor
    weight: torch.Tensor
    segments: torch.Tensor

    def __init__(self, rows: torch.Tensor, *, allow_nan: bool = False):
        super().__init__()
        n_rows, n_columns = rows.shape
        n_tiles = -(-n_rows // _LARGEST_TILE)
        self.n_segments = -(-n_rows // (n_tiles * _SEGMENT))  # of a tile
        self.tile = self.n_segments * _SEGMENT
        self.allow_nan = allow_nan
        center = rows.mean(dim=0)
        padding = (n_tiles * self.tile - n_rows, n_columns)
        centered = torch.cat([rows - center, rows.new_zeros(padding)])
        bias = -0.5 * centered.square().sum(dim=1, keepdim=True)
        bias[n_rows:] = -torch.inf
        weight = torch.cat([centered, bias], dim=1).view(n_tiles, self.tile, -1).mT.contiguous()
        # Rows of a segment are not adjacent, because maxima over the first of two axes are faster.
        apart = torch.cat([rows, rows.new_full(padding, torch.inf)]).view(n_tiles, _SEGMENT, self.n_segments, n_columns)
        segments = apart.transpose(1, 2).reshape(-1, _SEGMENT * n_columns)
        buffers = {"rows": rows, "center": center, "weight": weight, "segments": segments}
        for name, values in buffers.items():
            self.register_buffer(name, values, persistent=False)

    def nearest(self, rows: torch.Tensor, k: int) -> torch.Tensor:
        """Return the indices of the k nearest stored rows, nearest first, (B, D) -> (B, k)."""
        missing = rows.isnan() if self.allow_nan else None
        x = functional.pad(rows - self.center, (0, 1), value=1.0)  # 1 for the bias
        if missing is not None:
            x = x.nan_to_num(0.0)
        tiles = (self._similarities(x, missing, weight) for weight in self.weight)
        if k > 2:
            return torch.cat([tile.clone() for tile in tiles], dim=1).topk(k, dim=1).indices
        # The second nearest row is in the segment of the nearest, or is the nearest of another segment.
        maxima = torch.cat([tile.unflatten(1, (_SEGMENT, -1)).amax(dim=1) for tile in tiles], dim=1)
        best = _largest(maxima, min(k, maxima.shape[1]))
        candidates = self.segments[best].flatten(1).unflatten(1, (-1, rows.shape[1]))
        squares = candidates.sub_(rows.unsqueeze(1)).square_()
        if missing is not None:
            squares.masked_fill_(missing.unsqueeze(1), 0)
        found = _largest(row_sums(squares).neg_(), k)
        segment = best.gather(1, found // _SEGMENT)
        return segment // self.n_segments * self.tile + found % _SEGMENT * self.n_segments + segment % self.n_segments

    def _similarities(self, x: torch.Tensor, missing: torch.Tensor | None, weight: torch.Tensor) -> torch.Tensor:
        """Return the similarities to the rows of a tile, (B, D + 1) -> (B, tile); the next call overwrites them."""
        found = torch.mm(x, weight, out=buffer((NearestRows, "tile"), (x.shape[0], self.tile), x))
        return found if missing is None else found.addmm_(missing.to(x.dtype), 0.5 * weight[:-1].square())


def _largest(values: torch.Tensor, k: int) -> torch.Tensor:
    """Return the indices of the k largest values of each row, (B, k)."""
    return values.argmax(dim=1, keepdim=True) if k == 1 else values.topk(k, dim=1).indices
