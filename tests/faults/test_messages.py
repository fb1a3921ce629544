"""Messages and warnings name the code of the caller, and point to its line."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import aeanomaly
from aeanomaly.detectors import REGISTRY

MIXED = pd.DataFrame({"a": np.arange(40.0), "s": list("abcdefgh") * 5})


def lines_of_warnings(call):
    """Return the places to which warnings point, as (file, line)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert caught
    return {(warning.filename, warning.lineno) for warning in caught}


def here():
    frame = inspect.currentframe().f_back
    return __file__, frame.f_lineno


class TestWarningsPointAtTheCaller:
    def test_of_a_diverged_fit(self, either_detector):
        detector = either_detector(learning_rate=1e9, max_iter=200, activation="relu", early_stopping=True)
        X = np.random.default_rng(0).normal(size=(60, 3))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                place = here()[1] + 1
                detector.fit(X)
            except ValueError:
                pytest.skip("nothing was learned before it diverged")
        found = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
        assert [(w.filename, w.lineno) for w in found] == [(__file__, place)] * len(found)

    @pytest.mark.parametrize("in_pipeline", [False, True])
    def test_of_a_fit_in_a_pipeline(self, in_pipeline):
        detector = aeanomaly.UndercompleteAutoencoder(
            learning_rate=100, max_iter=300, activation="relu", random_state=0, hidden_layer_sizes=(8,)
        )
        detector = make_pipeline(StandardScaler(), detector) if in_pipeline else detector
        X = np.random.default_rng(0).normal(size=(60, 3))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            line = here()[1] + 1
            detector.fit(X)
        assert [(w.filename, w.lineno) for w in caught] == [(__file__, line)]

    def test_of_categories_and_large_integers(self, detector):
        numbers = np.arange(150)
        many = pd.DataFrame({"s": [f"v{i}" for i in range(150)], "n": 2**60 - numbers**2, "i": numbers})
        line = here()[1] + 1
        assert lines_of_warnings(lambda: detector().fit(many)) == {(__file__, line)}

    def test_of_rows_that_were_trained_on(self, detector):
        X = np.random.default_rng(0).normal(size=(60, 3))
        fitted = detector().fit(X)
        line = here()[1] + 1
        assert lines_of_warnings(lambda: fitted.set_threshold(aeanomaly.thresholds.Conformal(0.1), X)) == {
            (__file__, line)
        }


class TestWrongArguments:
    @pytest.mark.parametrize("word", sorted(REGISTRY))
    def test_the_class_of_the_caller_is_named(self, word):
        cls = REGISTRY[word]
        for method in ("fit", "partial_fit", "fit_batches", "score_samples", "set_threshold"):
            for call in (lambda m: m(), lambda m: m(MIXED, sample_weight=1)):
                with pytest.raises(TypeError, match=rf"^{cls.__name__}\.{method}\(\)"):
                    call(getattr(cls(), method))

    def test_methods_keep_signature_and_docstring(self):
        base = aeanomaly.detectors.BaseDetector
        for name in ("fit", "score_samples", "fit_batches", "set_threshold"):
            own = getattr(aeanomaly.DenoisingAutoencoder, name)
            assert inspect.signature(own) == inspect.signature(getattr(base, name))
            assert own.__doc__ == getattr(base, name).__doc__

    def test_a_code_that_is_too_wide_is_measured_against_the_encoded_row(self):
        with pytest.raises(
            ValueError, match=r"latent_dim=50 must be below 10, the width of an encoded row \(X has 2 columns"
        ):
            aeanomaly.UndercompleteAutoencoder(latent_dim=50).fit(MIXED)
