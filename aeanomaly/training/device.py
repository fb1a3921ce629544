"""Which device to train and score on, and what fits into it."""

import contextlib
import os
from pathlib import Path

import torch

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_ACCELERATORS = ("cuda", "xpu", "mps")
#: Bytes that training holds for a weight: itself, its gradient and two moments of that, in float32.
_BYTES = 16
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def check_memory(n_weights: int, device: torch.device) -> None:
    """Raise a ValueError for a network that no memory of the device holds, before any of it is taken."""
    there = device_memory(device)
    if there is not None and n_weights * _BYTES > there:
        raise ValueError(
            f"a network of {n_weights:,} weights takes {n_weights * _BYTES / 1e9:,.1f} GB to train, and {device} has "
            f"{there / 1e9:,.1f} GB; set smaller hidden_layer_sizes or latent_dim, fewer estimators, or choose among "
            "the columns"
        )


def device_memory(device: torch.device) -> int | None:
    """Bytes of a device at most, whoever holds them; None where nobody tells."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type != "cpu":
        return None
    bounds = []
    with contextlib.suppress(ValueError, OSError, AttributeError):
        bounds.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with contextlib.suppress(ValueError, OSError):  # "max" is no number
        bounds.append(int(_CGROUP_LIMIT.read_text(encoding="utf-8")))
    if resource is not None:
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        bounds += [limit] if limit != resource.RLIM_INFINITY else []
    return min(bounds, default=None)


def resolve_device(device: str | torch.device) -> torch.device:
    """The device that a ``device=`` parameter means on this machine.

    Parameters
    ----------
    device : str or torch.device
        "auto" takes the accelerator that is there (CUDA, then XPU, then MPS), else the CPU.

    Raises
    ------
    ValueError
        If an explicit device is not one that torch knows, or is not there.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        return torch.device(next((name for name in _ACCELERATORS if _count(name)), "cpu"))
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device={device!r} is not a device that torch knows; use 'auto', 'cpu' or 'cuda'") from None
    if wanted.type == "cpu" or (wanted.index or 0) < _count(wanted.type):
        return wanted
    there = [name for name in _ACCELERATORS if _count(name)] + ["cpu"]
    raise ValueError(f"device={device!r} is not on this machine, which has {', '.join(there)}; use device='auto'")


def _count(name: str) -> int:
    if name == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "xpu":
        return torch.xpu.device_count() if torch.xpu.is_available() else 0
    return int(name == "mps" and torch.backends.mps.is_available())
