"""The ``.aea`` file: a stored ZIP of ``manifest.json``, ``weights.safetensors`` and the ``SHA256SUMS`` of both.

Reading audits before it builds: exactly these members, none compressed, none larger than what is
there, checksums that agree, JSON that is shallow, a format number that is known. Nothing is
imported or run because a file says so, and no more memory is used than a few times the file's size.

The format number rises when an older version could no longer read a new file, and not otherwise;
every number ever released stays readable.
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

FORMAT = 1
_MANIFEST, _WEIGHTS, _SUMS = "manifest.json", "weights.safetensors", "SHA256SUMS"
_PARTS = ("aeanomaly", "detector", "parameters", "network", "kernel", "fitted")
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: Bytes of a file, of its manifest, and of the directory of its members.
_LARGEST, _LARGEST_MANIFEST, _LONGEST_DIRECTORY = (4 << 30) - (64 << 20), 32 << 20, 1000
#: How deep lists and dicts of the manifest may lie in each other.
_DEEPEST = 32
#: Characters of a reason for an error.
_LONGEST_REASON = 300
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPENING, _CLOSING = np.frombuffer(b"[{", np.uint8), np.frombuffer(b"]}", np.uint8)
#: The end of the archive; what stands before it in a ZIP64 file, 20 bytes of it.
_END, _END64 = struct.Struct("<4s4H2LH"), b"PK\6\7"
#: Bytes of an archive before the name of its first member.
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
    RuntimeError,  # an encrypted member, a deep nesting, what zipfile does not implement
    OSError,
)


def _begins_as_model(path: Path) -> bool:
    """Tell whether a file begins as a model file does; its end may be damaged."""
    head = read_start(path, _LOCAL_HEADER + len(_MANIFEST))
    return head.startswith(b"PK\3\4") and head.endswith(_MANIFEST.encode())


#: The kind of file that `write_model` writes.
MODEL = FileKind("a model file", (".aea",), _begins_as_model)


def write_model(
    path: str | os.PathLike[str], manifest: dict[str, Any], arrays: dict[str, np.ndarray], *, overwrite: bool = False
) -> None:
    """Write a model file, atomically; the same content gives the same bytes.

    Raises
    ------
    ModelFileError
        If it would be larger than what is read.
    ValueError
        If the name does not end in ``.aea``, or another kind of file is there, unless `overwrite`.
    OSError
        If it cannot be written.
    """
    check_target(path, MODEL, overwrite=overwrite)
    weights = safetensors.numpy.save({name: np.asarray(value, order="C") for name, value in arrays.items()})
    text = json.dumps({"format": FORMAT, **manifest}, indent=1, sort_keys=True, allow_nan=False).encode()
    for name, size, most in ((_MANIFEST, len(text), _LARGEST_MANIFEST), (_WEIGHTS, len(weights), _LARGEST)):
        if size > most:
            raise ModelFileError(
                f"the model's {name} takes {size:,} bytes, and a model file holds at most {most:,}; pickle the model, "
                "or make it smaller"
            )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in ((_MANIFEST, text), (_WEIGHTS, weights), (_SUMS, _sums(text, weights))):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    write_atomically(path, buffer.getvalue())


def read_model(
    path: str | os.PathLike[str], expected_sha256: str | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Manifest and arrays of a model file.

    Raises
    ------
    ModelFileError
        If the file is damaged, of a newer format, not the expected one, or no model at all.
    OSError
        If it cannot be read.
    """
    with _open(path) as file:
        data = file.read(_LARGEST + 1)
    try:
        if expected_sha256 is not None and (found := hashlib.sha256(data).hexdigest()) != expected_sha256.lower():
            raise ModelFileError(f"its SHA-256 is {found}, and {expected_sha256} was expected")
        with _open_archive(io.BytesIO(data)) as archive:
            text, weights = archive.read(_MANIFEST), archive.read(_WEIGHTS)
            if archive.read(_SUMS) != _sums(text, weights):
                raise ModelFileError("what it holds does not agree with its checksums")
        return _manifest(text), safetensors.numpy.load(weights)
    except _UNREADABLE as error:
        raise model_file_error(path, error) from None


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest, and nothing else of the file; errors as in `read_model`."""
    with _open(path) as file:
        try:
            with _open_archive(file) as archive:
                text = archive.read(_MANIFEST)
                if not archive.read(_SUMS).startswith(_sum(_MANIFEST, text)):
                    raise ModelFileError("its manifest does not agree with its checksum")
            return _manifest(text)
        except _UNREADABLE as error:
            raise model_file_error(path, error) from None


def _sums(text: bytes, weights: bytes) -> bytes:
    """As ``sha256sum`` writes and checks them."""
    return _sum(_MANIFEST, text) + _sum(_WEIGHTS, weights)


def _sum(name: str, content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


def _open(path: str | os.PathLike[str]) -> BinaryIO:
    """The file, if it is one and not too large; a pipe or a device might never end."""
    status = Path(path).stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise model_file_error(path, "it is no regular file")
    if status.st_size > _LARGEST:
        raise model_file_error(path, f"it has {status.st_size:,} bytes, and a model file at most {_LARGEST:,}")
    return open(path, "rb")


def _open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """The archive, once nothing in its directory is out of the ordinary."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - len(_END64) - _END.size - 16))
    tail = file.read()
    # A directory of any other length is not even read; ZIP64 would hold another length elsewhere.
    signature, _, _, _, members, length, _, comment = _END.unpack(tail[-_END.size :])
    if (signature, members, comment) != (b"PK\5\6", 3, 0) or length > _LONGEST_DIRECTORY or tail.startswith(_END64):
        raise ModelFileError("it does not end as one")
    archive = zipfile.ZipFile(file)
    try:
        infos = archive.infolist()
        if sorted(m.filename for m in infos) != sorted((_MANIFEST, _WEIGHTS, _SUMS)):
            raise ModelFileError(f"it must hold exactly {_MANIFEST}, {_WEIGHTS} and {_SUMS}")
        if any(m.compress_type != zipfile.ZIP_STORED or m.file_size != m.compress_size for m in infos):
            raise ModelFileError("its members must be stored, not compressed")
        if sum(m.file_size for m in infos) > size:
            raise ModelFileError("its members claim more bytes than there are")
        if archive.getinfo(_MANIFEST).file_size > _LARGEST_MANIFEST:
            raise ModelFileError(f"its manifest has more than {_LARGEST_MANIFEST:,} bytes")
    except BaseException:
        archive.close()
        raise
    return archive


def _manifest(text: bytes) -> dict[str, Any]:
    """The manifest's JSON, which is strict: not deep, no name twice, no NaN."""
    bare = np.frombuffer(_STRING.sub(b"", text), dtype=np.uint8)
    depth = np.cumsum(np.isin(bare, _OPENING).astype(np.int32) - np.isin(bare, _CLOSING))
    if depth.max(initial=0) > _DEEPEST:
        raise ModelFileError(f"its manifest is nested deeper than {_DEEPEST} levels")
    manifest = json.loads(text, object_pairs_hook=_reject_duplicates, parse_constant=_reject_constant)
    if not isinstance(manifest, dict) or type(manifest.get("format")) is not int:
        raise ModelFileError("its manifest has no format number")
    if not 1 <= manifest["format"] <= FORMAT:
        raise ModelFileError(f"its format is {manifest['format']}, and this version reads up to {FORMAT}; upgrade")
    if different := set(manifest) ^ {"format", *_PARTS}:
        raise ModelFileError(f"its manifest lacks, or should lack, {', '.join(sorted(different))}")
    return manifest


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ModelFileError("its manifest has a name twice")
    return found


def _reject_constant(name: str) -> Any:
    raise ModelFileError(f"its manifest holds {name}")


def model_file_error(
    path: str | os.PathLike[str], reason: object, what: str = "is not a model file that can be read"
) -> ModelFileError:
    """The error for a file, with a reason that may quote it: no longer than a line or two, and nothing but text."""
    told = str(reason)
    told = told if len(told) <= _LONGEST_REASON else f"{told[:_LONGEST_REASON]} ..."
    return ModelFileError(f"{os.fspath(path)!r} {what}: {''.join(c if c.isprintable() else '?' for c in told)}")
