"""`ddpg`: deep deterministic policy gradient, the paper's own method, on one page."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

from mincache import InputError, Instance, Run, Scenario, Solution
from mincache.generation.streams import generator
from mincache.learning import policies
from mincache.learning.acting import AnyActor, act, answer, load_once
from mincache.learning.checkpoint import Checkpoint
from mincache.learning.checks import check_counts, check_fractions, check_sizes, check_units
from mincache.learning.draws import Draws, TrainingSource
from mincache.learning.kinds import actor_of, critic_of, draw, environment, sizes, view_of
from mincache.learning.learner import PolicyLearner
from mincache.learning.policies import Policy
from mincache.learning.replay import Replay, Transitions
from mincache.learning.state import Part, arrays_of, restore
from mincache.learning.threads import one_thread
from mincache.learning.training import TrainingWatcher
from mincache.learning.variants import DefaultNumber, DefaultText, fill
from mincache.problem.quantity import Array
from mincache.views.environment import AgentView, EdgeCachingVectorEnv
from mincache.views.episodes import Episodes


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
    8. (15b) needs a slot after the last one: it is the episode's first one again.

    `variant` names values of the next four fields, steps from the paper's words to the best agent; a field
    that is given overrides its variant's (`mincache.learning.variants`). With `sets`, states, actions and
    networks are other ones, and one policy may be for every library and N (`mincache.learning.set_agents`).

    Attributes:
        policy: file of a trained policy; none to look among those that ship with mincache.
        variant: one of `mincache.learning.variants.VARIANTS`.
        observation: how a state is written, `aggregates` or among `mincache.views.observations.OBSERVATIONS`.
        action: how raw actions become decisions, `score-order` or among `mincache.views.actions.ACTIONS`.
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

    # Text and Number give way to the variant's values; what a reader sees here is that of `matched`.
    variant: Literal["literal", "one-hot", "in-order", "matched", "myopic", "sets"] = "matched"
    observation: Literal["index", "one-hot", "counts", "aggregates"] = cast(Any, DefaultText("counts"))
    action: Literal[
        "softmax", "scaled-sigmoid", "serve-in-order", "threshold-priority", "priority-serve", "score-order"
    ] = cast(Any, DefaultText("serve-in-order"))
    critic: Literal["plain", "matched", "sets"] = cast(Any, DefaultText("matched"))
    discount: float = DefaultNumber(0.99)
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
        fill(self)
        view_of(self.observation, self.action)  # refuses unknown names
        check_counts("ddpg", self, "replay", "warmup")
        check_units("ddpg", self, "hidden")
        check_fractions("ddpg", self, "discount", "target_rate", "noise_decay")
        check_sizes("ddpg", self, "actor_rate", "critic_rate", "noise_first", "noise_last")
        check_sizes("ddpg", self, "score_limit", "score_penalty")
        least = max(self.warmup, self.environments)
        if self.replay < least:
            raise InputError("ddpg.replay", f"must be >= {least}, warmup and environments", str(self.replay))
        if self.critic == "matched" and self.observation == "index":
            raise InputError("ddpg.critic", "must be plain with observation=index", "'matched'")
        if (self.critic == "sets") != (self.observation == "aggregates"):
            rule = f"must {'be' if self.observation == 'aggregates' else 'not be'} sets with this observation"
            raise InputError("ddpg.critic", rule, self.critic)

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return what the trained actor says, slot by slot.

        Raises:
            InputError: if there is no policy for this instance, or its file is malformed.
        """
        return answer(*self.load(self.found(instance), instance), instance, run)

    def load(self, path: Path, instance: Instance) -> tuple[AnyActor, AgentView]:
        """Return the actor and the view in a policy file, kept ready for the next call."""
        return load_once(path, instance)

    def fit(self, scenario: Scenario, run: Run) -> Path:
        """Train for a library drawn with a seed from `run`, and return the policy's file.

        The file is `policy`, or one in the current folder.
        """
        seed = int(run.rng.integers(2**31))
        path = self.policy or Path(f"ddpg.n{scenario.users}.s{seed}.safetensors")
        policies.write_policy(path, self.train(Episodes(scenario, scenario.library(seed), seed)))
        return path

    @property
    def every_problem(self) -> bool:
        """Whether one policy may be for every library and number of users."""
        return self.critic == "sets"

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
            course: what to train on; its seed is the seed of the training too. Of draws, each round of
                episodes has a library and a number of users of its own.
            watch: hears of each round of `environments` episodes.
            title: for people: what the policy is for.
            checkpoint: where to keep the training as it goes, and to go on from.
        """
        self.check_learnable(course)
        if isinstance(course, Draws):
            if not self.every_problem:
                raise InputError("course", "must be episodes of one library", "draws", "or use variant=sets")
            course = replace(course, varied=False)  # the memory holds slots of one number of models
        agent = Agent(self, course.problem, generator(course.seed, "ddpg", "weights"))
        begun, kept = (0, {}) if checkpoint is None else checkpoint.load()
        restore(agent.parts if kept else {}, kept)
        for done in range(begun, self.episodes, self.environments):
            rng = generator(course.seed, "ddpg", "round", done)
            episodes = course.episodes(done) if isinstance(course, Draws) else course
            env = environment(agent.view, episodes, self.environments)
            reward = agent.play(env, done, self._noise(done), rng)
            if watch is not None:
                watch(done + self.environments, reward, partial(answer, agent.actor, agent.view))
            if checkpoint is not None:
                checkpoint.save(done + self.environments, arrays_of(agent.parts))
        weights = {name: w.cpu().numpy() for name, w in agent.actor.state_dict().items()}
        return Policy(self.card(course, title, agent.view.versions), weights)

    def _noise(self, done: int) -> float:
        """Return the noise's standard deviation after `done` episodes."""
        progress = min(1.0, done / max(1.0, self.noise_decay * self.episodes))
        return self.noise_first + (self.noise_last - self.noise_first) * progress


class Agent:
    """The four networks of the paper's Fig. 2, their optimisers, and the replay memory.

    Args:
        setting: the hyper-parameters.
        problem: an instance of the kind to learn.
        rng: draws the first weights.

    Raises:
        InputError: if the actor is too large a policy, or the memory too large for this machine.
    """

    def __init__(self, setting: Ddpg, problem: Instance, rng: np.random.Generator) -> None:
        self.setting = setting
        self.view = view_of(setting.observation, setting.action)
        state_size, self.action_size = sizes(self.view, problem)
        self.actor = actor_of(self.view, problem, setting.hidden)
        policies.check_size(sum(weight.numel() for weight in self.actor.parameters()))
        self.critic = critic_of(self.view, problem, setting.hidden, setting.critic == "matched")
        for network in (self.actor, self.critic):
            draw(network, rng)
            network.to(setting.device)
        self.target_actor, self.target_critic = deepcopy(self.actor), deepcopy(self.critic)
        self.actor_optimiser = Adam(self.actor.parameters(), setting.actor_rate, fused=True)
        self.critic_optimiser = Adam(self.critic.parameters(), setting.critic_rate, fused=True)
        self.replay = Replay(setting.replay, state_size, self.action_size, setting.device)
        self.parts: dict[str, Part] = {
            "actor": self.actor, "critic": self.critic, "replay": self.replay,
            "target_actor": self.target_actor, "target_critic": self.target_critic,
            "actor_optimiser": self.actor_optimiser, "critic_optimiser": self.critic_optimiser,
        }  # fmt: skip

    def play(self, env: EdgeCachingVectorEnv, first: int, noise: float, rng: np.random.Generator) -> float:
        """Play an episode from number `first` in each environment, learning; return the mean reward."""
        states, _ = env.reset(options={"episode": first})
        total, steps, over = 0.0, 0, False
        while not over:
            raw = self.explore(states, noise, rng)
            next_states, rewards, _, truncated, _ = env.step(raw)
            self.replay.add(Transitions(*map(torch.as_tensor, (states, raw, rewards, next_states))))
            if len(self.replay) >= self.setting.warmup:
                self.learn(rng)
            states, over = next_states, bool(truncated.all())
            total, steps = total + float(rewards.mean()), steps + 1
        return total / steps

    def explore(self, states: Array, noise: float, rng: np.random.Generator) -> Array:
        """Return the actor's actions with Gaussian noise, or uniform ones while warming up."""
        shape = (len(states), self.action_size)
        if len(self.replay) < self.setting.warmup:
            return rng.uniform(-1.0, 1.0, shape).astype(np.float32)
        drawn = noise * rng.standard_normal(shape)
        return np.clip(act(self.actor, states) + drawn, -1.0, 1.0).astype(np.float32)

    def learn(self, rng: np.random.Generator) -> None:
        """Take the steps that follow a step of the environments."""
        self.replay.fix_reward_scale()
        for _ in range(self.setting.updates):
            self.update(self.replay.sample(self.setting.batch, rng))

    def update(self, batch: Transitions) -> None:
        """Take one step of (15) and (16), and let the target networks follow, (17) and (18)."""
        targets = target_values(self.target_actor, self.target_critic, batch, self.setting.discount)
        step(self.critic_optimiser, critic_loss(self.critic, batch, targets))
        self.critic.requires_grad_(False)
        scores = self.actor.scores(batch.state)
        excess = (scores.abs() - self.setting.score_limit).relu()
        penalty = self.setting.score_penalty * excess.square().sum(dim=1).mean()
        step(self.actor_optimiser, penalty - policy_value(self.critic, batch.state, torch.tanh(scores)))
        self.critic.requires_grad_(True)
        soft_update(self.target_actor, self.actor, self.setting.target_rate)
        soft_update(self.target_critic, self.critic, self.setting.target_rate)


def target_values(actor: nn.Module, critic: nn.Module, batch: Transitions, discount: float) -> Tensor:
    """(15b): reward plus the discounted value that the target networks give the next state, [E]."""
    with torch.no_grad():
        next_value: Tensor = critic(batch.next_state, actor(batch.next_state))
        return batch.reward + discount * next_value


def critic_loss(critic: nn.Module, batch: Transitions, targets: Tensor) -> Tensor:
    """(15): half the mean squared temporal difference."""
    loss: Tensor = 0.5 * (targets - critic(batch.state, batch.action)).square().mean()
    return loss


def policy_value(critic: nn.Module, states: Tensor, proposed: Tensor) -> Tensor:
    """Mean value of the actor's actions, whose gradient in the actor's weights is (16)."""
    value: Tensor = critic(states, proposed).mean()
    return value


def step(optimiser: Adam, loss: Tensor) -> None:
    """Move an optimiser's weights down the gradient of a loss."""
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    optimiser.step()


@torch.no_grad()
def soft_update(target: nn.Module, online: nn.Module, rate: float) -> None:
    """(17), (18): move the target's weights towards the online network's by `rate` of the way."""
    for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
        slow.lerp_(fast, rate)
