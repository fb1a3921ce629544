"""Fitted detectors, moved to another device, and counts of what a call does there."""

import copy
from dataclasses import replace

from aeanomaly import DenoisingAutoencoder
from tests.accelerators.simulated import DEVICE
from tests.bits import numbers

N_ROWS = 1500


def fit_denoiser():
    """Fit a denoiser to plain numbers on the CPU."""
    return DenoisingAutoencoder(max_iter=10, contamination=0.1, device="cpu", random_state=0).fit(plain(200))


def plain(n_rows):
    """Return rows of numbers, (n_rows, 5)."""
    return numbers(n_rows).to_numpy().copy()


def moved(detector, device=DEVICE):
    """Return a copy of a fitted detector with the same weights on another device."""
    copied, state = copy.copy(detector), detector.state_
    copied.state_ = replace(state, model=state.model.copied(device=device), compared=state.reference)
    return copied


def counted(simulation, call, *arguments):
    """Return the result of a call, the number of copies to the host, and the number of waits."""
    simulation.transfers.clear()
    before = simulation.synchronizations
    found = call(*arguments)
    return found, simulation.transfers["to host"], simulation.synchronizations - before
