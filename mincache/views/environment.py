"""The environment view: an agent answers slot after slot, in Gymnasium's terms (12), (13), (14).

In the paper's problem no action changes the next slot. Rules link slots by what is cached; states tell it.
With `information="past"` a cache is placed before its slot is seen.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from mincache.errors import InputError, one_of, whole_number
from mincache.exact import optimum
from mincache.exact.best_service import serve_batch
from mincache.problem.evaluation import StretchPricer
from mincache.problem.instance import Instance, Trace
from mincache.problem.quantity import Array, quantities
from mincache.problem.solution import Decisions
from mincache.problem.verdict import SlotScores
from mincache.views import observations, rendering
from mincache.views.agent_view import AgentView
from mincache.views.arguments import (
    Played,
    autoreset,
    check_options,
    chosen_view,
    numbers,
    seeds,
    source_of,
)  # fmt: skip
from mincache.views.episodes import EpisodeOrder, Episodes
from mincache.views.film import Film
from mincache.views.observations import LIMIT
from mincache.views.past_view import PastView

REWARDS = ("cost", "saving", "regret")
"""A slot's cost with its sign changed, what it saves against no cache, or its optimum's cost less its own."""
RENDER_MODES = ("human", "ansi", "rgb_array")
_DRAWN_AHEAD = 1 << 14  # slots x users whose traces are drawn at once


def spaces(view: AgentView, instance: Instance) -> tuple[Box, Box]:
    """Return the boxes that states and raw actions lie in."""
    state_size, action_size = view.sizes(instance)
    return Box(-LIMIT, LIMIT, (state_size,), np.float32), Box(-1.0, 1.0, (action_size,), np.float32)


class EdgeCachingVectorEnv(VectorEnv[Array, Array, Array]):
    """Any number of copies of the environment, stepped at once; they begin and end together.

    Args:
        source: an instance, whose trace every episode plays, or episodes, each with a trace of its own.
        num_envs: number of copies.
        observation: how states are written, one of `observations.OBSERVATIONS`.
        action: how raw actions become decisions, one of `vector.REPAIRS`.
        suite, instance, scenario: name or file of what to play in place of a source, or a scenario's fields.
        library: which library of the suite or the scenario.
        users: N; by default the suite's smallest, or the scenario's.
        purpose: `training`, or another word such as `evaluation`, which has other traces.
        reward: one of `REWARDS`, by default `cost`, or `saving` with information `past`; `regret` solves
            each episode when it begins.
        information: `slot`, or `past` for an agent that sees the slots before alone; by default the view's.
        autoreset_mode: what follows an episode's end, as Gymnasium has it: `NextStep`, `SameStep` or
            `Disabled`.
        render_mode: `human`, `ansi` or `rgb_array`, or None.
        view: how states are written and actions read, in place of the two names.

    Attributes:
        problem: an instance of what is played, for all but its trace.

    Raises:
        InputError: if an argument is none of these, or the instance uses rules that are not kept here.

    An episode is truncated after T slots, since nothing ends then but the trace. The state then is the slot
    that would follow, with what is cached; where none can be drawn (the trace of an instance, a log), it
    shows the last slot once more.

    The rewards are those of `view.invert` on the whole instance with all the episode's actions: the cache
    scores of a frame's first action decide for the whole frame. Under a floor on steps the environment looks
    at the frame's requests for that, which the state does not tell.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # Gymnasium declares it so
        "render_modes": list(RENDER_MODES), "render_fps": 4, "autoreset_mode": AutoresetMode.NEXT_STEP,
    }  # fmt: skip

    def __init__(
        self,
        source: Played | None = None,
        num_envs: int = 1,
        observation: str = AgentView.observation,
        action: str = AgentView.action,
        *,
        suite: str | None = None,
        instance: str | None = None,
        scenario: str | Mapping[str, Any] | None = None,
        library: int = 0,
        users: int | None = None,
        purpose: str = "training",
        reward: str | None = None,
        information: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        view: AgentView | None = None,
    ) -> None:
        self.num_envs = whole_number("num_envs", num_envs, least=1)
        self.render_mode = None if render_mode is None else one_of("render_mode", render_mode, RENDER_MODES)
        self.autoreset_mode = autoreset(autoreset_mode)
        self.metadata = self.metadata | {"autoreset_mode": self.autoreset_mode}
        self.view = chosen_view(view, observation, action, information)
        played = source_of(source, suite, instance, scenario, library, users, purpose)
        self._rows = EpisodeOrder(played, self.num_envs) if isinstance(played, Episodes) else None
        self.problem: Instance = played.problem if isinstance(played, Episodes) else played
        self.problem.check_rules()
        usual = "saving" if isinstance(self.view, PastView) else "cost"
        self._reward = usual if reward is None else one_of("reward", reward, REWARDS)
        linked = self.problem.rules.link_slots
        if self._reward == "regret" and linked:
            raise InputError("reward", "must be cost or saving where rules link the slots", "'regret'")
        # One instance is solved once; fresh traces only where that is asked for.
        self._solved = self._reward == "regret" or (self._rows is None and not linked)
        self._film: Film | None = None
        self._ahead = 0  # rounds of the film that are still to be played
        self._t = 0
        self._shown: tuple[Instance, Decisions, SlotScores, int] | None = None
        self._all = np.ones(self.num_envs, dtype=bool)
        self._cached = np.zeros((self.num_envs, self.problem.model_count), dtype=bool)
        self._past = np.empty((self.num_envs, 0), dtype=np.float32)
        self.single_observation_space, self.single_action_space = spaces(self.view, self.problem)
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
        seed, episode = seeds(seed, self.num_envs), check_options(options, self.num_envs)
        super().reset(seed=seed if isinstance(seed, int) else None)
        if self._rows is not None and (seed is not None or episode is not None or self._film is None):
            self._rows.skip(-self._ahead)
            self._ahead = 0
            if self._film is None and not isinstance(seed, int):
                self._rows.begin(int(self.np_random.integers(2**63)))
            if seed is not None:
                self._rows.begin(seed)
            if episode is not None:
                self._rows.skip_to(episode)
        self._next_round()
        self._t, self._cached, self._shown = 0, np.zeros_like(self._cached), None
        if isinstance(self.view, PastView):
            self._past = self.view.blank(*self._cached.shape)
        return self._observe(), {}

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Play a slot in every copy with raw actions [K, M + 2N], or [K, M] with information `past`.

        Returns:
            Next states [K, size], rewards (14) [K], terminated (never), truncated (after T slots), and what
            is known of the slot: the cost, its parts and the hit ratio as in `SlotScores`; `violations`, how
            many of the limits on storage, bandwidth and steps the raw action would have broken; with the
            reward `saving`, `cloud_cost`; and, where the optimum is known, `optimal_cost` and `gap`.

        Raises:
            ResetNeeded: before the first `reset`.
            InputError: if the actions are not finite numbers of that shape, or the episode is over.
        """
        mode = self.autoreset_mode
        if mode is AutoresetMode.NEXT_STEP and self._film is not None and self._t >= self._film.steps:
            states, info = EdgeCachingVectorEnv.reset(self)
            return states, np.zeros(self.num_envs), ~self._all, ~self._all, info
        states, rewards, over, info = self.play(actions, self.action_space.shape)
        info = self._masked(info)
        if over and mode is AutoresetMode.SAME_STEP:
            final = {"final_obs": _objects(states), "final_info": info}
            states, info = EdgeCachingVectorEnv.reset(self)
            info = self._masked(final) | info
        return states, rewards, ~self._all, self._all if over else ~self._all, info

    def play(
        self, actions: Array, shape: tuple[int, ...] | None
    ) -> tuple[Array, Array, bool, dict[str, Any]]:
        """Play a slot with actions of this shape; return states, rewards, whether it was the last, info."""
        film = self._film
        if film is None:
            raise ResetNeeded("step: must follow a reset")
        if self._t >= film.steps:
            raise InputError("step", "must follow a reset", "a step after the episode's end")
        raw = numbers("action", actions, shape).reshape(self.num_envs, -1)
        slots, pricer, stretch = film.slots(self._round, self._t)
        decisions, before = self._decide(film, slots, raw)
        scores = pricer.price(stretch, decisions, before)
        self._shown = slots, decisions, scores, self._t
        rewards, info = self._judged(slots, raw, scores)
        if isinstance(self.view, PastView):
            self._past = self.view.later(self._past, film.states(self._round, self._t))
        self._t += 1
        if self.render_mode == "human":
            self.render()
        return self._observe(), rewards, self._t == film.steps, info

    def _decide(self, film: Film, slots: Instance, raw: Array) -> tuple[Decisions, Array | None]:
        """Return the decisions of this step, and what was cached before where slots are linked."""
        rules, before = self.problem.rules, self._cached
        if not rules.link_slots:
            return self.view.invert(slots, raw), None
        if self._t % rules.frame_slots == 0:
            stretch = slots if rules.frame_slots == 1 else film.frame(self._round, self._t)
            length = stretch.rules.frame_slots
            self._cached = self.view.invert(stretch, np.repeat(raw, length, axis=0)).cache[::length]
        return self.view.invert(slots, raw, self._cached), before

    def _judged(self, slots: Instance, raw: Array, scores: SlotScores) -> tuple[Array, dict[str, Any]]:
        """Return the rewards of this step and the info on it."""
        info: dict[str, Any] = scores._asdict()
        info["violations"] = self.view.broken_limits(slots, raw)
        reference = {"cost": np.zeros(self.num_envs)}
        if self._reward == "saving":
            reference["saving"] = info["cloud_cost"] = self._cloud[self._t]
        if self._solved:
            reference["regret"] = info["optimal_cost"] = optimal = self._optimal[self._t]
            info["gap"] = scores.cost / optimal - 1.0
        return reference[self._reward] - scores.cost, info

    def _masked(self, info: dict[str, Any]) -> dict[str, Any]:
        """Return an info with Gymnasium's masks, which say that it is of all copies."""
        return info | {f"_{name}": self._all for name in info}

    def _next_round(self) -> None:
        """Go to the next episodes, drawing some ahead; those of an instance are always the same."""
        T, N = self.problem.slot_count, self.problem.user_count
        if self._rows is None:
            if self._film is not None:
                return
            one = {field: getattr(self.problem.trace, field)[None] for field in quantities(Trace)}
            traces = {field: np.repeat(values, self.num_envs, axis=0) for field, values in one.items()}
            self._ahead = 1
        elif self._ahead == 0:
            self._ahead = max(1, _DRAWN_AHEAD // (self.num_envs * T * N))
            traces = self._rows.traces(self._ahead)
        else:
            traces = {}
        if traces:
            self._film = Film(self.problem, traces, self.view, self.num_envs, T)
        assert self._film is not None  # the first round makes one
        self._round = self._film.rounds - self._ahead
        self._ahead -= 1
        if self._solved or self._reward == "saving":
            whole = self._film.whole(self._round)
            pricer, shape = StretchPricer(whole, whole.slot_count), (T, self.num_envs)
            if self._solved:
                self._optimal = pricer.price(0, optimum(whole).solution.decisions).cost.reshape(shape)
            nothing = np.zeros((whole.slot_count, whole.model_count), dtype=bool)
            self._cloud = pricer.price(0, serve_batch(whole, nothing), nothing).cost.reshape(shape)

    def _observe(self) -> Array:
        assert self._film is not None  # there has been a reset
        seen = isinstance(self.view, PastView)
        states = self._past.copy() if seen else self._film.states(self._round, self._t)
        if not self.problem.rules.link_slots:
            return states
        slots = np.full(self.num_envs, self._t)
        told = observations.memory(self.problem.rules, self._cached, slots)
        return np.concatenate([states, told], axis=1)

    def render(self) -> Any:
        """Return the last slot of each copy as text or picture, empty before an episode's first; or print it.

        A step prints it by itself where the render mode is `human`.
        """
        copies = () if self._shown is None else rendering.copies_of(*self._shown)
        if self.render_mode == "rgb_array":
            blank = np.full(rendering.FRAME_SHAPE, 255, dtype=np.uint8)
            return tuple(map(rendering.frame, copies)) or (blank,) * self.num_envs
        texts = tuple(map(rendering.text, copies))
        if self.render_mode == "human":
            sys.stdout.write("".join(f"{text}\n" for text in texts))
        return (texts or ("",) * self.num_envs) if self.render_mode == "ansi" else None


class EdgeCachingEnv(gymnasium.Env[Array, Array]):
    """One copy of `EdgeCachingVectorEnv`, with its keywords, in the form that RL libraries expect."""

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 4}  # noqa: RUF012  # Gymnasium declares it so

    def __init__(
        self,
        source: Played | None = None,
        observation: str = AgentView.observation,
        action: str = AgentView.action,
        *,
        render_mode: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Of unknown keywords Python's own TypeError: libraries try some, and go on without them then.
        self._batch = EdgeCachingVectorEnv(
            source, 1, observation, action, render_mode=render_mode,
            autoreset_mode=AutoresetMode.DISABLED, **kwargs,
        )  # fmt: skip
        self.render_mode = render_mode
        self.view, self.problem = self._batch.view, self._batch.problem
        self.observation_space = self._batch.single_observation_space
        self.action_space = self._batch.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode as `EdgeCachingVectorEnv.reset` does, and return its first state and no info."""
        seed = None if seed is None else whole_number("seed", seed)
        super().reset(seed=seed)
        states, info = self._batch.reset(seed=seed, options=options)
        return states[0], info

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Play a slot with a raw action; returns as `EdgeCachingVectorEnv.step`, for one copy."""
        states, rewards, over, info = self._batch.play(action, self.action_space.shape)
        return states[0], rewards.item(), False, over, {name: value.item() for name, value in info.items()}

    def render(self) -> Any:
        """Return the last slot as `EdgeCachingVectorEnv.render`, of one copy."""
        shown = self._batch.render()
        return None if shown is None else shown[0]


def _objects(states: Array) -> Array:
    """Return the rows of states as an array of arrays, as Gymnasium hands out final observations."""
    rows = np.empty(len(states), dtype=object)
    rows[:] = list(states)
    return rows
