"""Drawing a suite into a folder, and writing down what becomes known of its instances."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import tomli_w

from mincache.errors import InputError
from mincache.files.documents import instance_bytes, write_bytes
from mincache.files.paths import make_folder
from mincache.files.tables import validated
from mincache.generation.recipes import ListedInstance, Place, Recipe, places
from mincache.generation.scenario import Scenario
from mincache.generation.suites import RECIPE_FILE, Suite, SuiteFile
from mincache.problem.instance import check_name


def generate(
    folder: str | os.PathLike[str],
    name: str,
    recipe: Recipe,
    scenario: Scenario,
    purpose: str = "",
    kept: Literal["files", "drawn"] = "files",
    each: Callable[[Sequence[Place]], Iterable[Place]] = iter,
) -> Suite:
    """Draw a suite into `folder`, and return it; a failure or an interruption leaves nothing behind.

    Args:
        folder: a folder without a suite and without JSON files, or one that does not exist.
        name: the suite's name.
        recipe: how to draw the instances.
        scenario: the distributions to draw from.
        purpose: one line on what the suite is for.
        kept: whether to write the instances or the recipe alone, as in `SuiteFile`.
        each: yields the instances still to be drawn, one by one; it may show progress.

    Raises:
        InputError: if the folder is taken or cannot be written, or the name is invalid.
    """
    check_name(name, "name")
    scenario = scenario.sealed()
    undrawn = list(places(name, recipe, scenario))
    folder = Path(folder)
    check_free(folder)
    is_new = not os.path.exists(folder)
    make_folder(folder)
    entries = []
    with ExitStack() as undo, TemporaryDirectory(prefix=".part-", dir=folder) as part:
        if is_new:
            undo.callback(shutil.rmtree, folder)
        for place in each(undrawn):
            document = instance_bytes(place.instance())
            entries.append(place.entry(document))
            if kept == "files":
                write_bytes(Path(part, f"{place.name}.json"), document)
        content = SuiteFile(
            name=name, purpose=purpose, kept=kept, recipe=recipe, scenario=scenario, instance=tuple(entries)
        )
        for path in Path(part).iterdir():
            path.replace(folder / path.name)
        undo.pop_all()
    write_content(folder, content)
    return Suite(folder)


def check_free(folder: Path) -> None:
    """Check that a folder holds no suite and no other JSON file, whether it exists or not.

    Raises:
        InputError: if it does.
    """
    if not os.path.isdir(folder):
        return
    foreign = next(folder.glob("*.json*"), None)
    for path, rule in (
        (folder / RECIPE_FILE, "must not hold a suite yet"),
        (foreign, "must hold no JSON files"),
    ):
        if path is not None and path.exists():
            raise InputError(str(folder), rule, path.name, "choose another folder")


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
    """Write the `suite.toml` of a suite; the paths of its data files start from the folder."""
    scenario = content.scenario.with_files(lambda file: os.path.relpath(file, folder.resolve()))
    content = content.model_copy(update={"scenario": scenario})
    table: dict[str, Any] = content.model_dump(mode="json", exclude_none=True)
    if content.kept == "files":
        del table["kept"]  # what suites without the key mean
    if not content.references:
        del table["references"]
    write_bytes(folder / RECIPE_FILE, tomli_w.dumps(table).encode())
