"""Tables that lie on an accelerator, and scores in the array library of a table."""

import sys
from typing import Any

import numpy as np
import torch
from sklearn import get_config
from sklearn.utils.validation import validate_data

from aeanomaly.fitting import FittedModel
from aeanomaly.nn import has_float64
from aeanomaly.preprocessing import are_numeric

#: Devices of the DLPack protocol whose memory torch can share: CUDA, ROCm and CUDA managed memory.
_SHARED_DEVICES = (2, 10, 13)
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_SMALL_INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32)
#: Largest integer up to which float64 holds every integer.
_LARGEST_INTEGER = 1 << 53


def rows_on_device(estimator: Any, model: FittedModel, X: Any) -> torch.Tensor | None:
    """Return valid rows that lie on an accelerator as a tensor on the device of a model, without a copy on the host.

    None for any other table, for a model that does not accept such rows, and for invalid rows: `FittedModel.validate`
    then raises the error.
    """
    if model.launches is None or not (are_numeric(model.columns) and model.encoder.is_scored.all()):
        return None
    rows = _tensor_of(X)
    if rows is None or rows.dim() != 2 or 0 in rows.shape or rows.layout is not torch.strided:
        return None
    validate_data(estimator, rows, reset=False, skip_check_array=True)  # only the number of columns
    return rows.to(model.device) if _is_valid(rows, allow_nan=model.allow_nan) else None


def _tensor_of(X: Any) -> torch.Tensor | None:
    """Return an array on an accelerator as a tensor that shares its memory; None for any other object."""
    if isinstance(X, torch.Tensor):
        return None if X.device.type == "cpu" else X.detach()
    if _device_of_array(X) is None:
        return None
    try:
        return torch.from_dlpack(X)
    except (BufferError, RuntimeError, TypeError):  # such as a dtype that torch or the protocol does not have
        return None


def _device_of_array(X: Any) -> torch.device | None:
    """Return the device of an array of another library, such as CuPy; None unless torch can share its memory."""
    if isinstance(X, np.ndarray) or not callable(getattr(X, "__dlpack_device__", None)):
        return None
    kind, index = X.__dlpack_device__()
    return torch.device("cuda", index) if int(kind) in _SHARED_DEVICES else None


def _is_valid(rows: torch.Tensor, *, allow_nan: bool) -> bool:
    """Return True if rows hold accepted real numbers, with one wait for the device unless a sum overflows."""
    if rows.dtype in _SMALL_INTEGERS:
        return True
    if rows.dtype is torch.int64:
        return bool(((rows >= -_LARGEST_INTEGER) & (rows <= _LARGEST_INTEGER)).all())
    if rows.dtype not in _FLOATS:
        return False
    # A finite sum has finite terms, so that one pass suffices.
    if bool(rows.sum(dtype=torch.float64).isfinite()):
        return True
    return not bool((rows.isinf() if allow_nan else ~rows.isfinite()).any())


def like_table(results: np.ndarray | torch.Tensor, X: Any) -> Any:
    """Return results in float64 as an array of NumPy, or with scikit-learn's ``array_api_dispatch`` as one of X's kind.

    Tensors of torch, on any device, and arrays of CuPy then have results of their library on their device.
    """
    if get_config()["array_api_dispatch"]:
        if isinstance(X, torch.Tensor):
            dtype = torch.float64 if has_float64(X.device) else torch.float32
            return torch.as_tensor(results).to(dtype=dtype, device=X.device)
        share = getattr(sys.modules.get(type(X).__module__.partition(".")[0]), "from_dlpack", None)
        if share is not None and (device := _device_of_array(X)) is not None:
            return share(torch.as_tensor(results).to(device))
    return to_numpy(results)


def to_numpy(results: Any) -> np.ndarray:
    """Return results of `like_table` as an array of NumPy."""
    if isinstance(results, torch.Tensor):
        return results.cpu().numpy()
    found: np.ndarray = results.get() if hasattr(results, "__cuda_array_interface__") else results  # CuPy
    return found
