"""`ddpg`: deep deterministic policy gradient, the paper's own method, on one page."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

from mincache import InputError, Instance, Learner, Run, Scenario, Solution, registry
from mincache.learning import policies
from mincache.learning.networks import Actor, Critic, initialise
from mincache.learning.policies import Policy, PolicyCard
from mincache.learning.replay import Replay, Transitions
from mincache.learning.training import Watch
from mincache.quantity import Array
from mincache.streams import generator
from mincache.views import actions, observations
from mincache.views.environment import AgentView, EdgeCachingVectorEnv
from mincache.views.episodes import Episodes


@dataclass(frozen=True)
class Ddpg(Learner):
    """An actor network answers each slot; it was trained by DDPG on fresh traces of the same problem.

    Source: Liu et al., Section IV, equations (12)-(18); T. Lillicrap et al., Continuous control with deep
    reinforcement learning, arXiv:1509.02971, https://doi.org/10.48550/arXiv.1509.02971. The paper gives
    `discount`, `target_rate` and `episodes`; every other value is our choice. Deviations from the paper:

    1. States and actions reach the networks as `observation` and `action` say, which the paper leaves
       open: logarithms, requests as indicators and counts, and a map to feasible decisions.
    2. The critic also sees for each user the cache score of the model asked for (`networks.Critic`).
    3. Rewards are shifted and scaled by the mean and deviation of those met while warming up. No policy
       gains or loses rank by it, and values stay of order one.
    4. The actor's loss has `score_penalty` times the mean square of its scores before tanh, so that they
       do not run off to where tanh is flat and the order of models is lost.
    5. Several `environments` are stepped at once, with `updates` a step of all of them, for speed; the
       transitions are as many as the paper's, 500 episodes of 50 slots.
    6. The noise is independent Gaussian (the original DDPG's is an Ornstein-Uhlenbeck process), as the
       slots are not linked by actions. It decays over `noise_decay` of the episodes.
    7. A slot after the last one is needed for s(t+1): it is the episode's first one again.

    Attributes:
        policy: file of a trained policy; empty to look among those that ship with mincache.
        observation: how a state is written, one of `mincache.views.observations.OBSERVATIONS`.
        action: how raw actions become decisions, one of `mincache.views.actions.ACTIONS`.
        discount: omega in (15b); the paper's value.
        target_rate: epsilon in (17) and (18); the paper's value.
        episodes: H; the paper's value.
        actor_rate: learning rate of (16), by Adam; ours (Fig. 3 compares several without naming one).
        critic_rate: learning rate of (15), by Adam; ours.
        batch: E, the transitions in a mini-batch; ours.
        hidden: units in each of the two hidden layers; ours.
        replay: transitions that the replay memory keeps; ours, all of them.
        warmup: transitions with uniform actions before learning begins; ours.
        noise_first: standard deviation of the exploration noise at first; ours.
        noise_last: and at last; ours.
        noise_decay: fraction of the episodes over which it falls linearly; ours.
        score_penalty: see deviation 4; ours.
        environments: see deviation 5; ours.
        updates: see deviation 5; ours.
        device: where to train, such as `cpu` or `cuda`.
    """

    policy: str = ""
    observation: Literal["index", "one-hot", "counts"] = "counts"
    action: Literal["softmax", "scaled-sigmoid", "serve-in-order", "threshold-priority", "priority-serve"] = "scaled-sigmoid"
    discount: float = 0.99
    target_rate: float = 0.005
    episodes: int = 500
    actor_rate: float = 1e-4
    critic_rate: float = 1e-3
    batch: int = 128
    hidden: int = 128
    replay: int = 25_000
    warmup: int = 1_000
    noise_first: float = 0.5
    noise_last: float = 0.05
    noise_decay: float = 0.8
    score_penalty: float = 1.0
    score_limit: float = 1.5
    environments: int = 10
    updates: int = 3
    device: str = "cpu"

    def __post_init__(self) -> None:
        AgentView(self.observation, self.action)  # refuses unknown names now
        for name, low, high in (
            ("discount", 0.0, 1.0),
            ("target_rate", 1e-6, 1.0),
            ("noise_decay", 0.0, 1.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"ddpg.{name}", f"must lie in [{low:g}, {high:g}]", str(getattr(self, name)))
        for name in ("episodes", "batch", "hidden", "replay", "warmup", "environments", "updates"):
            if getattr(self, name) < 1:
                raise InputError(f"ddpg.{name}", "must be >= 1", str(getattr(self, name)))

    def supports(self, instance: Instance) -> str | None:
        """Return None, or why no policy at hand is for this instance."""
        found = self._find(instance)
        return found if isinstance(found, str) else None

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return what the trained actor says, slot by slot.

        Raises:
            InputError: if there is no policy for this instance, or its file is malformed.
        """
        found = self._find(instance)
        if isinstance(found, str):
            raise InputError("instance", "must be one that a policy is for", instance.name, found)
        return answer(*load(found, instance), instance)

    def fit(self, scenario: Scenario, run: Run) -> Path:
        """Train for a library drawn with a seed from `run`, and return the policy's file.

        The file is `policy`, or one in the current folder.
        """
        seed = int(run.rng.integers(2**31))
        path = Path(self.policy or f"ddpg.n{scenario.users}.s{seed}.safetensors")
        policies.write_policy(path, self.train(Episodes(scenario, scenario.library(seed), seed)))
        return path

    def train(self, episodes: Episodes, watch: Watch | None = None, title: str = "") -> Policy:
        """Return a policy trained on `episodes`; the same episodes and parameters give the same policy.

        Args:
            episodes: what to train on; its seed is the seed of the training too.
            watch: hears of each round of `environments` episodes.
            title: for people: what the policy is for.
        """
        torch.set_num_threads(1)  # networks this small only lose by more
        view, problem = AgentView(self.observation, self.action), episodes.problem
        env = EdgeCachingVectorEnv(episodes, self.environments, self.observation, self.action)
        agent = Agent(self, problem, generator(episodes.seed, "ddpg", "weights"))
        for done in range(0, self.episodes, self.environments):
            reward = agent.play(env, self._noise(done), generator(episodes.seed, "ddpg", "round", done))
            if watch is not None:
                watch(done + self.environments, reward, partial(answer, agent.actor, view))
        card = PolicyCard(
            solver="ddpg", parameters=self._training(), problem=policies.problem_digest(problem), title=title,
            users=problem.user_count, models=problem.model_count, versions=view.versions, seed=episodes.seed,
        )  # fmt: skip
        return Policy(card, {name: w.cpu().numpy() for name, w in agent.actor.state_dict().items()})

    def _noise(self, done: int) -> float:
        """Return the noise's standard deviation after `done` episodes."""
        progress = min(1.0, done / max(1.0, self.noise_decay * self.episodes))
        return self.noise_first + (self.noise_last - self.noise_first) * progress

    def _training(self) -> dict[str, Any]:
        """Return the parameters that a training depends on."""
        return {k: v for k, v in registry.parameters(self).items() if k not in ("policy", "device")}

    def _find(self, instance: Instance) -> Path | str:
        """Return the policy for this instance, or why there is none."""
        if self.policy:
            return policies.named(self.policy, instance)
        return policies.shipped("ddpg", self._training(), instance)


class Agent:
    """The four networks of the paper's Fig. 2, their optimisers, and the replay memory.

    Args:
        setting: the hyper-parameters.
        problem: an instance of the kind to learn.
        rng: draws the first weights.
    """

    def __init__(self, setting: Ddpg, problem: Instance, rng: np.random.Generator) -> None:
        self.setting = setting
        state_size = observations.OBSERVATIONS[setting.observation].size(problem)
        action_size = actions.size(problem)
        self.actor = Actor(state_size, action_size, setting.hidden)
        self.action_size = action_size
        self.critic = Critic(state_size, problem.user_count, problem.model_count, setting.hidden)
        for network in (self.actor, self.critic):
            initialise(network, rng)
            network.to(setting.device)
        self.target_actor, self.target_critic = deepcopy(self.actor), deepcopy(self.critic)
        self.actor_optimiser = Adam(self.actor.parameters(), setting.actor_rate, fused=True)
        self.critic_optimiser = Adam(self.critic.parameters(), setting.critic_rate, fused=True)
        self.replay = Replay(setting.replay, state_size, action_size, setting.device)
        self.reward_mean, self.reward_deviation = 0.0, 0.0

    def play(self, env: EdgeCachingVectorEnv, noise: float, rng: np.random.Generator) -> float:
        """Play an episode in each environment, learning on the way; return the mean reward."""
        states, _ = env.reset()
        total, steps, over = 0.0, 0, False
        while not over:
            raw = self.explore(states, noise, rng)
            next_states, rewards, _, truncated, _ = env.step(raw)
            self.replay.add(Transitions(*map(torch.as_tensor, (states, raw, rewards, next_states))))
            if len(self.replay) >= self.setting.warmup:
                for _ in range(self.setting.updates):
                    self.update(self.sample(rng))
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

    def sample(self, rng: np.random.Generator) -> Transitions:
        """Draw a mini-batch, its rewards shifted and scaled by those of the warm-up."""
        if not self.reward_deviation:
            met = self.replay.rewards()
            self.reward_mean, self.reward_deviation = met.mean().item(), met.std().item() or 1.0
        batch = self.replay.sample(self.setting.batch, rng)
        return batch._replace(reward=(batch.reward - self.reward_mean) / self.reward_deviation)

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


@torch.no_grad()
def act(actor: Actor, states: Array) -> Array:
    """Return the actor's raw actions in (-1, 1), float32 [B, M + 2N], in states [B, state]."""
    device = next(actor.parameters()).device
    raw: Array = actor(torch.as_tensor(states, device=device)).cpu().numpy()
    return raw


def load(path: Path, instance: Instance) -> tuple[Actor, AgentView]:
    """Return the actor and the view in a policy file, for instances like this one.

    Raises:
        DocumentError: if it is no policy, its weights have other names or shapes than such an actor's, or
            it was trained for another version of an observation or action.
    """
    policy = policies.read_policy(path)
    with policies.refusing(path):
        view = AgentView(*(version.partition("/")[0] for version in policy.card.versions))
        if policy.card.versions != view.versions:
            rule = f"must be for {' and '.join(view.versions)}"
            raise InputError("card", rule, " and ".join(policy.card.versions), "train it again")
        state_size = observations.OBSERVATIONS[view.observation].size(instance)
        hidden = len(policy.weights.get("layers.0.bias", ())) or 1
        actor = Actor(state_size, actions.size(instance), hidden)
        policy.check_shapes({name: tuple(weight.shape) for name, weight in actor.state_dict().items()})
    actor.load_state_dict({name: torch.from_numpy(weight) for name, weight in policy.weights.items()})
    return actor, view


def answer(actor: Actor, view: AgentView, instance: Instance) -> Solution:
    """Return the actor's solution of an instance."""
    return Solution.of(instance, view.invert(instance, act(actor, view.apply(instance))))
