"""Conversion of a detector to an ONNX graph."""

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import torch
from onnx import ModelProto, TensorProto, checker, compose, helper

from aeanomaly._version import __version__
from aeanomaly.detectors import BaseDetector
from aeanomaly.exceptions import ExportError
from aeanomaly.onnx._inputs import OUTPUTS, ROWS, Input
from aeanomaly.onnx._scorer import DetectorModule

_MEANINGS = (
    (TensorProto.FLOAT, "higher = more normal; NaN for a row that cannot be scored"),
    (TensorProto.FLOAT, "score minus offset; below 0 = anomaly"),
    (TensorProto.INT64, "+1 = normal, -1 = anomaly, or cannot be scored"),
)
#: Operator set that maps categories to numbers.
_OPSET_ML = helper.make_opsetid("ai.onnx.ml", 4)


def model_of(detector: BaseDetector, inputs: Sequence[Input]) -> ModelProto:
    """Return the model with all nodes from the inputs to the outputs, and with metadata."""
    scored = _traced(detector)
    names = [entry.name for entry in inputs]
    prefix = next(p for p in map("/".__mul__, count(1)) if not any(name.startswith(p) for name in names))
    scored = compose.add_prefix(scored, prefix)
    numbers = [f"{prefix}numbers{place}" for place in range(len(inputs))]
    front = [node for entry, name in zip(inputs, numbers, strict=True) for node in entry.nodes(name)]
    joined = helper.make_node("Concat", numbers, [scored.graph.input[0].name], axis=1)
    named = [
        helper.make_node("Identity", [found.name], [name])
        for found, name in zip(scored.graph.output, OUTPUTS, strict=True)
    ]
    graph = helper.make_graph(
        [*front, joined, *scored.graph.node, *named],
        "detector",
        [entry.value_info() for entry in inputs],
        [
            helper.make_tensor_value_info(name, kind, [ROWS], text)
            for name, (kind, text) in zip(OUTPUTS, _MEANINGS, strict=True)
        ],
        scored.graph.initializer,
    )
    model = helper.make_model(
        graph,
        opset_imports=[*(o for o in scored.opset_import if o.domain != _OPSET_ML.domain), _OPSET_ML],
        ir_version=scored.ir_version,
        functions=scored.functions,
        producer_name="aeanomaly",
        producer_version=__version__,
        doc_string=f"{type(detector).__name__}: rows of a table -> {', '.join(OUTPUTS)}",
    )
    helper.set_model_props(model, _metadata(detector, inputs))
    checker.check_model(model, full_check=True)
    return model


def _traced(detector: BaseDetector) -> ModelProto:
    """Export the graph from the numeric table (N, F), float64, to the outputs."""
    rows = torch.zeros((3, detector.n_features_in_), dtype=torch.float64, device="cpu")
    # With gradients enabled, layers do not use reusable buffers.
    with _in_silence(), torch.inference_mode(False), torch.enable_grad():
        try:
            program = torch.onnx.export(
                DetectorModule(detector),
                (rows,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim(ROWS)},),
                external_data=False,
                verbose=False,
            )
        except (torch.onnx.OnnxExporterError, RuntimeError) as error:
            raise ExportError(f"torch cannot export this {type(detector).__name__} to ONNX: {error}") from error
    assert program is not None
    return program.model_proto


@contextlib.contextmanager
def _in_silence() -> Iterator[None]:
    """Suppress log messages and warnings of the exporter."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _metadata(detector: BaseDetector, inputs: Sequence[Input]) -> dict[str, str]:
    """Return metadata as text, with numbers and lists as JSON."""
    of_columns = [entry.name for entry in inputs for _ in range(entry.width)]
    kinds = detector.state_.model.schema.kinds
    values: dict[str, Any] = {
        "aeanomaly": __version__,
        "detector": detector.registry_name,
        "columns": [
            {"name": name, "kind": kind, "input": entry}
            for name, kind, entry in zip(detector.column_names_, kinds, of_columns, strict=True)
        ],
        "missing": detector.missing,
        "threshold": {"offset": detector.threshold_info_.offset, **detector.threshold_info_.to_dict()},
    }
    return {name: v if isinstance(v, str) else json.dumps(v, allow_nan=False) for name, v in values.items()}
