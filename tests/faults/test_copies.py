"""Copies of a detector, by file, pickle, joblib, cloudpickle or deepcopy, equal the original."""

import copy
import io
import pickle

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import aeanomaly


def by_pickle(protocol):
    return lambda fitted, path: pickle.loads(pickle.dumps(fitted, protocol=protocol))


def by_joblib(**options):
    def copied(fitted, path):
        joblib.dump(fitted, path, **({"compress": 3} if "compress" in options else {}))
        return joblib.load(path, **{name: value for name, value in options.items() if name != "compress"})

    return copied


def by_cloudpickle(fitted, path):
    return cloudpickle.loads(cloudpickle.dumps(fitted))


def by_file(fitted, path):
    fitted.save(path)
    return aeanomaly.load(path)


COPIES = {
    "file": by_file,
    "pickle 2": by_pickle(2),
    "pickle 5": by_pickle(5),
    "joblib": by_joblib(),
    "joblib compressed": by_joblib(compress=True),
    "joblib mmap r": by_joblib(mmap_mode="r"),
    "cloudpickle": by_cloudpickle,
    "deepcopy": lambda fitted, path: copy.deepcopy(fitted),
}


@pytest.fixture
def copies_of(tmp_path):
    """Return the copies of a detector by name."""

    def copies(fitted):
        return {name: copied(fitted, tmp_path / f"{name}.aea") for name, copied in COPIES.items()}

    return copies


def assert_copies_answer_as_the_original(fitted, X, answers, copies_of):
    expected = answers(fitted, X)
    code, labels = fitted.transform(X), fitted.predict(X)
    rows = fitted.inverse_transform(code)
    for name, twin in copies_of(fitted).items():
        assert type(twin) is type(fitted), name
        assert answers(twin, X) == expected, name
        assert repr(twin.get_params()) == repr(fitted.get_params()), name
        assert sorted(vars(twin)) == sorted(vars(fitted)), name
        np.testing.assert_array_equal(twin.inverse_transform(code), rows, name)
        np.testing.assert_array_equal(twin.predict(X), labels, name)
        np.testing.assert_array_equal(twin.validation_loss_curve_, fitted.validation_loss_curve_, name)
        for attribute in ("n_features_in_", "latent_dim_", "n_samples_seen_"):
            assert getattr(twin, attribute) == getattr(fitted, attribute), name
    assert answers(fitted, X) == expected


def test_a_copy_answers_as_the_original(any_detector, X, answers, copies_of):
    assert_copies_answer_as_the_original(any_detector(hidden_layer_sizes=(8, 4)).fit(X), X, answers, copies_of)


@pytest.mark.parametrize(
    "parameters",
    [{"likelihood": "gaussian", "contamination": 0.1, "early_stopping": True}, {"hidden_layer_sizes": ()}],
    ids=str,
)
def test_a_copy_of_other_settings_answers_as_the_original(either_detector, X, answers, copies_of, parameters):
    assert_copies_answer_as_the_original(either_detector(**parameters).fit(X), X, answers, copies_of)


def test_a_copy_saves_the_same_file(any_detector, X, copies_of, tmp_path):
    fitted = any_detector().fit(X)
    fitted.save(tmp_path / "original.aea")
    for name, twin in copies_of(fitted).items():
        twin.save(tmp_path / "twin.aea")
        assert (tmp_path / "twin.aea").read_bytes() == (tmp_path / "original.aea").read_bytes(), name


def test_a_copy_goes_on_training_as_the_original(either_detector, X, answers, copies_of):
    fitted = either_detector(warm_start=True).partial_fit(X[:60])
    copies = copies_of(fitted)
    next_pass = answers(fitted.partial_fit(X[60:]), X)
    next_fit = answers(fitted.fit(X), X)
    for name, twin in copies.items():
        assert answers(twin.partial_fit(X[60:]), X) == next_pass, name
        assert answers(twin.fit(X), X) == next_fit, name


def test_training_a_copy_leaves_the_original_alone(variational, X, answers, copies_of):
    fitted = variational(warm_start=True).partial_fit(X)
    expected = answers(fitted, X)
    for name, twin in copies_of(fitted).items():
        twin.partial_fit(X + 1).fit(X + 2).set_threshold(0.3)
        assert answers(fitted, X) == expected, name


def test_training_a_copy_in_mapped_memory_leaves_the_file_alone(either_detector, X, tmp_path):
    path = tmp_path / "copy"
    joblib.dump(either_detector(warm_start=True).partial_fit(X), path)
    before = path.read_bytes()
    joblib.load(path, mmap_mode="r").partial_fit(X + 1).fit(X + 2)
    assert path.read_bytes() == before


def test_an_unfitted_copy_is_unfitted(variational, X, tmp_path):
    expected = variational().fit(X).score_samples(X)
    for name, copied in COPIES.items():
        if copied is not by_file:
            twin = copied(variational(), tmp_path / name)
            with pytest.raises(NotFittedError):
                twin.score_samples(X)
            np.testing.assert_array_equal(twin.fit(X).score_samples(X), expected, name)


def test_a_shallow_copy_answers_as_the_original(either_detector, X, answers):
    fitted = either_detector(warm_start=True).fit(X)
    expected = answers(fitted, X)
    twin = copy.copy(fitted)
    assert answers(twin, X) == expected
    twin.partial_fit(X + 1)
    twin.fit(X + 2)
    assert answers(fitted, X) == expected


def test_a_clone_is_unfitted_and_fits_as_the_original(any_detector, X, answers):
    fitted = any_detector(contamination=0.1, latent_dim=2).fit(X)
    twin = clone(fitted)
    assert set(vars(twin)) == set(twin.get_params())
    assert repr(twin.get_params()) == repr(fitted.get_params())
    with pytest.raises(NotFittedError):
        twin.score_samples(X)
    assert answers(twin.fit(X), X) == answers(fitted, X)


def test_a_detector_is_in_a_pickle_once(any_detector, X):
    fitted = any_detector().fit(X)
    once = len(pickle.dumps(fitted))
    for _ in range(3):
        fitted = pickle.loads(pickle.dumps(fitted))
    assert len(pickle.dumps(fitted)) <= once + 200  # loaded dtypes are no longer the one that numpy keeps
    assert once < (150_000 if len(fitted.state_.model.scorers) == 1 else 1_000_000)


def test_rows_are_not_in_a_pickle(any_detector):
    X = np.random.default_rng(0).normal(size=(300, 20))
    buffer = io.BytesIO()
    joblib.dump(any_detector(max_iter=3).fit(X), buffer)
    for row in X[:20]:
        assert row.tobytes() not in buffer.getvalue()
        assert row.astype(np.float32).tobytes() not in buffer.getvalue()
