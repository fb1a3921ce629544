"""Three made-up tables with known anomalies, each to load or to draw anew, and the tables of ADBench."""

from aeanomaly.datasets.adbench import load_adbench
from aeanomaly.datasets.answers import load_answers, make_answers
from aeanomaly.datasets.factory import load_factory, make_factory
from aeanomaly.datasets.payments import load_payments, make_payments

__all__ = [
    "load_adbench",
    "load_answers",
    "load_factory",
    "load_payments",
    "make_answers",
    "make_factory",
    "make_payments",
]
