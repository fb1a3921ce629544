"""A survey put away on the way, so that a fit that was killed goes on where it was."""

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
from aeanomaly.persistence import write_atomically
from aeanomaly.preprocessing import Statistics
from aeanomaly.streaming.sample import RowSample
from aeanomaly.streaming.sources import arrow
from aeanomaly.streaming.survey import Survey

#: Seconds between two writings, and how often the last one's time passes until the next.
_EVERY, _TIMES = 10.0, 20.0


class Checkpoint:
    """A file that holds a survey; it holds no code.

    Parameters
    ----------
    path : path-like
    source : list
        Fingerprint of the files that are surveyed.
    """

    def __init__(self, path: str | os.PathLike[str], source: list[Any]):
        self.path = Path(path)
        self._source = source
        self._next = time.monotonic() + _EVERY

    def save_now_and_then(self, survey: Survey) -> None:
        """Write it, if the last time was long ago beside what writing takes."""
        start = time.monotonic()
        if start >= self._next:
            self.save(survey)
            took = time.monotonic() - start
            self._next = start + max(_EVERY, _TIMES * took)

    def save(self, survey: Survey) -> None:
        """Write it, in one step."""
        rows = survey.sample.rows()
        arrays = {"keys": survey.sample.keys, "numbers": survey.sample.numbers, "places": survey.places}
        if isinstance(rows, pd.DataFrame):
            arrays["frame"] = np.frombuffer(_to_ipc(rows), dtype=np.uint8)
        elif rows is not None:
            arrays["rows"] = rows
        for block in survey.blocks:
            arrays |= {f"block.{name}": values for name, values in block.arrays().items()}
        if survey.pending:
            arrays["pending"] = np.concatenate(survey.pending)
        header = {**self._asked(survey), "n_rows": survey.n_rows, "columns": survey.columns}
        # In C order: safetensors writes an array's memory as it lies.
        whole = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
        write_atomically(self.path, safetensors.numpy.save(whole, {"survey": json.dumps(header)}))

    def load(self, survey: Survey) -> Survey:
        """The survey as it was, or the new one where there is none.

        Raises
        ------
        SourceError
            If the file is of another table or of another fit, or none of ours.
        """
        if not self.path.exists():
            return survey
        try:
            with safetensors.safe_open(self.path, framework="numpy") as file:
                header = json.loads(file.metadata()["survey"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            asked = self._asked(survey)
            if differing := [name for name in asked if asked[name] != header[name]]:
                raise SourceError(
                    f"{self.path} is the checkpoint of another fit: {' and '.join(differing)} differ; delete it, or "
                    "name another file"
                )
            return _restored(survey, header, arrays)
        except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, SourceError):
                raise
            raise SourceError(f"{self.path} is not a checkpoint that can be read: {error}; name another file") from None

    def remove(self) -> None:
        """Delete the file: the fit is done."""
        self.path.unlink(missing_ok=True)

    def _asked(self, survey: Survey) -> dict[str, Any]:
        sample = survey.sample
        return {"source": self._source, "seed": sample.seed, "sample_size": sample.size, "missing": survey.holes}


def _restored(survey: Survey, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Survey:
    rows = _from_ipc(arrays["frame"].tobytes()) if "frame" in arrays else arrays.get("rows")
    survey.sample = RowSample.of(survey.sample.size, survey.sample.seed, arrays["keys"], arrays["numbers"], rows)
    survey.n_rows, survey.places = header["n_rows"], arrays["places"]
    survey.columns = [(name, family) for name, family in header["columns"]] if header["columns"] else None
    block = {name.removeprefix("block."): values for name, values in arrays.items() if name.startswith("block.")}
    survey.blocks = [Statistics(**block)] if block else []
    survey.pending = [arrays["pending"]] if "pending" in arrays else []
    return survey


def _to_ipc(frame: pd.DataFrame) -> bytes:
    pa = arrow()
    table, buffer = pa.Table.from_pandas(frame, preserve_index=False), io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def _from_ipc(data: bytes) -> pd.DataFrame:
    with arrow("ipc").open_stream(data) as reader:
        return reader.read_pandas()
