"""A detector as one ONNX graph."""

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
from aeanomaly.onnx._scorer import Scorer

_MEANINGS = (
    (TensorProto.FLOAT, "higher = more normal; NaN for a row that cannot be scored"),
    (TensorProto.FLOAT, "score less offset; below 0 = anomaly"),
    (TensorProto.INT64, "+1 = normal, -1 = anomaly, or cannot be scored"),
)
#: Where text and other levels become numbers.
_OPSET_ML = helper.make_opsetid("ai.onnx.ml", 4)


def model_of(detector: BaseDetector, inputs: Sequence[Input]) -> ModelProto:
    """The whole way from the inputs to the outputs, and what a consumer may want to know beside it."""
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
    """The way from the table's numbers (N, F), float64, to the outputs."""
    rows = torch.zeros((3, detector.n_features_in_), dtype=torch.float64, device="cpu")
    # With gradients on, layers do without the memory that they would use again.
    with _in_silence(), torch.inference_mode(False), torch.enable_grad():
        try:
            program = torch.onnx.export(
                Scorer(detector),
                (rows,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim(ROWS)},),
                external_data=False,
                verbose=False,
            )
        except (torch.onnx.OnnxExporterError, RuntimeError) as error:
            raise ExportError(f"torch cannot write this {type(detector).__name__} as ONNX: {error}") from error
    assert program is not None
    return program.model_proto


@contextlib.contextmanager
def _in_silence() -> Iterator[None]:
    """What the exporter notes of itself is nothing to a user."""
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
    """What the graph does not say, as text: numbers and lists as JSON."""
    of_columns = [entry.name for entry in inputs for _ in range(entry.width)]
    kinds = detector._model.schema.kinds
    values: dict[str, Any] = {
        "aeanomaly": __version__,
        "detector": detector._word,
        "columns": [
            {"name": name, "kind": kind, "input": entry}
            for name, kind, entry in zip(detector._names, kinds, of_columns, strict=True)
        ],
        "missing": detector.missing,
        "threshold": {"offset": detector.threshold_.offset, **detector.threshold_.to_dict()},
    }
    return {name: v if isinstance(v, str) else json.dumps(v, allow_nan=False) for name, v in values.items()}
