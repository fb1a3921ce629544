"""Torch modules whose every parameter has a leading member axis M: many networks, one call."""

from aeanomaly.nn.activations import ACTIVATIONS, SOFTMAX, PullBack
from aeanomaly.nn.codes import kl_to_standard_normal
from aeanomaly.nn.encoder_module import Standardize, encoder_module
from aeanomaly.nn.examples import Examples, Start
from aeanomaly.nn.linear import StackedLinear
from aeanomaly.nn.mlp import StackedMLP
from aeanomaly.nn.networks import GaussianAutoencoder, PointAutoencoder, build_network
from aeanomaly.nn.products import grad, is_narrowing
from aeanomaly.nn.prototypes import StackedPrototypes, spacing
from aeanomaly.nn.spec import NetworkSpec
from aeanomaly.nn.stacking import join_networks, split_network
from aeanomaly.nn.workspace import memory, workspace

__all__ = [
    "ACTIVATIONS",
    "SOFTMAX",
    "Examples",
    "GaussianAutoencoder",
    "NetworkSpec",
    "PointAutoencoder",
    "PullBack",
    "StackedLinear",
    "StackedMLP",
    "StackedPrototypes",
    "Standardize",
    "Start",
    "build_network",
    "encoder_module",
    "grad",
    "is_narrowing",
    "join_networks",
    "kl_to_standard_normal",
    "memory",
    "spacing",
    "split_network",
    "workspace",
]
