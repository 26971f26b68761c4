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
from mincache.generation.process import LARGEST
from mincache.generation.scenario import MAX_ENTRIES, Scenario

MAX_SETTINGS = 10_000
"""A sweep may not have more settings than this."""


class Range(StrictTable):
    """A distribution of one number, drawn once an instance: uniform, or uniform in its logarithm."""

    low: Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
    high: Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
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
        if self.setting_count > MAX_SETTINGS:
            rule = f"must have at most {MAX_SETTINGS} settings, the product of the lists' lengths"
            raise InputError("", rule, str(self.setting_count))
        swept = self.fields
        in_cases = list(itertools.chain.from_iterable(map(dict.items, self.cases)))
        known = [one for one in Scenario.model_fields if one not in ("name", "models_section")]
        for field in (*swept, *(field for field, _ in in_cases)):
            if field not in known:
                advice = did_you_mean(field, known, "")
                raise InputError(field, "must be a field of a scenario, and not its name", "another", advice)
        if both := sorted(set(swept) & {field for field, _ in in_cases}):
            raise InputError(both[0], "must be swept in one place", "a value in `cases` too")
        listed = [(field, value) for field, values in self.lists.items() for value in values]
        for field, value in listed + in_cases:
            if isinstance(value, dict) and "file" in value:
                rule = f"must stand in [{field}] itself, since a suite has one file for a section"
                raise InputError(f"{field}.file", rule, excerpt(value["file"]), "draw a suite for each file")
        if "users" in swept:
            raise InputError("users", "must be given with --users, or by each case", excerpt(swept["users"]))
        for field, one in self.ranges.items():
            if Scenario.model_fields[field].annotation not in (int, float):
                raise InputError(field, "must be a list, since it does not hold one number", "a range")
            if is_whole(field) and math.ceil(one.low) > math.floor(one.high):
                raise InputError(field, "must hold a whole number", f"{one.low:g} to {one.high:g}")
        for number, case in enumerate(self.cases):
            users = case.get("users", 1)
            if type(users) is not int or not 0 < users <= MAX_ENTRIES:
                rule = f"must be a whole number from 1 to {MAX_ENTRIES}"
                raise InputError(f"cases.{number}.users", rule, excerpt(users))
        for field, values in {**self.lists, "cases": self.cases}.items():
            twice = next((value for n, value in enumerate(values) if value in values[:n]), None)
            if twice is not None:
                raise InputError(field, "must hold each value once", f"{excerpt(twice)} twice")
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


_REPLACED = {"requests": ("skewness_states", "skewness_transitions"), "user": ("user_power_dbm",)}


class ScenarioFile(Scenario):
    """A scenario as it stands in a file of its own, with what varies."""

    sweep: Sweep | None = Field(default=None, description="fields that take several values")

    @model_validator(mode="after")
    def _check_replaced(self) -> Self:
        """Refuse fields that a section's process has in place of the scenario."""
        swept = set() if self.sweep is None else {*self.sweep.fields, *itertools.chain(*self.sweep.cases)}
        for section, fields in _REPLACED.items():
            for field in fields if getattr(self, section) is not None else ():
                if field in self.model_fields_set | swept:
                    rule = f"must be left out where there is a section [{section}], which decides instead"
                    raise InputError(field, rule, excerpt(getattr(self, field)))
        return self

    @property
    def scenario(self) -> Scenario:
        """The scenario without the sweep."""
        return Scenario(**self.model_dump(exclude={"sweep"}))


def read_scenario(path: str | os.PathLike[str]) -> ScenarioFile:
    """Read a scenario's file; the paths of its data files start from its folder."""
    return read_toml(path, ScenarioFile).files_from(Path(path).parent)
