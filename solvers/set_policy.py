"""`set-policy`: one small network for every number of users and every library, taught by the exact method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from mincache import InputError
from mincache.generation.streams import generator
from mincache.learning.draws import TrainingSource
from mincache.learning.learner import PolicyLearner, Pupil
from mincache.learning.slot_sets import SetView
from mincache.problem.instance import RULES


@dataclass(frozen=True)
class SetPolicy(PolicyLearner):
    """A network scores the models of a slot for its cache; the best bandwidth and steps follow from that.

    It knows a slot as a set of models, each with the summed regrets of its users, its size and its steps
    relative to the limits (`mincache.learning.slot_sets`). All models share weights, and see each other
    through means and maxima, so that one file serves every N, M and library (M. Zaheer et al., Deep Sets,
    arXiv:1703.06114, https://doi.org/10.48550/arXiv.1703.06114). It learned by imitation what the exact
    method caches in fresh instances, each with a library, an N and often limits of its own.

    Attributes:
        policy: file of a trained policy, or a folder of them; None for the one that ships with mincache.
        candidates: 1 for the network's own word; each further one prices four more caches a slot (`SetView`).
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
    rules: ClassVar[tuple[str, ...]] = RULES
    float16: ClassVar[bool] = True

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
        super().__post_init__()
        if self.device != "cpu":
            raise InputError("set-policy.device", "must be cpu", self.device)

    @property
    def view(self) -> SetView:
        """How the network sees slots, and how its scores become decisions."""
        return SetView(candidates=self.candidates)

    def pupil(self, course: TrainingSource) -> Imitator:
        """Return a network to be trained on instances of `course`."""
        return Imitator(self, course)


class Imitator(Pupil):
    """The network, its optimiser, and the slots that were solved for it to imitate."""

    def __init__(self, setting: SetPolicy, course: TrainingSource) -> None:
        from torch.optim import Adam  # answering does without torch

        from mincache.learning.imitation import Examples
        from mincache.learning.networks import draw_weights
        from mincache.learning.set_networks import SetActor

        self.setting, self.course, self.view = setting, course, setting.view
        self.network = self.scorer = SetActor(setting.width, setting.blocks)
        draw_weights(self.network, generator(course.seed, "set-policy", "weights"))
        self.optimiser = Adam(self.network.parameters(), setting.rate, fused=True)
        self.parts = {"network": self.network, "optimiser": self.optimiser}
        self.view.sizes(course.problem)  # refuses linked slots
        slots, self.solved = setting.episodes * course.problem.slot_count, 0
        self.examples = Examples(slots, course.problem.model_count)

    def learn(self, done: int) -> float:
        """Solve the next instances, take the steps that follow, and return minus their mean loss.

        A training that goes on from a checkpoint solves the earlier instances again first.
        """
        from mincache.learning.networks import step

        setting, last = self.setting, done + self.setting.environments
        self.examples.add([self.course.instance(i) for i in range(self.solved, last)])
        self.solved = last
        rng = generator(self.course.seed, "set-policy", done)
        cosine = math.cos(math.pi * done / setting.episodes)
        self.optimiser.param_groups[0]["lr"] = 0.5 * setting.rate * (1.0 + cosine)
        total = 0.0
        for _ in range(setting.updates):
            rows = rng.integers(self.examples.count, size=setting.batch)
            loss = self.examples.loss(self.scorer, rows)
            step(self.optimiser, loss)
            total += loss.item()
        return -total / setting.updates
