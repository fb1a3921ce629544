"""Damaged and hostile model files: a ModelFileError or a model, in bounded time and memory, without running code."""

import itertools
import multiprocessing
import resource
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

import aeanomaly
from aeanomaly.persistence import read_manifest
from tests.attacks.damage import Payload, accidents, lies, opened, traps

#: Seconds and bytes that a file of some 100 kB may take.
SECONDS, MEMORY = 1.0, 300 << 20

DETECTORS = [
    aeanomaly.UndercompleteAutoencoder(hidden_layer_sizes=(8,), max_iter=8, random_state=0),
    aeanomaly.DenoisingAutoencoder(max_iter=8, random_state=0, contamination=0.1),
    aeanomaly.VariationalAutoencoder(hidden_layer_sizes=(8,), max_iter=8, random_state=0, early_stopping=True),
    aeanomaly.AutoencoderEnsemble(n_estimators=2, max_iter=8, random_state=0, missing="model"),
]


def table():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(80, 3)), columns=["a", "b", "<c>"])
    return frame.assign(kind=rng.choice(["x", "y", "z"], 80), when=pd.Timestamp("2026-01-01"))


@pytest.fixture(scope="module", params=DETECTORS, ids=lambda detector: type(detector).__name__)
def original(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.aea"
    request.param.fit(table(), np.arange(80) % 9 == 0).save(path)
    return path.read_bytes()


def meaning(fitted):
    """Return all answers of a model as one comparable value."""
    X = table()
    arrays = fitted.score_samples(X), fitted.transform(X), fitted.training_scores_, fitted.calibration_scores_
    return type(fitted), repr(fitted.get_params()), fitted.threshold_info_, [array.tobytes() for array in arrays]


def assert_accidents_end_well(original, path, seed, count):
    path.write_bytes(original)
    expected = meaning(aeanomaly.load(path))
    for damaged in itertools.islice(accidents(original, np.random.default_rng(seed)), count):
        model, seconds = opened(path, damaged)
        assert seconds < SECONDS
        assert model is None or meaning(model) == expected


def assert_lies_end_well(original, path, seed, count):
    n_taken = 0
    for damaged in itertools.islice(lies(original, np.random.default_rng(seed)), count):
        model, seconds = opened(path, damaged)
        assert seconds < SECONDS
        if model is not None:  # then it is one that works, like any other; of other columns, perhaps
            n_taken += 1
            try:
                assert np.isfinite(model.score_samples(table())).all()
            except (ValueError, UserWarning) as error:
                assert "column" in str(error) or "feature" in str(error)  # noqa: PT017
    assert n_taken < count


def test_accidents(original, tmp_path):
    assert_accidents_end_well(original, tmp_path / "damaged.aea", 0, 250)


def test_changed_files_with_correct_checksums(original, tmp_path):
    assert_lies_end_well(original, tmp_path / "lying.aea", 0, 250)


@pytest.mark.long
def test_twenty_five_thousand_accidents(original, tmp_path):
    assert_accidents_end_well(original, tmp_path / "damaged.aea", 1, 25_000 // len(DETECTORS))


@pytest.mark.long
def test_twenty_five_thousand_changed_files_with_correct_checksums(original, tmp_path):
    assert_lies_end_well(original, tmp_path / "lying.aea", 1, 25_000 // len(DETECTORS))


def test_traps_run_nothing_and_leave_nothing(original, tmp_path):
    path = tmp_path / "trap.aea"
    path.write_bytes(original)
    expected = meaning(aeanomaly.load(path))
    for name, content in traps(original):
        model, seconds = opened(path, content)
        assert seconds < SECONDS, name
        assert model is None or (name == "something before" and meaning(model) == expected), name
        with pytest.raises(aeanomaly.ModelFileError) if model is None else warnings.catch_warnings():
            if name in ("a pickle for weights", "no tensors", "a long header of tensors"):
                aeanomaly.load(path)  # `info` never looks at them
            else:
                read_manifest(path)
    assert not Payload.ran
    assert list(tmp_path.iterdir()) == [path]


def storm(original, path, answers):
    """Load many bad files in a new process, and return the growth of its memory."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(2)
    path.write_bytes(original)
    aeanomaly.load(path).score_samples(table())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bad = itertools.chain(
        (content for _, content in traps(original)),
        itertools.islice(accidents(original, rng), 50),
        itertools.islice(lies(original, rng), 200),
    )
    for content in bad:
        opened(path, content)
    answers.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_memory_stays_bounded(original, tmp_path):
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=storm, args=(original, tmp_path / "bad.aea", theirs))
    process.start()
    theirs.close()
    assert ours.poll(300)
    assert ours.recv() < MEMORY
    process.join()
