"""Case 46: a copy of a detector, however it was made, is the same detector."""

import copy
import io
import pickle
import subprocess
import sys

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


COPIES = {
    "pickle 2": by_pickle(2),
    "pickle 5": by_pickle(5),
    "joblib": by_joblib(),
    "joblib compressed": by_joblib(compress=True),
    "joblib mmap r": by_joblib(mmap_mode="r"),
    "cloudpickle": by_cloudpickle,
    "deepcopy": lambda fitted, path: copy.deepcopy(fitted),
}


@pytest.fixture(params=COPIES)
def copied(request, tmp_path):
    """Copy a detector in each of the ways."""
    return lambda fitted: COPIES[request.param](fitted, tmp_path / "copy.aea")


def test_a_copy_answers_as_the_original(any_detector, X, answers, copied):
    fitted = any_detector().fit(X)
    expected = answers(fitted, X)
    twin = copied(fitted)
    assert answers(twin, X) == expected
    assert answers(fitted, X) == expected
    assert repr(twin.get_params()) == repr(fitted.get_params())
    assert sorted(vars(twin)) == sorted(vars(fitted))
    code = fitted.transform(X)
    np.testing.assert_array_equal(twin.inverse_transform(code), fitted.inverse_transform(code))


def test_a_copy_saves_the_same_file(variational, X, copied, tmp_path):
    fitted = variational().fit(X)
    fitted.save(tmp_path / "original.aea")
    copied(fitted).save(tmp_path / "twin.aea")
    assert (tmp_path / "twin.aea").read_bytes() == (tmp_path / "original.aea").read_bytes()


def test_a_copy_goes_on_training_as_the_original(variational, X, answers, copied):
    fitted = variational(warm_start=True).partial_fit(X[:60])
    twin = copied(fitted)
    assert answers(twin.partial_fit(X[60:]), X) == answers(fitted.partial_fit(X[60:]), X)
    assert answers(twin.fit(X), X) == answers(fitted.fit(X), X)


def test_training_a_copy_leaves_the_original_alone(variational, X, answers, copied):
    fitted = variational(warm_start=True).partial_fit(X)
    expected = answers(fitted, X)
    copied(fitted).partial_fit(X + 1).fit(X + 2).set_threshold(0.3)
    assert answers(fitted, X) == expected


def test_training_a_copy_in_mapped_memory_leaves_the_file_alone(any_detector, X, tmp_path):
    path = tmp_path / "copy"
    joblib.dump(any_detector(warm_start=True).partial_fit(X), path)
    before = path.read_bytes()
    joblib.load(path, mmap_mode="r").partial_fit(X + 1).fit(X + 2)
    assert path.read_bytes() == before


def test_an_unfitted_copy_is_unfitted(variational, X, copied):
    twin = copied(variational())
    with pytest.raises(NotFittedError):
        twin.score_samples(X)
    np.testing.assert_array_equal(twin.fit(X).score_samples(X), variational().fit(X).score_samples(X))


def test_a_shallow_copy_answers_as_the_original(any_detector, X, answers):
    fitted = any_detector(warm_start=True).fit(X)
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
    assert once < (100_000 if len(fitted.state_.model.scorers) == 1 else 1_000_000)


def test_rows_are_not_in_a_pickle(any_detector):
    X = np.random.default_rng(0).normal(size=(300, 20))
    buffer = io.BytesIO()
    joblib.dump(any_detector(max_iter=3).fit(X), buffer)
    for row in X[:20]:
        assert row.tobytes() not in buffer.getvalue()
        assert row.astype(np.float32).tobytes() not in buffer.getvalue()


def test_pickles_open_in_a_new_process(X, tmp_path):
    names = sorted(name for name in dir(aeanomaly) if name.endswith("Autoencoder"))
    fitted = [getattr(aeanomaly, name)(max_iter=20, random_state=0).fit(X) for name in names]
    (tmp_path / "models.aea").write_bytes(pickle.dumps((fitted, X)))
    script = """if True:
        import pickle, sys
        fitted, X = pickle.load(open(sys.argv[1], "rb"))
        for one in fitted:
            sys.stdout.buffer.write(one.score_samples(X).tobytes())
    """
    arguments = [sys.executable, "-c", script, str(tmp_path / "models.aea")]
    result = subprocess.run(arguments, capture_output=True, timeout=120)
    assert result.stdout == b"".join(one.score_samples(X).tobytes() for one in fitted), result.stderr.decode()
