"""Models on machines without their accelerator, several accelerators, and forked processes."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import aeanomaly
from aeanomaly.detectors import REGISTRY
from tests.accelerators.tables import TABLES, assert_close, on_cpu, plane
from tests.conftest import in_a_forked_child

ROOT = Path(__file__).parents[2]
MIXED = TABLES["mixed"][0]

#: Load all files and pickles of a folder, and store the scores of the table in it.
SCORE = """
import pathlib, pickle, sys
import numpy as np, torch
import aeanomaly
assert not torch.cuda.is_available()
folder = pathlib.Path(sys.argv[1])
table = pickle.loads((folder / "table").read_bytes())
for path in folder.glob("*.aea"):
    pickled = pickle.loads(path.with_suffix(".pickle").read_bytes())
    for name, detector in (("file", aeanomaly.load(path)), ("pickle", pickled)):
        assert detector.state_.model.device.type == "cpu"
        np.save(path.with_suffix(f".{name}.npy"), detector.score_samples(table))
"""


def test_gpus_are_hidden_from_tests_and_their_children_unless_asked_for(request):
    is_asked = request.config.getoption("--gpu")
    assert torch.cuda.is_available() == is_asked
    assert (os.environ.get("CUDA_VISIBLE_DEVICES") != "") == is_asked


def test_files_and_pickles_load_and_score_without_the_device(build, tmp_path):
    detectors = {name: build(cls).fit(MIXED) for name, cls in REGISTRY.items()}
    (tmp_path / "table").write_bytes(pickle.dumps(MIXED))
    for name, detector in detectors.items():
        detector.save(tmp_path / f"{name}.aea")
        (tmp_path / f"{name}.pickle").write_bytes(pickle.dumps(detector))
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([sys.executable, "-c", SCORE, str(tmp_path)], env=hidden, cwd=ROOT, check=True, timeout=120)
    for name, detector in detectors.items():
        for kind in ("file", "pickle"):
            assert_close(np.load(tmp_path / f"{name}.{kind}.npy"), detector.score_samples(MIXED))


def test_files_and_pickles_return_to_the_device(build, device, tmp_path):
    detector = build(aeanomaly.AutoencoderEnsemble).fit(MIXED)
    scores = detector.score_samples(MIXED)
    detector.save(tmp_path / "model.aea")
    for copy in (aeanomaly.load(tmp_path / "model.aea"), pickle.loads(pickle.dumps(detector))):
        assert copy.state_.model.device.type == device
        np.testing.assert_array_equal(copy.score_samples(MIXED), scores)


def test_a_saved_file_does_not_depend_on_the_device(build, tmp_path):
    detector = build(aeanomaly.DenoisingAutoencoder).fit(MIXED)
    detector.save(tmp_path / "one.aea")
    on_cpu(detector).save(tmp_path / "other.aea")
    assert (tmp_path / "one.aea").read_bytes() == (tmp_path / "other.aea").read_bytes()


@pytest.mark.gpu
def test_auto_is_the_gpu():
    X = plane()
    detector = aeanomaly.DenoisingAutoencoder(max_iter=5, random_state=0).fit(X)
    assert detector.state_.model.device == torch.device("cuda", torch.cuda.current_device())


@pytest.mark.gpu
def test_a_gpu_is_chosen_by_its_index():
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    X, scores = plane(), []
    for index in range(2):
        detector = aeanomaly.DenoisingAutoencoder(device=f"cuda:{index}", max_iter=60, random_state=0).fit(X)
        assert detector.state_.model.device == torch.device("cuda", index)
        scores.append(detector.score_samples(X))
        copy = pickle.loads(pickle.dumps(detector))
        assert copy.state_.model.device.index == index
        np.testing.assert_array_equal(copy.score_samples(X), scores[-1])
    assert_close(*scores)


@pytest.mark.gpu
def test_a_gpu_that_does_not_exist_is_refused_with_a_remedy():
    index = torch.cuda.device_count()
    with pytest.raises(ValueError, match=rf"device='cuda:{index}' is not available here; use .*cuda, cpu"):
        aeanomaly.DenoisingAutoencoder(device=f"cuda:{index}").fit(plane())


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize(("method", "name"), [("fit", "cuda"), ("score_samples", "cuda:0")])
def test_a_forked_child_gets_one_sentence(method, name):
    """Fork after a use of the GPU, which then works in the parent only."""
    X = plane()
    detector = aeanomaly.DenoisingAutoencoder(device="cuda", max_iter=5, random_state=0).fit(X)
    detector = pickle.loads(pickle.dumps(detector))  # which has not scored yet

    def call():
        try:
            getattr(detector, method)(X)
        except Exception as error:
            return f"{type(error).__name__}: {error}".encode()
        return b"no error"

    message = in_a_forked_child(call, seconds=60).decode()
    assert message.startswith(
        f"RuntimeError: {name} cannot be used in a process that was forked from one that uses CUDA"
    )
    assert "\n" not in message
