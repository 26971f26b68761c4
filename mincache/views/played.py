"""What an environment plays, from plain keywords, so that its specification goes to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mincache.errors import InputError, excerpt
from mincache.files.tables import validated
from mincache.generation import suites
from mincache.generation.scenario import Scenario
from mincache.generation.sweeps import read_scenario
from mincache.problem.instance import Instance
from mincache.views.arguments import whole
from mincache.views.episodes import Episodes

Played = Instance | Episodes


def source_of(
    source: Played | None = None,
    suite: str | None = None,
    instance: str | None = None,
    scenario: str | Mapping[str, Any] | None = None,
    library: int = 0,
    users: int | None = None,
    purpose: str = "training",
) -> Played:
    """Return what is played: one of the first four names it, none of them the paper's scenario."""
    named = {"source": source, "suite": suite, "instance": instance, "scenario": scenario}
    given = [name for name, value in named.items() if value is not None]
    if len(given) > 1:
        raise InputError("source", "must be one of source, suite, instance and scenario", " and ".join(given))
    number, count = whole("library", library), None if users is None else whole("users", users, least=1)
    if isinstance(source, Episodes) or (source is None and instance is None):
        if source is not None and (number or count is not None or purpose != "training"):
            raise InputError("source", "must come without library, users and purpose", "episodes and those")
        return source or _drawn(suite, scenario, number, count, purpose)
    if number or count is not None:
        raise InputError("library and users", "must be left out where an instance is played", "one of them")
    found = suites.load(instance) if isinstance(instance, str) else source
    if not isinstance(found, Instance):
        kind = "source" if instance is None else "instance"
        rule = "must be an Instance or Episodes" if instance is None else "must be a name or a file"
        raise InputError(kind, rule, excerpt(source if instance is None else instance))
    return found


def _drawn(
    suite: str | None, scenario: str | Mapping[str, Any] | None, library: int, users: int | None, purpose: str
) -> Episodes:
    if suite is not None:
        return Episodes.of_suite(suite, library, users, purpose=purpose)
    if isinstance(scenario, str):
        fields = read_scenario(scenario).scenario
    else:
        fields = validated(Scenario, dict(scenario or {}))
    chosen = fields if users is None else fields.with_values({"users": users})
    return Episodes(chosen, chosen.library(0, library), purpose=purpose, library_index=library)
