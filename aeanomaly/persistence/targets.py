"""Checks of the file that a result is written to."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class FileKind(NamedTuple):
    """Kind of file that this package writes.

    Attributes
    ----------
    name : str
        Name for messages, such as "a model file".
    suffixes : tuple of str
        Endings of file names, in lower case; the first is the default.
    recognizes : callable(path) -> bool
        Function that returns True if an existing regular, nonempty file is of this kind.
    """

    name: str
    suffixes: tuple[str, ...]
    recognizes: Callable[[Path], bool]


def check_target(
    path: str | os.PathLike[str], kind: FileKind, *, overwrite: bool = False, remedy: str = "pass overwrite=True"
) -> None:
    """Check that a file may be written, before its content is computed.

    The name must have a suffix of the kind, and an existing file must be of this kind, or empty.

    Parameters
    ----------
    path : path-like
    kind : FileKind
        Kind of the file to write.
    overwrite : bool, default=False
        Allow any name, and replace any regular file.
    remedy : str
        Advice on how to set `overwrite`, for the error message.

    Raises
    ------
    ValueError
        If the name or the existing file is of another kind, or the existing file is not a regular file.
    FileNotFoundError
        If the folder does not exist.
    """
    target, name = Path(os.path.realpath(path)), os.fspath(path)
    if target.exists() and not target.is_file():
        raise ValueError(f"{name!r} is not a regular file; choose another name")
    if not overwrite and not name.lower().endswith(kind.suffixes):
        *others, last = kind.suffixes
        suffixes = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"{name!r} must end in {suffixes} to be {kind.name}; choose another name, or {remedy}")
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"The folder {Path(name).parent} does not exist", name)
    if not overwrite and target.exists() and target.stat().st_size and not kind.recognizes(target):
        raise ValueError(f"{name!r} exists and is not {kind.name}; choose another name, or {remedy} to replace it")


def read_start(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, or none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError:
        return b""
