"""Whether a suite is what it says: its files, and documents beside them such as best solutions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mincache.errors import InputError
from mincache.files.documents import digest, read_bytes, read_solution, write_solution
from mincache.files.paths import make_folder
from mincache.generation.recipes import ListedInstance, Place, Recipe
from mincache.generation.suites import Suite
from mincache.problem.evaluation import evaluate
from mincache.problem.solution import Solution

_SAME = 1e-9  # relative difference up to which a number is the best known cost that the suite lists


def verify(suite: Suite) -> Iterator[tuple[str, str | None]]:
    """Yield each instance's name, and None or how its file, or what is drawn, is not as the suite says."""
    drawn: dict[str, Place] = {}
    if isinstance(suite.content.recipe, Recipe):
        drawn = {place.name: place for place in suite.source.places()}
    stored = {path.name.removesuffix(".json") for path in suite.folder.glob("*.json*")}
    for name in sorted(drawn.keys() | suite.entries.keys() | stored):
        listed = suite.entries.get(name)
        if listed is None:
            yield name, f"{'drawn by the recipe' if name in drawn else 'in the folder'}, but not listed"
        elif drawn and name not in drawn:
            yield name, "listed, but the recipe does not draw it"
        elif drawn and any(getattr(listed, key) != value for key, value in drawn[name].fields.items()):
            what = "setting, library, number of users or trace"
            yield name, f"listed with another {what} than the recipe draws"
        else:
            yield name, _difference(suite, listed)


def _difference(suite: Suite, listed: ListedInstance) -> str | None:
    name, files = listed.name, suite.content.kept == "files"
    try:
        if files and digest(read_bytes(suite.path(name))) != listed.sha256:
            return "the file's SHA-256 is not the one listed"
        if not suite.content.sources:
            suite.read(name)
            return _failure(suite, name) if SOLUTIONS.path(suite, name).is_file() else None
    except InputError as error:
        return str(error)
    if digest(suite.place(name).document()) == listed.sha256:
        return None
    return f"{'the file' if files else 'what is listed'} is not what the recipe draws"


@dataclass(frozen=True)
class Beside:
    """A document for each instance of a suite, in a folder beside the instances.

    `failure` returns None, or why the document of an instance does not support the suite's reference.
    """

    folder: str
    failure: Callable[[Suite, str], str | None]
    remakable: bool = False  # whether one may be missing where the suite has the command that makes it

    def path(self, suite: Suite, name: str) -> Path:
        """Return where the document of the instance `name` lies."""
        return suite.folder / self.folder / f"{name}.json.gz"

    def present(self, suite: Suite) -> bool:
        """Return whether a suite comes with such documents."""
        return (suite.folder / self.folder).is_dir()

    def kept(self, suite: Suite) -> list[str]:
        """Return the instances whose document is kept: all but those that a command makes anew."""
        remade = {n for n, entry in suite.entries.items() if entry.certificate} if self.remakable else set()
        return [name for name in suite.entries if name not in remade]

    def check(self, suite: Suite) -> Iterator[tuple[str, str | None]]:
        """Yield each instance's name, and None or what its document fails to show."""
        for name in self.kept(suite):
            path = self.path(suite, name)
            if not path.is_file():
                yield name, f"no file {path}; `mincache instances certify {suite.folder} {name}` writes it"
                continue
            try:
                yield name, self.failure(suite, name)
            except InputError as error:
                yield name, str(error)


def unlike_best_known(suite: Suite, name: str, cost: float, what: str) -> str | None:
    """Return None if a cost is the best known one of an instance, else a sentence: `what`, and the cost."""
    listed = suite.entries[name].best_known
    if listed is not None and abs(cost - listed) <= _SAME * listed:
        return None
    return f"the suite lists {listed} as best known, {what} {cost!r}"


def write_best(suite: Suite, name: str, solution: Solution) -> None:
    """Write the best solution of the instance `name` beside it."""
    path = SOLUTIONS.path(suite, name)
    make_folder(path.parent)
    write_solution(solution, path)


def _failure(suite: Suite, name: str) -> str | None:
    found = evaluate(suite.read(name), read_solution(SOLUTIONS.path(suite, name)))
    if found.violations:
        return f"the solution breaks {', '.join(sorted({broken.constraint for broken in found.violations}))}"
    return unlike_best_known(suite, name, found.cost, "the solution costs")


SOLUTIONS = Beside("solutions", _failure)
"""The best solutions of a suite's instances."""
