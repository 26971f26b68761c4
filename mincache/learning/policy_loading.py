"""From a policy file to a network: nothing is laid out in memory before names and shapes are right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from mincache.errors import InputError, in_file
from mincache.learning.policies import Policy, read_policy

Network = TypeVar("Network", bound=nn.Module)


def load_network(path: Path, build: Callable[[Policy], Network]) -> Network:
    """Return the network that `build` makes for the policy in a file, with the file's weights.

    Raises:
        DocumentError: if it is no policy, `build` refuses it, or its weights have other names or shapes.
    """
    policy = read_policy(path)
    with in_file(path):
        with torch.device("meta"):  # shapes alone, whatever size the file asks for
            network = build(policy)
        policy.check_shapes({name: tuple(weight.shape) for name, weight in network.state_dict().items()})
    weights = {name: torch.from_numpy(weight).float() for name, weight in policy.weights.items()}
    network.load_state_dict(weights, assign=True)
    return network


def check_versions(policy: Policy, versions: tuple[str, str]) -> None:
    """Check that a policy was trained for these versions of what networks see and say.

    Raises:
        InputError: if it was trained for others.
    """
    if policy.card.versions != versions:
        rule, received = f"must be for {' and '.join(versions)}", " and ".join(policy.card.versions)
        raise InputError("versions", rule, received, "train it again")


def units(policy: Policy, *biases: str) -> int:
    """Return how many units a layer seems to have: as many as the first of these biases that is there."""
    found = next((policy.weights[name] for name in biases if name in policy.weights), None)
    return 1 if found is None else max(1, found.size)
