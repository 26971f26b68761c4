"""Options and values that several verbs share: files, folders, sizes such as 2GB, parts such as 1/4."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

import mincache
from mincache.cli.completion import SOLVER, Name
from mincache.cli.terminal import FORM, say
from mincache.errors import InputError, excerpt, in_file
from mincache.files import documents, paths
from mincache.generation import scenario, suites
from mincache.problem import instance
from mincache.site import drawing

Command = Callable[..., None]
Decorator = Callable[[Command], Command]

STANDARD = Path("-")
"""Stands for standard input or standard output."""


class FilePath(click.Path):
    """The path of a file or folder, which must end in one of `endings`; `dash` allows `-`.

    An empty path, which would be the current folder, is refused.
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


class Picture(FilePath):
    """The path of a picture; the libraries that draw it are looked for before the work that it shows."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        path = super().convert(value, param, ctx)
        drawing.require_libraries()
        return path


class RealRange(click.FloatRange):
    """A finite number in a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        number = super().convert(value, param, ctx)
        if isinstance(value, str) and not math.isfinite(number):  # a default may be infinite
            self.fail(f"must be a finite number; received {value!r}", param, ctx)
        return number


class SeedRange(click.IntRange):
    """A whole number below 2^128."""

    name = "seed"

    def _describe_range(self) -> str:  # as help shows it, where the number itself would fill a line
        return "0<=x<2^128"


class Seconds(RealRange):
    """A number of seconds above 0."""

    name = "seconds"


FOLDER = FilePath("folder", file_okay=False)
FILE = FilePath("file", dir_okay=False)
INPUT_FILE = FilePath("file", dir_okay=False, dash=True)
SOLUTION_FILE = FilePath("file", ".json", ".json.gz", dir_okay=False, dash=True)
PICTURE = Picture("file", ".svg", ".png", dir_okay=False)
CSV_FILE = FilePath("file", ".csv", dir_okay=False)
COUNT = click.IntRange(min=1)
SEED = SeedRange(0, 2**128 - 1)
SECONDS = Seconds(min=0, min_open=True)
_UNITS = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_LEAST_BYTES, _MOST_BYTES = 64 * 10**6, 2**50


def size(text: str) -> int:
    """Return the bytes in a text such as 500MB, 2GB or 2GiB."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([kmgt]i?)b", text.strip().lower(), re.ASCII)
    count = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not _LEAST_BYTES <= count <= _MOST_BYTES:
        rule = "must be a number with its unit, such as 500MB or 2GiB, from 64MB to 1024TiB"
        raise click.BadParameter(f"{rule}; received {text!r}")
    return int(count)


def variable(text: str) -> str:
    """Return the name of an environment variable."""
    if not text or "=" in text:
        rule = "must be a name alone, such as OMP_DYNAMIC; its value is that of your shell"
        raise click.BadParameter(f"{rule}; received {excerpt(text)}")
    return text


def part(text: str) -> tuple[int, int]:
    """Return the index, from 1, and the number of parts in a text such as 1/4."""
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"must be a part such as 1/4; received {text!r}")
    return int(match[1]), int(match[2])


def whole_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers in a text such as 10,14."""
    most, parts = scenario.MAX_ENTRIES, text.split(",")
    if not all(re.fullmatch(r"\s*[0-9]{1,7}\s*", one) and 1 <= int(one) <= most for one in parts):
        rule = f"must be whole numbers from 1 to {most} with commas between, such as 10,14"
        raise click.BadParameter(f"{rule}; received {excerpt(text)}")
    return tuple(map(int, parts))


def together(*options: Decorator) -> Decorator:
    """Return the decorator that adds these options, the first of them first in the help."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def machine_output(what: str, csv: bool = False) -> Decorator:
    """Add `--json`, which prints `what`, and `--csv` where the answer is a table; `answer` follows them."""

    def keep(context: click.Context, parameter: click.Parameter, given: bool) -> None:
        if given:
            context.meta[FORM] = parameter.name

    flag = partial(click.option, is_flag=True, expose_value=False, callback=keep)
    options = [flag("--json", help=f"Print JSON: {what}."), flag("--csv", help="Print CSV.")]
    return together(*options if csv else options[:1])


def folder_output(what: str, **more: Any) -> Decorator:
    """Add `-o FOLDER`, which must be given unless there is a default."""
    return click.option("-o", "--output", type=FOLDER, help=what, required="default" not in more, **more)


def solver_option(what: str, kind: Name = SOLVER, **more: Any) -> Decorator:
    """Add `--solver SOLVER`, which may be repeated, as the parameter `solvers`."""
    return click.option("--solver", "solvers", type=kind, multiple=True, help=f"{what}; repeatable.", **more)


USERS = click.option("--users", type=whole_numbers, metavar="N,N,...",
                     help="Numbers of users.  [default: the scenario's]")  # fmt: skip
SUITE_NAME = click.option("--name", help="Name of the suite.  [default: the folder's]")
PURPOSE = click.option("--purpose", default="", show_default=False, metavar="TEXT",
                       help="A line on what the suite is for.")  # fmt: skip
KEPT = click.option(
    "--kept", type=click.Choice(["files", "drawn"]), default="files",
    help="`files` writes the instances; `drawn` the recipe, to draw them when used.",
)  # fmt: skip
INSTANCES = click.option("--instances", multiple=True, metavar="PATTERN",
                         help="Only instances whose names fit, such as '*.n10.*'; repeatable.")  # fmt: skip
WORKERS = click.option("--workers", type=COUNT, help="Runs at a time.  [default: cores / threads]")
EVALUATIONS = click.option("--evaluations", type=COUNT, metavar="N",
                           help="Candidates that a run may price by `run.evaluate`.")  # fmt: skip
_LIMITS = (
    click.option("--grace", "grace_s", type=RealRange(min=0), metavar="SECONDS", default=0.1,
                 help="A run is killed so long after its time limit."),
    click.option("--startup-limit", "startup_s", type=SECONDS, default=120.0,
                 help="Time for a run to load its solver and its instance."),
    EVALUATIONS,
    click.option("--cpu-limit", "cpu_s", type=SECONDS, help="Processor time of a run, all its processes."),
    click.option("--memory-limit", "memory_bytes", type=size,
                 help="Memory of a run, all its processes, such as 500MB or 2GiB."),
    click.option("--threads", type=COUNT, default=1,
                 help="Threads of a run, and the cores it is pinned to where the system allows it."),
    click.option("--env", "environment", type=variable, multiple=True, metavar="NAME",
                 help="Environment variable that a run may see; repeatable."),
    click.option("--isolate", type=click.Choice(["auto", "required", "off"]), default="auto",
                 help="Keep runs from what is not their own: as far as this machine allows, wholly or with a "
                 "refusal, or not."),
    click.option("--warm", is_flag=True,
                 help="Load a solver's libraries once for many runs, outside the isolation."),
    click.option("--allow", multiple=True, metavar="WHAT",
                 help="What an isolated run may use: network, gpu, or a file or folder; repeatable."),
)  # fmt: skip


def limit_options(time_limit_s: float | None) -> Decorator:
    """Add the options that make up `Limits`, with this default time limit, as the parameter `limits`."""
    about = "Time for a run to solve; loading the solver does not count."
    about += "  [default: none]" if time_limit_s is None else ""
    wall = click.option("--time-limit", "wall_s", type=SECONDS, default=time_limit_s, help=about)

    def add(command: Command) -> Command:
        @wraps(command)
        def limited(**given: Any) -> None:
            from mincache.bench import limits as run_limits

            fields = run_limits.Limits.__dataclass_fields__
            values = {name: given.pop(name) for name in fields if name in given}
            limits = run_limits.Limits(**values | {"allow": tuple(map(_allowed, values["allow"]))})
            limits.check_enforceable()
            command(limits=limits, **given)

        return together(wall, *_LIMITS)(limited)

    return add


def _allowed(what: str) -> str:
    if what in ("network", "gpu"):
        return what
    if not what or not (path := paths.absolute_path(what)).exists():
        raise InputError("--allow", "must be network, gpu, or a file or folder", repr(what))
    return str(path)


def suite_name(output: Path, name: str | None) -> str:
    """Return the name of a suite: the one given, else that of its folder."""
    if name is not None:
        return instance.check_name(name, "--name")
    try:
        return instance.check_name(paths.real_path(output).name.lower(), "--output")
    except InputError as error:
        advice = f"{error.advice}, or add --name" if error.advice else "add --name"
        raise InputError(error.field, error.rule, excerpt(output.name), advice) from None


def is_stream(path: str | Path) -> bool:
    """Return whether this is `-`, or a pipe such as a shell's `<(...)`."""
    return Path(path) == STANDARD or Path(path).is_fifo()


def read_input(path: str | Path) -> bytes:
    """Return the content of a file or pipe, or of standard input for `-`, at most `MAX_BYTES`."""
    if not is_stream(path):
        return documents.read_bytes(path)
    with click.open_file(str(path), "rb") as stream:  # knows `-`
        return documents.read_stream(stream)


def instance_document(name_or_file: str) -> bytes:
    """Return the document of an instance: a name, a file, a pipe or `-`."""
    return read_input(name_or_file) if is_stream(name_or_file) else suites.find_document(name_or_file)


def find_instance(name_or_file: str) -> mincache.Instance:
    """Return an instance: a name, a file, a pipe or `-`."""
    document = instance_document(name_or_file)
    with in_file(name_or_file):
        return documents.parse_instance(document)


def prepare(output: Path) -> None:
    """Make the folder of a file that is to be written."""
    paths.make_folder(output.parent)


def write_picture(specification: dict[str, Any], output: Path) -> None:
    """Write a chart."""
    prepare(output)
    drawing.write(specification, output)
    say(f"picture in {output}", err=True)


def write_output(output: Path, data: bytes) -> None:
    """Write a file, or to standard output for `-`."""
    if output == STANDARD:
        click.echo(data, nl=False)
    else:
        prepare(output)
        documents.write_bytes(output, data)
