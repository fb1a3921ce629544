"""Float64 on accelerators, some of which lack it."""

import torch


def has_float64(device: torch.device) -> bool:
    """Return True if a device computes in float64."""
    if device.type == "xpu":
        return bool(torch.xpu.get_device_properties(device).has_fp64)
    return device.type != "mps"


def in_float64(values: torch.Tensor) -> torch.Tensor:
    """Return values in float64, on the CPU if their device lacks float64."""
    return (values if has_float64(values.device) else values.cpu()).double()
