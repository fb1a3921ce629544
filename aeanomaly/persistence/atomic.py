"""Writing a file so that a reader sees the old one or the new one, never a part."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace a file by `data` in one step; as `replacing`."""
    with replacing(path) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write to, which replaces the one at `path` in one step when the block ends.

    The data go to a temporary file beside it, are flushed to the disk, and take its name. Symbolic
    links are followed; the mode of a new file comes from the umask. On any error the old file is
    intact and the temporary one is gone.

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
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename, error.filename2 = os.fspath(path), None  # the name that the caller knows
        raise
