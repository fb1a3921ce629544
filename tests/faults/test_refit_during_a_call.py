"""A refit in another thread: every public method answers by the old fit or by the new one, never by both.

The refit is made to happen at each call of a function of the package in turn, so that no schedule of threads is missed.
"""

import copy
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.inspection import ScoreDistributionDisplay, column_drift, report
from aeanomaly.model_selection import excess_mass, pseudo_anomaly_auc, pseudo_anomaly_ratio
from aeanomaly.thresholds import Conformal

PACKAGE = str(Path(aeanomaly.__file__).parent)
QUICK = {"max_iter": 4, "random_state": 0, "contamination": Conformal(0.2), "hidden_layer_sizes": ()}
NARROW = np.random.default_rng(0).normal(size=(40, 3))
WIDE = np.random.default_rng(1).normal(5, 3, size=(40, 4))


def other_fits(cls):
    """Fits of other rows, of other columns, and with another number of members, where there are several."""
    yield "rows", cls(**QUICK).fit(3 * NARROW + 7)
    yield "columns", cls(**QUICK).fit(WIDE)
    if cls is aeanomaly.AutoencoderEnsemble:
        yield "members", cls(n_estimators=2, kernel_member=False, **QUICK).fit(2 * NARROW)


def saved(detector):
    path = Path("model.aea")
    detector.save(path)
    return path.read_bytes()


def in_parts(detector):
    scores = detector.score_batches([NARROW[:20], NARROW[20:]])
    return np.concatenate(list(scores))


def displayed(detector):
    display = ScoreDistributionDisplay.from_estimator(detector, NARROW)
    return np.append(display.scores, display.offset)


CALLS = {
    "score_samples": lambda d: d.score_samples(NARROW),
    "decision_function": lambda d: d.decision_function(NARROW),
    "predict": lambda d: d.predict(NARROW),
    "score": lambda d: d.score(NARROW),
    "reconstruction_error": lambda d: d.reconstruction_error(NARROW),
    "reconstruction_error, per feature": lambda d: d.reconstruction_error(NARROW, per_feature=True),
    "explain": lambda d: d.explain(NARROW[:5]),
    "explain, details": lambda d: d.explain(NARROW[:5], details=True),
    "explain_text": lambda d: list(d.explain_text(NARROW[:5])),
    "transform": lambda d: d.transform(NARROW),
    "reconstruct": lambda d: d.reconstruct(NARROW),
    "p_values": lambda d: d.p_values(NARROW),
    "flag": lambda d: d.flag(NARROW, fdr=0.3),
    "outlier_probability": lambda d: d.outlier_probability(NARROW),
    "score_batches": in_parts,
    "encoder_module": lambda d: b"".join(p.detach().numpy().tobytes() for p in d.encoder_module().parameters()),
    "save": saved,
    "copy": lambda d: copy.deepcopy(d).decision_function(NARROW),
    "column_drift": lambda d: column_drift(d, NARROW),
    "report": lambda d: report(d, NARROW, n_rows=3),
    "pseudo_anomaly_auc": lambda d: pseudo_anomaly_auc(d, NARROW),
    "pseudo_anomaly_ratio": lambda d: pseudo_anomaly_ratio(d, NARROW),
    "excess_mass": lambda d: excess_mass(d, NARROW, n_draws=200),
}
VARIATIONAL = {
    "elbo": lambda d: d.elbo(NARROW),
    "log_evidence": lambda d: d.log_evidence(NARROW),
    "sample": lambda d: d.sample(5, random_state=0),
}


def answer(call, detector):
    """Return the answer of a call, or its error, in a form that can be compared."""
    try:
        found = call(detector)
    except ValueError as error:
        return str(error)
    if isinstance(found, pd.DataFrame):
        return found.to_csv().encode()
    if isinstance(found, (np.ndarray, float)):
        return np.asarray(found).tobytes()
    return found if isinstance(found, (bytes, str)) else repr(found)


def answer_with_a_refit(call, fitted, refitted, at):
    """The answer if another thread ends a fit at the call number `at` of a function of the package; None beyond all."""
    detector, count, swapped = copy.copy(fitted), 0, False

    def at_each_call(frame, event, argument):
        nonlocal count, swapped
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            count += 1
            if count == at:
                detector.__dict__, swapped = copy.copy(refitted).__dict__, True

    sys.setprofile(at_each_call)
    threading.setprofile(at_each_call)
    try:
        found = answer(call, detector)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return found if swapped else None


def calls_to_try(n_calls):
    """Each of the first calls, in which a fit is read, and some of the others."""
    return sorted({*range(1, min(n_calls, 12) + 1), *np.linspace(1, n_calls, 20).astype(int).tolist()})


def count_calls(call, fitted):
    low, high = 1, 2
    while answer_with_a_refit(call, fitted, fitted, high) is not None:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if answer_with_a_refit(call, fitted, fitted, middle) is not None else (low, middle)
    return low


@pytest.mark.parametrize("name", CALLS)
def test_a_call_answers_by_one_fit(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(CALLS[name], aeanomaly.DenoisingAutoencoder)


@pytest.mark.parametrize("name", ["predict", "reconstruction_error, per feature", "explain", "save"])
def test_a_call_of_the_ensemble_answers_by_one_fit(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(CALLS[name], aeanomaly.AutoencoderEnsemble)


@pytest.mark.parametrize("name", VARIATIONAL)
def test_a_call_of_the_variational_detector_answers_by_one_fit(name):
    check(VARIATIONAL[name], aeanomaly.VariationalAutoencoder)


def check(call, cls):
    fitted = cls(**QUICK).fit(NARROW)
    before = answer(call, fitted)
    n_calls = count_calls(call, fitted)
    for change, refitted in other_fits(cls):
        possible = (before, answer(call, refitted))
        for at in calls_to_try(n_calls):
            found = answer_with_a_refit(call, fitted, refitted, at)
            assert found is None or found in possible, (change, at)


def test_setting_a_threshold_leaves_one_fit():
    fitted = aeanomaly.DenoisingAutoencoder(**QUICK).fit(NARROW)
    refitted = aeanomaly.DenoisingAutoencoder(**QUICK).fit(3 * NARROW + 7)
    rows = np.random.default_rng(2).normal(size=(50, 3))

    def state(detector):
        return np.concatenate([detector.score_samples(rows), [detector.offset_], detector.calibration_scores_])

    def set_threshold(detector):
        detector.set_threshold(Conformal(0.3), rows)
        return state(copy.copy(detector))

    possible = [answer(set_threshold, copy.copy(detector)) for detector in (fitted, refitted)]
    possible += [answer(state, refitted), None]  # the refit may come last
    for at in range(1, 150):
        assert answer_with_a_refit(set_threshold, fitted, refitted, at) in possible, at
