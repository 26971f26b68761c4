"""Episodes laid out step by step, so that a step of all copies is a stretch of the slots of one instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from mincache.problem.evaluation import StretchPricer
from mincache.problem.instance import Instance, Trace
from mincache.problem.quantity import Array
from mincache.views.agent_view import AgentView

_BLOCK_SLOTS = 2048  # seen and priced at once: enough that numpy's overhead is shared out


class _Block(NamedTuple):
    """A few steps: the number of the first, and of each what it is and what no decision changes of it."""

    first: int
    slots: list[Instance]
    states: Array  # [steps, K, size]
    pricer: StretchPricer


class Film:
    """The slots of K copies for one or several rounds of episodes of T steps, step by step.

    Traces are fields [rounds K, T, ...]; they may hold one slot more, which follows the last.
    """

    def __init__(
        self, problem: Instance, traces: Mapping[str, Array], view: AgentView, copies: int, steps: int
    ) -> None:
        self._view, self._copies, self.steps = view, copies, steps
        self._traces, self._drawn = traces, traces["skewness"].shape[1]
        self.rounds = len(traces["skewness"]) // copies
        by_step = {name: self._by_step(values) for name, values in traces.items()}
        rules = replace(problem.rules, frame_slots=1)
        self._problem = problem
        self._slots = replace(problem, name="film", trace=Trace(**by_step), rules=rules)
        self._block_steps = max(1, _BLOCK_SLOTS // copies)
        self._block: _Block | None = None

    def _by_step(self, values: Array) -> Array:
        rows = values.reshape(self.rounds, self._copies, *values.shape[1:])
        return rows.swapaxes(1, 2).reshape(-1, *values.shape[2:])

    def states(self, episode: int, step: int) -> Array:
        """Return what all copies see at a step of a round, [K, size]; after the last, what follows it."""
        block, number = self._find(episode, min(step, self._drawn - 1))
        seen: Array = block.states[number]
        return seen.copy()

    def slots(self, episode: int, step: int) -> tuple[Instance, StretchPricer, int]:
        """Return a step of a round as an instance of K slots, with what prices it as which stretch."""
        block, number = self._find(episode, step)
        return block.slots[number], block.pricer, number

    def whole(self, episode: int) -> Instance:
        """Return all T K slots of a round, step by step, as one instance."""
        first = episode * self._drawn * self._copies
        return self._slots.between(first, first + self.steps * self._copies)

    def frame(self, episode: int, first: int) -> Instance:
        """Return the frame that begins at a step, of all copies one after the other, as an instance.

        The last frame may be shorter. Each copy's stretch is a frame of its own.
        """
        last = min(first + self._problem.rules.frame_slots, self.steps)
        rows = slice(episode * self._copies, (episode + 1) * self._copies)
        trace = {
            name: values[rows, first:last].reshape(-1, *values.shape[2:])
            for name, values in self._traces.items()
        }
        rules = replace(self._problem.rules, frame_slots=last - first)
        return replace(self._problem, name="frame", trace=Trace(**trace), rules=rules)

    def _find(self, episode: int, step: int) -> tuple[_Block, int]:
        """Return the block with a step of a round, and the step's number there."""
        number = (episode * self._drawn + step) % self._block_steps
        first = episode * self._drawn + step - number
        if self._block is None or self._block.first != first:
            self._block = self._cut(first)
        return self._block, number

    def _cut(self, first: int) -> _Block:
        K, slot_count = self._copies, self._slots.slot_count
        cut = self._slots.between(first * K, min((first + self._block_steps) * K, slot_count))
        states = self._view.apply(cut)
        return _Block(first, cut.pieces(K), states.reshape(-1, K, states.shape[1]), StretchPricer(cut, K))
