"""Labels, used to report the quality of a model and never to train it."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from aeanomaly.cli.errors import CommandError
from aeanomaly.reading import BOOLEANS, MISSING


def read_labels(frame: pd.DataFrame, label: str, source: str) -> np.ndarray:
    """Read labels as booleans, True for anomalies: 1 among {0, 1}, -1 among {+1, -1}."""
    return are_anomalies(label_values(frame, label, source), label, source)


def label_values(frame: pd.DataFrame, label: str, source: str) -> np.ndarray:
    """Read a column of labels as numbers, or unchanged if it contains other values."""
    if label not in frame.columns:
        listed = ", ".join(frame.columns[:20])
        raise CommandError(f"{source}: column {label!r} of --label does not exist; the columns are {listed}")
    cells = frame[label]
    if pd.api.types.is_string_dtype(cells):
        there = cells[~cells.isin(sorted(MISSING))].str.strip()
        numbers = pd.to_numeric(there.map(lambda text: BOOLEANS.get(text, text)), errors="coerce")
        if numbers.isna().any():
            return cells.to_numpy(dtype=object)
        cells = numbers.astype(np.float64).reindex(cells.index)
    return cells.to_numpy(dtype=np.float64, na_value=np.nan)


def are_anomalies(values: np.ndarray, label: str, source: str) -> np.ndarray:
    """Convert all values of a label column to booleans, True for anomalies."""
    found = set(values)
    if found == {0.0, 1.0}:
        return values == 1
    if found == {-1.0, 1.0}:
        return values == -1
    listed = ", ".join(sorted(map(str, found))[:5])
    raise CommandError(
        f"{source}: label column {label!r} must contain both 0 and 1 (1 = anomaly), or both +1 and -1 (-1 = anomaly); "
        f"got {listed or 'no values'}"
    )


def ranking(anomalous: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Return AUROC and average precision of scores; higher scores = more normal."""
    return {
        "auroc": float(roc_auc_score(anomalous, -scores)),
        "average_precision": float(average_precision_score(anomalous, -scores)),
    }


def ranking_to_text(measures: dict[str, float]) -> str:
    """Format AUROC and average precision."""
    return f"AUROC {measures['auroc']:.3f}, average precision {measures['average_precision']:.3f}"
