"""`droo`: a network proposes caches, the exact method prices them, and the network learns the best one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mincache.exact import serve_batch
from mincache.generation.streams import generator
from mincache.learning.cache_view import CacheView
from mincache.learning.draws import TrainingSource
from mincache.learning.learner import PolicyLearner, Pupil
from mincache.learning.slot_sets import cheapest
from mincache.problem.evaluation import evaluate_batch
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions

if TYPE_CHECKING:  # torch, which answering does without
    from torch import Tensor


@dataclass(frozen=True)
class Droo(PolicyLearner):
    """A quantised actor with an exact inner solver, as in deep reinforcement learning for online offloading.

    Source: L. Huang, S. Bi, Y. Zhang, Deep reinforcement learning for online computation offloading in
    wireless powered mobile-edge computing networks, arXiv:1808.01977. A network gives each model a number in
    (0, 1). Order-preserving quantisation makes `candidates` binary caches of them. An exact inner solver
    prices each: here, the exact bandwidth and denoising steps of a slot with that cache. The cheapest is
    played, and kept in a memory that the network is trained on by cross-entropy. There is no critic. Values
    are those of the authors' code, but for these deviations:

    1. The network scores models to cache, not users to offload; it sees requests, gains and sizes.
    2. A candidate that the storage does not hold is filled in order of the scores. The source has no such
       limit. Models that nobody asks for are never cached.
    3. `candidates` stays the same; the source shrinks it while learning.
    4. Both hidden layers have `hidden` units; in the source, they have 120 and 80.
    5. The optimiser keeps its moments from step to step, and its first beta is 0.9. The code of the source
       makes a new one each time, with 0.09.
    6. All slots of an episode are answered before the `updates` that follow it; steps are as many.
    7. The learning rate is 0.001; with the source's 0.01, it ends further from the optimum here.
    8. While learning, as many candidates again come from noisy scores, as in the sequel arXiv:2010.01370.
       Without them, the network confirms itself and learns next to nothing here.

    Attributes:
        policy: file of a trained policy, or a folder of them; None to look among those at hand.
        candidates: K, the caches that are priced a slot.
        episodes: traces to learn from.
        environments: episodes in a round.
        updates: steps of Adam after each episode.
        batch: slots a step.
        memory: slots that are remembered.
        rate: learning rate.
        decay: weight decay.
        noise: standard deviation of the noise of deviation 8.
        hidden: units in each of the two hidden layers.
        device: where to train.
    """

    title: ClassVar[str] = "droo"

    candidates: int = 10
    episodes: int = 500
    environments: int = 10
    updates: int = 5
    batch: int = 128
    memory: int = 1024
    rate: float = 1e-3
    decay: float = 1e-4
    noise: float = 3.0
    hidden: int = 120
    device: str = "cpu"

    @property
    def view(self) -> CacheView:
        """How the network sees slots, and how its scores become decisions."""
        return CacheView(candidates=self.candidates)

    def pupil(self, course: TrainingSource) -> Quantised:
        """Return a network to be trained on `course`."""
        return Quantised(self, course)


class Quantised(Pupil):
    """The network, its optimiser, and the memory of the best caches found."""

    view: CacheView

    def __init__(self, setting: Droo, course: TrainingSource) -> None:
        from torch.optim import Adam

        from mincache.learning.networks import Actor, draw_weights
        from mincache.learning.replay import Replay

        self.setting, self.course, self.view = setting, course, setting.view
        sizes = self.view.sizes(course.problem)
        self.network = self.actor = Actor(*sizes, setting.hidden)
        draw_weights(self.network, generator(course.seed, "droo", "weights"))
        self.network.to(setting.device)
        self.optimiser = Adam(self.network.parameters(), setting.rate, weight_decay=setting.decay, fused=True)
        self.replay = Replay(setting.memory, *sizes, setting.device)
        self.parts = {"network": self.network, "optimiser": self.optimiser, "replay": self.replay}

    def learn(self, done: int) -> float:
        """Answer the next episodes, learning from the best caches found; return the mean reward."""
        from mincache.learning.networks import step

        setting, costs = self.setting, []
        rng = generator(self.course.seed, "droo", "round", done)
        for episode in range(done, done + setting.environments):
            instance = self.course.instance(episode)
            states = self.view.apply(instance)
            best = self.best(instance, self.actor.act(states), rng)
            costs.append(float(evaluate_batch(instance, best).cost))
            self.replay.add(states, best.cache, np.zeros(len(states)), states)
            for _ in range(setting.updates):
                batch = self.replay.sample(setting.batch, rng)
                loss = self.loss(batch.state, batch.action)
                step(self.optimiser, loss)
        self.metrics = {"loss": loss.item()}
        return -float(np.mean(costs))

    def best(self, instance: Instance, raw: Array, rng: np.random.Generator) -> Decisions:
        """Return the cheapest decisions for the raw actions [T, M], or for these with noise."""
        drawn = self.setting.noise * rng.standard_normal(raw.shape)
        noisy = np.tanh(np.arctanh(raw.clip(-0.999, 0.999)) + drawn)
        caches = np.concatenate([self.view.caches(instance, one) for one in (raw, noisy)])
        return cheapest(instance, serve_batch(instance, caches))

    def loss(self, states: Tensor, caches: Tensor) -> Tensor:
        """Return the mean cross-entropy of the network's numbers in (0, 1) and the best caches."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        # The number that a model is given is (1 + tanh(score)) / 2, the sigmoid of twice its score.
        return binary_cross_entropy_with_logits(2.0 * self.actor.scores(states), caches)
