"""Exceptions of this package; other errors are built-in ones, such as ValueError and TypeError."""


class FitError(ValueError):
    """Error raised if training produces non-finite weights; the estimator stays unchanged."""


class ModelFileError(ValueError):
    """Error raised if a file is not a readable model, or if a model cannot be saved to a file."""


class SourceError(ValueError):
    """Error raised if a file is not a table, is damaged, or needs a choice, or if columns differ between parts."""


class ExportError(ValueError):
    """Error raised if a detector cannot be exported to ONNX, or if the graph computes other scores.

    No file is written.
    """
