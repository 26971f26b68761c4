"""Fresh traces for agents: as many episodes as wanted, from streams that no suite draws from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mincache.errors import InputError, excerpt
from mincache.generation import suites
from mincache.generation.scenario import Scenario, TraceName
from mincache.problem.instance import Instance, ModelLibrary, Trace
from mincache.problem.quantity import Array

SUITES_PURPOSE, TRAINING = "trace", "training"
"""What the streams are named that suites draw traces from, and those that agents learn from."""


@dataclass(frozen=True)
class Episodes:
    """An endless row of episodes, each a fresh trace of one scenario with one model library.

    Attributes:
        scenario: where traces come from; its `users` and `slots` are N and T.
        library: the models, the same in every episode.
        seed: seed of the traces. An environment takes the seed of its `reset` in its place.
        purpose: names the stream beside the seed, such as `training` or `evaluation`; any word but `trace`,
            so that no agent ever sees the traces of a suite.
        library_index: names the stream too, so that agents for two libraries meet different traces.
        library_seed: with the index, what the users' powers are drawn from, where the scenario draws them.
        users_drawn: for how many users they are drawn, of which the first N count; for N if it is None.
    """

    scenario: Scenario
    library: ModelLibrary
    seed: int = 0
    purpose: str = TRAINING
    library_index: int = 0
    library_seed: int = 0
    users_drawn: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.purpose, str) or not re.fullmatch(r"[\w-]+", self.purpose):
            rule = "must be a word of letters, digits and hyphens"
            raise InputError("purpose", rule, excerpt(self.purpose), "such as evaluation")
        if self.purpose == SUITES_PURPOSE:
            rule = f"must not be {SUITES_PURPOSE!r}, which suites draw their traces for"
            raise InputError("purpose", rule, excerpt(self.purpose), "any other word keeps them unseen")

    @classmethod
    def of_suite(
        cls, suite: str, library: int = 0, users: int | None = None, seed: int = 0, purpose: str = "training"
    ) -> Episodes:
        """Return the episodes for a suite's library of this number, and for its number of users.

        Raises:
            InputError: if the suite has no such library, or its sweep several settings with so many users.
        """
        found = suites.find(suite)
        recipe, scenario = found.source.recipe, found.source.scenario
        if not 0 <= library < recipe.libraries:
            raise InputError("library", f"must be < {recipe.libraries}, as {suite} has", str(library))
        count = min(recipe.users) if users is None else users
        if recipe.sweep is None:
            scenario = scenario.with_values({"users": count})
        else:
            names = (e.name for e in found.entries.values() if (e.library, e.users) == (library, count))
            scenarios = {one.model_dump_json(): one for one in (found.place(name).scenario for name in names)}
            if len(scenarios) != 1:
                rule = f"must be one that {suite} has instances of, all in one setting"
                known = sorted({entry.users for entry in found.entries.values() if entry.library == library})
                told = f"it has {', '.join(map(str, known))}"
                raise InputError("users", rule, f"{count}, with {len(scenarios)} settings", told)
            (scenario,) = scenarios.values()
        models = scenario.library(recipe.library_seed, library)
        drawn = recipe.users_drawn(count)
        return cls(scenario, models, seed, purpose, library, recipe.library_seed, drawn)

    def instance(self, episode: int) -> Instance:
        """Return an episode as an instance."""
        name = f"{self.purpose}.l{self.library_index}.n{self.scenario.users}.s{self.seed}.e{episode}"
        return replace(self.problem, name=name, trace=self.trace(episode))

    def trace(self, episode: int) -> Trace:
        """Return the trace of an episode."""
        return self._longer.trace(*self.name(episode)).between(0, self.scenario.slots)

    def traces(self, names: Sequence[TraceName]) -> dict[str, Array]:
        """Draw K traces at once, by field [K, T + 1, ...]: each with the slot that would follow its last.

        A log has no such slot; then there are T.
        """
        return self._longer.traces(names)

    def name(self, episode: int) -> TraceName:
        """Return the name of an episode's trace, as the scenario draws it."""
        return self.seed, self.purpose, self.library_index, self.scenario.users, episode

    @cached_property
    def problem(self) -> Instance:
        """The first episode's instance, for what all have in common."""
        users = self.scenario.users
        drawing = self.scenario.with_values({"users": self.users_drawn or users})
        powers_w = drawing.powers_w(self.library_seed, self.library_index)[:users]
        return self.scenario.instance("problem", self.library, self.trace(0), powers_w=powers_w)

    @cached_property
    def _longer(self) -> Scenario:
        """The scenario with one slot more, if it can be drawn: what an agent is in when an episode ends."""
        logged = self.scenario.trace_count() is not None
        return self.scenario.model_copy(update={"slots": self.scenario.slots + (not logged)})


class EpisodeOrder:
    """Which episodes the copies of an environment play, one after the other.

    Copies that have one seed share one row of episodes: of K copies, copy k plays every K-th one from
    episode k on. A copy with a seed of its own plays every episode of that seed.
    """

    def __init__(self, episodes: Episodes, count: int) -> None:
        self._count = count
        self._copies = [episodes] * count
        self._first = list(range(count))
        self._next = list(self._first)
        self._stride = [count] * count

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

    def skip(self, rounds: int) -> None:
        """Go on as if every copy had played so many episodes more, or fewer."""
        self._next = [n + rounds * stride for n, stride in zip(self._next, self._stride, strict=True)]

    def traces(self, rounds: int = 1) -> dict[str, Array]:
        """Draw the next traces of every copy, as `Episodes.traces` does: [rounds K, ...], round by round."""
        names = []
        for _ in range(rounds):
            names += [copy.name(number) for copy, number in zip(self._copies, self._next, strict=True)]
            self.skip(1)
        return self._copies[0].traces(names)
