"""Which file a result may replace."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class FileKind(NamedTuple):
    """A kind of file that this package writes.

    Attributes
    ----------
    name : str
        As in a message: "a model file".
    suffixes : tuple of str
        How the names of such files end, in lower case; the first is the usual one.
    recognizes : callable(path) -> bool
        Tell whether an existing, regular file that is not empty is of this kind.
    """

    name: str
    suffixes: tuple[str, ...]
    recognizes: Callable[[Path], bool]


def check_target(
    path: str | os.PathLike[str], kind: FileKind, *, overwrite: bool = False, remedy: str = "pass overwrite=True"
) -> None:
    """Check that a file may be written, before the work that makes it.

    A new file must have the suffix of its kind, and an existing one must be of that kind, or empty.

    Parameters
    ----------
    path : path-like
    kind : FileKind
        The kind of file that is about to be written.
    overwrite : bool, default=False
        Allow any name, and replace any regular file.
    remedy : str
        What a caller does to get ``overwrite=True``, for the message.

    Raises
    ------
    ValueError
        If the name or the existing file is of another kind, or is not a regular file.
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
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    if not overwrite and target.exists() and target.stat().st_size and not kind.recognizes(target):
        raise ValueError(
            f"{name!r} exists and is not {kind.name}, and writing would replace it; choose another name, or {remedy}"
        )


def read_start(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, none of one that cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError:
        return b""
