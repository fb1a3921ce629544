"""A fitted detector as an ONNX graph, which scores rows without torch and without this package."""

import copy
import os

try:
    import onnx
    import onnxruntime
    import onnxscript
except ImportError as error:
    raise ImportError("aeanomaly.onnx needs ONNX; install it with: pip install 'aeanomaly[onnx]'") from error

from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from aeanomaly.detectors import BaseDetector
from aeanomaly.exceptions import ExportError
from aeanomaly.onnx._graph import model_of
from aeanomaly.onnx._inputs import inputs_of
from aeanomaly.onnx._parity import check_parity
from aeanomaly.persistence import FileKind, check_target, write_atomically

__all__ = ["ExportError", "to_onnx"]


def _is_graph(path: Path) -> bool:
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception:  # the parser's own kinds of error, and those of a text that is no protocol buffer
        return False
    return bool(model.ir_version > 0 and model.graph.node)


#: The kind of file that `to_onnx` writes.
GRAPH = FileKind("an ONNX graph", (".onnx",), _is_graph)

del onnxruntime, onnxscript


def to_onnx(detector: Any, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a fitted detector as one ONNX graph: standardisation, networks, score, decision and label.

    The graph takes any number of rows, none included. A table of numbers goes in as one input, ``X``, float32 of
    shape (N, columns). Any other table has one input for each column, of shape (N, 1), named as the column: numbers
    as float32, text as strings, levels that are numbers, seconds of times since 1970 and of durations as float64. What
    comes out: ``score`` and ``decision``, float32 of shape (N,), as `score_samples` and `decision_function`; ``label``,
    int64 of shape (N,), +1 for normal rows and -1 for anomalies. Missing values are NaN, or the empty text, where the
    detector takes them. A row that it would refuse gets the score NaN and the label -1: a graph raises nothing.

    Before the file is written, onnxruntime scores rows like those of training and rows far beyond them, one at a time
    and many at once, and the scores are compared with the detector's own of the same float32 rows.

    Parameters
    ----------
    detector : detector of this package
        Fitted.
    path : path-like
        The name must end in ``.onnx``. An older graph is replaced in one step. The metadata are ``aeanomaly``, the
        version; ``detector``; ``columns`` and ``threshold``, as JSON.
    overwrite : bool, default=False
        Allow any name, and replace a file of another kind.

    Raises
    ------
    ExportError
        If a score is off by more than 1e-5 of itself and twice what float32 leaves open, which is how far the
        detector's own scores are from the same networks in float64, in proportion to the size of the row; or if ONNX
        cannot hold the detector. No file is written then.
    ValueError
        If the name does not end in ``.onnx``, or a file of another kind is there, unless `overwrite`; and if the path
        is not a regular file.
    TypeError
        If it is not a detector of this package.
    NotFittedError
        If it is not fitted.
    OSError
        If the file cannot be written.

    References
    ----------
    Open Neural Network Exchange, https://onnx.ai

    Examples
    --------
    >>> import numpy as np, onnxruntime, tempfile
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.onnx import to_onnx
    >>> X = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_onnx(detector, folder + "/model.onnx")
    ...     session = onnxruntime.InferenceSession(folder + "/model.onnx")
    >>> score, decision, label = session.run(None, {"X": X[:7]})
    >>> bool(np.allclose(score, detector.score_samples(X[:7]), rtol=1e-5))
    True
    """
    if not isinstance(detector, BaseDetector):
        raise TypeError(f"to_onnx takes a detector of this package; got {type(detector).__name__}")
    check_is_fitted(detector)
    check_target(path, GRAPH, overwrite=overwrite)
    detector = copy.copy(detector)  # a refit in another thread cannot mix two models
    inputs = inputs_of(detector)
    data = model_of(detector, inputs).SerializeToString()
    check_parity(data, detector, inputs)
    write_atomically(path, data)
