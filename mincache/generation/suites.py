"""Suites: named, frozen sets of instances, each a folder with a `suite.toml` and the instance files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import field_validator, model_validator

from mincache.errors import InputError, did_you_mean, excerpt, in_file
from mincache.files import documents
from mincache.files.documents import digest, parse_instance, read_bytes, read_instance
from mincache.files.paths import CACHE_VARIABLE, cache_folder, make_folder
from mincache.files.tables import PlainName, StrictTable, TupleOf, read_toml, validated
from mincache.generation.recipes import Given, ListedInstance, Place, Recipe, Reference, Selection, Source
from mincache.generation.scenario import Scenario
from mincache.problem import display
from mincache.problem.instance import Instance
from mincache.problem.popularity import Popularity

if TYPE_CHECKING:
    import pandas

RECIPE_FILE = "suite.toml"
_ROWS_SHOWN = 20


class SuiteFile(StrictTable):
    """The content of a `suite.toml`; where instances are `drawn`, there is the recipe alone beside it."""

    name: PlainName
    purpose: str = ""
    references: str = ""
    kept: Literal["files", "drawn"] = "files"
    recipe: Recipe | Given | Selection
    scenario: Scenario | None = None
    instance: TupleOf[ListedInstance] = ()

    @field_validator("recipe", mode="before")
    @classmethod
    def _read_recipe(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        kinds: dict[Any, type[Recipe | Given | Selection]] = {"given": Given, "selected": Selection}
        kind = value.get("kind")
        if kind is not None and (not isinstance(kind, str) or kind not in kinds):
            rule = "must be 'given' or 'selected', or left out where a scenario is drawn"
            raise InputError("kind", rule, excerpt(kind))
        return validated(kinds.get(kind, Recipe), value)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len({entry.name for entry in self.instance}) < len(self.instance):
            twice, _ = Counter(entry.name for entry in self.instance).most_common(1)[0]
            raise InputError("instance", "each name of an instance must appear once", f"{twice!r} twice")
        if isinstance(self.recipe, Recipe) != (self.scenario is not None):
            rule = "must be present" if self.scenario is None else "must be left out, since nothing is drawn"
            raise InputError("scenario", rule, "nothing" if self.scenario is None else "a table")
        if isinstance(self.recipe, Given) and self.kept == "drawn":
            raise InputError("kept", "must be 'files', since nothing is drawn", "'drawn'")
        for number, entry in enumerate(self.instance):
            source = self.source_of(entry)
            if source is None or entry.setting is None:
                continue
            settings = 1 if source.recipe.sweep is None else source.recipe.sweep.setting_count
            if entry.setting >= settings:
                rule = f"must be < {settings}, the number of settings"
                raise InputError(f"instance.{number}.setting", rule, str(entry.setting))
        return self

    @property
    def sources(self) -> tuple[Source, ...]:
        """What the instances are drawn from; nothing where they are given."""
        if isinstance(self.recipe, Recipe) and self.scenario is not None:
            return (Source(name=self.name, recipe=self.recipe, scenario=self.scenario),)
        return self.recipe.source if isinstance(self.recipe, Selection) else ()

    def source_of(self, entry: ListedInstance) -> Source | None:
        """Return what an instance is drawn from; None where it is given."""
        sources = self.sources  # made anew each time
        if not sources:
            return None
        if (entry.source or 0) >= len(sources):
            rule = f"must be < {len(sources)}, the number of sources"
            raise InputError(f"{entry.name}: source", rule, str(entry.source))
        return sources[entry.source or 0]

    def with_scenarios(self, change: Callable[[Scenario], Scenario]) -> Self:
        """Return the content with each scenario changed."""
        if isinstance(self.recipe, Selection):
            sources = [one.model_copy(update={"scenario": change(one.scenario)}) for one in self.sources]
            recipe = self.recipe.model_copy(update={"source": tuple(sources)})
            return self.model_copy(update={"recipe": recipe})
        return self.model_copy(update={"scenario": self.scenario and change(self.scenario)})


class Suite:
    """A suite in a folder: iterating over it reads its instances one by one."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        content = read_toml(self.folder / RECIPE_FILE, SuiteFile)
        self.content = content.with_scenarios(lambda scenario: scenario.files_from(self.folder))
        self.entries: Mapping[str, ListedInstance] = {entry.name: entry for entry in self.content.instance}

    @property
    def name(self) -> str:
        """The suite's name."""
        return self.content.name

    @property
    def source(self) -> Source:
        """The recipe and the scenario that all instances are drawn from."""
        if len(self.content.sources) != 1:
            received = f"one from {len(self.content.sources) or 'elsewhere'}"
            raise InputError("suite", "must be drawn from one scenario", received)
        return self.content.sources[0]

    @property
    def references(self) -> dict[str, Reference]:
        """The best known cost of each instance that has one, with its proven lower bound."""
        return {e.name: e.reference for e in self.entries.values() if e.reference is not None}

    def to_pandas(self) -> pandas.DataFrame:
        """Return a table with a row an instance: its place in the recipe, and what is known of its optimum.

        Example:
            >>> import mincache
            >>> table = mincache.suite("smoke-v1").to_pandas()
            >>> table.set_index("name").loc["smoke-v1.l0.n10.t0", "users"].item()
            10
        """
        import pandas

        return pandas.DataFrame([entry.model_dump() for entry in self.entries.values()])

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __getitem__(self, name: str) -> Instance:
        return self.read(name)

    def __repr__(self) -> str:
        return f"Suite({self.name!r}: {len(self)} instances)"

    def _repr_html_(self) -> str:
        rows = [
            (entry.name, entry.users, *(("", "") if known is None else (f"{known.cost:.6g}", known.proven)))
            for entry in list(self.entries.values())[:_ROWS_SHOWN]
            for known in (entry.reference,)
        ]
        title = f"{self.name}: {len(self)} instances. {self.content.purpose}"
        more = [("...", "", "", "")] if len(self) > len(rows) else []
        header = ("instance", "users", "best known cost", "proven optimal")
        return display.html_table(title, rows + more, header)

    def path(self, name: str) -> Path:
        """Return the path of the file of the instance `name`; where there is the recipe alone, draw it."""
        if self.content.kept == "files":
            return self.folder / f"{name}.json"
        sha256 = self._entry(name).sha256
        path = cache_folder() / "instances" / f"{name}.{sha256[:16]}.json"
        if path.is_file() and digest(read_bytes(path)) == sha256:
            return path  # else it is damaged, and drawn again
        data = self.place(name).document()
        if digest(data) != sha256:
            rule, received = f"must be {sha256[:12]}..., as listed", f"{digest(data)[:12]}..., as drawn"
            raise InputError(f"{name}: sha256", rule, received, "see: mincache instances verify")
        make_folder(path.parent, f"set {CACHE_VARIABLE} to a folder that is")
        documents.write_bytes(path, data)
        return path

    def place(self, name: str) -> Place:
        """Return the instance `name`, undrawn."""
        entry = self._entry(name)
        if (source := self.content.source_of(entry)) is None:
            raise InputError("instance", "must be one that is drawn", excerpt(name))
        return source.place(entry)

    def read(self, name: str) -> Instance:
        """Read an instance, checking its file against the suite's hash."""
        entry, path = self._entry(name), self.path(name)
        with in_file(path):
            data = read_bytes(path)
            if digest(data) != entry.sha256:
                raise InputError("sha256", f"must be {entry.sha256[:12]}...", f"{digest(data)[:12]}...")
            instance = parse_instance(data)
            if instance.name != name:
                raise InputError("name", f"must be {name!r}, as listed", excerpt(instance.name))
            return instance

    def _entry(self, name: str) -> ListedInstance:
        if name not in self.entries:
            advice = did_you_mean(str(name), self.entries, f"see: mincache instances show {self.name}")
            raise InputError("instance", f"must be one of {self.name}'s", excerpt(name), advice)
        return self.entries[name]

    def __iter__(self) -> Iterator[Instance]:
        return (self.read(name) for name in self.entries)


def standard_names() -> list[str]:
    """Return the names of the suites that ship with mincache, sorted."""
    return sorted(path.parent.name for path in _standard_root().glob(f"*/{RECIPE_FILE}"))


def is_suite(name_or_folder: str) -> bool:
    """Return whether this is the name of a standard suite, or a folder with one."""
    if not name_or_folder:  # a shell's variable that is not set
        return False
    return name_or_folder in standard_names() or os.path.isfile(os.path.join(name_or_folder, RECIPE_FILE))


def suite(name_or_folder: str | os.PathLike[str]) -> Suite:
    """Return a standard suite by name, or the suite in a folder.

    Example:
        >>> import mincache
        >>> smoke = mincache.suite("smoke-v1")
        >>> smoke
        Suite('smoke-v1': 4 instances)
        >>> [instance.user_count for instance in smoke]
        [10, 18, 10, 18]
        >>> smoke.references["smoke-v1.l0.n10.t0"].proven
        True
    """
    given = os.fspath(name_or_folder)
    if given in standard_names():
        return Suite(_standard_root() / given)
    if is_suite(given):
        return Suite(given)
    rule = f"must be one of {', '.join(standard_names())}, or a folder with a {RECIPE_FILE}"
    raise InputError("suite", rule, excerpt(given), did_you_mean(given, standard_names(), ""))


def load(name_or_file: str | os.PathLike[str]) -> Instance:
    """Return an instance: one of a standard suite by its name, or the one in a file.

    Example:
        >>> import mincache
        >>> mincache.load("smoke-v1.l0.n10.t0")
        Instance('smoke-v1.l0.n10.t0': 10 slots, 10 users, 10 models)
    """
    given = os.fspath(name_or_file)
    return read_instance(given) if _is_file_name(given) else _suite_of(given).read(given)


find, find_instance = suite, load


def listed(instance: Instance) -> tuple[Suite, ListedInstance] | None:
    """Return the standard suite that holds this very instance, unchanged, and its entry there; or None."""
    name = instance.name.partition(".")[0]
    found = suite(name) if name in standard_names() else None
    entry = None if found is None else found.entries.get(instance.name)
    if found is None or entry is None or entry.sha256 != digest(documents.instance_bytes(instance)):
        return None
    return found, entry


def popularity(instance: Instance) -> Popularity | None:
    """Return the chain that the requests of an instance follow; None where no standard suite tells it."""
    found = listed(instance)
    source = None if found is None else found[0].content.source_of(found[1])
    return None if found is None or source is None else source.place(found[1]).scenario.popularity()


def find_document(name_or_file: str) -> bytes:
    """Return the (unpacked) bytes of an instance document, found as `find_instance` finds it."""
    if _is_file_name(name_or_file):
        with in_file(name_or_file):
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
    return suite(suite_name)


def _standard_root() -> Path:
    return Path(str(files("mincache.instances")))
