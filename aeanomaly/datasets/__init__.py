"""Synthetic tables and series with known anomalies, to load or to generate, and the tables of ADBench."""

from aeanomaly.datasets.adbench import load_adbench
from aeanomaly.datasets.factory import load_factory, make_factory
from aeanomaly.datasets.payments import load_payments, make_payments
from aeanomaly.datasets.questionnaire import load_questionnaire, make_questionnaire
from aeanomaly.datasets.sensors import make_sensors

__all__ = [
    "load_adbench",
    "load_factory",
    "load_payments",
    "load_questionnaire",
    "make_factory",
    "make_payments",
    "make_questionnaire",
    "make_sensors",
]
