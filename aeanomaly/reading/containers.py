"""Bytes of files: compression and archives, and files that are not tables."""

import bz2
import contextlib
import gzip
import importlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from aeanomaly.exceptions import SourceError
from aeanomaly.reading.formats import list_some

#: First bytes of kinds of files.
_MAGIC = {
    "gzip": (b"\x1f\x8b",),
    "bzip2": (b"BZh",),
    "xz": (b"\xfd7zXZ\x00",),
    "zstandard": (b"\x28\xb5\x2f\xfd",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "parquet": (b"PAR1",),
    "feather": (b"ARROW1", b"FEA1"),
    "arrow stream": (b"\xff\xff\xff\xff",),
    "sqlite": (b"SQLite format 3\x00",),
    "stata": (b"<stata_dta>",),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    "a PDF document": (b"%PDF-",),
    "a PNG image": (b"\x89PNG",),
    "a JPEG image": (b"\xff\xd8\xff",),
    "a GIF image": (b"GIF8",),
    "an HDF5 file": (b"\x89HDF",),
    "a NumPy array": (b"\x93NUMPY",),
    "an R data file": (b"RDX", b"RDA"),
    "a program": (b"\x7fELF", b"MZ\x90"),
    "an Avro file": (b"Obj\x01",),
    "an ORC file": (b"ORC",),
}
TABLES = ("parquet", "feather", "arrow stream", "sqlite", "stata", "xlsx")
_COMPRESSED = ("gzip", "bzip2", "xz", "zstandard")
#: Suffixes of compressed files, which are not part of the suffix of the table.
SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip")
_SUPPORTED = (
    "delimited text (also compressed or zipped), JSON, JSON lines, Parquet, Feather, Excel (.xlsx), SQLite and Stata"
)
#: Number of bytes from which the kind of a file is inferred.
_FIRST = 512


def detect_kind(head: bytes, name: str) -> str:
    """Return the kind of a file by its first bytes, "text" by default.

    Raises
    ------
    SourceError
        If the file is not a table.
    """
    kind = next((kind for kind, marks in _MAGIC.items() if head.startswith(marks)), None)
    if kind is None and name.lower().endswith(".dta") and head[:1] in (b"\x71", b"\x72", b"\x73"):
        return "stata"
    if kind == "xls":
        raise SourceError(
            f"{name}: the file is an old Excel or Office file; save it as .xlsx or .csv, and pass the new file"
        )
    if kind is not None and kind not in (*TABLES, *_COMPRESSED, "zip"):
        raise SourceError(f"{name}: the file is {kind}, not a table; the supported formats are {_SUPPORTED}")
    if kind is not None:
        return kind
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<svg")):
        raise SourceError(
            f"{name}: the file is a web page or XML document, not a table; the supported formats are {_SUPPORTED}"
        )
    if not is_text(head):
        raise SourceError(f"{name}: the file is a binary file of unknown kind; the supported formats are {_SUPPORTED}")
    return "text"


def is_text(head: bytes) -> bool:
    """Return True unless the first bytes hold control characters, in UTF-16 or UTF-32 also zero bytes."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_wide(head):
        return True
    control = sum(byte < 9 or (13 < byte < 32 and byte != 27) for byte in head)
    return control == 0 or (b"\x00" not in head and control < 0.01 * len(head))


def _is_wide(head: bytes) -> bool:
    """Return True if every other byte is zero, as in UTF-16 without a byte order mark."""
    pairs = head[: len(head) // 2 * 2]
    even, odd = pairs[::2].count(0), pairs[1::2].count(0)
    return len(pairs) >= 8 and max(even, odd) > 0.4 * len(pairs) and min(even, odd) < 0.1 * len(pairs)


@contextlib.contextmanager
def opened(
    source: Path | IO[bytes], name: str, member: str | None = None
) -> Iterator[tuple[IO[bytes], str, str | None]]:
    """Open a file; yield its uncompressed bytes, its kind, and the name of the file in an archive.

    Raises
    ------
    SourceError
        If the file is not a table, or an archive has several files and `member` names none of them.
    """
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
        head = raw.read(_FIRST)
        raw.seek(0)
        kind = detect_kind(head, name)
        if kind == "zip":
            yield _open_zip(raw, name, member)
        elif kind in _COMPRESSED:
            inner = stack.enter_context(_OPENERS[kind](raw))
            kind = detect_kind(_read_head(inner, name), name)
            if kind in (*_COMPRESSED, "zip"):
                raise SourceError(f"{name}: the file is compressed twice; decompress it once and pass the result")
            yield inner, kind, None
        else:
            yield raw, kind, None


def _read_head(file: IO[bytes], name: str) -> bytes:
    with damage_reported(name):
        head = file.read(_FIRST)
        file.seek(0)
    return head


@contextlib.contextmanager
def damage_reported(name: str) -> Iterator[None]:
    """Convert errors of decompression to a SourceError."""
    try:
        yield
    except Exception as error:
        damages = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
        if not isinstance(error, damages) and type(error).__name__ != "ZstdError":
            raise
        raise SourceError(
            f"{name}: the compressed data is damaged or incomplete ({error}); copy the file again"
        ) from None


def _open_zip(raw: IO[bytes], name: str, member: str | None) -> tuple[IO[bytes], str, str | None]:
    try:
        archive = zipfile.ZipFile(raw)
    except zipfile.BadZipFile as error:
        raise SourceError(f"{name}: the archive is damaged or incomplete ({error}); copy the file again") from None
    names = [item.filename for item in archive.infolist() if not item.is_dir()]
    if "xl/workbook.xml" in names:
        raw.seek(0)
        return raw, "xlsx", None
    names = [item for item in names if not item.startswith("__MACOSX/") and not Path(item).name.startswith(".")]
    if member is None and len(names) == 1:
        member = names[0]
    if member not in names:
        found = list_some(list(map(repr, names))) or "no file"
        raise SourceError(
            f"{name}: the archive contains {found}; choose a file, such as table={names[0]!r}"
            if names
            else f"{name}: the archive contains no file; pass another one"
        )
    if archive.getinfo(member).flag_bits & 1:
        raise SourceError(f"{name}: {member!r} in the archive is encrypted; extract it and pass the result")
    try:
        data = archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise SourceError(f"{name}: {member!r} in the archive cannot be read: {error}; extract it first") from None
    kind = detect_kind(data[:_FIRST], f"{name}, {member}")
    if kind in (*_COMPRESSED, "zip"):
        raise SourceError(f"{name}: {member!r} in the archive is compressed again; extract it and pass the result")
    return io.BytesIO(data), kind, member


def _open_zstandard(raw: IO[bytes]) -> IO[bytes]:
    zstandard = import_extra("zstandard", "files", "Zstandard files need")
    return io.BytesIO(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read())


_OPENERS: dict[str, Callable[[IO[bytes]], Any]] = {
    "gzip": lambda raw: gzip.GzipFile(fileobj=raw),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zstandard": _open_zstandard,
}


def import_extra(module: str, extra: str, wanted: str) -> Any:
    """Import a package of an extra on first use; `wanted` starts the message if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise ImportError(f"{wanted} {package}; install it with: pip install 'aeanomaly[{extra}]'") from None
