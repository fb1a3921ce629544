"""Writing a file so that a reader sees the old one or the new one, never a part."""

import contextlib
import glob
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace a file by `data` in one step; as `replace_file`."""
    with replace_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def replace_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write to, which replaces the one at `path` in one step when the block ends.

    The data go to a temporary file beside it, are flushed to the disk, and take its name. Symbolic
    links are followed; the mode of a new file comes from the umask. On any error the old file is
    intact and the temporary one is gone. One that a killed process left goes with the next writing.

    Raises
    ------
    ValueError
        If the target is there and is not a regular file.
    OSError
        If it cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        raise ValueError(f"{os.fspath(path)!r} is not a regular file; choose another name")
    temporary = None
    try:
        _remove_leftovers(target)
        temporary, file = _create_temporary(target)
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:  # under its lock, or another writer might take it for a leftover
                os.replace(temporary, target)
        if fcntl is None:  # Windows moves no open file
            os.replace(temporary, target)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        if isinstance(error, OSError) and Path(error.filename or "").parent in (Path(), target.parent):
            error.filename, error.filename2 = os.fspath(path), None  # the name that the caller knows
        raise
    _sync(target.parent)


def _create_temporary(target: Path) -> tuple[Path, BinaryIO]:
    """A temporary file beside the target, locked for as long as it is open."""
    while True:
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        file = os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb")
        if fcntl is None:
            return temporary, file
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return temporary, file
        file.close()  # another writer took it for a leftover, in the moment before the lock


def _remove_leftovers(target: Path) -> None:
    """Remove temporary files whose writers are dead: nobody holds their locks."""
    if fcntl is None:
        return
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.{'[0-9a-f]' * 8}.tmp"):
        with contextlib.suppress(OSError):
            descriptor = os.open(leftover, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink()
            finally:
                os.close(descriptor)


def _sync(folder: Path) -> None:
    """Bring a new name in a folder to the disk, where the file system can; the file itself is there."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
