"""Model files and atomic writing. A model file holds names and arrays, and no code."""

from aeanomaly.persistence.archive import MODEL, model_file_error, read_manifest, read_model, write_model
from aeanomaly.persistence.atomic import replace_file, write_atomically
from aeanomaly.persistence.targets import FileKind, check_target, read_start
from aeanomaly.persistence.upgrade import upgrade, upgrade_manifest
from aeanomaly.persistence.values import add_prefix, from_json, take_prefix, to_json

__all__ = [
    "MODEL",
    "FileKind",
    "add_prefix",
    "check_target",
    "from_json",
    "model_file_error",
    "read_manifest",
    "read_model",
    "read_start",
    "replace_file",
    "take_prefix",
    "to_json",
    "upgrade",
    "upgrade_manifest",
    "write_atomically",
    "write_model",
]
