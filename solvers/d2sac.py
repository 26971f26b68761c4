"""`d2sac`: soft actor-critic whose actor is a diffusion model, from which each slot's cache is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mincache.generation.streams import generator
from mincache.learning import policies
from mincache.learning.cache_view import CacheView, fitting_caches
from mincache.learning.diffusion import denoiser, denoiser_shapes
from mincache.learning.draws import TrainingSource
from mincache.learning.inference import AnyView, Network
from mincache.learning.learner import PolicyLearner, Pupil
from mincache.learning.policies import Policy
from mincache.problem.evaluation import evaluate_batch
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array

if TYPE_CHECKING:  # torch, which answering does without
    from torch import Tensor, nn

    from mincache.learning.replay import Transitions


@dataclass(frozen=True)
class D2sac(PolicyLearner):
    """A diffusion model scores the caches, and soft actor-critic trains it.

    Source: H. Du et al., Diffusion-based reinforcement learning for edge-enabled AI-generated content
    services, arXiv:2303.13052. Given the state, a chain of denoising steps turns noise into scores of the
    actions. The policy is their softmax. Two critics value all actions. The actor gains the policy's mean of
    the lower value, and `entropy` times the policy's entropy. Deviations from the source:

    1. An action is a cache that the storage holds; in the source, one of 20 servers. The best bandwidth and
       steps for it follow, so the source's method is left as it is: it has no continuous actions.
    2. The chain and the critics give each model a number. A cache has the sum of those of its models, and in
       the critics one more number, the slot's own. The source has an output for each action; here, there
       would be hundreds.
    3. The discount is 0, as no action changes what comes next; the source has 0.95 and rewards of 3 slots.
       Targets are then the rewards alone, and target networks have no use.
    4. Rewards are shifted and scaled by the mean and deviation of those met while warming up.
    5. While warming up, caches are drawn uniformly. The source draws from the policy from the beginning;
       here it settles on one cache for all slots before it has met the others.
    6. A step of the chain is told by an indicator. Hidden layers have `hidden` units and ReLU; in the source,
       256 units and Mish.
    7. Entropy is worth 0.2, not the source's 0.05, with which the actor settles early here. A batch has 128
       transitions, not 512, and all episodes together have 25,000, not 1,000,000.
    8. Answers use a chain in which all noise is zero.

    Attributes:
        policy: file of a trained policy, or a folder of them; None to look among those at hand.
        denoising: T, the steps of the chain; the source's.
        entropy: alpha, what a nat of entropy is worth.
        episodes: traces to learn from.
        environments: episodes in a round.
        updates: steps of Adam of each network after each episode.
        batch: transitions a step.
        replay: transitions that the replay memory keeps.
        warmup: transitions with random caches before learning begins.
        actor_rate: learning rate of the actor; the source's.
        critic_rate: learning rate of the critics; the source's.
        decay: weight decay; the source's.
        hidden: units in each of the two hidden layers.
        device: where to train.
    """

    title: ClassVar[str] = "d2sac"

    denoising: int = 5
    entropy: float = 0.2
    episodes: int = 500
    environments: int = 10
    updates: int = 10
    batch: int = 128
    replay: int = 25_000
    warmup: int = 1_000
    actor_rate: float = 1e-4
    critic_rate: float = 1e-3
    decay: float = 1e-4
    hidden: int = 128
    device: str = "cpu"

    @property
    def view(self) -> CacheView:
        """How the network sees slots; the best service of a cache follows."""
        return CacheView()

    def network(self, policy: Policy, view: AnyView, instance: Instance) -> Network:
        """Return what maps the states of all slots to their likeliest caches, 1 for cached and -1 for not."""
        caches, models = fitting_caches(instance).astype(np.float32), instance.model_count
        steps, hidden = policy.card.parameters["denoising"], policy.card.parameters["hidden"]
        state = self.view.sizes(instance)[0]
        policy.check_shapes(denoiser_shapes("layers", steps, state, hidden, models))
        scores = denoiser(policy.weights, "layers", steps, models)
        return lambda states: 2.0 * caches[(scores(states) @ caches.T).argmax(axis=1)] - 1.0

    def pupil(self, course: TrainingSource) -> DiffusionAgent:
        """Return an agent to be trained on `course`."""
        return DiffusionAgent(self, course)


class DiffusionAgent(Pupil):
    """The diffusion actor, its two critics, their optimisers, and the replay memory.

    Raises:
        InputError: if more caches fit than an agent can have actions.
    """

    view: CacheView

    def __init__(self, setting: D2sac, course: TrainingSource) -> None:
        import torch
        from torch.optim import Adam

        from mincache.learning.denoisers import Denoiser
        from mincache.learning.networks import draw_weights, perceptron
        from mincache.learning.replay import Replay

        self.setting, self.course, self.view = setting, course, setting.view
        (state, models), hidden = self.view.sizes(course.problem), setting.hidden
        self.caches = fitting_caches(course.problem).astype(np.float32)
        self.member = torch.as_tensor(self.caches.T, device=setting.device)
        self.network = self.actor = Denoiser(state, models, hidden, setting.denoising)
        policies.check_size(self.actor.state_dict())
        self.critics = torch.nn.ModuleList(perceptron(state, hidden, hidden, 1 + models) for _ in range(2))
        rng = generator(course.seed, "d2sac", "weights")
        for network in (self.actor, self.critics):
            draw_weights(network, rng)
            network.to(setting.device)
        self.optimisers = [
            Adam(network.parameters(), rate, weight_decay=setting.decay, fused=True)
            for network, rate in ((self.actor, setting.actor_rate), (self.critics, setting.critic_rate))
        ]
        self.replay = Replay(setting.replay, state, 1, setting.device)
        self.parts = {
            "actor": self.actor, "critics": self.critics, "replay": self.replay,
            "actor_optimiser": self.optimisers[0], "critic_optimiser": self.optimisers[1],
        }  # fmt: skip

    def learn(self, done: int) -> float:
        """Answer the next episodes with caches drawn from the policy, learning; return the mean reward."""
        setting, costs = self.setting, []
        rng = generator(self.course.seed, "d2sac", "round", done)
        for episode in range(done, done + setting.environments):
            instance = self.course.instance(episode)
            states = self.view.apply(instance)
            chosen = self.drawn(states, rng)
            decisions = self.view.invert(instance, 2.0 * self.caches[chosen] - 1.0)
            cost = evaluate_batch(instance, decisions).slot_cost
            costs.append(float(cost.mean()))
            self.replay.add(states, chosen[:, None], -cost, states)
            if len(self.replay) >= setting.warmup:
                self.replay.fix_reward_scale()
                for _ in range(setting.updates):
                    self.update(self.replay.sample(setting.batch, rng), rng)
        return -float(np.mean(costs))

    def drawn(self, states: Array, rng: np.random.Generator) -> Array:
        """Return the index of a cache for each state, drawn from the policy; uniformly while warming up."""
        import torch

        if len(self.replay) < self.setting.warmup:
            return rng.integers(len(self.caches), size=len(states))
        with torch.no_grad():
            logs = self.log_policy(torch.as_tensor(states, device=self.setting.device), rng).cpu().numpy()
        return np.asarray((logs + rng.gumbel(size=logs.shape)).argmax(axis=1))  # a draw from their softmax

    def log_policy(self, states: Tensor, rng: np.random.Generator) -> Tensor:
        """Return the logarithms of the chances of all caches [B, S], from noisy chains."""
        scores = self.actor(states, self.actor.noise(len(states), rng)) @ self.member
        log_policy: Tensor = scores.log_softmax(dim=1)
        return log_policy

    def values(self, critic: nn.Module, states: Tensor) -> Tensor:
        """Return what a critic holds all caches to be worth, [B, S]."""
        own, of_models = critic(states).split([1, len(self.member)], dim=1)
        worth: Tensor = own + of_models @ self.member
        return worth

    def update(self, batch: Transitions, rng: np.random.Generator) -> None:
        """Take a step of the critics and one of the actor."""
        import torch

        from mincache.learning.networks import step

        actor, critic = self.optimisers
        values = torch.stack([self.values(one, batch.state) for one in self.critics])
        taken = values.gather(2, batch.action.long().expand(2, -1, -1)).squeeze(2)
        loss = (taken - batch.reward).square().mean(dim=1).sum()
        step(critic, loss)
        log_policy = self.log_policy(batch.state, rng)
        gain = self.gain(log_policy, values.detach().amin(dim=0))
        step(actor, -gain)
        self.metrics = {"critic_loss": loss.item(), "gain": gain.item()}

    def gain(self, log_policy: Tensor, values: Tensor) -> Tensor:
        """Return the mean value under the policy plus the price of its mean entropy in nats, from [B, S]."""
        priced = values - self.setting.entropy * log_policy
        gain: Tensor = (log_policy.exp() * priced).sum(dim=1).mean()
        return gain
