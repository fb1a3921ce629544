"""Timing on a device, its rates, and its description."""

import os
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.machine import timed

_CPU_INFO = Path("/proc/cpuinfo")
#: Side of the matrices of a product, large enough to reach the full rate.
_SIDE = {"cpu": 2048, "cuda": 8192}
#: Number of float32 elements of a copy: 256 MB on a GPU.
_ELEMENTS = {"cpu": 1 << 24, "cuda": 1 << 26}
_PRODUCTS, _COPIES = 5, 10


def seconds_on(device: torch.device, call: Callable[[], object]) -> float:
    """Return the duration of a call in seconds, with all of its work on the device."""
    synchronize(device)

    def finished() -> None:
        call()
        synchronize(device)

    return timed(finished)


def synchronize(device: torch.device) -> None:
    """Wait for the work on a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def product_rate(device: torch.device) -> float:
    """Return the floating-point operations per second of float32 matrix products, in torch's current precision."""
    side = _SIDE.get(device.type, _SIDE["cpu"])
    left, right, out = (torch.rand(side, side, device=device) for _ in range(3))
    return 2 * side**3 / _seconds_of_one(device, lambda: torch.mm(left, right, out=out), _PRODUCTS)


def copy_rate(device: torch.device) -> float:
    """Return the bytes per second that a copy within the memory of the device reads and writes."""
    source = torch.zeros(_n_elements(device), device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / _seconds_of_one(device, lambda: target.copy_(source), _COPIES)


def transfer_rate(device: torch.device, *, pinned: bool) -> float:
    """Return the bytes per second of a copy from pinned or pageable memory of the host to a GPU."""
    source = torch.zeros(_n_elements(device), pin_memory=pinned)
    target = torch.empty_like(source, device=device)
    return source.nbytes / _seconds_of_one(device, lambda: target.copy_(source, non_blocking=True), _COPIES)


def _seconds_of_one(device: torch.device, call: Callable[[], object], n_calls: int) -> float:
    call()
    return seconds_on(device, lambda: [call() for _ in range(n_calls)]) / n_calls


def _n_elements(device: torch.device) -> int:
    return _ELEMENTS.get(device.type, _ELEMENTS["cpu"])


def describe(device: torch.device) -> str:
    """Return the name of a GPU with its memory, driver and CUDA version, or the name of the processor."""
    if device.type != "cuda":
        return f"{_processor()}, {os.cpu_count()} cores"
    card = torch.cuda.get_device_properties(device)
    return f"{card.name}, {card.total_memory / 2**30:.0f} GiB, driver {_driver()}, CUDA {torch.version.cuda}"


def _processor() -> str:
    lines = _CPU_INFO.read_text(encoding="utf-8").splitlines() if _CPU_INFO.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _driver() -> str:
    """Return the version of the NVIDIA driver; all cards of a machine have the same."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return next(iter(done.stdout.split()), "unknown")
