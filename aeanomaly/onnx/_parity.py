"""Comparison of the scores of a graph with those of the detector."""

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime
import torch

from aeanomaly.detectors import BaseDetector
from aeanomaly.exceptions import ExportError
from aeanomaly.nn import GaussianAutoencoder
from aeanomaly.onnx._inputs import Input, Levels
from aeanomaly.onnx._scorer import DetectorModule
from aeanomaly.scoring import growth

#: Tolerances relative to the score and to the rounding error of the detector. The second one is needed because the
#: terms of a well reconstructed row are differences of nearly equal float32 numbers.
_TOLERANCE, _TIMES_OWN = 1e-5, 2
_LARGEST = float(np.finfo(np.float32).max)
#: Distances of extreme rows from the training rows, in units of their range, below and above the encoding limits.
_BEYOND = (10.0, 1e3, 9e5, 2e6, 1e9, 1e15)

#: Numeric table (n, F) -> score, decision and label, (n,) each.
Runner = Callable[[np.ndarray], list[np.ndarray]]


def check_parity(data: bytes, detector: BaseDetector, inputs: Sequence[Input]) -> None:
    """Raise an ExportError unless the graph scores rows of all kinds as the detector does, for several batch sizes."""
    run, table = runner(data, inputs), rows_of_all_kinds(detector, inputs)
    expected = -detector.state_.model.errors(table)
    allowed = _TOLERANCE * np.abs(expected) + _TIMES_OWN * _own_errors(detector, table, expected)
    for batch in (slice(0, len(table)), slice(0, 0), *(slice(row, row + 1) for row in range(0, len(table), 97))):
        score, decision, label = run(table[batch])
        wanted, reach = expected[batch], allowed[batch]
        shift = reach + _TOLERANCE * np.abs(detector.offset_)
        off = np.abs(score - wanted) > reach
        off |= np.abs(decision - (wanted - detector.offset_)) > shift
        off |= label != np.where(decision >= 0, 1, -1)
        if not np.array_equal(score.shape, wanted.shape) or off.any():
            worst = int(np.argmax(np.where(off, np.abs(score - wanted) / reach, -1)))
            raise ExportError(
                f"the ONNX graph of this {type(detector).__name__} gives a row the score {score[worst]:.9g}, but the "
                f"detector gives {wanted[worst]:.9g}; use the detector, or other versions of torch and onnxruntime"
            )


def runner(data: bytes, inputs: Sequence[Input]) -> Runner:
    """Load the graph in onnxruntime and return a function that runs it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # log errors only
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    ends = np.cumsum([entry.width for entry in inputs])[:-1]

    def run(table: np.ndarray) -> list[np.ndarray]:
        parts = zip(inputs, np.split(table, ends, axis=1), strict=True)
        return session.run(None, {entry.name: entry.cells(numbers) for entry, numbers in parts})

    return run


def rows_of_all_kinds(detector: BaseDetector, inputs: Sequence[Input]) -> np.ndarray:
    """Return test rows (n, F): similar to training rows, well reconstructed, extreme, and with missing values."""
    state = detector.state_
    values, model = state.reference.values, state.model
    stream = np.random.default_rng(0)
    middle, reach = np.median(values, axis=0), np.ptp(values, axis=0)
    reach = np.where(reach > 0, reach, np.maximum(1, np.abs(middle)))
    n_columns = values.shape[1]
    mixed = np.stack([stream.permutation(column) for column in values.T], axis=1)
    alike = np.concatenate([values, mixed])
    alike = np.concatenate([alike, np.where(model.encoder.is_scored, model.reconstruct(alike), alike)])
    far = np.stack([middle + sign * times * reach for times in _BEYOND for sign in (1, -1)])
    most = np.array([[0.0], [1.0], [-1.0], [_LARGEST], [-_LARGEST], [1e-40]]) * np.ones(n_columns)
    far = np.concatenate([far, most])
    one_far = mixed[stream.integers(len(mixed), size=4 * len(far))]
    places = stream.integers(n_columns, size=len(one_far))
    one_far[np.arange(len(one_far)), places] = np.tile(far, (4, 1))[np.arange(len(one_far)), places]
    table = np.concatenate([alike, far, one_far])
    with_missing = np.array([bool(entry.missing) for entry in inputs for _ in range(entry.width)])
    if model.allow_nan:
        missing = (stream.random(table.shape) < 0.3) & with_missing
        missing[-1] = with_missing
        table = np.concatenate([table, np.where(missing, np.nan, table)])
    return _readable(table, inputs, stream)


def _readable(table: np.ndarray, inputs: Sequence[Input], stream: np.random.Generator) -> np.ndarray:
    """Round and clip numbers to values that the inputs can represent."""
    ends, start = [], 0
    for entry in inputs:
        part = table[:, start : start + entry.width]
        start += entry.width
        if isinstance(entry, Levels):
            known = np.append([place for place in entry.places if place == place], entry.unknown)
            part = np.where(np.isnan(part) | np.isin(part, known), part, stream.choice(known, size=part.shape))
        else:
            part = np.clip(part, -_LARGEST, _LARGEST).astype(entry.dtype)
        ends.append(part.astype(np.float64))
    return np.concatenate(ends, axis=1)


def _own_errors(detector: BaseDetector, table: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the rounding errors of the detector against float64, scaled by the sizes of the rows, (n,)."""
    with torch.no_grad():
        exact = DetectorModule(detector, torch.float64).exact(torch.from_numpy(table)).numpy()
    sizes = _sizes(detector, table)
    return float((np.abs(scores - exact) / sizes).max()) * sizes


def _sizes(detector: BaseDetector, table: np.ndarray) -> np.ndarray:
    """Return approximate scores of rows for a reconstruction of zero, (n,)."""
    model = detector.state_.model
    rows = np.nan_to_num(model.encoder.encode(table)).astype(np.float64)
    sizes = np.square(rows).sum(axis=1) + rows.shape[1]
    weight = float(sum(np.mean(1 / scorer.scales) for scorer in model.scorers))
    network = model.scorer.network
    if isinstance(network, GaussianAutoencoder):
        weight *= float(np.exp(-2 * network.log_noise_scale.cpu().numpy()).max())
    if model.allow_nan:
        sizes *= growth(torch.from_numpy(~np.isnan(table[:, model.encoder.is_scored]))).numpy()[:, 0]
    return weight * sizes
