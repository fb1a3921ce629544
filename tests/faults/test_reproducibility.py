"""Reproducible results: one seed gives the same bits, and nothing outside a detector is read or changed."""

import hashlib
import os
import pickle
import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import aeanomaly
from aeanomaly.detectors import REGISTRY
from aeanomaly.streaming import TableSummary
from aeanomaly.thresholds import BestF1

WITH_CLONES = True  # other processes fit them, too

ROOT = Path(__file__).parents[2]

# Same seed, same bits


def test_fits_with_one_seed_agree_to_the_bit(any_detector, X, answers):
    expected = answers(any_detector(random_state=3).fit(X), X)
    fitted = any_detector(random_state=3).fit(X[:50, :3]).fit(X)  # the first fit leaves no trace
    assert answers(fitted, X) == expected
    assert answers(fitted.fit(X), X) == expected
    assert answers(clone(fitted).fit(X), X) == expected


def test_other_seeds_give_other_weights_and_so_does_none(any_detector, X):
    seeds = [0, 1, 2, None, None]
    assert len({any_detector(random_state=seed).fit(X).score_samples(X).tobytes() for seed in seeds}) == len(seeds)


@pytest.mark.parametrize("seed", [np.random.RandomState, np.random.default_rng])
def test_equal_generators_give_equal_bits(either_detector, X, answers, seed):
    first, second = (either_detector(random_state=seed(5)).fit(X) for _ in range(2))
    assert answers(first, X) == answers(second, X)


def test_streams_with_one_seed_agree_to_the_bit(any_detector, X, answers):
    first, second = (any_detector().partial_fit(X[:70]).partial_fit(X[70:]) for _ in range(2))
    assert answers(first, X) == answers(second, X)


def test_saved_files_of_one_seed_agree_to_the_byte(any_detector, X, tmp_path):
    first, second = (any_detector().fit(X) for _ in range(2))
    first.save(tmp_path / "first.aea")
    second.save(tmp_path / "second.aea")
    first.score_samples(X)
    first.save(tmp_path / "again.aea")
    expected = (tmp_path / "first.aea").read_bytes()
    assert (tmp_path / "second.aea").read_bytes() == expected
    assert (tmp_path / "again.aea").read_bytes() == expected


def test_new_rows_of_one_seed_agree_to_the_bit(variational, X):
    fitted = variational().fit(X)
    np.testing.assert_array_equal(fitted.sample(20, random_state=1), fitted.sample(20, random_state=1))
    assert (fitted.sample(20, random_state=1) != fitted.sample(20, random_state=2)).any()


SCRIPT = """
import pickle, sys
import numpy as np
import torch
from tests.faults.test_reproducibility import fingerprints
torch.set_num_threads(2)
with open(sys.argv[1] + "/fitted.pickle", "rb") as file:
    fitted, X = pickle.load(file)
for detector in fitted:
    sys.stdout.buffer.write(detector.score_samples(X).tobytes())
print("\\n".join(fingerprints(X, sys.argv[1])))
"""


def fingerprints(X, folder):
    """Fit each detector, and return a digest of its file and its scores."""
    lines, path = [], os.path.join(folder, "model.aea")  # noqa: PTH118
    for name, cls in REGISTRY.items():
        detector = cls(hidden_layer_sizes=(12,), max_iter=20, random_state=0).fit(X)
        detector.save(path)
        with open(path, "rb") as file:
            content = file.read() + detector.score_samples(X).tobytes()
        lines.append(f"{name} {hashlib.sha256(content).hexdigest()}")
    return lines


@pytest.mark.usefixtures("two_threads")
def test_another_process_with_another_hash_seed_agrees_to_the_byte(X, tmp_path):
    """Check fits and pickles in one subprocess, since its start takes seconds."""
    fitted = [cls(max_iter=20, random_state=0).fit(X) for cls in REGISTRY.values()]
    (tmp_path / "fitted.pickle").write_bytes(pickle.dumps((fitted, X)))
    hash_seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    arguments = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    result = subprocess.run(
        arguments, env=os.environ | {"PYTHONHASHSEED": hash_seed}, cwd=ROOT, capture_output=True, timeout=120
    )
    expected = b"".join(detector.score_samples(X).tobytes() for detector in fitted)
    expected += ("\n".join(fingerprints(X, str(tmp_path))) + "\n").encode()
    assert result.stdout == expected, result.stderr.decode()


# Nothing outside is changed or read


def surroundings():
    """Return the global state that a library could change."""
    return {
        "random": hashlib.sha256(repr(random.getstate()).encode()).hexdigest(),
        "numpy": hashlib.sha256(repr(np.random.get_state(legacy=False)["state"]).encode()).hexdigest(),  # noqa: NPY002
        "torch": hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest(),
        "threads": torch.get_num_threads(),
        "interop threads": torch.get_num_interop_threads(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "anomaly": torch.is_anomaly_enabled(),
        "denormals": torch.tensor([1e-310], dtype=torch.float64).mul(1).item(),
        "matmul": torch.get_float32_matmul_precision(),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "errors": np.geterr(),
        "printing": np.get_printoptions(),
        "filters": list(warnings.filters),
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109
    }


def all_calls(fitted, X, path):
    """Yield every public method by name, ready to call."""
    code = fitted.transform(X)
    yield "fit", lambda: clone(fitted).fit(X)
    yield "fit with early stopping", lambda: clone(fitted).set_params(early_stopping=True).fit(X)
    yield "fit without a seed", lambda: clone(fitted).set_params(random_state=None).fit(X)
    yield "fit with progress", lambda: clone(fitted).set_params(verbose=1).fit(X)
    yield "partial_fit", lambda: clone(fitted).partial_fit(X).partial_fit(X)
    yield "fit_predict", lambda: clone(fitted).fit_predict(X)
    yield "fit_transform", lambda: clone(fitted).fit_transform(X)
    for name in ("score_samples", "decision_function", "offsets", "predict", "score", "transform", "reconstruct"):
        yield name, lambda name=name: getattr(fitted, name)(X)
    yield "explain", lambda: fitted.explain(X[:5], details=True)
    yield "explain_text", lambda: fitted.explain_text(X[:5])
    yield "fit_batches", lambda: clone(fitted).fit_batches([X[:50], X[50:]])
    summary = TableSummary(100, 0, allow_nan=False)
    summary.add(X, "X")
    yield "fit_summary", lambda: clone(fitted).fit_summary(summary)
    yield "auto_latent_dim", lambda: fitted.auto_latent_dim(5)
    yield "score_batches", lambda: list(fitted.score_batches([X[:50], X[50:]]))
    yield "reconstruction_error", lambda: fitted.reconstruction_error(X, per_feature=True)
    yield "inverse_transform", lambda: fitted.inverse_transform(code)
    yield "encoder_module", lambda: fitted.encoder_module()
    yield "set_threshold", lambda: fitted.set_threshold(0.1, X)
    yield "set_threshold", lambda: fitted.set_threshold(BestF1(), X + 0.1, np.arange(len(X)) % 2)
    for name in ("p_values", "flag", "outlier_probability"):
        yield name, lambda name=name: getattr(fitted, name)(X)
    yield "save", lambda: fitted.save(path)
    yield "load", lambda: aeanomaly.load(path)
    yield "stream", lambda: fitted.stream().update(X[0])
    yield "get_feature_names_out", lambda: fitted.get_feature_names_out()
    yield "repr", lambda: repr(fitted) + fitted._repr_html_()
    if hasattr(fitted, "elbo"):
        yield "elbo", lambda: fitted.elbo(X)
        yield "negative_elbo", lambda: fitted.negative_elbo(X)
        yield "log_evidence", lambda: fitted.log_evidence(X, n_draws=7)
        yield "sample", lambda: fitted.sample(3)


def assert_leaves_the_surroundings(fitted, X, path):
    for name, call in all_calls(fitted, X, path):
        before = surroundings()
        call()
        after = surroundings()
        changed = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
        assert not changed, name


def test_no_public_method_changes_the_surroundings(any_detector, X, tmp_path):
    fitted = any_detector().fit(X)
    fitted.encoder_module()  # torch imports more of itself on first use, and that sets filters of warnings
    path = tmp_path / "model.aea"
    own = {
        name
        for cls in type(fitted).__mro__
        if cls.__module__.startswith("aeanomaly.")
        for name, value in vars(cls).items()
        if not name.startswith("_") and callable(value)
    }
    assert own - {name for name, _ in all_calls(fitted, X, path)} <= {"bound", "auto_latent_dim", "fit_summary"}
    assert_leaves_the_surroundings(fitted, X, path)


def test_no_call_changes_the_number_of_threads(two_threads, variational, X, tmp_path):
    assert_leaves_the_surroundings(variational().fit(X), X, tmp_path / "model.aea")
    assert torch.get_num_threads() == 2


def test_two_fits_on_two_threads_agree_to_the_bit(two_threads, variational, answers):
    X = np.random.default_rng(0).normal(size=(300, 20))
    first, second = (variational(hidden_layer_sizes=(64,)).fit(X) for _ in range(2))
    assert answers(first, X) == answers(second, X)


def test_a_refused_call_changes_nothing_around(either_detector, X):
    fitted = either_detector().fit(X)
    before = surroundings()
    for call in (fitted.fit, fitted.partial_fit, fitted.score_samples):
        with pytest.raises(ValueError, match=r"(?i)nan"):
            call(np.full_like(X, np.nan))
    assert surroundings() == before


def test_the_global_generators_are_not_read(any_detector, X, answers):
    def seeded(seed):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        return answers(any_detector().fit(X), X)

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        assert seeded(1) == seeded(2)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


def test_a_given_generator_is_the_only_one_that_moves(variational, X):
    generator = np.random.default_rng(0)
    before = surroundings()
    variational(random_state=generator).fit(X).sample(5, random_state=generator)
    assert surroundings() == before


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_the_default_dtype_of_torch_alters_nothing(either_detector, X, answers, dtype):
    expected = answers(either_detector().fit(X), X)
    old = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        fitted = either_detector().fit(X)
        assert answers(fitted, X) == expected
        assert torch.get_default_dtype() == dtype
        assert fitted.encoder_module()(torch.from_numpy(X)).dtype == torch.float32
    finally:
        torch.set_default_dtype(old)


def test_the_gradient_mode_of_the_caller_alters_nothing(any_detector, X, answers):
    expected = answers(any_detector().fit(X), X)
    for mode in (torch.no_grad, torch.enable_grad, torch.inference_mode):
        with mode():
            assert answers(any_detector().fit(X), X) == expected, mode
            any_detector().partial_fit(X).partial_fit(X)


# A row scores the same in any company


def test_a_row_scores_the_same_alone_and_among_others(any_detector, methods_on_rows):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 7)) @ rng.normal(size=(7, 7))
    X[:, 6] = X[:, 6] > 0
    fitted = any_detector(hidden_layer_sizes=(13, 9), latent_dim=3).fit(X[:100])
    expected = {name: getattr(fitted, name)(X) for name in methods_on_rows(fitted)}

    @settings(deadline=None, derandomize=True, max_examples=8, database=None)
    @given(st.integers(0, 2**32), st.sampled_from([1, 2, 3, 5, 31, 255, 256, 257, 300, 511, 513, 599]))
    def check(seed, size):
        rows = np.random.default_rng(seed).choice(len(X), size=size, replace=True)
        for name, values in expected.items():
            np.testing.assert_array_equal(getattr(fitted, name)(X[rows]), values[rows], name)

    check()


def test_chunks_put_together_are_the_whole(any_detector):
    rng = np.random.default_rng(1)
    fitted = any_detector().fit(rng.normal(size=(100, 5)))
    X = rng.normal(size=(10_000, 5)) * rng.choice([1.0, 1e6], size=(10_000, 1))
    whole = fitted.score_samples(X)
    for size in (999, 4096, 8191):
        chunks = [fitted.score_samples(X[start : start + size]) for start in range(0, len(X), size)]
        np.testing.assert_array_equal(np.concatenate(chunks), whole)
    np.testing.assert_array_equal([fitted.score_samples(X[i : i + 1])[0] for i in range(0, 10_000, 999)], whole[::999])


@pytest.mark.parametrize("width", [1, 3, 4, 7, 33])
def test_a_table_of_any_width_scores_each_row_by_itself(either_detector, width):
    X = np.random.default_rng(2).normal(size=(130, width))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if width == 1 else "error")
        fitted = either_detector(hidden_layer_sizes=(width + 2,)).fit(X)
    whole = fitted.score_samples(X)
    np.testing.assert_array_equal(fitted.score_samples(X[::-1])[::-1], whole)
    np.testing.assert_array_equal([fitted.score_samples(X[i : i + 1])[0] for i in range(0, 130, 10)], whole[::10])
