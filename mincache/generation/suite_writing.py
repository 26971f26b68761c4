"""Drawing a suite into a folder, and writing down what becomes known of its instances."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
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
    scenario = scenario.sealed()
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

    def referenced(entry: ListedInstance, cost: float, bound: float | None) -> ListedInstance:
        return validated(ListedInstance, entry.model_dump() | {"best_known": cost, "lower_bound": bound})

    entries = tuple(
        referenced(entry, *values[entry.name]) if entry.name in values else entry
        for entry in suite.content.instance
    )
    changes = {"instance": entries, "references": source or suite.content.references}
    write_content(suite.folder, suite.content.model_copy(update=changes))
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
