"""The model file: read, audit, then build. It knows names and arrays, and no class."""

from aeanomaly.persistence.archive import MODEL, read_manifest, read_model, refused, write_model
from aeanomaly.persistence.atomic import replacing, write_atomically
from aeanomaly.persistence.targets import FileKind, check_target, starts_with
from aeanomaly.persistence.values import from_json, to_json

__all__ = [
    "MODEL",
    "FileKind",
    "check_target",
    "from_json",
    "read_manifest",
    "read_model",
    "refused",
    "replacing",
    "starts_with",
    "to_json",
    "write_atomically",
    "write_model",
]
