"""`ddpg`: deep deterministic policy gradient, the paper's own method, on one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np

from mincache import InputError
from mincache.errors import one_of
from mincache.generation.streams import generator
from mincache.learning import policies
from mincache.learning.draws import TrainingSource
from mincache.learning.exploring import Explorer
from mincache.learning.learner import PolicyLearner
from mincache.learning.set_exploring import SetExplorer
from mincache.learning.slot_sets import SetView, view_of
from mincache.problem.quantity import Array

if TYPE_CHECKING:  # torch and gymnasium, which answering does without
    from torch import Tensor

    from mincache.learning.checkpoint import Part
    from mincache.learning.replay import Transitions

    Values = Callable[..., Tensor]


class AgentVariant(NamedTuple):
    """Values of four parameters of `ddpg`."""

    observation: str
    action: str
    critic: str
    discount: float


VARIANTS: Mapping[str, AgentVariant] = MappingProxyType({
    "literal": AgentVariant("index", "softmax", "plain", 0.99),
    "one-hot": AgentVariant("one-hot", "softmax", "plain", 0.99),
    "in-order": AgentVariant("one-hot", "serve-in-order", "plain", 0.99),
    "matched": AgentVariant("counts", "serve-in-order", "matched", 0.99),
    "myopic": AgentVariant("counts", "serve-in-order", "matched", 0.0),
    "sets": AgentVariant("aggregates", "score-order", "sets", 0.0),
    "past": AgentVariant("past-counts", "cache-scores", "plain", 0.0),
})  # fmt: skip
"""From the paper's words to the best agent, each with one idea more than the one before it; and `past`."""
_CRITICS = {"index": ["plain"], "past-counts": ["plain"], "aggregates": ["sets"]}  # of some observations


@dataclass(frozen=True)
class Ddpg(PolicyLearner):
    """An actor network answers each slot; it was trained by DDPG on fresh traces of the same problem.

    Source: Liu et al., Section IV, equations (12)-(18); T. Lillicrap et al., Continuous control with deep
    reinforcement learning, arXiv:1509.02971, https://doi.org/10.48550/arXiv.1509.02971. The paper gives
    `discount`, `target_rate` and `episodes`; every other value is our choice. Deviations from the paper:

    1. The state is written with logarithms, and the requests as indicators and counts (`observation`);
       the paper lists the quantities only.
    2. The action's numbers are scores, not decisions: models are cached and hits served in the order of
       their scores, a hit with all the steps that improve it or none (`action`). The paper does not say
       how its network's outputs become binary decisions, and shares within the limits.
    3. The critic also sees for each user the cache score of the model asked for (`critic`).
    4. Rewards are shifted and scaled by the mean and deviation of those met while warming up. No policy
       gains or loses rank by it, and values stay of order one.
    5. Scores before tanh that pass `score_limit` in size cost the actor `score_penalty` times the square of
       what they pass it by, lest they run off to where tanh is flat and their order is lost.
    6. Several `environments` are stepped at once, and `updates` follow each such step, for speed; the
       transitions are as many as the paper's, 500 episodes of 50 slots.
    7. The noise is independent Gaussian and decays over `noise_decay` of the episodes; that of
       arXiv:1509.02971 is an Ornstein-Uhlenbeck process, but here no action changes what comes next.
    8. (15b) needs a slot after the last one: it is the one that the trace would go on with.
    9. With `sets`, each episode has a library, an N and limits of its own (`mincache.learning.draws`). The
       reward is minus the gap to the slot's optimum, so that episodes of all kinds can be compared.

    `variant` names values of the next four parameters (`VARIANTS`); one that is left at None takes its
    variant's value. With `sets`, a state has numbers for each model, and an action two scores for each, for
    the cache; bandwidth and steps are the best there are. One policy may be for every library and N, and it
    keeps all rules (`mincache.learning.slot_sets`). With `past`, a cache is placed before its slot is shown,
    from the requests of the slots before; the best service follows.

    Attributes:
        policy: file of a trained policy, or a folder of them; None to look among those at hand.
        variant: one of `VARIANTS`.
        observation: how a state is written, `aggregates` or among `mincache.views.observations.OBSERVATIONS`.
        action: how raw actions become decisions, `score-order` or among `mincache.views.vector.REPAIRS`.
        critic: `plain`, `matched` as in deviation 3, which needs requests as indicators, or `sets`.
        discount: omega in (15b); the paper's value, 0.99, but for two variants.
        target_rate: epsilon in (17) and (18); the paper's value.
        episodes: H; the paper's value.
        actor_rate: learning rate of (16), by Adam; ours (Fig. 3 compares several without naming one).
        critic_rate: learning rate of (15), by Adam; ours.
        batch: E, the transitions in a mini-batch; ours.
        hidden: units in each of the two hidden layers, four times as many as with `sets`; ours.
        replay: transitions that the replay memory keeps; ours, all of them.
        warmup: transitions with uniform actions before learning begins; ours.
        noise_first: standard deviation of the exploration noise at first; ours.
        noise_last: and at last; ours.
        noise_decay: fraction of the episodes over which it falls linearly; ours.
        score_limit: see deviation 5; ours.
        score_penalty: see deviation 5; ours.
        environments: see deviation 6; ours.
        updates: see deviation 6; ours.
        device: where to train, such as `cpu` or `cuda`.
    """

    title: ClassVar[str] = "ddpg"
    untrained: ClassVar[tuple[str, ...]] = ("policy", "variant", "device")

    variant: Literal["literal", "one-hot", "in-order", "matched", "myopic", "sets", "past"] = "matched"
    observation: Literal["index", "one-hot", "counts", "aggregates", "past-counts"] | None = None
    action: Literal[
        "softmax", "scaled-sigmoid", "serve-in-order", "threshold-priority", "priority-serve", "score-order",
        "cache-scores",
    ] | None = None  # fmt: skip
    critic: Literal["plain", "matched", "sets"] | None = None
    discount: float | None = None
    target_rate: float = 0.005
    episodes: int = 500
    actor_rate: float = 1e-4
    critic_rate: float = 1e-3
    batch: int = 128
    hidden: int = 128
    replay: int = 25_000
    warmup: int = 1_000
    noise_first: float = 1.0
    noise_last: float = 0.1
    noise_decay: float = 0.8
    score_limit: float = 1.0
    score_penalty: float = 0.1
    environments: int = 10
    updates: int = 3
    device: str = "cpu"

    def __post_init__(self) -> None:
        one_of("ddpg.variant", self.variant, VARIANTS)
        for name, value in self.chosen._asdict().items():
            object.__setattr__(self, name, value)  # so that records and cards tell every value
        view_of(self.chosen.observation, self.chosen.action)  # refuses unknown names
        super().__post_init__()
        if self.replay < (least := max(self.warmup, self.environments)):
            raise InputError("ddpg.replay", f"must be >= {least}, warmup and environments", str(self.replay))
        critics = _CRITICS.get(self.chosen.observation, ("plain", "matched"))
        one_of(f"ddpg.critic with observation={self.observation}", self.critic, critics)

    @property
    def chosen(self) -> AgentVariant:
        """The variant's values, those that are given in their place."""
        given = {name: getattr(self, name) for name in AgentVariant._fields}
        return VARIANTS[self.variant]._replace(**{k: v for k, v in given.items() if v is not None})

    @property
    def every_problem(self) -> bool:
        """Whether one policy may be for every library and number of users."""
        return self.critic == "sets"

    def pupil(self, course: TrainingSource) -> Agent:
        """Return an agent to be trained on `course`."""
        return SetAgent(self, course) if self.every_problem else Agent(self, course)


class Agent(Explorer):
    """The four networks of the paper's Fig. 2, their optimisers, and the replay memory.

    Raises:
        InputError: if the actor is too large a policy, or the memory too large for this machine.
    """

    def __init__(self, setting: Ddpg, course: TrainingSource) -> None:
        from torch.optim import Adam

        from mincache.learning.networks import draw_weights
        from mincache.learning.replay import Replay
        from mincache.learning.set_networks import actor_of, critic_of

        self.setting, self.course, self.discount = setting, course, setting.chosen.discount
        self.view = view_of(setting.chosen.observation, setting.chosen.action)
        self.state_size, self.action_size = self.view.sizes(course.problem)
        self.network = self.actor = actor_of(self.view, course.problem, setting.hidden)
        policies.check_size(self.actor.state_dict())
        self.critic = critic_of(self.view, course.problem, setting.hidden, setting.critic == "matched")
        rng = generator(course.seed, "ddpg", "weights")
        for network in (self.actor, self.critic):
            draw_weights(network, rng)
            network.to(setting.device)
        self.target_actor = deepcopy(self.actor).requires_grad_(False)
        self.target_critic = deepcopy(self.critic).requires_grad_(False)
        self.actor_optimiser = Adam(self.actor.parameters(), setting.actor_rate, fused=True)
        self.critic_optimiser = Adam(self.critic.parameters(), setting.critic_rate, fused=True)
        self.replay = Replay(setting.replay, self.state_size, self.action_size, setting.device)
        names = "actor critic replay target_actor target_critic actor_optimiser critic_optimiser"
        self.parts: dict[str, Part] = {name: getattr(self, name) for name in names.split()}

    def explore(self, states: Array, noise: float, rng: np.random.Generator) -> Array:
        """Return the actor's actions with Gaussian noise, or uniform ones while warming up."""
        shape = (len(states), self.action_size)
        if len(self.replay) < self.setting.warmup:
            return rng.uniform(-1.0, 1.0, shape).astype(np.float32)
        drawn = noise * rng.standard_normal(shape)
        return np.clip(self.actor.act(states) + drawn, -1.0, 1.0).astype(np.float32)

    def update(self, batch: Transitions) -> tuple[Tensor, Tensor]:
        """Take a step of (15), (16), (17), (18); return the loss and the mean value from before it."""
        from mincache.learning.networks import soft_update, step

        targets = target_values(self.target_actor, self.target_critic, batch, self.discount)
        loss = critic_loss(self.critic, batch, targets)
        step(self.critic_optimiser, loss)
        self.critic.requires_grad_(False)
        scores = self.actor.scores(batch.state)
        excess = (scores.abs() - self.setting.score_limit).relu()
        penalty = self.setting.score_penalty * excess.square().sum(dim=1).mean()
        value = policy_value(self.critic, batch.state, scores.tanh())
        step(self.actor_optimiser, penalty - value)
        self.critic.requires_grad_(True)
        soft_update(self.target_actor, self.actor, self.setting.target_rate)
        soft_update(self.target_critic, self.critic, self.setting.target_rate)
        return loss.detach(), value.detach()


class SetAgent(SetExplorer, Agent):
    """An agent on sets of models."""

    def __init__(self, setting: Ddpg, course: TrainingSource) -> None:
        super().__init__(setting, course)
        self.view = SetView(candidates=1)  # a reward is for what the agent itself said


def target_values(actor: Values, critic: Values, batch: Transitions, discount: float) -> Tensor:
    """(15b): reward plus the discounted value that the target networks give the next state, [E]."""
    if not discount:
        return batch.reward
    next_value = critic(batch.next_state, actor(batch.next_state))
    return (batch.reward + discount * next_value).detach()


def critic_loss(critic: Values, batch: Transitions, targets: Tensor) -> Tensor:
    """(15): half the mean squared temporal difference."""
    return 0.5 * (targets - critic(batch.state, batch.action)).square().mean()


def policy_value(critic: Values, states: Tensor, proposed: Tensor) -> Tensor:
    """Mean value of the actor's actions, whose gradient in the actor's weights is (16)."""
    return critic(states, proposed).mean()
