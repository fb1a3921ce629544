"""The default scorer of searches."""

from aeanomaly.model_selection.pseudo import pseudo_anomaly_ratio

#: Among about 200 criteria without labels, this simple one ranks parameter settings most similarly to the true labels
#: (`benchmarks/selection.py`). The correlation is still weak, and weaker between detectors of different kinds.
DEFAULT_SCORING = pseudo_anomaly_ratio
