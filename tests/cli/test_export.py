"""``aeanomaly export``."""

import sys

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.cli import main

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["a", "b", "c"])
    aeanomaly.DenoisingAutoencoder(max_iter=20, random_state=0).fit(frame).save("model.aea")
    return frame


def test_a_model_becomes_a_graph(model, capsys):
    assert main(["export", "model.aea", "model.onnx"]) == 0
    out, err = capsys.readouterr()
    assert not out
    assert err.endswith("ONNX graph written to model.onnx; its scores agree with those of model.aea\n")
    score = onnxruntime.InferenceSession("model.onnx").run(["score"], {"X": model.to_numpy(np.float32)})[0]
    np.testing.assert_allclose(score, aeanomaly.load("model.aea").score_samples(model), rtol=1e-3, atol=1e-5)


def test_export_errors_are_one_sentence(model, capsys, monkeypatch):
    assert main(["export", "none.aea", "model.onnx"]) == 1
    assert "none.aea: No such file" in capsys.readouterr().err
    assert main(["export", "model.aea", "none/model.onnx"]) == 1
    assert "none/model.onnx: The folder none does not exist" in capsys.readouterr().err
    monkeypatch.delitem(sys.modules, "aeanomaly.onnx", raising=False)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert main(["export", "model.aea", "model.onnx"]) == 1
    assert capsys.readouterr().err == (
        "aeanomaly: error: aeanomaly.onnx needs ONNX; install it with: pip install 'aeanomaly[onnx]'\n"
    )
