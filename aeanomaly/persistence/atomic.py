"""Atomic writing of files: a reader sees the old file or the new one."""

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
    """Replace a file by `data` in one step, see `replace_file`."""
    with replace_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def replace_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces the file at `path` in one step when the block ends.

    The data are written to a temporary file in the same folder, flushed to disk, and renamed. Symbolic links are
    followed, and the mode of a new file follows the umask. On any error the old file stays intact and the temporary
    file is removed. The next call removes temporary files of killed processes.

    Raises
    ------
    ValueError
        If the target exists and is not a regular file.
    OSError
        If the file cannot be written.
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
            if fcntl is not None:  # keep the lock, or another writer might remove the file as a leftover
                os.replace(temporary, target)
        if fcntl is None:  # Windows cannot rename an open file
            os.replace(temporary, target)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        if isinstance(error, OSError) and Path(error.filename or "").parent in (Path(), target.parent):
            error.filename, error.filename2 = os.fspath(path), None  # name the target instead of the temporary file
        raise
    _sync(target.parent)


def _create_temporary(target: Path) -> tuple[Path, BinaryIO]:
    """Create a temporary file in the folder of the target, locked while it is open."""
    while True:
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        file = os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb")
        if fcntl is None:
            return temporary, file
        with contextlib.suppress(OSError):  # the file system has no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return temporary, file
        file.close()  # another writer removed it as a leftover before it was locked


def _remove_leftovers(target: Path) -> None:
    """Remove temporary files of killed writers, which are not locked."""
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
    """Flush the entries of a folder to disk, if the file system supports it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
