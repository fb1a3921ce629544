"""Networks -> numbers per row and per column, chunk by chunk."""

from aeanomaly.scoring.chunks import in_blocks, over_chunks, padded
from aeanomaly.scoring.deviance import deviance_terms
from aeanomaly.scoring.elbo import elbo_terms, log_weights, matched_draws

__all__ = ["deviance_terms", "elbo_terms", "in_blocks", "log_weights", "matched_draws", "over_chunks", "padded"]
