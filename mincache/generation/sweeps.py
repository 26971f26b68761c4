"""Sweeps: which fields of a scenario vary over the instances of a suite, and how.

In TOML a sweep is a table. A field with a **list** takes every value, each with every value of the other
lists; a field with a **range** is drawn once an instance; `cases` are tables of fields that vary together:

    [sweep]
    uplink_mhz = [2, 5, 20]
    steps = {low = 200, high = 1000}

    [[sweep.cases]]
    models = 30
    storage_gb = 60.0
"""

import itertools
import math
import os
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from mincache.errors import InputError, did_you_mean, excerpt
from mincache.files.tables import StrictTable, TupleOf, read_toml, validated
from mincache.generation.digits import round_number
from mincache.generation.scenario import MAX_ENTRIES, Scenario

MAX_SETTINGS = 10_000
"""A sweep may not have more settings than this."""


class Range(StrictTable):
    """A distribution of one number, drawn once an instance: uniform, or uniform in its logarithm."""

    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.low <= self.high:
            raise InputError("low", "must be <= high", f"{self.low:g} and {self.high:g}")
        if self.log and self.low <= 0.0:
            raise InputError("low", "must be > 0 where the logarithm is drawn", f"{self.low:g}")
        return self

    def at(self, uniform: float, whole: bool = False) -> float | int:
        """Return the value that `uniform`, from 0 to 1, stands for."""
        low, high = (math.ceil(self.low), math.floor(self.high) + 1) if whole else (self.low, self.high)
        value = low * (high / low) ** uniform if self.log else low + (high - low) * uniform
        return min(math.floor(value), math.floor(self.high)) if whole else round_number(value)


def _read(value: Any) -> Any:
    """Return the range that a table describes, or a list's values."""
    if isinstance(value, dict):
        return validated(Range, value)
    if not isinstance(value, Range | list | tuple) or value in ([], ()):
        raise InputError("", "must be a list of values or a range {low = .., high = ..}", excerpt(value))
    return tuple(value) if isinstance(value, list) else value


_Swept = Annotated[Range | tuple[Any, ...], BeforeValidator(_read)]


class Sweep(StrictTable):
    """What varies over the instances of a suite; every key but `cases` is a field of a scenario."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, _Swept] = Field(init=False)  # so that type checkers ask for none

    cases: TupleOf[dict[str, Any]] = ()

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        swept = self.fields
        for field in {*swept, *itertools.chain.from_iterable(self.cases)}:
            known = [one for one in Scenario.model_fields if one != "name"]
            if field not in known:
                advice = did_you_mean(field, known, "")
                raise InputError(field, "must be a field of a scenario, and not its name", "another", advice)
        if both := sorted(set(swept) & set(itertools.chain.from_iterable(self.cases))):
            raise ValueError(f"{both[0]} must be swept in one place")
        if "users" in swept:
            raise InputError("users", "must be given with --users, or by each case", excerpt(swept["users"]))
        if any(Scenario.model_fields[field].annotation not in (int, float) for field in self.ranges):
            raise ValueError("each range must be of a field that holds one number")
        named = [case["users"] for case in self.cases if "users" in case]
        if any(type(users) is not int or not 0 < users <= MAX_ENTRIES for users in named):
            raise ValueError(f"the users of each case must be a whole number from 1 to {MAX_ENTRIES}")
        for field, values in {**self.lists, "cases": self.cases}.items():
            twice = next((value for n, value in enumerate(values) if value in values[:n]), None)
            if twice is not None:
                raise InputError(field, "must hold each value once", f"{excerpt(twice)} twice")
        if self.setting_count > MAX_SETTINGS:
            raise ValueError(f"the product of the lists must be at most {MAX_SETTINGS}")
        return self

    @property
    def fields(self) -> dict[str, Range | tuple[Any, ...]]:
        """What is swept outside of the cases, by field of the scenario."""
        return self.__pydantic_extra__

    @property
    def lists(self) -> dict[str, tuple[Any, ...]]:
        """Every value of each field that has a list."""
        return {field: values for field, values in self.fields.items() if isinstance(values, tuple)}

    @property
    def ranges(self) -> dict[str, Range]:
        """The range of each field that has one."""
        return {field: values for field, values in self.fields.items() if isinstance(values, Range)}

    @property
    def setting_count(self) -> int:
        """How many settings there are."""
        return math.prod(map(len, self.lists.values()), start=max(1, len(self.cases)))

    def settings(self) -> list[dict[str, Any]]:
        """Return the fields of each setting: case by case, the last list varying fastest."""
        names, values = list(self.lists), self.lists.values()
        return [
            {**case, **dict(zip(names, chosen, strict=True))}
            for case in self.cases or ({},)
            for chosen in itertools.product(*values)
        ]


def is_whole(field: str) -> bool:
    """Return whether this field of a scenario holds a whole number."""
    return Scenario.model_fields[field].annotation is int


class ScenarioFile(Scenario):
    """A scenario as it stands in a file of its own, with what varies."""

    sweep: Sweep | None = Field(default=None, description="fields that take several values")

    @property
    def scenario(self) -> Scenario:
        """The scenario without the sweep."""
        return Scenario(**self.model_dump(exclude={"sweep"}))


def read_scenario(path: str | os.PathLike[str]) -> ScenarioFile:
    """Read a scenario's file; the paths of its data files start from its folder."""
    return read_toml(path, ScenarioFile).files_from(Path(path).parent)
