"""The environment view: an agent answers slot after slot, in Gymnasium's terms.

State (12), action (13) and reward (14) of Liu et al. Importing this module registers the environment, so
that `gymnasium.make("mincache.views.environment:mincache/EdgeCaching-v0")` finds it. In the paper's problem
no action changes what the next slot holds: the slots are linked by the trace alone. Rules may link them by
what is cached, and states then tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from mincache.errors import InputError, excerpt
from mincache.generation.scenario import Scenario
from mincache.problem.evaluation import evaluate_batch
from mincache.problem.instance import Instance, Trace
from mincache.problem.quantity import Array, quantities
from mincache.views import observations
from mincache.views.agent_view import AgentView
from mincache.views.arguments import check_mask, numbers, seeds, whole
from mincache.views.episodes import EpisodeOrder, Episodes, across
from mincache.views.observations import LIMIT

ENVIRONMENT_ID = "mincache/EdgeCaching-v0"


def spaces(view: AgentView, instance: Instance) -> tuple[Box, Box]:
    """Return the boxes that states and raw actions lie in."""
    state_size, action_size = view.sizes(instance)
    return Box(-LIMIT, LIMIT, (state_size,), np.float32), Box(-1.0, 1.0, (action_size,), np.float32)


class EdgeCachingVectorEnv(VectorEnv[Array, Array, Array]):
    """Any number of copies of the environment, stepped at once; they begin and end together.

    Args:
        source: an instance, whose trace every episode plays, or episodes, each with a trace of its own;
            by default episodes of the paper's scenario.
        num_envs: number of copies.
        observation: how states are written, one of `observations.OBSERVATIONS`.
        action: how raw actions become decisions, one of `actions.ACTIONS`.
        render_mode: None; there is nothing to look at.
        view: how states are written and actions read, in place of the two names.

    Raises:
        InputError: if an argument is none of these, or the instance uses rules that are not kept here.

    An episode is truncated after T slots, since nothing ends then but the trace; the state after the last
    slot is the first one's again. There is no automatic reset: call `reset` for the next episode.

    The instance's rules hold. In frames of several slots, the cache scores of a frame's first action decide
    for the whole frame, and those of its other actions say nothing. Where there is a floor on steps too, a
    model is cached only if the steps suffice in every slot of the frame: for that the environment looks at
    the frame's requests, which the state does not tell. So the rewards are those of `view.invert` on the
    whole instance with all the episode's actions.
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012  # Gymnasium declares it so

    def __init__(
        self,
        source: Instance | Episodes | None = None,
        num_envs: int = 1,
        observation: str = AgentView.observation,
        action: str = AgentView.action,
        *,
        render_mode: None = None,
        view: AgentView | None = None,
    ) -> None:
        if render_mode is not None:
            raise InputError("render_mode", "must be None: there is nothing to look at", excerpt(render_mode))
        source = Episodes(Scenario(), Scenario().library(0)) if source is None else source
        if not isinstance(source, Instance | Episodes):
            raise InputError("source", "must be an Instance or Episodes", excerpt(source))
        self.num_envs = whole("num_envs", num_envs, least=1)
        self.view = AgentView(observation, action) if view is None else view
        self._rows = EpisodeOrder(source, self.num_envs) if isinstance(source, Episodes) else None
        self._problem = source.problem if isinstance(source, Episodes) else source
        self._problem.check_rules()
        self._steps: list[Instance] = []
        self._cached = np.zeros((self.num_envs, self._problem.model_count), dtype=bool)
        self.single_observation_space, self.single_action_space = spaces(self.view, self._problem)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode in every copy, and return its first states [K, size].

        Args:
            seed: begin the episodes anew with this seed, or each copy's with its own (None: it goes on).
                Where an instance is played again and again, it changes nothing.
            options: `episode`, the number of the first copy's episode; by default they follow each other.
                `reset_mask`, bool [K], must be true for every copy, since they begin and end together.

        Raises:
            InputError: if the seed or an option is none of these.
        """
        seed, options = seeds(seed, self.num_envs), options or {}
        check_mask(options, self.num_envs)
        episode = whole("options['episode']", options["episode"]) if "episode" in options else None
        super().reset(seed=seed if isinstance(seed, int) else None)
        if self._rows is not None and seed is not None:
            self._rows.begin(seed)
        if self._rows is not None and episode is not None:
            self._rows.skip_to(episode)
        self._prepare()
        self._t = 0
        return self._observe(), {}

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Play a slot in every copy with raw actions [K, M + 2N].

        Returns:
            Next states [K, size], rewards (14) [K], terminated (never), truncated (after T slots), no info.

        Raises:
            ResetNeeded: before the first `reset`.
            InputError: if the actions are not finite numbers of that shape, or the episode is over.
        """
        if not self._steps:
            raise ResetNeeded("step: must follow a reset")
        if self._t >= len(self._steps):
            raise InputError("step", "must follow a reset", "a step after the episode's end")
        slots, raw = self._steps[self._t], numbers("action", actions, self.action_space.shape)
        if self._problem.rules.link_slots:
            costs = self._linked_costs(slots, raw)
        else:
            costs = evaluate_batch(slots, self.view.invert(slots, raw)).slot_cost
        self._t += 1
        over = np.full(self.num_envs, self._t == len(self._steps))
        return self._observe(), -costs, np.zeros(self.num_envs, dtype=bool), over, {}

    def _linked_costs(self, slots: Instance, raw: Array) -> Array:
        """Return the costs of this step where rules link slots, and keep what is cached now."""
        before = self._before()
        frame, position = divmod(self._t, self._problem.rules.frame_slots)
        if position == 0:
            stretch = self._frames[frame]
            length = stretch.rules.frame_slots
            self._cached = self.view.invert(stretch, np.repeat(raw, length, axis=0)).cache[::length]
        decisions = self.view.invert(slots, raw, self._cached)
        return evaluate_batch(slots, decisions, before).slot_cost

    def _before(self) -> Array:
        """Return what every copy had cached before this step, bool [K, M]."""
        return self._cached if self._t % len(self._steps) else np.zeros_like(self._cached)

    def _prepare(self) -> None:
        """Write the next episodes as steps and frames; those of an instance are always the same."""
        if self._rows is not None:
            label, traces = self._rows.label, self._rows.traces()
        elif not self._steps:
            played = {field: getattr(self._problem.trace, field) for field in quantities(Trace)}
            label, traces = "again", {k: np.repeat(v[None], self.num_envs, axis=0) for k, v in played.items()}
        else:
            return
        frame = self._problem.rules.frame_slots
        self._steps = across(self._problem, traces, label)
        self._frames = self._steps if frame == 1 else across(self._problem, traces, label, frame)

    def _observe(self) -> Array:
        t, rules = self._t % len(self._steps), self._problem.rules
        if not rules.link_slots:
            return self.view.apply(self._steps[t])
        slots = np.full(self.num_envs, t)
        return self.view.apply(self._steps[t], observations.memory(rules, self._before(), slots))


class EdgeCachingEnv(gymnasium.Env[Array, Array]):
    """One copy of `EdgeCachingVectorEnv`, in the form that RL libraries expect.

    Args:
        source: see `EdgeCachingVectorEnv`.
        observation: how states are written.
        action: how raw actions become decisions.
        render_mode: None; there is nothing to look at.

    Raises:
        InputError: if an argument is none of these.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  # Gymnasium declares it so

    def __init__(
        self,
        source: Instance | Episodes | None = None,
        observation: str = AgentView.observation,
        action: str = AgentView.action,
        *,
        render_mode: None = None,
    ) -> None:
        self._batch = EdgeCachingVectorEnv(source, 1, observation, action, render_mode=render_mode)
        self.observation_space = self._batch.single_observation_space
        self.action_space = self._batch.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode, and return its first state and no info.

        Args:
            seed: begin the episodes anew with this seed.
            options: `episode`, its number; by default they follow each other.

        Raises:
            InputError: if the seed or the number is not whole, or below 0.
        """
        seed = None if seed is None else whole("seed", seed)
        super().reset(seed=seed)
        states, info = self._batch.reset(seed=seed, options=options)
        return states[0], info

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Play a slot with a raw action; returns as `EdgeCachingVectorEnv.step`, for one copy."""
        raw = numbers("action", action, self.action_space.shape)
        states, rewards, terminated, truncated, info = self._batch.step(raw[None])
        return states[0], float(rewards[0]), bool(terminated[0]), bool(truncated[0]), info


gymnasium.register(
    ENVIRONMENT_ID,
    entry_point="mincache.views.environment:EdgeCachingEnv",
    vector_entry_point="mincache.views.environment:EdgeCachingVectorEnv",
)
