"""Recording of torch calls, to replay them without the Python code around them."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

Call = Callable[[], Any]

#: Functions that do not read the elements of a tensor.
_METADATA = {"__get__", "__len__", "_set_grad_enabled", "dim", "is_contiguous", "numel", "size", "stride"}
#: Maximum size of recorded results in bytes; larger ones are better freed after use.
_MOST_BYTES = 1 << 26


class Recorder(TorchFunctionMode):
    """Context manager that records every call of torch.

    A view needs no call, because it shares memory with its base. A call that writes to a tensor is repeated. The
    result of any other call is written to the tensor of the first result.

    Attributes
    ----------
    calls : list of callable
        Calls that recompute all recorded tensors from the current inputs, in this order and without gradients.
        Empty if replay is not possible: if elements were read, gradients were enabled, or the results are too large.

    Examples
    --------
    >>> x = torch.ones(2)
    >>> with torch.no_grad(), Recorder() as recorder:
    ...     y = (x + 1).square()
    >>> _ = x.fill_(2)
    >>> for call in recorder.calls:
    ...     _ = call()
    >>> y
    tensor([9., 9.])
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._recording = True
        self._n_bytes = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if not self._recording or func.__name__ in _METADATA:
            return func(*args, **kwargs)
        given = _tensors([*args, *kwargs.values()])
        versions = [tensor._version for tensor in given]
        result = func(*args, **kwargs)
        written = versions != [tensor._version for tensor in given]
        made = _tensors([result])
        new = {_storage(tensor) for tensor in made} - {_storage(tensor) for tensor in given}
        if not made or torch.is_grad_enabled() or (new and (written or made[0] is not result)):
            self._discard()
        elif written:
            self.calls.append(partial(func, *args, **kwargs))
        elif new:
            self.calls.append(_writing_to(result, func, args, kwargs))
            self._n_bytes += result.nbytes
            if self._n_bytes > _MOST_BYTES:
                self._discard()
        return result

    def redraw(self, make: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Return the output of `make`, which is called again at every replay."""
        recording, self._recording = self._recording, False
        tensor = make().clone()
        self._recording = recording
        if recording:
            self.calls.append(lambda: tensor.copy_(make()))
        return tensor

    def _discard(self) -> None:
        self._recording = False
        self.calls.clear()


def _writing_to(
    result: torch.Tensor, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Call:
    """Return a call that writes its output to `result`."""
    into = partial(getattr(torch, func.__name__, func), *args, **kwargs)
    probe = torch.empty_like(result)
    try:
        has_out = into(out=probe) is probe
    except (TypeError, RuntimeError):
        has_out = False
    return partial(into, out=result) if has_out else lambda: result.copy_(func(*args, **kwargs))


def _tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    """Return the tensors among the values, including those in lists and tuples."""
    flat = chain.from_iterable(value if isinstance(value, (list, tuple)) else [value] for value in values)
    return [value for value in flat if isinstance(value, torch.Tensor)]


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
