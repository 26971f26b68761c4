"""Drawing or collecting a suite into a folder, and writing down what becomes known of its instances."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import tomli_w

from mincache.errors import DocumentError, InputError, in_file
from mincache.files.documents import digest, instance_bytes, read_bytes, read_instance, write_bytes
from mincache.files.paths import make_folder, real_path
from mincache.files.tables import validated
from mincache.generation.recipes import Given, ListedInstance, Place, Recipe, Selection, Source, places
from mincache.generation.scenario import Scenario
from mincache.generation.suites import RECIPE_FILE, Suite, SuiteFile
from mincache.problem.instance import NAME_CHARACTERS, Instance, check_name

PART = ".part"
"""The folder within a suite's that holds what is drawn already, until all is."""

Document = tuple[str, Callable[[], bytes], Mapping[str, Any]]
"""An instance's name, what makes its document, and the other fields of its `ListedInstance`."""


def generate(
    folder: str | os.PathLike[str], name: str, recipe: Recipe, scenario: Scenario, purpose: str = "",
    kept: Literal["files", "drawn"] = "files", each: Callable[[Sequence[Place]], Iterable[Place]] = iter,
) -> Suite:  # fmt: skip
    """Draw a suite into `folder`, and return it; after an interruption the same call goes on."""
    scenario = scenario.sealed()
    undrawn = list(places(check_name(name, "name"), recipe, scenario))
    _check_room(name, [place.name for place in undrawn])
    content = SuiteFile(name=name, purpose=purpose, kept=kept, recipe=recipe, scenario=scenario)
    drawing = ((place.name, place.document, place.fields) for place in each(undrawn))
    return write_suite(Path(folder), content, drawing)


def _check_room(name: str, names: Iterable[str]) -> None:
    """Refuse a suite's name that makes the names of its instances, which begin with it, too long."""
    longest = max(map(len, names))
    if longest > NAME_CHARACTERS:
        rule = f"must be at most {NAME_CHARACTERS - longest + len(name)} long for instances to be named"
        raise InputError("name", rule, str(len(name)), "choose another with --name")


def collect(
    folder: str | os.PathLike[str], name: str, files: Sequence[str | os.PathLike[str]], purpose: str = ""
) -> Suite:
    """Make a suite of instances from elsewhere, under the names that their documents say.

    Instances with the same models count as of one library, in the order given.
    """
    content = SuiteFile(name=check_name(name, "name"), purpose=purpose, recipe=Given())
    found: dict[str, Instance] = {}
    for file in files:
        instance = read_instance(file)
        if instance.name in found:
            raise InputError(os.fspath(file), "must have a name of its own", repr(instance.name))
        found[instance.name] = instance
    listed = by_library((instance.models, instance.user_count) for instance in found.values())
    documents = (partial(instance_bytes, instance) for instance in found.values())
    return write_suite(Path(folder), content, zip(found, documents, listed, strict=True))


def by_library(instances: Iterable[tuple[Any, int]]) -> Iterator[dict[str, int]]:
    """Yield what lists each instance in a suite, of what tells its library from others and of its users."""
    libraries, count = [], Counter[tuple[int, int]]()
    for known, users in instances:
        if known not in libraries:
            libraries.append(known)
        library = libraries.index(known)
        yield {"library": library, "users": users, "trace": count[library, users]}
        count[library, users] += 1


def write_selection(
    folder: str | os.PathLike[str], name: str, chosen: Sequence[tuple[Suite, str, int]],
    decisions: Mapping[str, Any], purpose: str = "", kept: Literal["files", "drawn"] = "files",
) -> Suite:  # fmt: skip
    """Make a suite of instances chosen among other suites', each drawn under its name behind this suite's."""
    check_name(name, "name")
    sources: list[Source] = []
    documents: list[Document] = []
    for suite, candidate, cluster in chosen:
        source = suite.content.source_of(suite.entries[candidate])
        place = replace(suite.place(candidate), name=f"{name}.{candidate}")
        if source is not None and source not in sources:
            sources.append(source)
        fields = place.fields | {"source": source and sources.index(source), "cluster": cluster}
        documents.append((place.name, place.document, fields))
    _check_room(name, [document[0] for document in documents])
    recipe = validated(Selection, {**decisions, "source": tuple(sources)})
    content = SuiteFile(name=name, purpose=purpose, kept=kept, recipe=recipe)
    return write_suite(Path(folder), content, documents)


def write_suite(folder: Path, content: SuiteFile, documents: Iterable[Document]) -> Suite:
    """Write a suite's documents and list them; what a call that was interrupted has written is kept."""
    part, is_new = folder / PART, not os.path.exists(folder)
    if not os.path.isfile(part / RECIPE_FILE):
        check_free(folder)
    make_folder(part)
    begun = _toml(folder, content)
    if os.path.isfile(part / RECIPE_FILE) and read_bytes(part / RECIPE_FILE) != begun:
        rule, advice = "must not hold the beginning of another suite", f"delete {part} if it is of no use"
        raise DocumentError(str(folder), rule, PART, advice)
    write_bytes(part / RECIPE_FILE, begun)
    entries = []
    for name, data, fields in _missing(folder, documents, folder if is_new else part):
        path = part / f"{name}.json"
        if data is None:
            with in_file(path):
                data = read_bytes(path)
        else:
            write_bytes(path, data)
        entries.append(ListedInstance(name=name, sha256=digest(data), **fields))
    _check_foreign(folder)
    whole = _toml(folder, content.model_copy(update={"instance": tuple(entries)}))
    for entry in entries if content.kept == "files" else ():
        (part / f"{entry.name}.json").replace(folder / f"{entry.name}.json")
    write_bytes(folder / RECIPE_FILE, whole)
    shutil.rmtree(part)
    return Suite(folder)


def _missing(
    folder: Path, documents: Iterable[Document], unused: Path
) -> Iterator[tuple[str, bytes | None, Mapping[str, Any]]]:
    """Yield names, documents that are not written yet, and fields; what cannot be drawn leaves nothing."""
    names = set[str]()
    try:
        for name, document, fields in documents:
            if name in names:
                raise InputError("instance", "must have a name of its own", repr(name))
            names.add(name)
            path, moved = folder / PART / f"{name}.json", folder / f"{name}.json"
            if moved.is_file():  # it was interrupted while files were moved
                moved.replace(path)
            yield name, None if _is_whole(path, name) else document(), fields
    except Exception:  # a failure to write is none: what is drawn is kept for the next call
        shutil.rmtree(unused)
        raise


def check_free(folder: Path) -> None:
    """Check that a folder holds no suite and no other JSON file, whether it exists or not."""
    if not os.path.isdir(folder):
        return
    if os.path.exists(folder / RECIPE_FILE):
        rule = "must not hold a suite yet"
        raise DocumentError(str(folder), rule, RECIPE_FILE, "choose another folder")
    _check_foreign(folder)


def _check_foreign(folder: Path) -> None:
    if (foreign := next(folder.glob("*.json*"), None)) is not None:
        rule, advice = "must hold no JSON files", "move it away, or choose another folder"
        raise DocumentError(str(folder), rule, foreign.name, advice)


def _is_whole(path: Path, name: str) -> bool:
    """Return whether a file holds an instance of this name."""
    try:
        return read_instance(path).name == name
    except InputError:
        return False


def set_references(suite: Suite, values: Mapping[str, tuple[float, float | None]], source: str = "") -> Suite:
    """Write a verified cost and a proven lower bound of each instance named into `suite.toml`."""
    changes = {name: {"best_known": cost, "lower_bound": bound} for name, (cost, bound) in values.items()}
    return set_entries(suite, changes, references=source or suite.content.references)


def found_by(who: str, command: str) -> str:
    """Return what `cost_from` and `bound_from` say of a value that is found today."""
    return f"{who}, {datetime.now(UTC):%Y-%m-%d}, {command}"


def set_entries(suite: Suite, changes: Mapping[str, Mapping[str, Any]], **content: Any) -> Suite:
    """Write fields of `ListedInstance` by instance, and of the `content`; return the suite, read again."""
    found = Suite(suite.folder).content  # another process may have written meanwhile
    entries = tuple(
        validated(ListedInstance, entry.model_dump() | dict(changes.get(entry.name, {})))
        for entry in found.instance
    )
    write_content(suite.folder, found.model_copy(update={"instance": entries} | content))
    return Suite(suite.folder)


def write_content(folder: Path, content: SuiteFile) -> None:
    """Write the `suite.toml` of a suite; the paths of its data files start from the folder."""
    write_bytes(folder / RECIPE_FILE, _toml(folder, content))


def _toml(folder: Path, content: SuiteFile) -> bytes:
    here = real_path(folder)
    content = content.with_scenarios(lambda one: one.with_files(lambda file: os.path.relpath(file, here)))
    table: dict[str, Any] = content.model_dump(mode="json", exclude_none=True)
    if content.kept == "files":
        del table["kept"]  # what suites without the key mean
    if not content.references:
        del table["references"]
    return tomli_w.dumps(table).encode()
