"""The errors that are this package's own. Everything else is a plain ValueError or TypeError."""


class FitError(ValueError):
    """Training produced no finite weights; the estimator is as it was before the call."""


class ModelFileError(ValueError):
    """A file is not a model that this version can read, or a model that a file cannot hold."""


class SourceError(ValueError):
    """A table that is read in parts is damaged, or its columns change on the way."""


class ExportError(ValueError):
    """A detector that ONNX cannot hold, or whose graph does not score as it does; no file is written."""
