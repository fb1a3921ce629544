"""What torch is asked to do, to be done again without the Python in between."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

Call = Callable[[], Any]

#: What may be asked of a tensor without looking at its numbers.
_METADATA = {"__get__", "__len__", "_set_grad_enabled", "dim", "is_contiguous", "numel", "size", "stride"}
#: Bytes of results beyond which it is better to free each when it has served.
_MOST_BYTES = 1 << 26


class Recorder(TorchFunctionMode):
    """Notes every call of torch that is made within.

    A view is a view of the same memory for ever, and needs no call. What writes over a tensor does so again. The
    result of any other call is written over that of the first time.

    Attributes
    ----------
    calls : list of callable
        When they are called in this order, without gradients, all tensors of the recorded calls hold what the same
        work would make of the numbers that there are now. Empty where they would not: where something looked at the
        numbers, or gradients were on, or the results took much memory.

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
        """What `make` gives, which is called anew each time, whatever it does."""
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
    """The call that writes what it makes over `result`."""
    into = partial(getattr(torch, func.__name__, func), *args, **kwargs)
    elsewhere = torch.empty_like(result)
    try:
        can_be_told = into(out=elsewhere) is elsewhere
    except (TypeError, RuntimeError):
        can_be_told = False
    return partial(into, out=result) if can_be_told else lambda: result.copy_(func(*args, **kwargs))


def _tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    """The tensors among values, and in lists and tuples among these."""
    flat = chain.from_iterable(value if isinstance(value, (list, tuple)) else [value] for value in values)
    return [value for value in flat if isinstance(value, torch.Tensor)]


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
