"""Export of fitted detectors to ONNX graphs, which score rows without torch and without this package."""

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
    except Exception:  # the parser raises many kinds of errors
        return False
    return bool(model.ir_version > 0 and model.graph.node)


#: The kind of file that `to_onnx` writes.
GRAPH = FileKind("an ONNX graph", (".onnx",), _is_graph)

del onnxruntime, onnxscript


def to_onnx(detector: Any, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Export a fitted detector to a single ONNX graph that computes score, decision and label.

    The graph accepts any number of rows, including none. A numeric table is one input ``X``, float32 of shape (N,
    columns). Any other table has one input of shape (N, 1) for each column, with the name of the column. Numbers are
    float32 and text is a string. Numeric categories, durations in seconds and times in seconds since 1970 are float64.

    The outputs ``score`` and ``decision``, float32 of shape (N,), correspond to `score_samples` and
    `decision_function`. The output ``label``, int64 of shape (N,), is +1 for normal rows and -1 for anomalies. Missing
    values are NaN or the empty string, if the detector accepts them. A graph cannot raise errors; an invalid row gets
    the score NaN and the label -1.

    Before the file is written, onnxruntime scores test rows, one by one and in a batch. Some of them are similar to the
    training rows, others are far outside their range. The scores are compared with those of the detector for the same
    float32 rows.

    Parameters
    ----------
    detector : detector of this package
        Fitted detector.
    path : path-like
        File to write; its name must end with ``.onnx``. An existing graph is replaced atomically. The metadata contain
        ``aeanomaly`` (version), ``detector``, ``columns``, ``missing`` and ``threshold``, with lists and records as
        JSON.
    overwrite : bool, default=False
        If True, accept any file name and replace a file of another kind.

    Raises
    ------
    ExportError
        If ONNX cannot represent the detector, or if a score is inaccurate. The tolerance is 1e-5 of the score plus
        twice the float32 rounding error of the detector. This error is measured against float64 and scaled by the size
        of the row. No file is written.
    ValueError
        If the name does not end with ``.onnx`` or a file of another kind exists, unless `overwrite`. Also, if the path
        is not a regular file.
    TypeError
        If `detector` is not a detector of this package.
    NotFittedError
        If the detector is not fitted.
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
    if detector.state_.calibration.groups is not None:
        raise ExportError(
            "the threshold has an offset for each group, but an ONNX graph supports only one for all rows; call "
            "set_threshold(Conformal(alpha), X) without groups before the export"
        )
    if detector.schema_.groups is not None:
        raise ExportError(
            "an ONNX graph cannot compare rows with their groups; score with the detector, or fit it without groups"
        )
    check_target(path, GRAPH, overwrite=overwrite)
    detector = copy.copy(detector)  # a refit in another thread cannot change the model during the export
    inputs = inputs_of(detector)
    data = model_of(detector, inputs).SerializeToString()
    check_parity(data, detector, inputs)
    write_atomically(path, data)
