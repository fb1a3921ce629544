"""Location of the data files, and loading of a table with its description."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from aeanomaly.datasets._drawing import LABEL

_PACKAGE = Path(__file__).parents[1]


def folder() -> Path:
    """Return the data folder of the installed package, or that of a checkout."""
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else _PACKAGE.parent / "datasets"


def load(
    name: str, caller: str, dtypes: dict[str, Any], return_X_y: bool, as_frame: bool, array_dtype: Any = np.float64
) -> Any:
    """Load a table in the formats of scikit-learn's loaders."""
    path = folder() / f"{name}.csv"
    if not path.is_file():
        raise OSError(f"{caller}: {path} is missing; install the package again, or run python datasets/generate.py")
    frame = pd.read_csv(path, encoding="utf-8").astype(dtypes)
    data, target = frame.drop(columns=LABEL), frame[LABEL].astype(np.int64)
    X = data if as_frame else data.to_numpy(dtype=array_dtype)
    y = target if as_frame else target.to_numpy()
    if return_X_y:
        return X, y
    return Bunch(
        data=X,
        target=y,
        frame=frame if as_frame else None,
        feature_names=list(data.columns),
        target_names=["normal", LABEL],
        DESCR=path.with_suffix(".md").read_text(encoding="utf-8"),
        filename=str(path),
    )
