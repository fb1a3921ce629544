"""Concatenation of stacks of networks, and its inverse."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from aeanomaly.nn.networks import build_network
from aeanomaly.nn.spec import NetworkSpec


def join_networks(specs: Sequence[NetworkSpec], networks: Sequence[Any]) -> Any:
    """Copy networks that differ only in their members into one stack of all members."""
    sizes = tuple(size for spec in specs for size in spec.used_code)
    masked = any(size != specs[0].latent_dim for size in sizes)
    spec = replace(specs[0], n_members=len(sizes), code_sizes=sizes if masked else None)
    joined = build_network(spec).to(next(networks[0].parameters()).device)
    parts = [network.state_dict() for network in networks]
    joined.load_state_dict({name: torch.cat([part[name] for part in parts]) for name in parts[0]})
    return joined


def split_network(joined: Any, networks: Sequence[Any]) -> None:
    """Copy the weights of a joined network back to its parts, the inverse of `join_networks`."""
    parts = [network.state_dict() for network in networks]
    with torch.no_grad():
        for name, everything in joined.state_dict().items():
            for part, weights in zip(parts, everything.split([len(part[name]) for part in parts]), strict=True):
                part[name].copy_(weights)
