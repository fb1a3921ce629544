"""Clones for the default threshold, which an accelerator trains together with the detector."""

import numpy as np
import pytest

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder
from aeanomaly.fitting import folds, stacked
from tests.accelerators.simulated import simulated_device

WITH_CLONES = True
X = np.random.default_rng(0).normal(size=(300, 5))


@pytest.fixture
def stacks(monkeypatch):
    """Return the numbers of jobs in each stack that is trained."""
    sizes, train = [], stacked._train_stack
    monkeypatch.setattr(stacked, "_train_stack", lambda jobs, on_step: sizes.append(len(jobs)) or train(jobs, on_step))
    return sizes


@pytest.mark.parametrize("make", [DenoisingAutoencoder, AutoencoderEnsemble])
def test_the_threshold_is_that_of_clones_trained_apart(make, stacks, monkeypatch):
    detector = make(random_state=0, max_iter=30, device="meta")
    with simulated_device():
        together = detector.fit(X).offset_
        assert set(stacks) == {6}  # with five clones
        monkeypatch.setattr(folds, "train_together", lambda jobs: [job.train() for job in jobs])
        apart = detector.fit(X).offset_
    assert together == pytest.approx(apart, rel=1e-6)


def test_clones_that_train_for_fewer_steps_are_a_stack_of_their_own(stacks):
    with simulated_device():
        detector = DenoisingAutoencoder(random_state=0, device="meta").fit(X)
    assert stacks == [1, 5]
    assert detector.threshold_info_.source == "rows scored out of 5 folds"


def test_a_fit_that_is_watched_is_trained_alone(monkeypatch, capsys):
    monkeypatch.setattr(folds, "train_together", None)
    with simulated_device():
        DenoisingAutoencoder(random_state=0, max_iter=30, device="meta", verbose=1).fit(X)
    assert "30/30" in capsys.readouterr().err
