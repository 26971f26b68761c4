"""From a policy file to a solution, for networks on sets."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch

from mincache.learning.aggregates import AGGREGATES, Aggregates
from mincache.learning.decoding import DECODER, Scores, decide
from mincache.learning.policies import Policy
from mincache.learning.policy_loading import check_versions, load_network, units
from mincache.learning.set_networks import SlotNetwork
from mincache.learning.threads import one_thread
from mincache.problem.instance import Instance
from mincache.problem.solution import Solution

VERSIONS = (AGGREGATES, DECODER)
"""What a policy's card must name: how slots are seen, and how scores are read."""


def load(path: Path) -> SlotNetwork:
    """Return the network in a policy file.

    Raises:
        DocumentError: if it is no policy, its weights have other names or shapes than such a network's, or
            it was trained for another version of what networks see or say.
    """
    return load_network(path, _network_of)


def load_once(path: Path) -> SlotNetwork:
    """Return what `load` does, kept for the next call while the file stays the same."""
    status = path.stat()
    return _kept(path, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=4)
def _kept(path: Path, stamp: tuple[int, int]) -> SlotNetwork:
    return load(path)


def _network_of(policy: Policy) -> SlotNetwork:
    """Return a network of the size that the weights seem to be of."""
    check_versions(policy, VERSIONS)
    blocks = {name.split(".")[2] for name in policy.weights if name.startswith("models.blocks.")}
    return SlotNetwork(units(policy, "models.embed.0.bias"), len(blocks))


@one_thread()
@torch.no_grad()
def answer(network: SlotNetwork, instance: Instance, candidates: int = 1) -> Solution:
    """Return the network's solution of an instance; see `decide` for the candidates."""
    seen = Aggregates.of(instance)
    said = network(*map(torch.from_numpy, (seen.features, seen.requested, seen.users)))
    scores = Scores(*(score.double().numpy() for score in said))
    return Solution.of(instance, decide(instance, scores, candidates))
