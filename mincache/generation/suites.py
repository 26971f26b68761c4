"""Suites: named, frozen sets of instances, each a folder with a `suite.toml` and the instance files.

`suite.toml` holds the recipe (scenario, seeds, how many of what), the SHA-256 of each file, and what is
known of each instance's optimum. The standard suites are package data; any folder of the same form is
a suite too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

import tomli_w
from pydantic import Field, model_validator

from mincache.errors import InputError, did_you_mean, excerpt, in_file
from mincache.files.documents import (
    digest,
    instance_bytes,
    parse_instance,
    read_bytes,
    read_instance,
    write_bytes,
)
from mincache.files.paths import make_folder
from mincache.files.tables import StrictTable, TupleOf, read_toml, validated
from mincache.generation.drawn import drawn_file
from mincache.generation.recipes import ListedInstance, Place, places
from mincache.generation.recipes import Recipe as Recipe
from mincache.generation.recipes import draw as draw
from mincache.generation.scenario import Scenario
from mincache.problem.instance import NAME_PATTERN, Instance, check_name

RECIPE_FILE = "suite.toml"


class SuiteFile(StrictTable):
    """The content of a `suite.toml`.

    Attributes:
        name: the suite's name.
        purpose: one line on what it is for.
        references: where the best known costs and the lower bounds are from; "" if there are none.
        kept: `files` where each instance stands beside it in a file; `drawn` where there is the recipe
            alone, and an instance is drawn into the user's cache folder when it is first used.
        recipe: how the instances are drawn.
        scenario: what from.
        instance: the instances.
    """

    name: str = Field(pattern=f"^{NAME_PATTERN}$")
    purpose: str = ""
    references: str = ""
    kept: Literal["files", "drawn"] = "files"
    recipe: Recipe
    scenario: Scenario
    instance: TupleOf[ListedInstance] = ()

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if len({entry.name for entry in self.instance}) < len(self.instance):
            raise ValueError("each name of an instance must stand once")
        sweep = self.recipe.sweep
        settings = 1 if sweep is None else sweep.setting_count
        for number, entry in enumerate(self.instance):
            if entry.setting is not None and entry.setting >= settings:
                rule = f"must be < {settings}, the number of settings"
                raise InputError(f"instance.{number}.setting", rule, str(entry.setting))
        return self


class Suite:
    """A suite in a folder.

    Args:
        folder: the folder that holds `suite.toml`.

    Raises:
        DocumentError: if `suite.toml` is missing or malformed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.content = read_toml(self.folder / RECIPE_FILE, SuiteFile)
        self.entries: Mapping[str, ListedInstance] = {entry.name: entry for entry in self.content.instance}

    @property
    def name(self) -> str:
        """The suite's name."""
        return self.content.name

    def path(self, name: str) -> Path:
        """Return the path of the file of the instance `name`; where there is the recipe alone, draw it.

        Raises:
            InputError: if it must be drawn, and cannot.
        """
        if self.content.kept == "files":
            return self.folder / f"{name}.json"
        entry = self._entry(name)
        return drawn_file(name, entry.sha256, lambda: instance_bytes(self._places[name].instance()))

    def read(self, name: str) -> Instance:
        """Read an instance, checking its file against the suite's hash.

        Raises:
            InputError: if the suite lists no such instance.
            DocumentError: if the file is missing, malformed, or not the one that the suite names.
        """
        entry, path = self._entry(name), self.path(name)
        with in_file(path):
            data = read_bytes(path)
            if digest(data) != entry.sha256:
                raise InputError("sha256", f"must be {entry.sha256[:12]}...", f"{digest(data)[:12]}...")
            return parse_instance(data)

    def _entry(self, name: str) -> ListedInstance:
        if name not in self.entries:
            advice = did_you_mean(name, self.entries, f"see: mincache instances show {self.name}")
            raise InputError("instance", f"must be one of {self.name}'s", excerpt(name), advice)
        return self.entries[name]

    @cached_property
    def _places(self) -> dict[str, Place]:
        """What the recipe draws, undrawn."""
        content = self.content
        return {place.name: place for place in places(self.name, content.recipe, content.scenario)}

    def __iter__(self) -> Iterator[Instance]:
        return (self.read(name) for name in self.entries)

    def verify(self) -> Iterator[tuple[str, str | None]]:
        """Yield each instance's name, and None or how its file differs from what the recipe draws."""
        drawn = self._places
        stored = {path.name.removesuffix(".json") for path in self.folder.glob("*.json*")}
        for name in sorted(drawn.keys() | self.entries.keys() | stored):
            yield name, self._difference(name, drawn.get(name))

    def _difference(self, name: str, place: Place | None) -> str | None:
        listed = self.entries.get(name)
        if listed is None:
            return "in the folder, but not listed" if place is None else "drawn by the recipe, but not listed"
        if place is None:
            return "listed, but the recipe does not draw it"
        if (listed.setting, listed.library, listed.users, listed.trace) != place.indices:
            return "listed with another setting, library, number of users or trace than the recipe draws"
        if self.content.kept == "files":
            try:
                found = digest(read_bytes(self.path(name)))
            except InputError as error:
                return str(error)
            if found != listed.sha256:
                return "the file's SHA-256 is not the one listed"
        if digest(instance_bytes(place.instance())) == listed.sha256:
            return None
        what = "the file's bytes are not" if self.content.kept == "files" else "the SHA-256 is not that of"
        return f"{what} what the recipe draws"


def generate(
    folder: str | os.PathLike[str],
    name: str,
    recipe: Recipe,
    scenario: Scenario,
    purpose: str = "",
    kept: Literal["files", "drawn"] = "files",
    each: Callable[[Sequence[Place]], Iterable[Place]] = iter,
) -> Suite:
    """Draw a suite into `folder`, which may exist but must not hold a suite yet, and return it.

    Args:
        folder: where to.
        name: the suite's name.
        recipe: how to draw the instances.
        scenario: what from.
        purpose: one line on what it is for.
        kept: whether to write the instances or the recipe alone, as in `SuiteFile`.
        each: yields what is still to be drawn, one by one, for showing how far it is.

    Raises:
        InputError: if the folder holds a suite already or cannot be written, or the name is none.
    """
    check_name(name, "name")
    undrawn = list(places(name, recipe, scenario))
    folder = Path(folder)
    make_folder(folder)
    check_free(folder)
    entries = []
    for place in each(undrawn):
        document = instance_bytes(place.instance())
        entries.append(place.entry(document))
        if kept == "files":
            write_bytes(folder / f"{place.name}.json", document)
    content = SuiteFile(
        name=name, purpose=purpose, kept=kept, recipe=recipe, scenario=scenario, instance=tuple(entries)
    )
    write_content(folder, content)
    return Suite(folder)


def check_free(folder: Path) -> None:
    """Check that a folder holds no suite yet, whether it exists or not.

    Raises:
        InputError: if it does.
    """
    if os.path.exists(folder / RECIPE_FILE):
        raise InputError(str(folder), "must not hold a suite yet", RECIPE_FILE, "choose another folder")


def set_references(suite: Suite, values: Mapping[str, tuple[float, float | None]], source: str = "") -> Suite:
    """Write a verified cost and a proven lower bound of each instance named into `suite.toml`.

    Args:
        suite: the suite; it is read again and returned.
        values: (cost, bound) by instance; None where no bound is known.
        source: where they are from; "" leaves what stands there.

    Raises:
        InputError: if one is not finite.
    """
    changes = {name: {"best_known": cost, "lower_bound": bound} for name, (cost, bound) in values.items()}
    changed = set_entries(suite, changes)
    if source:
        write_content(suite.folder, changed.content.model_copy(update={"references": source}))
    return Suite(suite.folder)


def set_entries(suite: Suite, changes: Mapping[str, Mapping[str, Any]]) -> Suite:
    """Write fields of `ListedInstance` by instance into `suite.toml`; return the suite, read again.

    Raises:
        InputError: if a value is none that the field may have.
    """
    entries = tuple(
        validated(ListedInstance, entry.model_dump() | dict(changes.get(entry.name, {})))
        for entry in suite.content.instance
    )
    write_content(suite.folder, suite.content.model_copy(update={"instance": entries}))
    return Suite(suite.folder)


def write_content(folder: Path, content: SuiteFile) -> None:
    """Write the `suite.toml` of a suite."""
    table: dict[str, Any] = content.model_dump(mode="json", exclude_none=True)
    if content.kept == "files":
        del table["kept"]  # what suites without the key mean
    if not content.references:
        del table["references"]
    write_bytes(folder / RECIPE_FILE, tomli_w.dumps(table).encode())


def standard_names() -> list[str]:
    """Return the names of the suites that ship with mincache, sorted."""
    return sorted(path.parent.name for path in _standard_root().glob(f"*/{RECIPE_FILE}"))


def is_suite(name_or_folder: str) -> bool:
    """Return whether this is the name of a standard suite, or a folder with one."""
    return name_or_folder in standard_names() or os.path.isfile(os.path.join(name_or_folder, RECIPE_FILE))


def find(name_or_folder: str) -> Suite:
    """Return a standard suite by name, or the suite in a folder.

    Raises:
        InputError: if it is neither.
    """
    if name_or_folder in standard_names():
        return Suite(_standard_root() / name_or_folder)
    if is_suite(name_or_folder):
        return Suite(name_or_folder)
    rule = f"must be one of {', '.join(standard_names())}, or a folder with a {RECIPE_FILE}"
    raise InputError(
        "suite", rule, excerpt(name_or_folder), did_you_mean(name_or_folder, standard_names(), "")
    )


def find_instance(name_or_file: str) -> Instance:
    """Return the instance in a file, or one of a standard suite by its name.

    Raises:
        InputError: if there is none.
    """
    if _is_file_name(name_or_file):
        return read_instance(name_or_file)
    return _suite_of(name_or_file).read(name_or_file)


def find_document(name_or_file: str) -> bytes:
    """Return the (unpacked) bytes of an instance document, found as `find_instance` finds it.

    Raises:
        InputError: if there is none, or it cannot be read.
    """
    if _is_file_name(name_or_file):
        return read_bytes(name_or_file)
    suite = _suite_of(name_or_file)
    suite.read(name_or_file)  # refuses a name that is not listed, and a file that is not the one listed
    return read_bytes(suite.path(name_or_file))


def _is_file_name(name_or_file: str) -> bool:
    return os.path.exists(name_or_file) or name_or_file.endswith((".json", ".json.gz"))


def _suite_of(instance_name: str) -> Suite:
    suite_name = instance_name.partition(".")[0]
    if suite_name not in standard_names():
        rule = "must be a file, or the name of a standard instance such as paper-v1.l0.n10.t0"
        advice = did_you_mean(suite_name, standard_names(), "see: mincache instances show paper-v1")
        raise InputError("instance", rule, excerpt(instance_name), advice)
    return find(suite_name)


def _standard_root() -> Path:
    return Path(str(files("mincache.instances")))
