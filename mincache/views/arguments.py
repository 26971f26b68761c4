"""What callers of the environment pass, checked: what is played, whole numbers, seeds, masks, actions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from mincache.errors import InputError, excerpt, one_of, whole_number
from mincache.files.tables import validated
from mincache.generation import suites
from mincache.generation.scenario import Scenario
from mincache.generation.sweeps import read_scenario
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.views.agent_view import AgentView
from mincache.views.episodes import TRAINING, Episodes
from mincache.views.past_view import PastView

INFORMATION = ("slot", "past")
"""A slot is seen before it is decided on, or its cache is placed before."""


def seeds(given: object, count: int) -> int | list[int | None] | None:
    """Return one seed for all, one or None for each of `count` copies, or None."""
    seed = given.tolist() if isinstance(given, np.ndarray) else given
    if not isinstance(seed, list | tuple):
        return None if seed is None else whole_number("seed", seed)
    if len(seed) != count:
        raise InputError("seed", f"must be one number, or a list of {count}", f"{len(seed)} numbers")
    return [None if one is None else whole_number("seed", one) for one in seed]


def check_options(options: object, count: int) -> int | None:
    """Return the number of the episode that the options of a reset ask for, if any."""
    if not isinstance(options, Mapping | None):
        raise InputError("options", "must be a mapping", excerpt(options))
    given = dict(options or {})
    every = np.ones(count, dtype=bool)
    mask = given.pop("reset_mask", every)
    if not (np.array_equal(mask, every) and np.asarray(mask).dtype == np.bool_):
        rule = f"must be true for all {count} copies, which begin and end together"
        raise InputError("options['reset_mask']", rule, excerpt(mask))
    episode = whole_number("options['episode']", given.pop("episode")) if "episode" in given else None
    if given:
        raise InputError("options", "must be episode or reset_mask", excerpt(next(iter(given))))
    return episode


def chosen_view(view: AgentView | None, observation: str, action: str, information: str | None) -> AgentView:
    """Return the view that is given, or the one that the names choose."""
    level = None if information is None else one_of("information", information, INFORMATION)
    if not isinstance(view, AgentView | None):
        raise InputError("view", "must be an AgentView", excerpt(view))
    named = AgentView(observation, action)
    if level == "past" and view is None:
        if named != AgentView():
            rule = "must be left out with information='past'"
            raise InputError("observation and action", rule, f"{observation!r} and {action!r}")
        return PastView()
    chosen = named if view is None else view
    if level not in (None, chosen.information):
        raise InputError("information", f"must be {chosen.information}, as the view has it", excerpt(level))
    return chosen


def autoreset(mode: object) -> AutoresetMode:
    """Return one of Gymnasium's ways to go on after an episode, by itself or its name."""
    if isinstance(mode, AutoresetMode):
        return mode
    names = [one.value for one in AutoresetMode]
    return AutoresetMode(one_of("autoreset_mode", mode, names))


def numbers(field: str, value: Any, shape: tuple[int, ...] | None) -> Array:
    """Return an array of numbers as float64 of this shape."""
    try:
        if np.asarray(value).dtype.kind in "cMmSUV":  # numpy would drop or read what is no plain number
            raise TypeError
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(field, "must be an array of numbers", excerpt(value)) from None
    if array.shape != shape:
        raise InputError(field, f"must have shape {list(shape or ())}", str(list(array.shape)))
    return array


Played = Instance | Episodes
FileOrName = str | os.PathLike[str]
_KINDS: Mapping[str, tuple[Any, str]] = {
    "source": (Instance | Episodes, "an Instance or Episodes"),
    "suite": (str | os.PathLike, "a name or a folder"),
    "instance": (str | os.PathLike, "a name or a file"),
    "scenario": (str | os.PathLike | Mapping | Scenario, "fields or a file"),
}


def source_of(
    source: Played | None = None,
    suite: FileOrName | None = None,
    instance: FileOrName | None = None,
    scenario: FileOrName | Mapping[str, Any] | Scenario | None = None,
    library: int = 0,
    users: int | None = None,
    purpose: str = TRAINING,
) -> Played:
    """Return what is played: one of the first four names it, none of them the paper's scenario."""
    named = {"source": source, "suite": suite, "instance": instance, "scenario": scenario}
    given = {name: value for name, value in named.items() if value is not None}
    if len(given) > 1:
        raise InputError("source", "must be one of source, suite, instance and scenario", " and ".join(given))
    for name, value in given.items():
        kind, said = _KINDS[name]
        if not isinstance(value, kind):
            raise InputError(name, f"must be {said}", excerpt(value))
    number = whole_number("library", library)
    count = None if users is None else whole_number("users", users, least=1)
    played = source if instance is None else suites.load(instance)
    if played is None:
        return _drawn(suite, scenario, number, count, purpose)
    more = {"library": (number, 0), "users": (count, None), "purpose": (purpose, TRAINING)}
    for name, (told, usual) in more.items():
        if told != usual:
            kind = "an instance is played" if isinstance(played, Instance) else "the source is Episodes"
            raise InputError(name, f"must be left out where {kind}", excerpt(told))
    return played


def _drawn(
    suite: FileOrName | None, scenario: FileOrName | Mapping[str, Any] | Scenario | None, library: int,
    users: int | None, purpose: str,
) -> Episodes:  # fmt: skip
    if suite is not None:
        return Episodes.of_suite(os.fspath(suite), library, users, purpose=purpose)
    if isinstance(scenario, str | os.PathLike):
        scenario = read_scenario(scenario).scenario
    if not isinstance(scenario, Scenario):
        scenario = validated(Scenario, {str(name): value for name, value in (scenario or {}).items()})
    chosen = scenario if users is None else scenario.with_values({"users": users})
    return Episodes(chosen, chosen.library(0, library), purpose=purpose, library_index=library)
