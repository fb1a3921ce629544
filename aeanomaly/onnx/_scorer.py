"""Torch module from a numeric table to score, decision and label, which is exported as the graph."""

import torch
from torch import nn

from aeanomaly.detectors import BaseDetector
from aeanomaly.fitting import ErrorModule

_CPU = torch.device("cpu")


class DetectorModule(nn.Module):
    """A fitted detector as one module: the encoder, and the scorers of the detector itself.

    Rows with cells that the detector rejects get the score NaN and the label -1.

    Shape: numeric table (B, F), NaN = missing -> score (B,) float32, decision (B,) float32, label (B,) int64.

    Parameters
    ----------
    detector : BaseDetector
    dtype : torch.dtype, default=torch.float32
        Precision of the networks, which is float32 in the detector.
    """

    def __init__(self, detector: BaseDetector, dtype: torch.dtype = torch.float32):
        super().__init__()
        model = detector.state_.model
        self.errors = ErrorModule(model.schema, [scorer.copied(_CPU).to(dtype) for scorer in model.scorers], dtype)
        self.allow_nan = model.allow_nan
        # A tensor, because the exporter converts Python numbers to float32.
        self.offset = torch.tensor(float(detector.offset_), dtype=torch.float64, device=_CPU)

    def forward(self, table: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        score = self.exact(table)
        decision = (score - self.offset).float()
        return score.float(), decision, torch.where(decision >= 0, 1, -1)

    def exact(self, table: torch.Tensor) -> torch.Tensor:
        """Return the score in float64."""
        cells = self.errors.encoder.cells(table)
        refused = cells.isinf() if self.allow_nan else cells.isinf() | cells.isnan()
        return torch.where(refused.double().sum(dim=1) > 0, torch.nan, -self.errors(table))
