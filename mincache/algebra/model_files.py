"""Files for solvers outside: an instance as an NL, GAMS, LP or MPS file, and their answers to it."""

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

import numpy as np
from pydantic import Field, model_validator

from mincache.algebra.rounding import within_limits
from mincache.algebra.service_cost import Formulation
from mincache.errors import InputError, excerpt, in_file
from mincache.files.documents import instance_bytes, parse_json, read_bytes, read_instance, write_bytes
from mincache.files.paths import make_folder
from mincache.files.tables import STOP, Count, ListOf, PlainName, StrictTable, validated
from mincache.problem.instance import Instance
from mincache.problem.solution import Solution
from mincache.solving.feasible import raise_to_floor

NAMES_FILE = "names.json"
INSTANCE_FILE = "instance.json"
NAMES_FORMAT: Literal["mincache-names/1"] = "mincache-names/1"
Decision = Literal["cache", "bandwidth_share", "step_share"]
FileFormat = Literal["nl", "gms", "lp", "mps"]
LINEAR_FORMATS: tuple[FileFormat, ...] = ("lp", "mps")

_DECISION = re.compile(rf"({'|'.join(get_args(Decision))})\[(\d+),(\d+)\]")

_INTEGRALITY = 1e-4
_SEPARATORS = re.compile(r"[\s;:=\"']+|,(?![^\[(]*[\])])")  # a comma inside a name's brackets is none
_WRAPPED = re.compile(r"^( *\d+ \S+) *\n(?= +)", re.MULTILINE)  # GLPK, after a name that is long
_GLPK_MARKS = ("*", "B", "NL", "NU", "NF", "NS")  # between its names and values
_STATUS = re.compile(
    r"^(?:model status|solution status|status)\s*:?\s*(\S.*)$|^(\w[\w ]*?) - obj", re.I | re.M
)
_CLAIMED = re.compile(r"^.*?\bobjective(?: value)?\s*[:=]?\s*(?:\w+\s*=\s*)?([-+]?\d[\d.eE+-]*)", re.I | re.M)
_AMPL = re.compile(r"^Options\n(?P<numbers>[\d\s.eE+-]*)", re.MULTILINE)


class Names(StrictTable):
    """The content of `names.json`: what the variables of an exported model decide.

    `decisions` has the array of the solution and the index there by name; `columns` has an NL file's order.
    """

    format: Literal["mincache-names/1"] = NAMES_FORMAT
    instance: PlainName
    slots: Count
    users: Count
    models: Count
    model_file: str
    formulation: Literal["exact", "piecewise", "relaxed"]
    decisions: dict[str, Annotated[tuple[Decision, int, int], Field(strict=False), STOP]]
    columns: ListOf[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check_places(self) -> Self:
        widths = {"cache": self.models, "bandwidth_share": self.users, "step_share": self.users}
        places = set(self.decisions.values())
        for kind, t, index in places:
            if not (0 <= t < self.slots and 0 <= index < widths[kind]):
                rule = f"must lie in {self.slots} slots of {widths[kind]}"
                raise InputError(f"decisions: {kind}", rule, f"[{t}, {index}]")
        if len(places) != self.slots * sum(widths.values()):
            raise InputError("decisions", "must name every decision", f"{len(places)} of them")
        return self


def export(
    instance: Instance, folder: Path, file_format: FileFormat, formulation: Formulation | None = None
) -> Path:
    """Write `instance` for outside solvers into `folder`, and return the path of the model's file."""
    from mincache.algebra import pyomo_model  # Pyomo is heavy: reading answers does not need it

    linear = file_format in LINEAR_FORMATS
    chosen: Formulation = formulation or ("piecewise" if linear else "exact")
    if linear and chosen == "exact":
        raise InputError("formulation", f"must be piecewise or relaxed in an {file_format} file", "exact")
    make_folder(folder)
    path = folder / f"{instance.name}.{file_format}"
    variables, columns = _write_model(pyomo_model.apply(instance, chosen), path)
    names = Names(
        instance=instance.name, slots=instance.slot_count, users=instance.user_count,
        models=instance.model_count, model_file=path.name, formulation=chosen,
        decisions=_decisions(variables), columns=columns,
    )  # fmt: skip
    write_bytes(folder / NAMES_FILE, names.model_dump_json().encode() + b"\n")
    write_bytes(folder / INSTANCE_FILE, instance_bytes(instance))
    return path


def _write_model(model: Any, path: Path) -> tuple[dict[str, str], list[str]]:
    """Write the model; return its variables' own names by those in the file, and an NL file's order."""
    options: dict[str, Any] = {"symbolic_solver_labels": True}
    if path.suffix == ".gms":  # have GAMS write a table of names and values
        options |= {"put_results": "answer", "put_results_format": "dat"}
    try:
        _, map_id = model.write(str(path), io_options=options)
    except OSError as error:
        raise InputError(str(path), "must be writable", error.strerror or str(error)) from None
    if path.suffix == ".mps":  # a minimum is meant anyway, and GLPK does not know the section
        path.write_text(path.read_text().replace("OBJSENSE\n MIN\n", "", 1))
    if path.suffix == ".nl":
        columns = path.with_suffix(".col").read_text().splitlines()
        return {name: name for name in columns}, columns
    symbols = model.solutions.symbol_map[map_id].bySymbol
    return {symbol: getattr(component, "name", "") for symbol, component in symbols.items()}, []


def _decisions(variables: Mapping[str, str]) -> dict[str, tuple[Any, int, int]]:
    """Return what each variable decides, leaving out those that are no decision."""
    found = {symbol: _DECISION.fullmatch(name) for symbol, name in variables.items()}
    return {symbol: (match[1], int(match[2]), int(match[3])) for symbol, match in found.items() if match}


def read_names(folder: Path) -> Names:
    """Return the map of names in an exported folder."""
    path = folder / NAMES_FILE
    with in_file(path):
        return validated(Names, parse_json(read_bytes(path)))


class Claims(NamedTuple):
    """What an answer says of itself."""

    status: str  # its status line; "" without one
    cost: float | None  # its objective; None without one
    bandwidth: bool  # whether it gives any user bandwidth


def read_answer(folder: Path, answer: Path, data: bytes | None = None) -> tuple[Solution, Claims]:
    """Return the solution in a solver's answer to the model in `folder`; `data` is the file, if it was read.

    An answer has lines with a name and its value, as SCIP, HiGHS, Gurobi, CBC, GLPK (`-o`), GAMS and CSV
    have; or it is AMPL's .sol. A variable that it does not name is 0. Shares out of limits are put back.
    """
    names, instance = read_names(folder), read_instance(folder / INSTANCE_FILE)
    with in_file(answer):
        try:
            text = (read_bytes(answer) if data is None else data).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError("answer", "must be UTF-8", f"byte {error.start} is not") from None
        values = parse_values(text, names)
        status, cost = _STATUS.search(text), _CLAIMED.search(text)
        places = names.decisions.items()
        given = any(values.get(name) for name, place in places if place[0] == "bandwidth_share")
        said = "" if status is None else (status[1] or status[2]).strip()
        claims = Claims(said, None if cost is None else _number("objective", cost[1]), given)
        return _solution(values, names, instance), claims


def parse_values(text: str, names: Names) -> dict[str, float]:
    """Return the values in an answer by name; the first one where a name stands more than once."""
    ampl = _AMPL.search(text) if names.columns else None
    values = _ampl_values(ampl["numbers"], names.columns) if ampl else _table_values(text, names)
    if not names.decisions.keys() & values.keys():
        example = next(iter(names.decisions))
        raise InputError("answer", f"must have lines with a name, such as {example}, and a value", "none")
    return values


def _table_values(text: str, names: Names) -> dict[str, float]:
    values: dict[str, float] = {}
    primal = 0  # where HiGHS's column of values ends, in tables whose names come last
    for line in _WRAPPED.sub(r"\1 ", text).splitlines():
        words = [word for word in _SEPARATORS.split(line) if word not in ("", *_GLPK_MARKS)]
        if {"Primal", "Name"} <= set(words):
            primal = line.index("Primal") + len("Primal")
        elif words and words[-1] in names.decisions and primal:
            values.setdefault(words[-1], _number(words[-1], (line[:primal].split() or [""])[-1]))
        for name, value in itertools.pairwise(words):
            if name in names.decisions and name not in values:
                values[name] = _number(name, value)
    return values


def _ampl_values(numbers: str, columns: list[str]) -> dict[str, float]:
    """Read AMPL's format after its line `Options`: options, four counts, dual and primal values."""
    fields = numbers.split()
    counts = 1 + int(fields[0]) if fields and fields[0].isdecimal() else len(fields)
    sizes = [int(size) for size in fields[counts : counts + 4] if size.isdecimal()]
    rule = f"must hold {len(columns)} values after its line Options"
    if len(sizes) < 4 or sizes[3] != len(columns):
        raise InputError("answer", rule, "another number")
    first = counts + 4 + sizes[1]
    values = fields[first : first + sizes[3]]
    if len(values) < len(columns):
        raise InputError("answer", rule, "too few")
    return {name: _number(name, value) for name, value in zip(columns, values, strict=True)}


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(name, "must be followed by its value, a finite number", excerpt(text))
    return number


def _solution(values: Mapping[str, float], names: Names, instance: Instance) -> Solution:
    T, N, M = names.slots, names.users, names.models
    arrays = {"cache": np.zeros((T, M)), "bandwidth_share": np.zeros((T, N)), "step_share": np.zeros((T, N))}
    for name, (kind, t, index) in names.decisions.items():
        arrays[kind][t, index] = values.get(name, 0.0)
    cached = arrays["cache"] >= 0.5
    fraction = np.abs(arrays["cache"] - cached).max()
    if not fraction <= _INTEGRALITY:
        advice = "is it an answer to a relaxed model?"
        raise InputError("cache", "must be 0 or 1 for every model", f"one {fraction:.3g} away", advice)
    shares = (within_limits(arrays[kind]) for kind in ("bandwidth_share", "step_share"))
    solution = Solution(names.instance, cached, *shares)
    solution.check_answers(instance)
    return replace(solution, step_share=raise_to_floor(instance, solution.cache, solution.step_share))
