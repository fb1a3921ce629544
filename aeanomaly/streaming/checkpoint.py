"""Checkpoints of a pass over a table, to resume an interrupted fit."""

import io
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import safetensors
import safetensors.numpy

from aeanomaly.exceptions import SourceError
from aeanomaly.persistence import add_prefix, take_prefix, write_atomically
from aeanomaly.preprocessing import Statistics
from aeanomaly.streaming.sample import RowSample
from aeanomaly.streaming.sources import arrow
from aeanomaly.streaming.summary import TableSummary

#: Minimum time between two saves: in seconds, and as a multiple of the duration of the last save.
_INTERVAL, _MULTIPLE = 10.0, 20.0


class Checkpoint:
    """File with a table summary, without code.

    Parameters
    ----------
    path : path-like
    source : list
        Fingerprint of the source files (see `fingerprint_of`).
    """

    def __init__(self, path: str | os.PathLike[str], source: list[Any]):
        self.path = Path(path)
        self._source = source
        self._next = time.monotonic() + _INTERVAL

    def save_if_due(self, summary: TableSummary) -> None:
        """Save the summary if enough time has passed since the last save."""
        start = time.monotonic()
        if start >= self._next:
            self.save(summary)
            took = time.monotonic() - start
            self._next = start + max(_INTERVAL, _MULTIPLE * took)

    def save(self, summary: TableSummary) -> None:
        """Save the summary atomically."""
        rows = summary.sample.rows()
        arrays = {"keys": summary.sample.keys, "numbers": summary.sample.indices, "places": summary.numeric_columns}
        if isinstance(rows, pd.DataFrame):
            arrays["frame"] = np.frombuffer(_to_ipc(rows), dtype=np.uint8)
        elif rows is not None:
            arrays["rows"] = rows
        for block in summary.blocks:
            arrays |= add_prefix("block", block.arrays())
        if summary.pending:
            arrays["pending"] = np.concatenate(summary.pending)
        header = {**self._settings(summary), "n_rows": summary.n_rows, "columns": summary.columns}
        # safetensors needs arrays in C order.
        whole = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
        write_atomically(self.path, safetensors.numpy.save(whole, {"survey": json.dumps(header)}))

    def load(self, summary: TableSummary) -> TableSummary:
        """Return the saved summary, or the given one if the file does not exist.

        Raises
        ------
        SourceError
            If the file belongs to another table or another fit, or is not a checkpoint.
        """
        if not self.path.exists():
            return summary
        try:
            with safetensors.safe_open(self.path, framework="numpy") as file:
                header = json.loads(file.metadata()["survey"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            expected = self._settings(summary)
            if differing := [name for name in expected if expected[name] != header[name]]:
                raise SourceError(
                    f"{self.path} is the checkpoint of another fit, with a different {' and '.join(differing)}; delete "
                    "it or choose another file"
                )
            return _restored(summary, header, arrays)
        except SourceError:
            raise
        except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
            raise SourceError(f"{self.path} is not a readable checkpoint: {error}; choose another file") from None

    def remove(self) -> None:
        """Delete the file after the fit."""
        self.path.unlink(missing_ok=True)

    def _settings(self, summary: TableSummary) -> dict[str, Any]:
        sample = summary.sample
        return {"source": self._source, "seed": sample.seed, "sample_size": sample.size, "missing": summary.allow_nan}


def _restored(summary: TableSummary, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> TableSummary:
    rows = _from_ipc(arrays["frame"].tobytes()) if "frame" in arrays else arrays.get("rows")
    summary.sample = RowSample.restore(
        summary.sample.size, summary.sample.seed, arrays["keys"], arrays["numbers"], rows
    )
    summary.n_rows, summary.numeric_columns = header["n_rows"], arrays["places"]
    summary.columns = [(name, cell_type) for name, cell_type in header["columns"]] if header["columns"] else None
    block = take_prefix("block", arrays)
    summary.blocks = [Statistics(**block)] if block else []
    summary.pending = [arrays["pending"]] if "pending" in arrays else []
    return summary


def _to_ipc(frame: pd.DataFrame) -> bytes:
    pa = arrow()
    table, buffer = pa.Table.from_pandas(frame, preserve_index=False), io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def _from_ipc(data: bytes) -> pd.DataFrame:
    with arrow("ipc").open_stream(data) as reader:
        return reader.read_pandas()
