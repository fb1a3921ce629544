"""Torch modules for stacks of M networks: every parameter has a leading member axis."""

from aeanomaly.nn.activations import ACTIVATIONS, RBF, PullBack
from aeanomaly.nn.buffers import buffer, empty, workspace
from aeanomaly.nn.codes import kl_to_standard_normal
from aeanomaly.nn.encoder_module import Standardize, encoder_module
from aeanomaly.nn.linear import StackedLinear
from aeanomaly.nn.mlp import StackedMLP
from aeanomaly.nn.networks import GaussianAutoencoder, PointAutoencoder, build_network, copy_network
from aeanomaly.nn.precision import has_float64, in_float64
from aeanomaly.nn.products import affine_map, grad, is_narrowing, row_sums
from aeanomaly.nn.prototype_init import InitData, PrototypeInit
from aeanomaly.nn.prototypes import StackedPrototypes, neighbor_distance
from aeanomaly.nn.selection import take
from aeanomaly.nn.spec import NetworkSpec
from aeanomaly.nn.stacking import join_networks, split_network

__all__ = [
    "ACTIVATIONS",
    "RBF",
    "GaussianAutoencoder",
    "InitData",
    "NetworkSpec",
    "PointAutoencoder",
    "PrototypeInit",
    "PullBack",
    "StackedLinear",
    "StackedMLP",
    "StackedPrototypes",
    "Standardize",
    "affine_map",
    "buffer",
    "build_network",
    "copy_network",
    "empty",
    "encoder_module",
    "grad",
    "has_float64",
    "in_float64",
    "is_narrowing",
    "join_networks",
    "kl_to_standard_normal",
    "neighbor_distance",
    "row_sums",
    "split_network",
    "take",
    "workspace",
]
