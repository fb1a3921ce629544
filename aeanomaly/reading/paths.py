"""Files of a path: a file, a folder, a partitioned table, or a pattern of file names."""

import glob
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from aeanomaly.exceptions import SourceError
from aeanomaly.reading.containers import SUFFIXES

#: Suffixes of the files of a folder that are read.
TABLE_SUFFIXES = (
    *(".csv", ".tsv", ".txt", ".tab", ".dat", ".json", ".jsonl", ".ndjson"),
    *(".parquet", ".pq", ".feather", ".arrow", ".ipc", ".xlsx", ".dta"),
)
#: A folder of a partitioned table, such as year=2024.
_PARTITION = re.compile(r"([^=/\\]+)=([^=/\\]*)")


@dataclass(frozen=True)
class FoundFile:
    """A file, and the values of its partition by column name."""

    path: Path
    partition: dict[str, str] = field(default_factory=dict)


def find_files(path: str | os.PathLike[str]) -> list[FoundFile]:
    """Return the files of a path: a file, the tables in a folder, or the matches of a pattern.

    Raises
    ------
    FileNotFoundError
        If no file is found.
    SourceError
        If a folder holds no table.
    """
    found = Path(path)
    if not found.is_dir():
        if not found.exists() and glob.has_magic(str(path)):
            matches = sorted(match for match in map(Path, glob.glob(str(path), recursive=True)) if match.is_file())  # noqa: PTH207
            if not matches:
                raise FileNotFoundError(2, "No file matches the pattern", str(path))
            return [FoundFile(match) for match in matches]
        return [FoundFile(found)]
    files = sorted(
        file
        for file in found.rglob("*")
        if file.is_file() and _is_table_name(file.name) and _is_visible(file.relative_to(found))
    )
    files = [file for file in files if file.parent == found or _PARTITION.fullmatch(file.relative_to(found).parts[0])]
    if not files:
        raise SourceError(
            f"{path}: the folder contains no table, such as a .csv, .json, .parquet or .xlsx file; pass another "
            "folder, or a file of any name"
        )
    return [FoundFile(file, _partition_of(file.relative_to(found))) for file in files]


def _is_table_name(name: str) -> bool:
    name = name.lower()
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name.endswith(TABLE_SUFFIXES)


def _is_visible(path: Path) -> bool:
    return not any(part.startswith((".", "_")) for part in path.parts)


def _partition_of(path: Path) -> dict[str, str]:
    parts = {unquote(match[1]): unquote(match[2]) for part in path.parts[:-1] if (match := _PARTITION.fullmatch(part))}
    return {name: "" if value == "__HIVE_DEFAULT_PARTITION__" else value for name, value in parts.items()}
