"""Random streams for each member and purpose.

A stream depends only on ``(seed, member, purpose, run_index)``. It does not depend on the number and order of the
other members, nor on the thread. Members trained together are therefore equal to members trained separately.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

#: Number of floats drawn ahead for a member: large enough to hide the cost of a call, small enough for a cache.
_BLOCK_ELEMENTS = 1 << 16
_BLOCK_DRAWS = 32


class MemberKey(NamedTuple):
    """Key of a member: the seed of the detector and the index of the member in its ensemble."""

    seed: int
    member: int = 0


def _sequence(key: MemberKey, purpose: str, run_index: int) -> np.random.SeedSequence:
    return np.random.SeedSequence((key.seed, key.member, zlib.crc32(purpose.encode()), run_index))


def numpy_stream(key: MemberKey, purpose: str, run_index: int = 0) -> np.random.Generator:
    """Return the generator of a member for a purpose; `run_index` distinguishes repeated training runs."""
    return np.random.Generator(np.random.PCG64(_sequence(key, purpose, run_index)))


def torch_stream(key: MemberKey, purpose: str, run_index: int, device: torch.device) -> torch.Generator:
    """Return the generator of a member for a purpose, on the device of the network."""
    seed = int(_sequence(key, purpose, run_index).generate_state(1, np.uint64)[0]) >> 1
    return torch.Generator(device=device).manual_seed(seed)


def draw_seed(random_state: Any) -> int:
    """Return a seed: an int as it is, a number drawn from a RandomState or Generator, fresh entropy for None.

    Raises
    ------
    ValueError
        If `random_state` is anything else.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint32)[0])
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool) and random_state >= 0:
        return int(random_state)
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(np.iinfo(np.int32).max))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(np.iinfo(np.int32).max))
    raise ValueError(
        f"random_state must be None, an integer of at least 0, a RandomState or a Generator; got {random_state!r}"
    )


class NoiseStream:
    """Noise of shape (M, *shape) for all members, each from its own stream.

    Noise is drawn ahead in blocks whose length depends only on the shape, so that the noise of a member does not
    depend on the other members.

    >>> noise = NoiseStream([MemberKey(0, 0), MemberKey(0, 1)], device=torch.device("cpu"))
    >>> pair = noise.normal("corruption", 128, 5)
    >>> alone = NoiseStream([MemberKey(0, 1)], device=torch.device("cpu")).normal("corruption", 128, 5)
    >>> pair.shape, bool((pair[1] == alone[0]).all())
    (torch.Size([2, 128, 5]), True)
    """

    def __init__(self, keys: Sequence[MemberKey], *, device: torch.device, run_index: int = 0):
        #: Members with equal keys share their noise.
        self._keys = tuple(dict.fromkeys(keys))
        # An index on the device: one on the CPU would be copied, and waited for, at every use.
        places = [self._keys.index(key) for key in keys]
        self._key_of_member = torch.tensor(places, dtype=torch.int64, device="cpu").to(device)
        self._device = device
        self._run_index = run_index
        self._generators: dict[str, list[torch.Generator]] = {}
        self._ahead: dict[tuple[str, str, tuple[int, ...]], Iterator[torch.Tensor]] = {}

    def normal(self, purpose: str, *shape: int) -> torch.Tensor:
        """Return standard normal noise, (M, *shape)."""
        return self.draw("normal", purpose, shape)

    def uniform(self, purpose: str, *shape: int) -> torch.Tensor:
        """Return uniform noise on [0, 1), (M, *shape)."""
        return self.draw("uniform", purpose, shape)

    def draw(self, kind: str, purpose: str, shape: tuple[int, ...]) -> torch.Tensor:
        """Return noise of a kind, "normal" or "uniform", (M, *shape)."""
        name = (kind, purpose, shape)
        if name not in self._ahead:
            self._ahead[name] = self._iterate(*name)
        return next(self._ahead[name])

    def _iterate(self, kind: str, purpose: str, shape: tuple[int, ...]) -> Iterator[torch.Tensor]:
        while True:
            for noise in self.draw_block(kind, purpose, shape, _block_length(shape)).unbind():
                yield self.for_members(noise)

    def for_members(self, noise: torch.Tensor) -> torch.Tensor:
        """Expand the noise of each key (K, ...) to each member (M, ...)."""
        if len(self._keys) == len(self._key_of_member):
            return noise
        if len(self._keys) == 1:
            return noise.expand(len(self._key_of_member), *noise.shape[1:])
        return noise.index_select(0, self._key_of_member)

    def draw_block(self, kind: str, purpose: str, shape: tuple[int, ...], draws: int) -> torch.Tensor:
        """Return the next draws of each key, (draws, K, *shape)."""
        if purpose not in self._generators:
            self._generators[purpose] = [torch_stream(k, purpose, self._run_index, self._device) for k in self._keys]
        block = torch.empty((draws, len(self._keys), *shape), dtype=torch.float32, device=self._device)
        for member, generator in enumerate(self._generators[purpose]):
            ahead = torch.empty((draws, *shape), dtype=torch.float32, device=self._device)
            block[:, member] = (
                ahead.normal_(generator=generator) if kind == "normal" else ahead.uniform_(generator=generator)
            )
        return block


def _block_length(shape: tuple[int, ...]) -> int:
    """Return the number of draws that are made ahead on a CPU."""
    return int(np.clip(_BLOCK_ELEMENTS // max(1, int(np.prod(shape))), 1, _BLOCK_DRAWS))
