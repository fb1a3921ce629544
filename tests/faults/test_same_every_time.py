"""The same seed gives the same bits, and nothing outside a detector is read or changed."""

import hashlib
import os
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from aeanomaly.thresholds import BestF1

# Case 26


def test_two_fits_with_one_seed_agree_to_the_bit(any_detector, X, answers):
    assert answers(any_detector(random_state=3).fit(X), X) == answers(any_detector(random_state=3).fit(X), X)


def test_fitting_again_gives_the_same_bits(any_detector, X, answers):
    fitted = any_detector(random_state=3).fit(X)
    before = answers(fitted, X)
    assert answers(fitted.fit(X), X) == before
    assert answers(clone(fitted).fit(X), X) == before


def test_an_earlier_fit_on_other_rows_leaves_no_trace(any_detector, X, answers):
    used = any_detector().fit(X[:50, :3]).fit(X)
    assert answers(used, X) == answers(any_detector().fit(X), X)


def test_other_seeds_give_other_weights(any_detector, X):
    scores = {any_detector(random_state=seed).fit(X).score_samples(X).tobytes() for seed in range(5)}
    assert len(scores) == 5


def test_no_seed_gives_other_weights_each_time(any_detector, X):
    scores = {any_detector(random_state=None).fit(X).score_samples(X).tobytes() for _ in range(3)}
    assert len(scores) == 3


@pytest.mark.parametrize("seed", [np.random.RandomState, np.random.default_rng])
def test_equal_generators_give_equal_bits(any_detector, X, answers, seed):
    first, second = (any_detector(random_state=seed(5)).fit(X) for _ in range(2))
    assert answers(first, X) == answers(second, X)


def test_streams_with_one_seed_agree_to_the_bit(any_detector, X, answers):
    first, second = (any_detector().partial_fit(X[:70]).partial_fit(X[70:]) for _ in range(2))
    assert answers(first, X) == answers(second, X)


def test_saved_files_of_one_seed_agree_to_the_byte(any_detector, X, tmp_path):
    for name in ("first.aea", "second.aea"):
        any_detector().fit(X).save(tmp_path / name)
    assert (tmp_path / "first.aea").read_bytes() == (tmp_path / "second.aea").read_bytes()


def test_saving_twice_writes_the_same_bytes(any_detector, X, tmp_path):
    fitted = any_detector().fit(X)
    fitted.save(tmp_path / "first.aea")
    fitted.score_samples(X)
    fitted.save(tmp_path / "second.aea")
    assert (tmp_path / "first.aea").read_bytes() == (tmp_path / "second.aea").read_bytes()


def test_new_rows_of_one_seed_agree_to_the_bit(variational, X):
    fitted = variational().fit(X)
    np.testing.assert_array_equal(fitted.sample(20, random_state=1), fitted.sample(20, random_state=1))
    assert (fitted.sample(20, random_state=1) != fitted.sample(20, random_state=2)).any()


SCRIPT = """
import hashlib, sys
import numpy as np
import torch
import aeanomaly
torch.set_num_threads(int(sys.argv[1]))
X = np.random.default_rng(0).normal(size=(150, 6))
for name in sorted(name for name in dir(aeanomaly) if name.endswith("Autoencoder")):
    detector = getattr(aeanomaly, name)(hidden_layer_sizes=(12,), max_iter=20, random_state=0).fit(X)
    detector.save(sys.argv[2])
    with open(sys.argv[2], "rb") as file:
        print(name, hashlib.sha256(file.read() + detector.score_samples(X).tobytes()).hexdigest())
"""


@pytest.mark.usefixtures("two_threads")
def test_another_process_with_another_hash_seed_agrees_to_the_byte(tmp_path):
    def start(hash_seed):
        arguments = [sys.executable, "-c", SCRIPT, str(torch.get_num_threads()), str(tmp_path / f"{hash_seed}.aea")]
        return subprocess.Popen(arguments, env=os.environ | {"PYTHONHASHSEED": hash_seed}, stdout=subprocess.PIPE)

    first, second = (process.communicate(timeout=120)[0] for process in [start("1"), start("2")])
    assert first.count(b"\n") >= 5
    assert first == second


# Case 27


def surroundings():
    """Return whatever a library might be tempted to change for everyone."""
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
    import aeanomaly

    code = fitted.transform(X)
    yield "fit", lambda: clone(fitted).fit(X)
    yield "fit with early stopping", lambda: clone(fitted).set_params(early_stopping=True).fit(X)
    yield "fit without a seed", lambda: clone(fitted).set_params(random_state=None).fit(X)
    yield "fit with progress", lambda: clone(fitted).set_params(verbose=1).fit(X)
    yield "partial_fit", lambda: clone(fitted).partial_fit(X).partial_fit(X)
    yield "fit_predict", lambda: clone(fitted).fit_predict(X)
    yield "fit_transform", lambda: clone(fitted).fit_transform(X)
    for name in ("score_samples", "decision_function", "predict", "score", "transform", "reconstruct"):
        yield name, lambda name=name: getattr(fitted, name)(X)
    yield "explain", lambda: fitted.explain(X[:5], details=True)
    yield "explain_text", lambda: fitted.explain_text(X[:5])
    yield "fit_batches", lambda: clone(fitted).fit_batches([X[:50], X[50:]])
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


def test_every_public_method_is_among_the_calls(any_detector, X, tmp_path):
    fitted = any_detector().fit(X)
    called = {name for name, _ in all_calls(fitted, X, tmp_path / "model.aea")}
    own = {
        name
        for cls in type(fitted).__mro__
        if cls.__module__.startswith("aeanomaly.")
        for name, value in vars(cls).items()
        if not name.startswith("_") and callable(value)
    }
    assert own - called <= {"bound", "auto_latent_dim", "fit_summary"}


def test_no_call_changes_the_surroundings(any_detector, X, tmp_path):
    fitted = any_detector().fit(X)
    fitted.encoder_module()  # torch imports more of itself on first use, and that sets filters of warnings
    assert_leaves_the_surroundings(fitted, X, tmp_path / "model.aea")


def test_no_call_changes_the_number_of_threads(two_threads, variational, X, tmp_path):
    assert_leaves_the_surroundings(variational().fit(X), X, tmp_path / "model.aea")
    assert torch.get_num_threads() == 2


def test_two_fits_on_two_threads_agree_to_the_bit(two_threads, variational, answers):
    X = np.random.default_rng(0).normal(size=(300, 20))
    first, second = (variational(hidden_layer_sizes=(64,)).fit(X) for _ in range(2))
    assert answers(first, X) == answers(second, X)


def test_a_refused_call_changes_nothing_around(any_detector, X):
    fitted = any_detector().fit(X)
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
def test_the_default_dtype_of_torch_alters_nothing(any_detector, X, answers, dtype):
    expected = answers(any_detector().fit(X), X)
    old = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        fitted = any_detector().fit(X)
        assert answers(fitted, X) == expected
        assert torch.get_default_dtype() == dtype
        assert fitted.encoder_module()(torch.from_numpy(X)).dtype == torch.float32
    finally:
        torch.set_default_dtype(old)


@pytest.mark.parametrize("switch", [torch.no_grad, torch.enable_grad])
def test_the_grad_mode_of_the_caller_alters_nothing(any_detector, X, answers, switch):
    expected = answers(any_detector().fit(X), X)
    with switch():
        assert answers(any_detector().fit(X), X) == expected


# Case 31


def test_a_row_scores_the_same_alone_and_in_any_company(any_detector, methods_on_rows):
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
def test_a_table_of_any_width_scores_each_row_by_itself(any_detector, width):
    X = np.random.default_rng(2).normal(size=(130, width))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if width == 1 else "error")
        fitted = any_detector(hidden_layer_sizes=(width + 2,)).fit(X)
    whole = fitted.score_samples(X)
    np.testing.assert_array_equal(fitted.score_samples(X[::-1])[::-1], whole)
    np.testing.assert_array_equal([fitted.score_samples(X[i : i + 1])[0] for i in range(0, 130, 10)], whole[::10])


def test_training_scores_are_the_scores_of_the_training_rows(any_detector, X):
    fitted = any_detector().fit(X)
    np.testing.assert_array_equal(fitted.training_scores_, fitted.score_samples(X))
    np.testing.assert_array_equal(any_detector().fit_predict(X), fitted.predict(X))
