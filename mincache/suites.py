"""Suites: named, frozen sets of instances, each a folder with a `suite.toml` and the instance files.

`suite.toml` holds the recipe (scenario, seeds, how many of what), the SHA-256 of each file, and what is
known of each instance's optimum. The standard suites are package data; any folder of the same form is
a suite too.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel, ConfigDict, Field

from mincache.documents import digest, instance_bytes, parse_instance, read_bytes, read_instance, write_bytes
from mincache.errors import DocumentError, InputError, shown
from mincache.instance import NAME_PATTERN, Instance
from mincache.scenario import GENERATOR_VERSION, Scenario
from mincache.validation import read_toml

RECIPE_FILE = "suite.toml"
_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Recipe(BaseModel):
    """How the instances of a suite are drawn: every library x number of users x trace.

    Attributes:
        generator: version of the generator, `scenario.GENERATOR_VERSION`.
        library_seed: seed of the libraries' streams.
        trace_seed: seed of the traces' streams.
        libraries: number of libraries.
        users: the numbers of users N.
        traces: number of traces a library and N.
    """

    model_config = _FROZEN

    generator: str = GENERATOR_VERSION
    library_seed: int = Field(ge=0)
    trace_seed: int = Field(ge=0)
    libraries: int = Field(ge=1)
    users: tuple[int, ...] = Field(min_length=1)
    traces: int = Field(ge=1)


class Entry(BaseModel):
    """One instance of a suite.

    Attributes:
        name: the instance's name; its file is `name`.json.
        sha256: of the file.
        library: index of its library.
        users: N.
        trace: index of its trace.
        best_known: lowest verified cost known, if any.
        lower_bound: a proven lower bound on the cost, if any.
    """

    model_config = _FROZEN

    name: str = Field(pattern=f"^{NAME_PATTERN}$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    library: int = Field(ge=0)
    users: int = Field(ge=1)
    trace: int = Field(ge=0)
    best_known: float | None = None
    lower_bound: float | None = None


class SuiteFile(BaseModel):
    """The content of a `suite.toml`."""

    model_config = _FROZEN

    name: str = Field(pattern=f"^{NAME_PATTERN}$")
    purpose: str = ""
    recipe: Recipe
    scenario: Scenario
    instance: tuple[Entry, ...] = ()


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
        self.entries: Mapping[str, Entry] = {entry.name: entry for entry in self.content.instance}

    @property
    def name(self) -> str:
        """The suite's name."""
        return self.content.name

    def path(self, name: str) -> Path:
        """Return the path of the file of the instance `name`."""
        return self.folder / f"{name}.json"

    def read(self, name: str) -> Instance:
        """Read an instance, checking its file against the suite's hash.

        Raises:
            DocumentError: if the file is missing, malformed, or not the one that the suite names.
        """
        path, entry = self.path(name), self.entries[name]
        try:
            data = read_bytes(path)
            if digest(data) != entry.sha256:
                raise InputError("sha256", f"must be {entry.sha256[:12]}...", f"{digest(data)[:12]}...")
            return parse_instance(data)
        except InputError as error:
            raise DocumentError(f"{path}: {error.field}", error.rule, error.received, error.advice) from None

    def __iter__(self) -> Iterator[Instance]:
        return (self.read(name) for name in self.entries)

    def verify(self) -> Iterator[tuple[str, str | None]]:
        """Yield each instance's name, and None or how its file differs from what the recipe draws."""
        drawn = draw(self.content.name, self.content.recipe, self.content.scenario)
        wanted = {instance.name: instance_bytes(instance) for instance, _ in drawn}
        for name in sorted(wanted.keys() | self.entries.keys()):
            yield name, self._difference(name, wanted.get(name))

    def _difference(self, name: str, wanted: bytes | None) -> str | None:
        if wanted is None:
            return "listed, but the recipe does not draw it"
        if name not in self.entries:
            return "drawn by the recipe, but not listed"
        try:
            data = read_bytes(self.path(name))
        except InputError as error:
            return str(error)
        if digest(data) != self.entries[name].sha256:
            return "the file's SHA-256 is not the one listed"
        return None if data == wanted else "the file's bytes are not what the recipe draws"


def draw(name: str, recipe: Recipe, scenario: Scenario) -> Iterator[tuple[Instance, Entry]]:
    """Draw the instances of a recipe, each with its entry, named `<suite>.l<library>.n<users>.t<trace>`.

    Raises:
        InputError: if the recipe is of another generator version.
    """
    if recipe.generator != GENERATOR_VERSION:
        rule = f"must be {GENERATOR_VERSION!r}, the version installed"
        raise InputError("recipe.generator", rule, shown(recipe.generator))
    for library_index in range(recipe.libraries):
        library = scenario.library(recipe.library_seed, library_index)
        for users in recipe.users:
            sized = scenario.model_copy(update={"users": users})
            for trace_index in range(recipe.traces):
                path = ("trace", library_index, users, trace_index)
                origin = {
                    "scenario": scenario.name, "generator": recipe.generator,
                    "library_seed": recipe.library_seed, "library": library_index,
                    "trace_seed": recipe.trace_seed, "trace": trace_index,
                }  # fmt: skip
                title = f"{name}.l{library_index}.n{users}.t{trace_index}"
                instance = sized.instance(title, library, sized.trace(recipe.trace_seed, *path), origin)
                entry = Entry(
                    name=title, sha256=digest(instance_bytes(instance)),
                    library=library_index, users=users, trace=trace_index,
                )  # fmt: skip
                yield instance, entry


def generate(
    folder: str | os.PathLike[str], name: str, recipe: Recipe, scenario: Scenario, purpose: str = ""
) -> Suite:
    """Draw a suite into `folder`, which may exist but must not hold a suite yet, and return it.

    Raises:
        InputError: if the folder holds a suite already.
    """
    folder = Path(folder)
    if (folder / RECIPE_FILE).exists():
        raise InputError(str(folder), "must not hold a suite yet", RECIPE_FILE, "choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for instance, entry in draw(name, recipe, scenario):
        write_bytes(folder / f"{entry.name}.json", instance_bytes(instance))
        entries.append(entry)
    content = SuiteFile(name=name, purpose=purpose, recipe=recipe, scenario=scenario, instance=tuple(entries))
    write_content(folder, content)
    return Suite(folder)


def set_references(suite: Suite, values: Mapping[str, tuple[float, float]]) -> Suite:
    """Write a verified cost and a proven lower bound of each instance named into `suite.toml`.

    Args:
        suite: the suite; it is read again and returned.
        values: (cost, bound) by instance.
    """
    entries = tuple(
        entry.model_copy(update=dict(zip(("best_known", "lower_bound"), values[entry.name], strict=True)))
        if entry.name in values
        else entry
        for entry in suite.content.instance
    )
    write_content(suite.folder, suite.content.model_copy(update={"instance": entries}))
    return Suite(suite.folder)


def write_content(folder: Path, content: SuiteFile) -> None:
    """Write the `suite.toml` of a suite."""
    table: dict[str, Any] = content.model_dump(mode="json", exclude_none=True)
    write_bytes(folder / RECIPE_FILE, tomli_w.dumps(table).encode())


def standard_names() -> list[str]:
    """Return the names of the suites that ship with mincache, sorted."""
    return sorted(path.parent.name for path in _standard_root().glob(f"*/{RECIPE_FILE}"))


def is_suite(name_or_folder: str) -> bool:
    """Return whether this is the name of a standard suite, or a folder with one."""
    return name_or_folder in standard_names() or (Path(name_or_folder) / RECIPE_FILE).is_file()


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
    raise InputError("suite", rule, shown(name_or_folder))


def find_instance(name_or_file: str) -> Instance:
    """Return the instance in a file, or one of a standard suite by its name.

    Raises:
        InputError: if there is none.
    """
    if Path(name_or_file).exists() or name_or_file.endswith((".json", ".json.gz")):
        return read_instance(name_or_file)
    suite_name = name_or_file.partition(".")[0]
    if suite_name not in standard_names():
        rule = "must be a file, or the name of a standard instance such as paper-v1.l0.n10.t0"
        raise InputError("instance", rule, shown(name_or_file), "see: mincache instances show paper-v1")
    suite = find(suite_name)
    if name_or_file not in suite.entries:
        close = difflib.get_close_matches(name_or_file, suite.entries, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"see: mincache instances show {suite_name}"
        raise InputError("instance", f"must be one of {suite_name}'s", shown(name_or_file), advice)
    return suite.read(name_or_file)


def _standard_root() -> Path:
    return Path(str(files("mincache.instances")))
