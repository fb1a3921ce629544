"""Choice of the device, and a check of its memory."""

import contextlib
import os
from pathlib import Path

import torch

from aeanomaly.threads import check_fork

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_ACCELERATORS = ("cuda", "xpu", "mps")
#: Bytes per weight in training: the weight, its gradient and two moments, in float32.
_BYTES = 16
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def check_memory(n_weights: int, device: torch.device) -> None:
    """Raise a ValueError if training a network needs more memory than the device has."""
    available = device_memory(device)
    if available is not None and n_weights * _BYTES > available:
        raise ValueError(
            f"training a network of {n_weights:,} weights takes {n_weights * _BYTES / 1e9:,.1f} GB, but {device} has "
            f"{available / 1e9:,.1f} GB; reduce hidden_layer_sizes, latent_dim, n_estimators or the number of columns"
        )


def device_memory(device: torch.device) -> int | None:
    """Return the total memory of a device in bytes, or None if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type != "cpu":
        return None
    bounds = []
    with contextlib.suppress(ValueError, OSError, AttributeError):
        bounds.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with contextlib.suppress(ValueError, OSError):  # "max" is not a number
        bounds.append(int(_CGROUP_LIMIT.read_text(encoding="utf-8")))
    if resource is not None:
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        bounds += [limit] if limit != resource.RLIM_INFINITY else []
    return min(bounds, default=None)


def resolve_device(device: str | torch.device) -> torch.device:
    """Return the device that a ``device=`` parameter selects on this machine.

    Parameters
    ----------
    device : str or torch.device
        "auto" selects an available accelerator (CUDA, then XPU, then MPS), else the CPU. "cuda" is the current GPU.

    Raises
    ------
    ValueError
        If an explicit device is unknown to torch, or not available.
    RuntimeError
        If this process was forked from one that uses the device.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        return _with_index(torch.device(next((name for name in _ACCELERATORS if _count(name)), "cpu")))
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device={device!r} is unknown to torch; use 'auto', 'cpu' or 'cuda'") from None
    if wanted.type == "cpu" or (wanted.index or 0) < _count(wanted.type):
        return _with_index(wanted)
    available = [name for name in _ACCELERATORS if _count(name)] + ["cpu"]
    raise ValueError(f"device={device!r} is not available here; use device='auto' or one of {', '.join(available)}")


def _with_index(device: torch.device) -> torch.device:
    """Return the device with the index of the current GPU if it has none, so that all threads use the same one."""
    check_fork(device)
    return torch.device("cuda", torch.cuda.current_device()) if str(device) == "cuda" else device


def _count(name: str) -> int:
    if name == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "xpu":
        return torch.xpu.device_count() if torch.xpu.is_available() else 0
    return int(name == "mps" and torch.backends.mps.is_available())
