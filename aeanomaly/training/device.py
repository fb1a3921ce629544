"""Which device to train and score on."""

import torch

_ACCELERATORS = ("cuda", "xpu", "mps")


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
