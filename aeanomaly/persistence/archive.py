"""The ``.aea`` file: a stored ZIP of ``manifest.json``, ``weights.safetensors`` and the ``SHA256SUMS`` of both.

A file is validated before anything is built from it: it must have exactly these members, uncompressed and of the
stated sizes, matching checksums, JSON of limited depth, and a known format number. Reading imports and runs no code
that the file names, and uses at most a few times the file's size in memory.

The format number increases only when older versions cannot read new files. All released formats stay readable.
"""

import errno
import hashlib
import io
import json
import os
import re
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors
import safetensors.numpy

from aeanomaly.exceptions import ModelFileError
from aeanomaly.persistence.atomic import write_atomically
from aeanomaly.persistence.targets import FileKind, check_target, read_start

FORMAT = 2
#: Number of bytes by which a file of another kind is recognized.
_HEAD = 512
_MANIFEST, _WEIGHTS, _SUMS = "manifest.json", "weights.safetensors", "SHA256SUMS"
_PARTS = {"format", "aeanomaly", "detector", "parameters", "scorers", "fitted"}
#: Keys that differ in manifests of format 1.
_PARTS_OF_FORMAT_1 = {"network", "kernel"} ^ {"scorers"}
#: Keys that a manifest may have: a part on windows, read by `aeanomaly.windows`.
_OPTIONAL_PARTS = {"windows"}
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: Maximum sizes in bytes of a file, of its manifest, and of its central directory.
_LARGEST, _LARGEST_MANIFEST, _LONGEST_DIRECTORY = (4 << 30) - (64 << 20), 32 << 20, 1000
#: Maximum nesting depth of lists and dicts in the manifest.
_DEEPEST = 32
#: Maximum number of characters of a reason in an error message.
_LONGEST_REASON = 300
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPENING, _CLOSING = np.frombuffer(b"[{", np.uint8), np.frombuffer(b"]}", np.uint8)
#: The end record of a ZIP file, and the signature of the 20 bytes before it in a ZIP64 file.
_END, _END64 = struct.Struct("<4s4H2LH"), b"PK\6\7"
#: Number of bytes before the name of the first member.
_LOCAL_HEADER = 30
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
    RuntimeError,  # an encrypted member, deep nesting, or a feature that zipfile does not support
    OSError,
)


def _begins_as_model(path: Path) -> bool:
    """Return True if a file starts like a model file; its end may be damaged."""
    head = read_start(path, _LOCAL_HEADER + len(_MANIFEST))
    return head.startswith(b"PK\3\4") and head.endswith(_MANIFEST.encode())


#: The kind of file that `write_model` writes.
MODEL = FileKind("a model file", (".aea",), _begins_as_model)


def write_model(
    path: str | os.PathLike[str], manifest: dict[str, Any], arrays: dict[str, np.ndarray], *, overwrite: bool = False
) -> None:
    """Write a model file atomically; equal content gives equal bytes.

    Raises
    ------
    ModelFileError
        If the file would be larger than `read_model` accepts.
    ValueError
        If the name does not end in ``.aea`` or the file exists and is not a model file, unless `overwrite`.
    OSError
        If the file cannot be written.
    """
    check_target(path, MODEL, overwrite=overwrite)
    weights = safetensors.numpy.save({name: np.asarray(value, order="C") for name, value in arrays.items()})
    text = json.dumps({"format": FORMAT, **manifest}, indent=1, sort_keys=True, allow_nan=False).encode()
    for name, size, most in ((_MANIFEST, len(text), _LARGEST_MANIFEST), (_WEIGHTS, len(weights), _LARGEST)):
        if size > most:
            raise ModelFileError(
                f"the model's {name} takes {size:,} bytes, but a model file holds at most {most:,}; pickle the model "
                "or reduce its size"
            )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in ((_MANIFEST, text), (_WEIGHTS, weights), (_SUMS, _sums(text, weights))):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    write_atomically(path, buffer.getvalue())


def read_model(
    path: str | os.PathLike[str], expected_sha256: str | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the manifest and the arrays of a model file.

    Raises
    ------
    ModelFileError
        If the file is damaged, has a newer format or another checksum, or is not a model file.
    OSError
        If the file cannot be read.
    """
    with _open(path) as file:
        data = file.read(_LARGEST + 1)
    try:
        if expected_sha256 is not None and (found := hashlib.sha256(data).hexdigest()) != expected_sha256.lower():
            raise ModelFileError(f"its SHA-256 is {found}, but {expected_sha256} was expected")
        with _open_archive(io.BytesIO(data)) as archive:
            text, weights = archive.read(_MANIFEST), archive.read(_WEIGHTS)
            if archive.read(_SUMS) != _sums(text, weights):
                raise ModelFileError("its content does not match its checksums")
        return _manifest(text), safetensors.numpy.load(weights)
    except _UNREADABLE as error:
        raise model_file_error(path, error) from None


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the manifest of a model file without reading its arrays; errors as in `read_model`."""
    with _open(path) as file:
        try:
            with _open_archive(file) as archive:
                text = archive.read(_MANIFEST)
                if not archive.read(_SUMS).startswith(_sum(_MANIFEST, text)):
                    raise ModelFileError("its manifest does not match its checksum")
            return _manifest(text)
        except _UNREADABLE as error:
            raise model_file_error(path, error) from None


def _sums(text: bytes, weights: bytes) -> bytes:
    """Return the checksums in the format of ``sha256sum``."""
    return _sum(_MANIFEST, text) + _sum(_WEIGHTS, weights)


def _sum(name: str, content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


def _open(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file of acceptable size; a pipe or a device might never end."""
    status = Path(path).stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise model_file_error(path, "it is not a regular file")
    if status.st_size > _LARGEST:
        raise model_file_error(path, f"it has {status.st_size:,} bytes, but a model file has at most {_LARGEST:,}")
    return open(path, "rb")


def _open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open the archive after validating its directory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - len(_END64) - _END.size - 16))
    tail = file.read()
    # A longer directory is not read, and ZIP64, which stores another length elsewhere, is rejected.
    signature, _, _, _, members, length, _, comment = _END.unpack(tail[-_END.size :])
    if (signature, members, comment) != (b"PK\5\6", 3, 0) or length > _LONGEST_DIRECTORY or tail.startswith(_END64):
        file.seek(0)
        raise ModelFileError(_other_kind(file.read(_HEAD)) or "its last bytes are not those of a model file")
    archive = zipfile.ZipFile(file)
    try:
        infos = archive.infolist()
        if sorted(m.filename for m in infos) != sorted((_MANIFEST, _WEIGHTS, _SUMS)):
            raise ModelFileError(f"it must hold exactly {_MANIFEST}, {_WEIGHTS} and {_SUMS}")
        if any(m.compress_type != zipfile.ZIP_STORED or m.file_size != m.compress_size for m in infos):
            raise ModelFileError("its members must be stored, not compressed")
        if sum(m.file_size for m in infos) > size:
            raise ModelFileError("its members claim more bytes than the file has")
        if archive.getinfo(_MANIFEST).file_size > _LARGEST_MANIFEST:
            raise ModelFileError(f"its manifest has more than {_LARGEST_MANIFEST:,} bytes")
    except BaseException:
        archive.close()
        raise
    return archive


def _other_kind(head: bytes) -> str | None:
    """Describe a file by its first bytes, with the remedy; None for an unknown kind. The file is not loaded."""
    if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return (
            "it seems to be a pickle, such as joblib.dump writes; load it with joblib.load if you trust it, and write "
            "a model file with detector.save"
        )
    if head and not any(byte < ord("\t") for byte in head) and not head.startswith(b"PK"):
        return "it seems to be a text file, such as a table; pass a model that detector.save or aeanomaly fit wrote"
    return None


def _manifest(text: bytes) -> dict[str, Any]:
    """Parse the manifest as strict JSON: limited depth, no duplicate names, no NaN."""
    bare = np.frombuffer(_STRING.sub(b"", text), dtype=np.uint8)
    depth = np.cumsum(np.isin(bare, _OPENING).astype(np.int32) - np.isin(bare, _CLOSING))
    if depth.max(initial=0) > _DEEPEST:
        raise ModelFileError(f"its manifest is nested deeper than {_DEEPEST} levels")
    manifest = json.loads(text, object_pairs_hook=_reject_duplicates, parse_constant=_reject_constant)
    if not isinstance(manifest, dict) or type(manifest.get("format")) is not int:
        raise ModelFileError("its manifest has no format number")
    if not 1 <= manifest["format"] <= FORMAT:
        raise ModelFileError(
            f"its format is {manifest['format']}, but this version reads formats up to {FORMAT}; upgrade aeanomaly"
        )
    parts = _PARTS ^ _PARTS_OF_FORMAT_1 if manifest["format"] == 1 else _PARTS
    if different := (set(manifest) ^ parts) - _OPTIONAL_PARTS:
        raise ModelFileError(f"its manifest has missing or unknown keys: {', '.join(sorted(different))}")
    return manifest


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ModelFileError("its manifest has a duplicate name")
    return found


def _reject_constant(name: str) -> Any:
    raise ModelFileError(f"its manifest contains {name}")


def model_file_error(
    path: str | os.PathLike[str], reason: object, what: str = "is not a readable model file"
) -> ModelFileError:
    """Return the error for a file, with the reason truncated and restricted to printable characters."""
    text = str(reason)
    text = text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]} ..."
    return ModelFileError(f"{os.fspath(path)!r} {what}: {''.join(c if c.isprintable() else '?' for c in text)}")
