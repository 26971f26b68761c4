"""Options and values that several verbs share: files, folders, sizes such as 2GB, parts such as 1/4."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mincache.cli.completion import SOLVER, Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from mincache.bench.limits import Limits
    from mincache.problem.instance import Instance

    Decorator = Callable[[Callable[..., None]], Callable[..., None]]

STANDARD = Path("-")
"""Stands for standard input or standard output."""


class FilePath(click.Path):
    """The path of a file or folder; an empty one, which would be the current folder, is refused.

    Args:
        name: what the help calls it, in lower case.
        endings: what the path must end in, one of these; any by default.
        dash: whether `-` stands for standard input or output.
        limits: those of `click.Path`.
    """

    def __init__(self, name: str, *endings: str, dash: bool = False, **limits: Any) -> None:
        super().__init__(path_type=Path, allow_dash=dash, **limits)
        self.name, self._endings, self._dash = name, endings, dash

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return what stands for such a path in the help."""
        return self.name.upper()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        text = str(value)
        if self._dash and text == "-":
            return STANDARD
        if not text or (self._endings and not text.endswith(self._endings)):
            rule = f"must end in {' or '.join(self._endings)}" if self._endings else "must not be empty"
            self.fail(f"{rule}; received {text!r}", param, ctx)
        return super().convert(value, param, ctx)


class Seconds(click.FloatRange):
    """A number of seconds above 0; nan, which no comparison refuses, is none."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number of seconds."""
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"must be a number of seconds; received {value!r}", param, ctx)
        return seconds


FOLDER = FilePath("folder", file_okay=False)
FILE = FilePath("file", dir_okay=False)
SOLUTION_FILE = FilePath("file", ".json", ".json.gz", dir_okay=False, dash=True)
PICTURE = FilePath("file", ".svg", ".png", dir_okay=False)
KEPT = click.option(
    "--kept", type=click.Choice(["files", "drawn"]), default="files", show_default=True,
    help="`files` writes the instances; `drawn` the recipe, to draw them when used.",
)  # fmt: skip
COUNT = click.IntRange(min=1)
SEED = click.IntRange(0, 2**128 - 1)
SECONDS = Seconds()
_UNITS = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([kmgt]i?)b", re.ASCII)
_LEAST_BYTES, _MOST_BYTES = 64 * 10**6, 2**50


def machine_output(what: str, csv: bool = False) -> Decorator:
    """Add `--json`, and `--csv` where the answer is a table; they set `form` to "json" or "csv".

    Args:
        what: what JSON holds, such as "an object".
        csv: whether there is CSV.
    """

    def add(command: Callable[..., None]) -> Callable[..., None]:
        if csv:
            command = click.option("--csv", "form", flag_value="csv", help="Print CSV.")(command)
        return click.option("--json", "form", flag_value="json", help=f"Print JSON: {what}.")(command)

    return add


def folder_output(what: str, **more: Any) -> Decorator:
    """Add `-o FOLDER`, which must be given unless there is a default."""
    return click.option("-o", "--output", type=FOLDER, help=what, required="default" not in more, **more)


def solver_option(what: str, kind: Name = SOLVER, **more: Any) -> Decorator:
    """Add `--solver SOLVER`, which may be repeated, as the parameter `solvers`."""
    return click.option("--solver", "solvers", type=kind, multiple=True, help=f"{what}; repeatable.", **more)


def size(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Return the bytes in a text such as 500MB, 2GB or 2GiB."""
    if value is None:
        return None
    match = _SIZE.fullmatch(value.strip().lower())
    count = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not _LEAST_BYTES <= count <= _MOST_BYTES:
        rule = "must be a number with its unit, such as 500MB or 2GiB, from 64MB to 1024TiB"
        raise click.BadParameter(f"{rule}; received {value!r}", context, parameter)
    return int(count)


def part(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Return the index, from 1, and the number of parts in a text such as 1/4."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", value.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"must be a part such as 1/4; received {value!r}", context, parameter)
    return int(match[1]), int(match[2])


def whole_numbers(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, ...] | None:
    """Return the numbers in a text such as 10,14."""
    from mincache.errors import excerpt
    from mincache.generation.scenario import MAX_ENTRIES

    if text is None:
        return None
    parts = text.split(",")
    if not all(
        re.fullmatch(r"\s*\d{1,7}\s*", part, re.ASCII) and 1 <= int(part) <= MAX_ENTRIES for part in parts
    ):
        rule = f"must be whole numbers from 1 to {MAX_ENTRIES} with commas between, such as 10,14"
        raise click.BadParameter(f"{rule}; received {excerpt(text)}")
    return tuple(map(int, parts))


def limit_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that make up `Limits`, except the time limit."""
    options = (
        click.option("--grace", type=click.FloatRange(min=0), metavar="SECONDS", default=0.1,
                     show_default=True, help="A run is killed so long after its time limit."),
        click.option("--startup-limit", type=SECONDS, default=120.0, show_default=True,
                     help="Time for a run to load its solver and its instance."),
        click.option("--cpu-limit", type=SECONDS, help="Processor time of a run, all its processes."),
        click.option("--memory-limit", callback=size, metavar="SIZE",
                     help="Memory of a run, all its processes, such as 500MB or 2GiB."),
        click.option("--threads", type=COUNT, default=1, show_default=True,
                     help="Threads of a run, and the cores it is pinned to where the system allows it."),
        click.option("--env", "environment", multiple=True, metavar="NAME",
                     help="Environment variable that a run may see; repeatable."),
        click.option("--isolate", type=click.Choice(["auto", "required", "off"]), default="auto",
                     show_default=True, help="Keep runs from what is not their own: as far as this machine "
                     "allows, wholly or with a refusal, or not."),
        click.option("--allow", multiple=True, metavar="WHAT",
                     help="What an isolated run may use: network, gpu, or a file or folder; repeatable."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def limits_of(
    time_limit: float | None, grace: float, startup_limit: float, cpu_limit: float | None,
    memory_limit: int | None, threads: int, environment: tuple[str, ...] = (), isolate: str = "auto",
    allow: tuple[str, ...] = (),
) -> Limits:  # fmt: skip
    """Return the limits that the options say.

    Raises:
        InputError: if this machine cannot enforce one of them, or what is allowed is not there.
    """
    from mincache.bench.limits import Limits

    limits = Limits(
        time_limit, grace, startup_limit, cpu_limit, memory_limit, threads=threads, environment=environment,
        isolate=isolate, allow=tuple(map(_allowed, allow)),
    )  # fmt: skip
    limits.check_enforceable()
    return limits


def suite_name(output: Path, name: str | None) -> str:
    """Return the name of a suite: the one given, else that of its folder.

    Raises:
        InputError: if it can be none.
    """
    from mincache.errors import InputError, excerpt
    from mincache.problem.instance import check_name

    if name is not None:
        return check_name(name, "--name")
    try:
        return check_name(output.resolve().name.lower(), "--output")
    except InputError as error:
        advice = f"{error.advice}, or add --name" if error.advice else "add --name"
        raise InputError(error.field, error.rule, excerpt(output.name), advice) from None


def _allowed(what: str) -> str:
    from mincache.errors import InputError
    from mincache.files.paths import absolute_path

    if what in ("network", "gpu"):
        return what
    path = absolute_path(what)
    if not what or not path.exists():
        raise InputError("--allow", "must be network, gpu, or a file or folder", repr(what))
    return str(path)


def is_stream(path: str | Path) -> bool:
    """Return whether this is `-`, or a pipe such as a shell's `<(...)`."""
    return Path(path) == STANDARD or Path(path).is_fifo()


def read_input(path: str | Path) -> bytes:
    """Return the content of a file or pipe, or of standard input for `-`, at most `MAX_BYTES`.

    Raises:
        InputError: if it cannot be read, or is too large.
    """
    from mincache.files.documents import read_bytes, read_stream

    if not is_stream(path):
        return read_bytes(path)
    if Path(path) == STANDARD:
        return read_stream(sys.stdin.buffer)
    with Path(path).open("rb") as stream:
        return read_stream(stream)


def instance_document(name_or_file: str) -> bytes:
    """Return the document of an instance: a name, a file, a pipe or `-`.

    Raises:
        InputError: if there is none, or it cannot be read.
    """
    from mincache.generation.suites import find_document

    return read_input(name_or_file) if is_stream(name_or_file) else find_document(name_or_file)


def find_instance(name_or_file: str) -> Instance:
    """Return an instance: a name, a file, a pipe or `-`.

    Raises:
        InputError: if there is none, or it cannot be read.
    """
    from mincache.errors import in_file
    from mincache.files.documents import parse_instance

    document = instance_document(name_or_file)
    with in_file(name_or_file):
        return parse_instance(document)


def prepare(output: Path) -> None:
    """Make the folder of a file that is to be written.

    Raises:
        InputError: if it cannot be made.
    """
    from mincache.files.paths import make_folder

    if output != STANDARD:
        make_folder(output.parent)


def write_output(output: Path, data: bytes) -> None:
    """Write a file, or to standard output for `-`.

    Raises:
        DocumentError: if it cannot be written.
    """
    from mincache.files.documents import write_bytes

    if output == STANDARD:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        prepare(output)
        write_bytes(output, data)
