"""An entrant: a solver with its parameters, as a campaign knows it by a description made in a child."""

import inspect
import math
import sys
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from mincache.errors import InputError, excerpt, whole_number
from mincache.files.documents import digest
from mincache.files.paths import absolute_path, real_path
from mincache.solving import contents as known
from mincache.solving import registry
from mincache.solving import spec as specs
from mincache.solving.contents import Content, Dumped, content_of
from mincache.solving.contract import Solver
from mincache.solving.online import OnlineSolver


@dataclass(frozen=True)
class Entrant(Dumped):
    """A solver as a campaign knows it; attributes without a line here are as in `Cell`.

    Attributes:
        target: what the registry loads, any path absolute.
        spec: the target with its parameters, any path absolute: what a child makes the solver of.
        name: the registered name, or `file.py:ClassName`.
        label: the name and the parameters that differ from their defaults; of these only `name`, if given.
        stochastic: whether several repetitions are worth running.
        training_seeds: how many repetitions it has for its trainings, whatever is asked.
        kind: the solver's kind, for readers of tables; `information` is what it sees before it decides,
            which of an `OnlineSolver` alone is less than the whole trace, for the bench holds it to that.
        contents: every file and folder that its answers depend on, as planned.
        home: folder of its source.
        commit: of the repository of its own that its source lies in; None without one. `dirty` is whether
            the tree differs from it.
        loads: the modules of libraries that it has loaded once it is made, which a keeper may hold ready.
        unknown: why nothing more is known of it than how it is written; empty where it was described.
    """

    target: str
    spec: str
    name: str
    label: str
    stochastic: bool = False
    training_seeds: int = 1
    kind: str = "heuristic"
    information: str = "trace"
    source: str = ""
    files: str = ""
    modules: str = ""
    version: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    contents: tuple[Content, ...] = ()
    home: str = ""
    commit: str | None = None
    dirty: bool | None = None
    loads: tuple[str, ...] = ()
    unknown: str = ""

    @property
    def warning(self) -> str:
        """A line where it could not be described; empty where it could."""
        return f"{self.label} did not load ({self.unknown})" if self.unknown else ""

    @staticmethod
    def source_of(kind: type[Solver]) -> str:
        """Return the SHA-256 of the file that defines a solver."""
        file = inspect.getsourcefile(kind)
        return digest(Path(file).read_bytes()) if file else ""


def describe(spec: str) -> Entrant:
    """Return the entrant that `spec` writes. It imports the solver: call it in a child."""
    before = set(sys.modules)
    solver = registry.make(spec)
    kind = type(solver)
    target = specs.parse(spec).target
    name = _name(target)
    values = registry.parameters(solver)
    needed = registry.needed_parameters(solver)
    loaded = set(sys.modules) - before
    modules, tops = known.modules_of(kind, loaded)
    files = [Content.of(absolute_path(path)) for path in solver.data_files()]
    paths = {key: one for key, one in values.items() if isinstance(one, Path)}
    shown = {"name": needed["name"]} if needed.get("name") else needed  # which stands for all the others
    written = {key: specs.written(_plain(one)) if key in paths else one for key, one in shown.items()}
    source, installed = inspect.getsourcefile(kind), entry_points(group=registry.GROUP, name=target)
    return Entrant(
        target=target,
        spec=registry.spell(target, kind, paths | needed),
        name=_utf8(name),
        label=_utf8(registry.spell(name, kind, written)),
        stochastic=bool(solver.stochastic),
        training_seeds=whole_number("training_seeds", solver.training_seeds(), 1),
        kind=str(kind.kind),
        information=_information(solver),
        source=Entrant.source_of(kind),
        files=known.digest_of(files),
        modules=known.digest_of(modules),
        version=next((one.dist.version for one in installed if one.dist), ""),
        parameters={key: _plain(value) for key, value in values.items()},
        libraries=known.libraries_of({one.partition(".")[0] for one in loaded} | tops),
        contents=(*modules, *files, *map(Content.of, paths.values())),
        home=str(Path(source).parent) if source else "",
        loads=known.libraries_loaded(name for name in sys.modules if name in loaded),
    )


def _information(solver: Solver) -> str:
    """Return what the bench shows a solver before it decides; what a class says of itself is no proof."""
    if not isinstance(solver, OnlineSolver):
        return "trace"
    if solver.information not in ("trace", "slot", "past"):
        raise InputError("information", "must be past, slot or trace", excerpt(solver.information))
    return solver.information


def _utf8(text: str) -> str:
    """Return text with what UTF-8 cannot write, such as half of a file's name, by its code."""
    return text.encode(errors="backslashreplace").decode()


def absolute(spec: str) -> str:
    """Return `spec` with the path of a solver's file absolute; `mine.py` stands for the one solver in it."""
    target = specs.parse(spec).target
    path, separator, class_name = target.rpartition(":")
    if target.endswith(".py"):
        path, class_name = target, registry.only_solver(Path(target))
    elif not (separator and path.endswith(".py")):
        return spec.strip()
    return f"{real_path(absolute_path(path))}:{class_name}{spec.strip().removeprefix(target)}"


def unknown(spec: str, why: str) -> Entrant:
    """Return the entrant of a spec that could not be described, since its import does not end well."""
    written = specs.parse(spec)
    path, name = Path(written.target.rpartition(":")[0]), _utf8(_name(written.target))
    of_file = [Content.of(path)] if path.suffix == ".py" and path.is_file() else []
    label = _utf8(specs.spell(name, written.parameters))
    source = of_file[0].sha256 if of_file else ""
    return Entrant(
        written.target, spec, name, label, source=source, contents=tuple(of_file), home=str(path.parent),
        unknown=why,
    )  # fmt: skip


def _name(target: str) -> str:
    path, separator, class_name = target.rpartition(":")
    return f"{Path(path).name}:{class_name}" if separator else target


def _plain(value: Any) -> Any:
    """Return a parameter as a JSON value; a file or folder by its name and content, wherever it lies."""
    if isinstance(value, Path):
        content = content_of(value)
        return _utf8(f"{value.name}@{content[:12]}" if content else value.name)
    plain = isinstance(value, bool | int | str | None) or (isinstance(value, float) and math.isfinite(value))
    return value if plain else str(value)  # JSON has no infinity
