"""The ``.aea`` file: a stored ZIP of ``manifest.json`` and ``weights.safetensors``.

Reading audits before it builds: exactly these two members, neither compressed, checksums that
agree, a format number that is known. Nothing is imported or run because a file says so.

The format number rises when an older version could no longer read a new file, and not otherwise;
every number ever released stays readable.
"""

import hashlib
import io
import json
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from aeanomaly.exceptions import ModelFileError
from aeanomaly.persistence.atomic import write_atomically

FORMAT = 1
_MANIFEST, _WEIGHTS = "manifest.json", "weights.safetensors"
_PARTS = ("sha256", "aeanomaly", "detector", "parameters", "network", "kernel", "fitted")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LARGEST_MANIFEST = 64 << 20
_UNREADABLE = (
    zipfile.BadZipFile,
    safetensors.SafetensorError,
    struct.error,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    EOFError,
    OverflowError,
    RuntimeError,  # an encrypted member, a deep nesting, what zipfile does not implement
    OSError,
)


def write_model(path: str | os.PathLike[str], manifest: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write a model file, atomically; the same content gives the same bytes."""
    weights = safetensors.numpy.save({name: np.asarray(value, order="C") for name, value in arrays.items()})
    header = {"format": FORMAT, "sha256": {_WEIGHTS: hashlib.sha256(weights).hexdigest()}}
    text = json.dumps({**header, **manifest}, indent=1, sort_keys=True, allow_nan=False)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(_MANIFEST, _EPOCH), text)
        archive.writestr(zipfile.ZipInfo(_WEIGHTS, _EPOCH), weights)
    write_atomically(path, buffer.getvalue())


def read_model(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Manifest and arrays of a model file.

    Raises
    ------
    ModelFileError
        If the file is damaged, of a newer format, or no model at all.
    OSError
        If it cannot be read.
    """
    data = Path(path).read_bytes()
    try:
        manifest, weights = _audited(data)
        digest = hashlib.sha256(weights).hexdigest()
        if manifest["sha256"] != {_WEIGHTS: digest}:
            raise ModelFileError("the weights do not agree with their checksum")
        return manifest, safetensors.numpy.load(weights)
    except _UNREADABLE as error:
        raise _refused(path, error) from None


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest alone; errors as in `read_model`."""
    data = Path(path).read_bytes()
    try:
        return _audited(data)[0]
    except _UNREADABLE as error:
        raise _refused(path, error) from None


def _audited(data: bytes) -> tuple[dict[str, Any], bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if sorted(m.filename for m in members) != [_MANIFEST, _WEIGHTS]:
            raise ModelFileError(f"it must hold exactly {_MANIFEST} and {_WEIGHTS}")
        if any(m.compress_type != zipfile.ZIP_STORED or m.file_size != m.compress_size for m in members):
            raise ModelFileError("its members must be stored, not compressed")
        if sum(m.file_size for m in members) > len(data) or archive.getinfo(_MANIFEST).file_size > _LARGEST_MANIFEST:
            raise ModelFileError("its members claim more bytes than there are")
        manifest = json.loads(archive.read(_MANIFEST))
        _check_format(manifest)
        return manifest, archive.read(_WEIGHTS)


def _check_format(manifest: Any) -> None:
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise ModelFileError("its manifest has no format number")
    missing = [name for name in _PARTS if name not in manifest]
    if missing:
        raise ModelFileError(f"its manifest lacks {', '.join(missing)}")
    if not 1 <= manifest["format"] <= FORMAT:
        raise ModelFileError(f"its format is {manifest['format']}, and this version reads up to {FORMAT}; upgrade")


def _refused(path: str | os.PathLike[str], error: BaseException) -> ModelFileError:
    return ModelFileError(f"{os.fspath(path)!r} is not a model file that can be read: {error}")
