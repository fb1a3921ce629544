"""Detectors fitted together in stacks are the same to the bit as detectors fitted alone."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from aeanomaly import (
    AutoencoderEnsemble,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    FitError,
    SparseAutoencoder,
    UndercompleteAutoencoder,
    VariationalAutoencoder,
)
from aeanomaly.detectors import fit_detectors

ROWS = np.random.default_rng(0).normal(size=(240, 6))
ROWS[:, 2] = ROWS[:, 2] > 0
#: Tables of different lengths, and so of different means and deviations.
TABLES = [ROWS[40:], ROWS[:190]]

GRIDS = {
    "learning rates": [DenoisingAutoencoder(learning_rate=r, weight_decay=d) for r in (1e-3, 4e-3) for d in (0, 1e-2)],
    "noise": [DenoisingAutoencoder(corruption_level=level) for level in ("auto", 0.1, 0.5)],
    "masking": [DenoisingAutoencoder(corruption="masking", corruption_level=level) for level in (0.1, 0.4)],
    "salt and pepper": [
        DenoisingAutoencoder(corruption="salt_and_pepper", corruption_level=level) for level in (0.1, 0.4)
    ],
    "codes": [DenoisingAutoencoder(latent_dim=width, activation="silu") for width in (3, 4, 16)],
    "bottlenecks": [
        UndercompleteAutoencoder(latent_dim=width, learning_rate=r) for width in (2, 4) for r in (1e-3, 1e-2)
    ],
    "sparsity": [
        SparseAutoencoder(sparsity=kind, sparsity_weight=w, sparsity_target=t)
        for kind in ("l1", "kl")
        for w in (0.0, 0.3)
        for t in (0.05, 0.2)
    ],
    "contraction": [ContractiveAutoencoder(contraction_weight=w) for w in (0.0, 1.0)],
    "beta": [VariationalAutoencoder(beta=b, noise_variance=v) for b in (0.5, 2.0) for v in ("column", 0.1)],
    "seeds": [DenoisingAutoencoder(random_state=seed) for seed in (0, 1, 2)],
    "encodings": [
        DenoisingAutoencoder(likelihood=kind, standardize=s) for kind in ("auto", "gaussian") for s in (False, True)
    ],
    "ensembles": [AutoencoderEnsemble(learning_rate=r, n_estimators=n) for r in (1e-3, 2e-3) for n in (2, 3)],
    "early stopping": [
        DenoisingAutoencoder(early_stopping=True, n_iter_no_change=1, tol=t, learning_rate=r, max_iter=60)
        for t in (1e-4, 10.0)
        for r in (1e-3, 1e-2)
    ],
}


def small(detector):
    settings = {"latent_dim": 8 if detector.latent_dim == "auto" else detector.latent_dim}
    settings["max_iter"] = 25 if detector.max_iter == "auto" else detector.max_iter
    settings["random_state"] = detector.random_state or 0
    return detector.set_params(**settings, hidden_layer_sizes=(16,))


def state(detector):
    _, (arrays, *kernel) = detector.state_.model.to_state()
    arrays |= {f"kernel.{name}": values for part in kernel for name, values in part.items()}
    curves = {name: getattr(detector, name) for name in ("loss_curve_", "validation_loss_curve_", "training_scores_")}
    return {**arrays, **curves, "offset_": np.array(detector.offset_), "n_iter_": np.array(detector.n_iter_)}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("grid", GRIDS)
def test_to_the_bit(grid):
    pairs = [(small(detector), table) for table in TABLES for detector in GRIDS[grid]]
    together = dict(fit_detectors(pairs))
    assert sorted(together) == list(range(len(pairs)))
    for number, (detector, table) in enumerate(pairs):
        expected, found = state(detector.fit(table)), state(together[number])
        assert expected.keys() == found.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=f"{number}: {name}")
        np.testing.assert_array_equal(together[number].score_samples(ROWS), detector.score_samples(ROWS))


def test_the_given_detectors_stay_unfitted():
    detector = DenoisingAutoencoder(max_iter=5, latent_dim=8)
    dict(fit_detectors([(detector, ROWS)] * 3))
    assert not detector.__sklearn_is_fitted__()


def test_a_failed_fit_gives_its_exception_and_the_others_their_fits():
    incomplete = ROWS.copy()
    incomplete[3, 1] = np.nan
    detector = DenoisingAutoencoder(max_iter=5, latent_dim=8, random_state=0)
    wrong = DenoisingAutoencoder(learning_rate=-1.0)
    answers = dict(fit_detectors([(detector, ROWS), (detector, incomplete), (wrong, ROWS), (detector, ROWS)]))
    assert "NaN" in str(answers[1])
    assert "learning_rate" in str(answers[2])
    np.testing.assert_array_equal(answers[0].training_scores_, answers[3].training_scores_)


def test_a_diverging_detector_leaves_the_others_alone():
    settings = {"max_iter": 40, "latent_dim": 8, "activation": "silu", "random_state": 0}
    rates = (1e-3, 1e30, 2e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        answers = dict(fit_detectors([(DenoisingAutoencoder(**settings, learning_rate=r), ROWS) for r in rates]))
    assert isinstance(answers[1], FitError) or answers[1].n_iter_ <= 40
    for number in (0, 2):
        alone = DenoisingAutoencoder(**settings, learning_rate=rates[number]).fit(ROWS)
        np.testing.assert_array_equal(answers[number].score_samples(ROWS), alone.score_samples(ROWS))


def test_tables_are_read_as_they_are_needed():
    read = []

    def fits():
        for number in range(40):
            read.append(number)
            yield DenoisingAutoencoder(max_iter=2, latent_dim=512, batch_size=512, random_state=0), ROWS

    first, _ = next(iter(fit_detectors(fits())))
    assert first in read
    assert len(read) < 40
