"""Networks -> numbers per row and per column, chunk by chunk."""

from aeanomaly.scoring.chunks import over_chunks, padded
from aeanomaly.scoring.deviance import deviance_terms
from aeanomaly.scoring.elbo import elbo_terms, log_weights, matched_draws

__all__ = ["deviance_terms", "elbo_terms", "log_weights", "matched_draws", "over_chunks", "padded"]
