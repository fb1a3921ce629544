"""Selection of detectors: scorers with and without labels, and searches that fit all candidates together."""

from aeanomaly.model_selection.comparison import consensus, stability
from aeanomaly.model_selection.labeled import average_precision, precision_at_n, roc_auc
from aeanomaly.model_selection.likelihood import elbo, log_likelihood
from aeanomaly.model_selection.pseudo import DEFAULT_SCORING, pseudo_anomaly_auc, pseudo_anomaly_ratio
from aeanomaly.model_selection.recommendation import Recommendation, recommend
from aeanomaly.model_selection.search import StackedGridSearchCV, StackedRandomizedSearchCV
from aeanomaly.model_selection.volume import excess_mass

__all__ = [
    "DEFAULT_SCORING",
    "Recommendation",
    "StackedGridSearchCV",
    "StackedRandomizedSearchCV",
    "average_precision",
    "consensus",
    "elbo",
    "excess_mass",
    "log_likelihood",
    "precision_at_n",
    "pseudo_anomaly_auc",
    "pseudo_anomaly_ratio",
    "recommend",
    "roc_auc",
    "stability",
]
