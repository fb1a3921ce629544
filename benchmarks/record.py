"""File of runs: one line per run, appended as soon as the run ends."""

import csv
from pathlib import Path

import pandas as pd

from benchmarks.protocol import UsageError

COLUMNS = (
    "setting",
    "suite",
    "dataset",
    "seed",
    "detector",
    "n_train",
    "n_columns",
    "auroc",
    "average_precision",
    "flagged_normal",
    "flagged_anomalies",
    "fit_seconds",
    "score_seconds",
    "error",
    "version",
    "threads",
    "processes",
)
#: Columns that identify a run.
KEY = list(COLUMNS[:5])
_NUMBERS = ["seed", "n_train", *COLUMNS[COLUMNS.index("auroc") : COLUMNS.index("error")]]


def repaired(path: Path) -> Path:
    """Prepare the file for appending: write a missing header and drop a truncated last line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = _whole_lines(path) or (",".join(COLUMNS) + "\n").encode()
    if not path.exists() or path.stat().st_size != len(whole):
        path.write_bytes(whole)
    return path


def _whole_lines(path: Path) -> bytes:
    text = path.read_bytes() if path.exists() else b""
    return text[: text.rfind(b"\n") + 1]


def runs_of(path: Path) -> pd.DataFrame:
    """Return all complete lines of the file; the last line of a repeated run counts."""
    reader = csv.DictReader(_whole_lines(path).decode().splitlines())
    if tuple(reader.fieldnames or COLUMNS) != COLUMNS:
        raise UsageError(f"{path}: its columns are not {', '.join(COLUMNS)}; move the file or choose another --out")
    frame = pd.DataFrame(list(reader), columns=COLUMNS)
    try:
        frame[_NUMBERS] = frame[_NUMBERS].apply(pd.to_numeric)
    except ValueError as error:
        raise UsageError(f"{path}: a line is damaged: {error}; correct or delete the line") from None
    return frame.drop_duplicates(KEY, keep="last", ignore_index=True)
