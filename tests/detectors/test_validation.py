"""Validation of rows and parameters in every method of every detector.

The rules themselves are tested once: `tests/preprocessing/test_table_validation.py`, `tests/test_constraints.py`.
"""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

NAMES = ["flow", "pressure", "level", "torque"]
#: Methods that read rows without known columns.
TRAINING = {"fit", "fit_predict", "fit_transform"}


def methods(cls):
    """Name the public methods that take rows."""
    takes_rows = {
        name
        for name, method in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and "X" in inspect.signature(method).parameters
    }
    assert takes_rows > TRAINING | {"partial_fit", "score_samples", "predict", "explain", "transform", "p_values"}
    return sorted(takes_rows - {"inverse_transform"})


def call(detector, name, rows):
    return detector.set_threshold(0.1, rows) if name == "set_threshold" else getattr(detector, name)(rows)


@pytest.fixture
def frame(rows):
    return pd.DataFrame(rows, columns=NAMES)


@pytest.fixture
def fitted(detector_class, frame):
    """Return a fitted detector with calibration scores, which some methods need."""
    detector = detector_class(max_iter=2, hidden_layer_sizes=(4,), latent_dim=2, random_state=0).fit(frame)
    return detector.set_threshold(0.1, frame + 0.01)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_every_method_refuses_a_bad_table_and_changes_nothing(fitted, frame):
    nan, infinite = frame.copy(), frame.copy()
    nan.iloc[[3, 4], 1], infinite.iloc[5, 2] = np.nan, -np.inf
    bad = [
        (nan, ValueError, r"NaN in column 'pressure' \(2\)"),
        (infinite, ValueError, r"infinity \(inf\) in column 'level' \(1\)"),
        (frame.set_axis(["flow", "pressure", "flow", "torque"], axis=1), ValueError, "duplicate column names: 'flow'"),
        (frame[:0], ValueError, "n_samples=0"),
        (sparse.csr_matrix(frame.to_numpy()), TypeError, "toarray|dense"),
    ]
    other_columns = [
        (frame[NAMES[::-1]], ValueError, "order"),
        (frame.drop(columns="level"), ValueError, "level"),
        (frame.to_numpy()[:, :3], ValueError, r"\b3\b.*\b4\b"),
    ]
    before = pickle.dumps(fitted)
    for name in methods(type(fitted)):
        for table, error, message in [*bad, *([] if name in TRAINING else other_columns)]:
            with pytest.raises(error, match=message):
                call(fitted, name, table)
    for name in ("fit_batches", "score_batches"):
        with pytest.raises(ValueError, match=r"NaN in column 'pressure' \(2\)"):
            list(getattr(fitted, name)([nan]))
    assert pickle.dumps(fitted) == before


def test_every_method_that_answers_needs_a_fit(detector_class, rows):
    for name in methods(detector_class):
        if name not in TRAINING | {"partial_fit"}:
            with pytest.raises(NotFittedError):
                call(detector_class(), name, rows)


@pytest.mark.parametrize("method", ["fit", "fit_predict", "partial_fit"])
def test_one_row_is_too_few_to_train_on(detector_class, rows, method):
    with pytest.raises(ValueError, match="n_samples=1"):
        getattr(detector_class(), method)(rows[:1])


def test_every_parameter_is_checked_by_every_method_that_trains(detector_class, rows):
    checked_elsewhere = {"device", "random_state", "contamination", "groups"}  # any text may be a column of groups
    assert set(detector_class().get_params()) == set(detector_class.constraints) | checked_elsewhere
    for name in detector_class().get_params():
        message = name if name in checked_elsewhere else f"{detector_class.__name__}: {name} must be "
        detector = detector_class(**{name: "banana"})
        for train in (detector.fit, detector.partial_fit, lambda X, d=detector: d.fit_batches([X])):
            with pytest.raises(ValueError, match=message):
                train(rows)
        assert vars(detector) == vars(detector_class(**{name: "banana"}))


def test_codes_with_nan_or_infinity_are_refused(fitted, frame):
    code = fitted.transform(frame)
    for value in (np.nan, np.inf, -np.inf):
        code[0, 0] = value
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            fitted.inverse_transform(code)
