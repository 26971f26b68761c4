"""Recipes: where the instances of a suite are from; settings of a sweep share libraries and traces."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from mincache.errors import InputError, excerpt
from mincache.files.documents import instance_bytes
from mincache.files.tables import Count, PlainName, Seed, StrictTable, TupleOf, Whole
from mincache.generation.scenario import GENERATOR_VERSION, Scenario
from mincache.generation.streams import Uniforms
from mincache.generation.sweeps import Sweep, is_whole
from mincache.problem.instance import Instance

_MAX_INSTANCES = 10_000
_BY_USER = ("channel_gain", "requested_model", "input_bits")
RELATIVE_TOLERANCE = 1e-9
"""Two costs closer than this are the same cost."""


@dataclass(frozen=True)
class Reference:
    """What is known of one instance's optimum: `pinned` by its suite, or the best of records at hand."""

    cost: float
    bound: float | None = None
    pinned: bool = True

    @property
    def proven(self) -> bool:
        """Whether the cost is the proven optimum."""
        return self.bound is not None and self.bound >= self.cost * (1.0 - RELATIVE_TOLERANCE)

    def gap(self, cost: float) -> float:
        """Return how far `cost` is above the reference, as a fraction of it; 0 where they are equal."""
        difference = cost - self.cost
        if self.cost:
            return difference / self.cost
        return math.copysign(math.inf, difference) if difference else 0.0


class Search(StrictTable):
    """The search through so many settings of a space for those in which two solvers differ most."""

    solvers: TupleOf[str]
    space: Sweep
    settings: Count
    solve_limit_s: float


class Recipe(StrictTable):
    """How the instances of a suite are drawn; `common_users` are the first N of the largest N."""

    generator: str = GENERATOR_VERSION
    library_seed: Seed
    trace_seed: Seed
    libraries: Count
    users: TupleOf[Count] = Field(min_length=1)
    traces: Count
    sweep: Sweep | None = None
    common_users: Literal[True] | None = None
    search: Search | None = None

    def users_drawn(self, users: int) -> int:
        """Return for how many users a trace of N is drawn."""
        return max(self.users) if self.common_users else users

    def settings(self) -> list[dict[str, Any]]:
        """Return the fields that each setting of the sweep sets; one setting without any if none is swept."""
        return [{}] if self.sweep is None else self.sweep.settings()

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        settings = 1 if self.sweep is None else self.sweep.setting_count
        if (count := self.libraries * len(self.users) * self.traces * settings) > _MAX_INSTANCES:
            rule = f"must be at most {_MAX_INSTANCES}: libraries times users times traces times settings"
            raise InputError("instances", rule, str(count))
        if len(set(self.users)) < len(self.users):
            raise InputError("users", "each number of users must appear once", excerpt(list(self.users)))
        for case in () if self.sweep is None else self.sweep.cases:
            if "users" in case and case["users"] not in self.users:
                rule = "must name numbers of users that the suite has"
                raise InputError("sweep.cases", rule, str(case["users"]), "add them to --users")
        return self


class Given(StrictTable):
    """Instances from elsewhere; nothing draws them again."""

    kind: Literal["given"] = "given"


class Source(StrictTable):
    """What instances are drawn from, as in a suite of its own."""

    name: PlainName
    recipe: Recipe
    scenario: Scenario

    def places(self) -> Iterator[Place]:
        """Yield the instances, undrawn, as the function `places` does."""
        return places(self.name, self.recipe, self.scenario)

    def place(self, entry: ListedInstance) -> Place:
        """Return the instance that an entry lists, undrawn."""
        setting = self.recipe.settings()[entry.setting or 0]
        where = (entry.setting, entry.library, entry.users, entry.trace)
        return _place(entry.name, self.recipe, self.scenario, setting, *where)


class Selection(StrictTable):
    """Instances chosen among candidates, which other recipes draw; see `mincache.analysis.selection`."""

    kind: Literal["selected"] = "selected"
    seed: Seed
    candidates: Count
    clusters: Count
    at_most: TupleOf[str] = ()
    at_least: TupleOf[str] = ()
    source: TupleOf[Source] = Field(min_length=1)


class ListedInstance(StrictTable):
    """One instance of a suite, with the index of its recipe among several and of its setting in the sweep.

    A checked certificate's `status` says that the best known cost is optimal to 1e-9 (`proven`), is not below
    the lower bound (`bounded`), or nothing; `certificate` is the command that makes it where it is not kept.
    """

    name: PlainName
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    source: Whole | None = None
    setting: Whole | None = None
    library: Whole
    users: Count
    trace: Whole
    cluster: Whole | None = None
    best_known: float | None = Field(default=None, ge=0)
    lower_bound: float | None = None
    status: Literal["proven", "bounded", "open"] | None = None
    cost_from: str | None = None
    bound_from: str | None = None
    certificate: str | None = None

    @model_validator(mode="after")
    def _check_bound(self) -> Self:
        cost, bound = self.best_known, self.lower_bound
        if cost is not None and bound is not None and bound > cost + RELATIVE_TOLERANCE * abs(cost):
            raise InputError("lower_bound", f"must not be above best_known, {cost!r}", repr(bound))
        return self

    @property
    def reference(self) -> Reference | None:
        """What costs are held against; None if no cost is known."""
        return None if self.best_known is None else Reference(self.best_known, self.lower_bound)


@dataclass(frozen=True)
class Place:
    """One instance of a recipe, yet to be drawn from the scenario in its setting; `swept` fields are set."""

    name: str
    recipe: Recipe
    scenario: Scenario
    swept: tuple[str, ...]
    setting: int | None
    library: int
    trace: int

    def instance(self) -> Instance:
        """Draw the instance."""
        recipe, scenario = self.recipe, self.scenario
        origin: dict[str, Any] = {
            "scenario": scenario.name, "generator": recipe.generator,
            "library_seed": recipe.library_seed, "library": self.library,
            "trace_seed": recipe.trace_seed, "trace": self.trace,
        }  # fmt: skip
        if self.swept:
            origin["sweep"] = scenario.model_dump(mode="json", include=set(self.swept))
        if scenario.sections:
            origin["processes"] = {name: one.origin for name, one in scenario.sections.items()}
        users, most = scenario.users, recipe.users_drawn(scenario.users)
        if most != users:
            origin["users_drawn"] = most
        library = scenario.library(recipe.library_seed, self.library)
        drawing = scenario.with_values({"users": most})
        trace = drawing.trace(recipe.trace_seed, "trace", self.library, most, self.trace)
        first = {field: getattr(trace, field)[:, :users] for field in _BY_USER}
        powers_w = drawing.powers_w(recipe.library_seed, self.library)[:users]
        return scenario.instance(self.name, library, replace(trace, **first), origin, powers_w)

    def document(self) -> bytes:
        """Draw the instance's document."""
        return instance_bytes(self.instance())

    @property
    def fields(self) -> dict[str, Any]:
        """What lists the instance in a suite, beside its name and hash."""
        users = self.scenario.users
        return {"setting": self.setting, "library": self.library, "users": users, "trace": self.trace}


def places(name: str, recipe: Recipe, scenario: Scenario) -> Iterator[Place]:
    """Yield the instances of a recipe, undrawn, named `<suite>.l<library>.n<users>.t<trace>`.

    Where the sweep has several settings, `s<setting>.` stands before the library.
    """
    if recipe.generator != GENERATOR_VERSION:
        rule = f"must be {GENERATOR_VERSION!r}, the version installed"
        raise InputError("recipe.generator", rule, excerpt(recipe.generator))
    numbered = recipe.sweep is not None and bool(recipe.sweep.lists or recipe.sweep.cases)
    ranges = {} if recipe.sweep is None else recipe.sweep.ranges
    for number, setting in enumerate(recipe.settings()):
        for end in (0.0, 1.0) if ranges else ():  # so that a refusal is not up to the seed
            scenario.with_values(
                setting | {field: one.at(end, is_whole(field)) for field, one in ranges.items()}
            )
        middle, index = (f".s{number}", number) if numbered else ("", None)
        for library in range(recipe.libraries):
            for users in [setting["users"]] if "users" in setting else recipe.users:
                scenario.with_values(setting | {"users": users}).check_traces(recipe.traces)
                for trace in range(recipe.traces):
                    full = f"{name}{middle}.l{library}.n{users}.t{trace}"
                    yield _place(full, recipe, scenario, setting, index, library, users, trace)


def _place(
    name: str, recipe: Recipe, scenario: Scenario, setting: Mapping[str, Any],
    number: int | None, library: int, users: int, trace: int,
) -> Place:  # fmt: skip
    path = ("trace", library, recipe.users_drawn(users), trace)
    ranges = {} if recipe.sweep is None else recipe.sweep.ranges
    swept = dict(setting)
    for field, one in ranges.items():  # at one place they have the same values in every setting
        drawn = Uniforms(recipe.trace_seed, *path, "sweep", field).draw().item()
        swept[field] = one.at(drawn, is_whole(field))
    scenario = scenario.with_values(swept | {"users": users})
    return Place(name, recipe, scenario, tuple(swept), number, library, trace)
