"""Errors of devices that run out of memory."""

import torch

#: Parts of messages of CUDA and its libraries, whose errors have no type of their own. Where little memory is left, the
#: creation of a library's handle fails, with other names.
_MESSAGES = ("out of memory", "ALLOC_FAILED", "cublasCreate", "cusolverDnCreate")


def is_out_of_memory(error: Exception) -> bool:
    """Return True if a device had too little memory.

    >>> is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"))
    True
    """
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error) for message in _MESSAGES)
