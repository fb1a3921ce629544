"""Encoding of the rows of a fit on its device."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch

from aeanomaly.fitting.device_encoder import DeviceEncoder
from aeanomaly.memory import is_out_of_memory
from aeanomaly.nn import has_float64
from aeanomaly.preprocessing import Column, EncoderOptions, KnownStatistics, Schema, TableEncoder, fit_schema
from aeanomaly.scoring import to_device

#: Least number of cells of a table that is encoded on an accelerator; smaller tables are encoded faster on the host.
_LEAST_CELLS = 1 << 21
#: Number of cells that an accelerator processes at once.
_AT_ONCE = 1 << 24

Result = TypeVar("Result")


def fit_encoding(
    table: np.ndarray,
    columns: Sequence[Column],
    options: EncoderOptions,
    names: Sequence[str] | None,
    known: KnownStatistics | None,
    device: torch.device,
) -> tuple[Schema, torch.Tensor]:
    """Fit the schema to a table (N, F), and encode its rows (N, D) on a device; see `fit_schema`."""

    def fit(copied: torch.Tensor | None) -> tuple[Schema, torch.Tensor]:
        statistics = None if copied is None else DeviceStatistics(copied)
        schema = fit_schema(table, options, columns, names, known, statistics)
        return schema, _encoded(schema, table, copied, device)

    return _with_copy(fit, table, device)


def encode_rows(encoder: TableEncoder, table: np.ndarray, device: torch.device) -> torch.Tensor:
    """Encode the rows of a table (N, F) on a device, (N, D)."""
    return _with_copy(lambda copied: _encoded(encoder.schema, table, copied, device), table, device)


def rows_at_start(rows: torch.Tensor) -> torch.Tensor:
    """Return rows on the device of the start of a fit: their own, or the CPU if their device lacks float64."""
    return rows if has_float64(rows.device) else rows.cpu()


class DeviceStatistics:
    """Statistics of the columns of a table (N, F) on an accelerator, computed in float64; see `FeatureStatistics`."""

    def __init__(self, table: torch.Tensor):
        self._blocks = table.split(_rows_at_once(table))

    def range(self) -> tuple[np.ndarray, np.ndarray]:
        lows, highs, counts = [], [], []
        for block in self._blocks:
            missing = block.isnan()
            lows.append(block.masked_fill(missing, torch.inf).amin(dim=0))
            highs.append(block.masked_fill(missing, -torch.inf).amax(dim=0))
            counts.append((~missing).sum(dim=0))
        ends = torch.stack([torch.stack(lows).amin(dim=0), torch.stack(highs).amax(dim=0)]).double()
        low, high = ends.masked_fill(torch.stack(counts).sum(dim=0) == 0, torch.nan).cpu().numpy()
        return low, high

    def moments(
        self, low: np.ndarray, high: np.ndarray, center: np.ndarray, half: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ends = torch.from_numpy(np.stack([low, high, center, half])).to(self._blocks[0].device)
        parts = [_first_moments(block.double(), ends) for block in self._blocks]
        total, count, others = torch.stack(parts).sum(dim=0)
        count = count.clamp(min=1)
        mean = total / count
        squares = [(_shifted(block.double(), ends) - mean).square_().nansum(dim=0) for block in self._blocks]
        deviation = (torch.stack(squares).sum(dim=0) / count).sqrt()
        found_mean, found_deviation, n_others = torch.stack([mean, deviation, others]).cpu().numpy()
        return found_mean, found_deviation, n_others == 0


def _first_moments(rows: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """Return sums of shifted rows (n, F), counts of values, and counts of values between low and high, (3, F)."""
    low, high, *_ = ends
    present = ~rows.isnan()
    others = present & (rows != low) & (rows != high)
    return torch.stack([_shifted(rows, ends).nansum(dim=0), present.sum(dim=0), others.sum(dim=0)])


def _shifted(rows: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    _, _, center, half = ends
    return (rows - center) / half


def _with_copy(run: Callable[[torch.Tensor | None], Result], table: np.ndarray, device: torch.device) -> Result:
    """Call a function with a copy of the table on the device; with None if the table is small, or does not fit."""
    if device.type != "cpu" and has_float64(device) and table.size >= _LEAST_CELLS:
        try:
            return run(to_device(table, device))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
    return run(None)


def _encoded(schema: Schema, table: np.ndarray, copied: torch.Tensor | None, device: torch.device) -> torch.Tensor:
    """Encode rows (N, D) on a device, from a copy of the table there if there is one."""
    if copied is None or schema.groups is not None:  # groups are found on the host
        return torch.from_numpy(TableEncoder(schema).encode(table)).to(device)
    encoder = DeviceEncoder(schema).to(device)
    encoded = torch.empty((len(table), schema.n_encoded), dtype=torch.float32, device=device)
    for part, rows in zip(copied.split(_rows_at_once(encoded)), encoded.split(_rows_at_once(encoded)), strict=True):
        rows.copy_(encoder(part))
    return encoded


def _rows_at_once(rows: torch.Tensor) -> int:
    return max(1, _AT_ONCE // rows.shape[1])
