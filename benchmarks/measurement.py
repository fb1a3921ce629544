"""Quantities to measure on a device, and the device under test with its sizes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

import aeanomaly
from benchmarks.card import seconds_on

#: Function that measures once and returns a value in the unit of the measurement.
Sample = Callable[[], float]
#: Names of the rates of the hardware from which limits follow.
PRODUCT, COPY, PINNED = "matrix product, float32", "copy on the device", "transfer, pinned"


class Measurement(NamedTuple):
    """Quantity to measure on a device.

    Attributes
    ----------
    name : str
        Name, which is the same on all devices.
    unit : str
        Unit of the values; those of a rate end with "/s".
    prepare : callable
        Function that generates data, fits detectors, and returns the function that measures once.
    bound : callable
        Function from the medians of other measurements to the best possible value, or NaN.
    note : str
        Remark on the method.
    longest : float
        Estimate of the longest duration in seconds, with preparation.
    peer : str
        Name of a measurement of a peer, with which the report compares.
    """

    name: str
    unit: str
    prepare: Callable[[], Sample]
    bound: Callable[[Mapping[str, float]], float] = lambda known: math.nan
    note: str = ""
    longest: float = 10.0
    peer: str = ""


@dataclass(frozen=True)
class Bench:
    """Device under test, and sizes.

    Attributes
    ----------
    device : torch.device
        Device on which the measurements run.
    main : torch.device
        First device of the benchmark; the other one is for comparison.
    scale : float
        Factor of all sizes.
    n_threads : int
        Number of threads and worker processes of the CPU.
    n_parquet : int or None
        Number of rows of the Parquet file; None scales the default.
    folder : Path
        Folder for temporary files.
    """

    device: torch.device
    main: torch.device
    scale: float
    n_threads: int
    n_parquet: int | None
    folder: Path

    @property
    def is_cpu(self) -> bool:
        return self.device.type == "cpu"

    def of(self, n: int, least: int = 100) -> int:
        """Return a scaled size."""
        return max(least, round(n * self.scale))

    def seconds(self, call: Callable[[], object]) -> float:
        """Return the duration of a call with its work on the device."""
        return seconds_on(self.device, call)

    def detector(self, name: str, **settings: Any) -> Any:
        """Build a detector on the device."""
        return getattr(aeanomaly, name)(device=str(self.device), random_state=0, **settings)


def seconds_at_best(known: Mapping[str, float], n_operations: float, n_bytes: float = 0) -> float:
    """Return the longer of the times of the matrix products and of the transfer, which can overlap."""
    times = [n_operations / known[PRODUCT] / 1e12] if n_operations else []
    times += [n_bytes / known[PINNED] / 1e9] if n_bytes and PINNED in known else []
    return max(times, default=math.nan)
