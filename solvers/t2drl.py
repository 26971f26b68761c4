"""`t2drl`: two timescales; double deep Q-learning caches a frame, a diffusion actor allocates each slot."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from mincache.generation.streams import generator
from mincache.learning import policies
from mincache.learning.cache_view import ChosenCacheView, fitting_caches
from mincache.learning.diffusion import denoiser, denoiser_shapes
from mincache.learning.draws import TrainingSource
from mincache.learning.exploring import Explorer
from mincache.learning.inference import AnyView, Network
from mincache.learning.layers import perceptron, perceptron_shapes
from mincache.learning.learner import PolicyLearner
from mincache.learning.policies import Policy
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.solving.feasible import frame_starts, per_slot
from mincache.views.agent_view import AgentView
from mincache.views.observations import observation_size

if TYPE_CHECKING:  # torch, which answering does without
    from torch import Tensor, nn

    from mincache.learning.replay import Transitions

_PENALTY = 0.1  # on the square of what a number before tanh passes 1 by


@dataclass(frozen=True)
class T2drl(PolicyLearner):
    """Model caching on the long timescale by double deep Q-learning, allocation on the short one by D3PG.

    Source: Z. Liu et al., Two-timescale model caching and resource allocation for edge-enabled AI-generated
    content services, arXiv:2411.01458. This is a reconstruction: only the abstract was at hand. D3PG (deep
    deterministic policy gradient whose actor is a diffusion model) follows a later paper of the first author,
    https://doi.org/10.1109/TWC.2026.3680987; double Q-learning follows H. van Hasselt et al.,
    arXiv:1509.06461. What neither tells is our choice:

    1. A frame is that of the instance's rule `frame_slots`; without it, a slot, and both timescales are one.
    2. Actions of the long timescale are all caches that the storage holds; its reward is the frame's mean.
    3. A state is the slot's (12); caching sees that of the frame's first slot, allocation also the cache.
    4. The raw allocation passes tanh, so that it lies in (-1, 1). Then it is read as `action` says.
    5. A step of the chain is told by an indicator. Networks have two hidden layers; the source, three. The
       critic is that of `ddpg`, which sees what scores amount to for each model.
    6. Learning rates are higher than the source's 0.000003 and 0.00001, which learn nothing in this time.
    7. Rewards are shifted and scaled by the mean and deviation of those met while warming up.
    8. Answers use a chain in which all noise is zero.
    9. The discount is 0, as no action changes what comes next; the source has 0.99.
    10. Numbers before tanh that pass 1 in size cost the actor, as in deviation 5 of `ddpg`.

    Attributes:
        policy: file of a trained policy, or a folder of them; None to look among those at hand.
        action: how shares are read, by those of `mincache.views.vector.REPAIRS`; the source scales them.
        denoising: I, the steps of the chain; the source's.
        discount: see deviation 9.
        target_rate: tau; the source's.
        episodes: traces to learn from; the source's.
        environments: episodes in a round, stepped at once.
        updates: steps of Adam of each network after each step of the environments.
        batch: transitions a step.
        replay: transitions that each replay memory keeps.
        warmup: transitions with random actions before learning begins.
        actor_rate: learning rate of the diffusion actor.
        critic_rate: learning rate of its critic, and of the network for caching.
        noise_first: part of the frames whose cache is random, at first.
        noise_last: and at last.
        noise_decay: fraction of the episodes over which it falls linearly.
        hidden: units in each of the two hidden layers.
        device: where to train.
    """

    title: ClassVar[str] = "t2drl"
    rules: ClassVar[tuple[str, ...]] = ("frame_slots",)
    fractions = (*PolicyLearner.fractions, "noise_first", "noise_last")

    action: Literal["serve-in-order", "scaled-sigmoid"] = "serve-in-order"
    denoising: int = 4
    discount: float = 0.0
    target_rate: float = 0.005
    episodes: int = 500
    environments: int = 10
    updates: int = 2
    batch: int = 128
    replay: int = 25_000
    warmup: int = 1_000
    actor_rate: float = 3e-4
    critic_rate: float = 1e-3
    noise_first: float = 1.0
    noise_last: float = 0.05
    noise_decay: float = 0.5
    hidden: int = 128
    device: str = "cpu"

    def __post_init__(self) -> None:
        super().__post_init__()
        AgentView(action=self.action)  # refuses unknown names

    @property
    def view(self) -> ChosenCacheView:
        """How the networks see slots, and how their numbers become decisions."""
        return ChosenCacheView(action=self.action)

    def network(self, policy: Policy, view: AnyView, instance: Instance) -> Network:
        """Return what maps the states of all slots to raw actions: a cache a frame, shares a slot."""
        caches, state, size = fitting_caches(instance), _seen(instance), 2 * instance.user_count
        steps, hidden = policy.card.parameters["denoising"], policy.card.parameters["hidden"]
        policy.check_shapes(
            perceptron_shapes("caching", state, hidden, hidden, len(caches))
            | denoiser_shapes("allocation.layers", steps, state + instance.model_count, hidden, size)
        )
        values = perceptron(policy.weights, "caching")
        allocation = denoiser(policy.weights, "allocation.layers", steps, size)

        def act(states: Array) -> Array:
            best = caches[values(states[frame_starts(instance)]).argmax(axis=1)]
            codes = 2.0 * per_slot(instance, best).astype(states.dtype) - 1.0
            shares = np.tanh(allocation(np.concatenate([states, codes], axis=1)))
            return np.concatenate([codes, shares], axis=1)

        return act

    def pupil(self, course: TrainingSource) -> TwoTimescaleAgent:
        """Return an agent to be trained on `course`."""
        return TwoTimescaleAgent(self, course)


class TwoTimescaleAgent(Explorer):
    """The network for caching with its target, the diffusion actor and its critic with theirs."""

    measured: ClassVar[tuple[str, ...]] = ("critic_loss", "value", "caching_loss")

    def __init__(self, setting: T2drl, course: TrainingSource) -> None:
        from torch import nn
        from torch.optim import Adam

        from mincache.learning.denoisers import Denoiser
        from mincache.learning.networks import Critic, draw_weights, perceptron
        from mincache.learning.replay import Replay

        self.setting, self.course, self.view = setting, course, setting.view
        problem, hidden, device = course.problem, setting.hidden, setting.device
        self.seen, self.models, self.frame = _seen(problem), problem.model_count, problem.rules.frame_slots
        size, known = 2 * problem.user_count, self.seen + self.models
        self.codes = (2.0 * fitting_caches(problem) - 1.0).astype(np.float32)  # of each cache, 1 and -1
        self.caching = perceptron(self.seen, hidden, hidden, len(self.codes))
        self.actor = Denoiser(known, size, hidden, setting.denoising)
        action_size = self.models + size
        self.critic = Critic(self.seen, action_size, problem.user_count, self.models, hidden)
        self.network = nn.ModuleDict({"caching": self.caching, "allocation": self.actor})
        policies.check_size(self.network.state_dict())
        self.online = nn.ModuleList([self.caching, self.actor, self.critic])
        draw_weights(self.online, generator(course.seed, "t2drl", "weights"))
        self.online.to(device)
        self.targets = deepcopy(self.online).requires_grad_(False)
        self.optimisers = [
            Adam(one.parameters(), rate, fused=True)
            for one, rate in zip(self.online, (setting.critic_rate, setting.actor_rate, setting.critic_rate),
                                 strict=True)
        ]  # fmt: skip
        self.replay = Replay(setting.replay, known, size, device)
        self.frames = Replay(setting.replay, self.seen, self.models, device)
        self.parts = {
            "online": self.online, "targets": self.targets, "replay": self.replay, "frames": self.frames,
            **{f"optimiser{i}": one for i, one in enumerate(self.optimisers)},
        }  # fmt: skip

    def learn(self, done: int) -> float:
        """Play an episode in each environment, learning; return the mean reward."""
        self.played: list[tuple[Array, ...]] = []
        return super().learn(done)

    def explore(self, states: Array, noise: float, rng: np.random.Generator) -> Array:
        """Return raw actions: at the beginning of a frame a new cache, and shares from a noisy chain."""
        import torch

        count, seen = len(states), states[:, : self.seen]
        with torch.no_grad():
            if len(self.played) % self.frame == 0:
                values = self.caching(torch.as_tensor(seen, device=self.setting.device))
                best, other = values.argmax(dim=1).cpu().numpy(), rng.integers(values.shape[1], size=count)
                self.cached = self.codes[np.where(rng.random(count) < noise, other, best)]
            known = torch.as_tensor(np.concatenate([seen, self.cached], axis=1), device=self.setting.device)
            shares = self.actor(known, self.actor.noise(count, rng)).tanh().cpu().numpy()
        if len(self.replay) < self.setting.warmup:
            shares = rng.uniform(-1.0, 1.0, shares.shape).astype(np.float32)
        return np.concatenate([self.cached, shares], axis=1)

    def keep(
        self, states: Array, raw: Array, rewards: Array, next_states: Array, step: int, over: bool
    ) -> None:
        """Keep a slot once the cache of the next is known, and a frame once it is over."""
        seen, M = states[:, : self.seen], self.models
        self.played.append((seen, raw, rewards, next_states[:, : self.seen]))
        for slot in self.played[-2:] if over else self.played[-2:-1]:
            self.replay.add(*self._known(slot, raw[:, :M]))
        if (step + 1) % self.frame == 0 or over:
            frame = self.played[step - step % self.frame :]
            mean = np.mean([one[2] for one in frame], axis=0)
            self.frames.add(frame[0][0], raw[:, :M], mean, next_states[:, : self.seen])

    def take_steps(self, rng: np.random.Generator) -> None:
        """Take the steps that follow a step of the environments, once a frame is over."""
        if len(self.frames):
            super().take_steps(rng)

    def _known(self, slot: tuple[Array, ...], cache: Array) -> tuple[Array, ...]:
        seen, raw, rewards, after = slot
        first, last = np.split(raw, [self.models], axis=1)
        return np.concatenate([seen, first], axis=1), last, rewards, np.concatenate([after, cache], axis=1)

    def update(self, batch: Transitions) -> tuple[Tensor, ...]:
        """Take a step of the critic, the actor and the network for caching, and move the targets."""
        import torch

        from mincache.learning.networks import soft_update, step

        caching, actor, critic = self.optimisers
        loss = (self.slot_targets(batch) - self.worth(self.critic, batch.state, batch.action)).square().mean()
        step(critic, loss)
        self.critic.requires_grad_(False)
        scores = self.actor(batch.state, self.actor.noise(len(batch.state), self.rng))
        reached = self.worth(self.critic, batch.state, scores.tanh()).mean()
        step(actor, _PENALTY * (scores.abs() - 1.0).relu().square().sum(dim=1).mean() - reached)
        self.critic.requires_grad_(True)
        self.frames.fix_reward_scale()
        frames = self.frames.sample(self.setting.batch, self.rng)
        cache = (frames.action @ torch.as_tensor(self.codes, device=self.setting.device).T).argmax(dim=1)
        chosen = self.caching(frames.state).gather(1, cache[:, None]).squeeze(1)
        caching_loss = (self.frame_targets(frames) - chosen).square().mean()
        step(caching, caching_loss)
        soft_update(self.targets, self.online, self.setting.target_rate)
        return loss.detach(), reached.detach(), caching_loss.detach()

    def worth(self, critic: nn.Module, known: Tensor, shares: Tensor) -> Tensor:
        """Return the values [B] of shares [B, 2N] in states that tell the cache too."""
        import torch

        value: Tensor = critic(known[:, : self.seen], torch.cat([known[:, self.seen :], shares], dim=1))
        return value

    def slot_targets(self, batch: Transitions) -> Tensor:
        """Return the reward plus the discounted value of what the target actor does next, [B]."""
        _, actor, critic = self.targets
        shares = actor(batch.next_state, self.actor.noise(len(batch.state), self.rng)).tanh()
        target: Tensor = batch.reward + self.setting.discount * self.worth(critic, batch.next_state, shares)
        return target

    def frame_targets(self, frames: Transitions) -> Tensor:
        """Return the reward plus the discounted target value of the cache that looks best next, [B]."""
        best = self.caching(frames.next_state).argmax(dim=1, keepdim=True)
        after = self.targets[0](frames.next_state).gather(1, best).squeeze(1)
        target: Tensor = frames.reward + self.setting.discount * after
        return target


def _seen(instance: Instance) -> int:
    """Return the length of the part of a state that shows the slot itself, without what is cached."""
    return observation_size(instance, AgentView.observation)
