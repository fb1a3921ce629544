"""Definitions allowed in a custom threshold rule; any other is refused."""

import numpy as np
import pytest

from aeanomaly import DenoisingAutoencoder
from aeanomaly.thresholds import RULES, ThresholdRule, as_threshold

X = np.random.default_rng(0).normal(size=(200, 3))


def rule(base=object, **attributes):
    def fit(self, scores, y=None):
        return float(np.min(scores))

    return type("Lowest", (base,), {"fit": fit, **attributes})()


@pytest.fixture(params=[object, ThresholdRule], ids=["any class", "a subclass"])
def base(request):
    return request.param


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("calibration_fracton", 0.2, "calibration_fraction"),
        ("callibration_fraction", 0.2, "calibration_fraction"),
        ("calibrationfraction", 0.2, "calibration_fraction"),
        ("CALIBRATION_FRACTION", 0.2, "calibration_fraction"),
        ("_calibration_fraction", 0.2, "calibration_fraction"),
        ("calibration_size", 100, "calibration_fraction"),
        ("n_split", 5, "n_splits"),
        ("nsplits", 5, "n_splits"),
        ("n_folds", 5, "n_splits"),
        ("label", "needed", "labels"),
        ("needs_labels", True, "labels"),
        ("guarantees", lambda self, scores: "flags little", "guarantee"),
        ("promise", lambda self, scores: "flags little", "guarantee"),
        ("chek", lambda self, n: None, "check"),
    ],
)
def test_a_misspelt_attribute_is_refused(base, name, value, meant):
    misspelt = rule(base, **{name: value})
    for take in (
        lambda: DenoisingAutoencoder(contamination=misspelt).fit(X),
        lambda: DenoisingAutoencoder(max_iter=5).fit(X).set_threshold(misspelt),
    ):
        with pytest.raises(ValueError, match=f"Lowest has an unused attribute '{name}' .did you mean '{meant}'"):
            take()


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"calibration_fraction": 20}, "calibration_fraction must lie between 0 and 1; got 20"),
        ({"calibration_fraction": "a fifth"}, "must lie between 0 and 1"),
        ({"calibration_fraction": "0.2"}, "must lie between 0 and 1"),
        ({"check": lambda self: None}, r"must have a method check\(n\)"),
        ({"labels": "needed", "guarantee": lambda self, scores: ""}, r"must have a method guarantee\(scores, y\)"),
        ({"n_splits": 1}, "n_splits must be an integer of at least 2; got 1"),
        ({"n_splits": 2.5}, "must be an integer of at least 2"),
        ({"labels": "required"}, "labels must be 'needed', 'optional' or None; got 'required'"),
        ({"labels": True}, "must be 'needed', 'optional' or None"),
        ({"calibration_fraction": 0.2, "n_splits": 5}, "both calibration_fraction and n_splits"),
        ({"guarantee": "flags little"}, "must be a method"),
        ({"check": 100}, "must be a method"),
    ],
)
def test_an_attribute_of_a_wrong_value_is_refused(base, attributes, told):
    with pytest.raises(ValueError, match=told):
        DenoisingAutoencoder(contamination=rule(base, **attributes)).fit(X)


def test_rows_are_held_out_for_a_rule_that_asks(base):
    detector = DenoisingAutoencoder(contamination=rule(base, calibration_fraction=0.1), max_iter=5, random_state=0)
    assert detector.fit(X).threshold_info_.source == "rows held out of the fit"
    assert detector.threshold_info_.n_scores == 20


def test_a_rule_with_parameters_is_accepted(base):
    taken = rule(
        base, alpha=0.1, fraction=0.2, n_rows=3, k=2, label="fraud team", checks="daily", labels_=[1], quantile=0.5
    )
    detector = DenoisingAutoencoder(contamination=taken, max_iter=5, random_state=0).fit(X)
    assert detector.threshold_info_.source.startswith("training rows")


def test_a_subclass_without_fit_is_refused():
    with pytest.raises(TypeError, match="abstract"):
        type("Empty", (ThresholdRule,), {})()


@pytest.mark.parametrize("name", RULES)
def test_the_rules_of_the_package_are_of_the_base_class(name):
    assert issubclass(RULES[name], ThresholdRule)


def test_labels_reach_a_rule_that_asks_for_them():
    seen = []

    class Seeing(ThresholdRule):
        labels, n_splits = "needed", 2

        def fit(self, scores, y):
            seen.append(np.asarray(y))
            return float(np.median(scores))

    y = np.arange(200) % 2
    DenoisingAutoencoder(contamination=Seeing(), max_iter=5, random_state=0).fit(X, y)
    assert np.array_equal(seen[0], y)
    assert as_threshold(Seeing()).guarantee(X[:, 0]) == "has no known guarantee"
