"""Known answers: they are reported on, and never trained on."""

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from aeanomaly.cli.cells import numbers
from aeanomaly.cli.errors import CommandError


def read_labels(frame: pd.DataFrame, label: str, source: str) -> np.ndarray:
    """True for anomalies: 1 among {0, 1}, -1 among {+1, -1}."""
    return are_anomalies(label_values(frame, label, source), label, source)


def label_values(frame: pd.DataFrame, label: str, source: str) -> np.ndarray:
    """A column of labels as numbers; as it is, where they are none."""
    if label not in frame.columns:
        shown = ", ".join(frame.columns[:20])
        raise CommandError(f"{source}: there is no column {label!r} for --label; it has {shown}")
    try:
        cells = frame[label]
        cells = numbers(cells, source) if pd.api.types.is_string_dtype(cells) else cells
        return cells.to_numpy(dtype=np.float64, na_value=np.nan)
    except CommandError:
        return frame[label].to_numpy(dtype=object)


def are_anomalies(values: np.ndarray, label: str, source: str) -> np.ndarray:
    """True for anomalies, of all values in a column of labels."""
    seen = set(values)
    if seen == {0.0, 1.0}:
        return values == 1
    if seen == {-1.0, 1.0}:
        return values == -1
    shown = ", ".join(sorted(map(str, seen))[:5])
    raise CommandError(
        f"{source}: label column {label!r} must hold 0 and 1 (1 = anomaly) or +1 and -1 (-1 = anomaly), both; "
        f"it holds {shown or 'nothing'}"
    )


def ranking(anomalous: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """AUROC and average precision of scores, higher = more normal."""
    return {
        "auroc": float(roc_auc_score(anomalous, -scores)),
        "average_precision": float(average_precision_score(anomalous, -scores)),
    }


def ranking_in_words(measures: dict[str, float]) -> str:
    """One line for a reader."""
    return f"AUROC {measures['auroc']:.3f}, average precision {measures['average_precision']:.3f}"
