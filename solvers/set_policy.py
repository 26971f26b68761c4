"""`set-policy`: one small network for every number of users and every library, taught by the exact method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch.optim import Adam

from mincache import InputError, Instance, Run, Scenario, Solution
from mincache.generation.streams import generator
from mincache.learning import policies
from mincache.learning.checkpoint import Checkpoint
from mincache.learning.checks import check_counts, check_sizes, check_units
from mincache.learning.draws import LEAST_USERS, MOST_MODELS, Draws, TrainingSource
from mincache.learning.imitation import Examples
from mincache.learning.learner import PolicyLearner
from mincache.learning.policies import Policy
from mincache.learning.set_acting import VERSIONS, answer, load_once
from mincache.learning.set_networks import SlotNetwork, draw_weights
from mincache.learning.state import Part, arrays_of, restore
from mincache.learning.threads import one_thread
from mincache.learning.training import TrainingWatcher


@dataclass(frozen=True)
class SetPolicy(PolicyLearner):
    """A network scores the models and users of a slot; what the scores say is then packed into the limits.

    It knows a slot as a set of models, each with the summed regrets of its users, its size and its steps
    relative to the limits (`mincache.learning.aggregates`). Weights are shared by all models and all users,
    and models see each other through means and maxima, so that one file serves every N, M and library
    (M. Zaheer et al., Deep Sets, arXiv:1703.06114, https://doi.org/10.48550/arXiv.1703.06114). It was
    trained by imitation: the exact method solved fresh instances, each with a library and an N of its own,
    and the network learned which models are cached, which are served, and how bandwidth is shared there.

    Scores become decisions by the decoder `score-order` (`mincache.learning.decoding`). With one candidate
    that is the network's own word; with more, a small search around it: of several fillings of the storage
    the one is kept that the evaluator prices lowest.

    Attributes:
        policy: file of a trained policy; none for the one that ships with mincache.
        candidates: fillings of the storage that are priced for each slot.
        width: units in each layer.
        blocks: how often models see each other.
        episodes: instances to learn from.
        environments: instances drawn at a time, between rounds of updates.
        updates: steps of Adam after each such draw.
        batch: slots a step, from all those drawn so far.
        rate: learning rate at first; it falls to 0 as half a cosine.
        device: `cpu`; a network this small gains nothing elsewhere.
    """

    title: ClassVar[str] = "set-policy"
    untrained: ClassVar[tuple[str, ...]] = ("policy", "candidates", "device")
    every_problem: ClassVar[bool] = True

    candidates: int = 4
    width: int = 64
    blocks: int = 2
    episodes: int = 1_600
    environments: int = 32
    updates: int = 20
    batch: int = 256
    rate: float = 2e-3
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_counts("set-policy", self, "candidates", "blocks")
        check_units("set-policy", self, "width")
        check_sizes("set-policy", self, "rate")
        if self.device != "cpu":
            raise InputError("set-policy.device", "must be cpu", self.device)

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return what the network's scores stand for.

        Raises:
            InputError: if there is no policy for this instance, or its file is malformed.
        """
        return answer(self.load(self.found(instance), instance), instance, self.candidates)

    def load(self, path: Path, instance: Instance) -> SlotNetwork:
        """Return the network in a policy file, kept ready for the next call."""
        return load_once(path)

    def fit(self, scenario: Scenario, run: Run) -> Path:
        """Train with a seed from `run`, and return the policy's file: `policy`, or one in this folder."""
        seed = int(run.rng.integers(2**31))
        path = self.policy or Path(f"set-policy.s{seed}.safetensors")
        policies.write_policy(path, self.train(Draws(scenario, seed)))
        return path

    @one_thread()
    def train(
        self,
        course: TrainingSource,
        watch: TrainingWatcher | None = None,
        title: str = "",
        checkpoint: Checkpoint | None = None,
    ) -> Policy:
        """Return a policy trained on `course`; the same course and parameters give the same policy.

        Args:
            course: what to learn from; its seed is the seed of the training too.
            watch: hears of each round of `environments` instances, minus its mean loss as the reward.
            title: for people: what the policy is for.
            checkpoint: where to keep the training as it goes, and to go on from; slots are solved again.
        """
        self.check_learnable(course)
        network = SlotNetwork(self.width, self.blocks)
        draw_weights(network, generator(course.seed, "set-policy", "weights"))
        optimiser = Adam(network.parameters(), self.rate, fused=True)
        parts: dict[str, Part] = {"network": network, "optimiser": optimiser}
        kind = course.problem
        examples = Examples(
            self.episodes * kind.slot_count,
            max(MOST_MODELS, kind.model_count),
            min(LEAST_USERS, kind.user_count),
        )
        begun, kept = (0, {}) if checkpoint is None else checkpoint.load()
        restore(parts if kept else {}, kept)
        examples.add([course.instance(i) for i in range(begun)])
        for done in range(begun, self.episodes, self.environments):
            examples.add([course.instance(i) for i in range(done, done + self.environments)])
            loss = self._learn(network, optimiser, examples, done, generator(course.seed, "set-policy", done))
            if watch is not None:
                watch(done + self.environments, -loss, partial(answer, network))
            if checkpoint is not None:
                checkpoint.save(done + self.environments, arrays_of(parts))
        weights = {name: weight.half().numpy() for name, weight in network.state_dict().items()}
        return Policy(self.card(course, title, VERSIONS), weights)

    def _learn(
        self, network: SlotNetwork, optimiser: Adam, examples: Examples, done: int, rng: np.random.Generator
    ) -> float:
        """Take the steps that follow a draw; return their mean loss."""
        optimiser.param_groups[0]["lr"] = 0.5 * self.rate * (1.0 + math.cos(math.pi * done / self.episodes))
        total = 0.0
        for _ in range(self.updates):
            loss = examples.loss(network, torch.from_numpy(rng.integers(examples.count, size=self.batch)))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimiser.step()
            total += loss.item()
        return total / self.updates
