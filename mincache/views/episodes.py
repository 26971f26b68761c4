"""Fresh traces for agents: as many episodes as wanted, from streams that no suite draws from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mincache.errors import InputError, excerpt
from mincache.generation.scenario import Scenario, TraceName
from mincache.problem.instance import Instance, ModelLibrary, Trace
from mincache.problem.quantity import Array

SUITES_PURPOSE = "trace"
"""What the streams are named that suites draw traces from."""


@dataclass(frozen=True)
class Episodes:
    """An endless row of episodes, each a fresh trace of one scenario with one model library.

    Attributes:
        scenario: where traces come from; its `users` and `slots` are N and T.
        library: the models, the same in every episode.
        seed: seed of the traces.
        purpose: names the stream beside the seed; any word but `trace`, so that no agent ever sees the
            traces of a suite.
        library_index: names the stream too, so that agents for two libraries meet different traces.

    Raises:
        InputError: if the purpose is `trace`.
    """

    scenario: Scenario
    library: ModelLibrary
    seed: int = 0
    purpose: str = "training"
    library_index: int = 0

    def __post_init__(self) -> None:
        if self.purpose == SUITES_PURPOSE:
            rule = f"must not be {SUITES_PURPOSE!r}, which suites draw their traces for"
            raise InputError("purpose", rule, excerpt(self.purpose), "any other word keeps them unseen")

    def instance(self, episode: int) -> Instance:
        """Return an episode as an instance."""
        name = f"{self.purpose}.l{self.library_index}.n{self.scenario.users}.s{self.seed}.e{episode}"
        return replace(self.problem, name=name, trace=self.trace(episode))

    def trace(self, episode: int) -> Trace:
        """Return the trace of an episode."""
        return self.scenario.trace(*self.name(episode))

    def name(self, episode: int) -> TraceName:
        """Return the name of an episode's trace, as the scenario draws it."""
        return self.seed, self.purpose, self.library_index, self.scenario.users, episode

    @cached_property
    def problem(self) -> Instance:
        """The first episode's instance, for what all have in common."""
        return self.scenario.instance("problem", self.library, self.trace(0))


class EpisodeOrder:
    """Which episodes the copies of an environment play, one after the other.

    Copies that have one seed share one row of episodes: of K copies, copy k plays every K-th one from
    episode k on. A copy with a seed of its own plays every episode of that seed.

    Args:
        episodes: where the traces come from; its seed is every copy's at first.
        count: K, the number of copies.
    """

    def __init__(self, episodes: Episodes, count: int) -> None:
        self._count = count
        self._copies = [episodes] * count
        self._first = list(range(count))
        self._next = list(self._first)
        self._stride = [count] * count

    @property
    def label(self) -> str:
        """What tells the next traces from others in names, by the first copy's."""
        return f"s{self._copies[0].seed % 10**9}.e{self._next[0]}"

    def begin(self, seed: int | Sequence[int | None]) -> None:
        """Begin all copies' episodes anew with this seed, or each with its own, but for those of None."""
        shared = isinstance(seed, int)
        for k, own in enumerate([seed] * self._count if isinstance(seed, int) else seed):
            if own is not None:
                self._copies[k] = replace(self._copies[k], seed=own)
                self._first[k], self._stride[k] = (k, self._count) if shared else (0, 1)
                self._next[k] = self._first[k]

    def skip_to(self, episode: int) -> None:
        """Go on as if every copy's first episode were this many further on."""
        self._next = [first + episode for first in self._first]

    def traces(self) -> dict[str, Array]:
        """Draw the next trace of every copy, as `Scenario.traces` does."""
        names = [copy.name(number) for copy, number in zip(self._copies, self._next, strict=True)]
        self._next = [number + stride for number, stride in zip(self._next, self._stride, strict=True)]
        return self._copies[0].scenario.traces(names)


def across(instance: Instance, traces: Mapping[str, Array], label: str, length: int = 1) -> list[Instance]:
    """Return one instance for each stretch of `length` time steps: of every trace, what it holds there.

    Slot k of a single step is what trace k holds at that step, and the evaluator so prices a step of all
    traces at once. Longer stretches follow each other, trace by trace, each a frame of its own; the last
    may be shorter. What one trace's copy had cached is nothing to the next: where loading takes time, tell
    `evaluate_batch` what was cached before.

    Args:
        instance: gives everything but the trace and the name.
        traces: the fields of K traces, as `Scenario.traces` draws them.
        label: with the first step's number, names what is returned. The evaluator tells instances of
            different names apart at once, and others field by field.
        length: of a stretch.
    """
    steps = traces["skewness"].shape[1]
    rules = {n: replace(instance.rules, frame_slots=n) for n in {length, steps % length or length}}
    return [
        replace(
            instance,
            name=f"{label}.step-{t}",
            trace=Trace(**{field: _joined(values[:, t : t + length]) for field, values in traces.items()}),
            rules=rules[min(length, steps - t)],
        )
        for t in range(0, steps, length)
    ]


def _joined(stretches: Array) -> Array:
    """Return [K, steps, ...] as [K steps, ...]."""
    return stretches.reshape(-1, *stretches.shape[2:])
