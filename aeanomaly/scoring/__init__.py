"""Scorers, which compute the terms of the score from encoded rows, and the loops over the rows of a table."""

from aeanomaly.scoring.chunks import PADDING, map_blocks, map_chunks, mean_of_members, to_numpy, with_padding
from aeanomaly.scoring.covariance import Matrix, with_ridge
from aeanomaly.scoring.elbo import elbo_terms, log_weights, matched_draws
from aeanomaly.scoring.launches import Launches, has_launches
from aeanomaly.scoring.marginal import MarginalScorer
from aeanomaly.scoring.memory import FeatureUnits, MemoryScorer, two_valued_factors, whitening_matrix
from aeanomaly.scoring.missing import complete_columns, complete_total, growth, per_observed
from aeanomaly.scoring.robust import MaskedLinearScorer, NeighborhoodScorer
from aeanomaly.scoring.scorer import (
    SMALLEST_SCALE,
    ClosedFormScorer,
    DevianceScorer,
    ELBOScorer,
    Network,
    NetworkScorer,
    Scorer,
    VariationalScorer,
    column_terms,
    member_terms,
    total_errors,
)
from aeanomaly.scoring.transfer import blocks_on_device, tensor_dtype, to_device

__all__ = [
    "PADDING",
    "SMALLEST_SCALE",
    "ClosedFormScorer",
    "DevianceScorer",
    "ELBOScorer",
    "FeatureUnits",
    "Launches",
    "MarginalScorer",
    "MaskedLinearScorer",
    "Matrix",
    "MemoryScorer",
    "NeighborhoodScorer",
    "Network",
    "NetworkScorer",
    "Scorer",
    "VariationalScorer",
    "blocks_on_device",
    "column_terms",
    "complete_columns",
    "complete_total",
    "elbo_terms",
    "growth",
    "has_launches",
    "log_weights",
    "map_blocks",
    "map_chunks",
    "matched_draws",
    "mean_of_members",
    "member_terms",
    "per_observed",
    "tensor_dtype",
    "to_device",
    "to_numpy",
    "total_errors",
    "two_valued_factors",
    "whitening_matrix",
    "with_padding",
    "with_ridge",
]
