"""The scorer of those who name none."""

from aeanomaly.model_selection.pseudo import pseudo_anomaly_ratio

#: Of some 200 criteria without labels that were measured, the one of the plain ones whose ranking of settings comes
#: nearest to the true one (`benchmarks/selection.py`); still it is a weak guide, and weaker between unlike detectors.
DEFAULT_SCORING = pseudo_anomaly_ratio
