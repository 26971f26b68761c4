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
from typing import Annotated, Any, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mincache.documents import digest, instance_bytes, parse_instance, read_bytes, read_instance, write_bytes
from mincache.errors import DocumentError, InputError, shown
from mincache.instance import NAME_PATTERN, Instance, check_name
from mincache.scenario import GENERATOR_VERSION, Scenario
from mincache.validation import read_toml, validated

RECIPE_FILE = "suite.toml"
_MAX_INSTANCES = 10_000
_FROZEN = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
_LIST = Field(strict=False)  # TOML has lists where Python has tuples


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
    users: Annotated[tuple[Annotated[int, Field(ge=1)], ...], _LIST] = Field(min_length=1)
    traces: int = Field(ge=1)

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if self.libraries * len(self.users) * self.traces > _MAX_INSTANCES:
            raise ValueError(f"libraries times users times traces must be at most {_MAX_INSTANCES}")
        if len(set(self.users)) < len(self.users):
            raise ValueError("each number of users must stand once")
        return self


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
    instance: Annotated[tuple[Entry, ...], _LIST] = ()

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if len({entry.name for entry in self.instance}) < len(self.instance):
            raise ValueError("each name of an instance must stand once")
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
            InputError: if the suite lists no such instance.
            DocumentError: if the file is missing, malformed, or not the one that the suite names.
        """
        if name not in self.entries:
            close = difflib.get_close_matches(name, self.entries, n=1)
            advice = f"did you mean {close[0]!r}?" if close else f"see: mincache instances show {self.name}"
            raise InputError("instance", f"must be one of {self.name}'s", shown(name), advice)
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
        content = self.content
        drawn = {entry.name: entry for _, entry in draw(self.name, content.recipe, content.scenario)}
        stored = {path.name.removesuffix(".json") for path in self.folder.glob("*.json*")}
        for name in sorted(drawn.keys() | self.entries.keys() | stored):
            yield name, self._difference(name, drawn.get(name))

    def _difference(self, name: str, drawn: Entry | None) -> str | None:
        listed = self.entries.get(name)
        if listed is None:
            return "in the folder, but not listed" if drawn is None else "drawn by the recipe, but not listed"
        if drawn is None:
            return "listed, but the recipe does not draw it"
        if (listed.library, listed.users, listed.trace) != (drawn.library, drawn.users, drawn.trace):
            return "listed with another library, number of users or trace than the recipe draws"
        try:
            found = digest(read_bytes(self.path(name)))
        except InputError as error:
            return str(error)
        if found != listed.sha256:
            return "the file's SHA-256 is not the one listed"
        return None if found == drawn.sha256 else "the file's bytes are not what the recipe draws"


def draw(name: str, recipe: Recipe, scenario: Scenario) -> Iterator[tuple[Instance, Entry]]:
    """Draw the instances of a recipe, each with its entry, named `<suite>.l<library>.n<users>.t<trace>`.

    Raises:
        InputError: if the recipe is of another generator version, or too large for the scenario.
    """
    if recipe.generator != GENERATOR_VERSION:
        rule = f"must be {GENERATOR_VERSION!r}, the version installed"
        raise InputError("recipe.generator", rule, shown(recipe.generator))
    for library_index in range(recipe.libraries):
        library = scenario.library(recipe.library_seed, library_index)
        for users in recipe.users:
            sized = validated(Scenario, scenario.model_dump() | {"users": users})
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
        InputError: if the folder holds a suite already or cannot be written, or the name is none.
    """
    check_name(name, "name")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # a ValueError: what no folder can be called
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(str(folder), "must be a folder to write to", reason) from None
    if (folder / RECIPE_FILE).exists():
        raise InputError(str(folder), "must not hold a suite yet", RECIPE_FILE, "choose another folder")
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
    raise InputError("suite", rule, shown(name_or_folder))


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
        raise InputError("instance", rule, shown(instance_name), "see: mincache instances show paper-v1")
    return find(suite_name)


def _standard_root() -> Path:
    return Path(str(files("mincache.instances")))
