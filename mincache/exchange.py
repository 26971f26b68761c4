"""Files for solvers outside: an instance as NL, GAMS, LP or MPS, and their answers as solutions.

`export` writes a folder: the model, the instance that it is the model of, and `names.json`, which maps the
names in the model to decisions. `read_answer` turns what a solver wrote into a solution of that instance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mincache.documents import instance_bytes, parse_json, read_bytes, write_bytes
from mincache.errors import DocumentError, InputError, shown
from mincache.instance import NAME_PATTERN, Instance
from mincache.quantity import Array
from mincache.solution import Decisions, Solution
from mincache.validation import validated

FileFormat = Literal["nl", "gms", "lp", "mps"]
NAMES_FILE = "names.json"
INSTANCE_FILE = "instance.json"
NAMES_FORMAT: Literal["mincache-names/1"] = "mincache-names/1"

_DECISIONS = ("cache", "bandwidth_share", "step_share")
_INTEGRALITY = 1e-4
_LIMIT = 1_000_000
_SEPARATORS = re.compile(r"[\s;:=\"']+|,(?![^\[(]*[\])])")  # no comma inside the brackets of a name
_AMPL_HEADER = re.compile(r"^Options\n(?P<numbers>.*)", re.MULTILINE | re.DOTALL)


class Names(BaseModel):
    """The content of `names.json`.

    Attributes:
        format: `NAMES_FORMAT`.
        instance: name of the instance exported.
        slots: T.
        users: N.
        models: M.
        model_file: name of the model's file in the folder.
        formulation: which of `views.algebraic` it is.
        decisions: for each variable that is a decision, by its name in the file, which array it belongs to
            and its index there, such as `cache`, 0, 3.
        columns: every variable in the order of an NL file, whose solvers may answer without names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["mincache-names/1"] = NAMES_FORMAT
    instance: str = Field(pattern=f"^{NAME_PATTERN}$")
    slots: int = Field(ge=1, le=_LIMIT)
    users: int = Field(ge=1, le=_LIMIT)
    models: int = Field(ge=1, le=_LIMIT)
    model_file: str
    formulation: str
    decisions: dict[str, tuple[Literal["cache", "bandwidth_share", "step_share"], int, int]]
    columns: list[str] = Field(default_factory=list)


def export(
    instance: Instance,
    folder: Path,
    file_format: FileFormat,
    formulation: Literal["exact", "piecewise", "relaxed"] | None = None,
) -> Path:
    """Write `instance` for outside solvers into `folder`, and return the path of the model's file.

    Args:
        instance: the problem; `instance.slot(t)` for one slot.
        folder: made if it is not there.
        file_format: `nl` and `gms` hold any formulation, `lp` and `mps` linear ones.
        formulation: by default `exact` for `nl` and `gms`, `piecewise` for `lp` and `mps`.

    Raises:
        InputError: if the format cannot hold the formulation.
        MissingExtraError: if Pyomo is not installed.
    """
    linear = file_format in ("lp", "mps")
    chosen = formulation or ("piecewise" if linear else "exact")
    if linear and chosen == "exact":
        raise InputError("formulation", f"must be piecewise or relaxed in {file_format}", "exact")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{instance.name}.{file_format}"
    variables, columns = _write_model(instance, path, chosen)
    names = Names(
        instance=instance.name, slots=instance.slot_count, users=instance.user_count,
        models=instance.model_count, model_file=path.name, formulation=chosen,
        decisions=_decisions(variables), columns=columns,
    )  # fmt: skip
    write_bytes(folder / NAMES_FILE, names.model_dump_json(indent=1).encode() + b"\n")
    write_bytes(folder / INSTANCE_FILE, instance_bytes(instance))
    return path


def read_answer(folder: Path, answer: Path) -> Solution:
    """Return the solution in an outside solver's answer to the model in `folder`.

    An answer is a table with a name and its value on each line, whatever else stands around them (as
    SCIP, HiGHS in its raw style, Gurobi, CBC and GAMS write them, or CSV), or AMPL's .sol format, for NL
    files. A variable that it does not name is 0. Shares that a solver's tolerance left outside [0, 1],
    or summing to more than 1, are put back.

    Raises:
        DocumentError: with the path, the field, the rule and what was received.
    """
    names = _located(folder / NAMES_FILE, read_names, folder)
    return _located(answer, _parse_answer, names, answer)


def read_names(folder: Path) -> Names:
    """Return the map of names in an exported folder.

    Raises:
        InputError: if it is missing or malformed.
    """
    names = validated(Names, parse_json(read_bytes(folder / NAMES_FILE)))
    widths = {"cache": names.models, "bandwidth_share": names.users, "step_share": names.users}
    for name, (kind, t, index) in names.decisions.items():
        if not (0 <= t < names.slots and 0 <= index < widths[kind]):
            raise InputError(f"decisions.{shown(name)}", "must lie in the arrays", f"[{t}, {index}]")
    return names


def parse_values(text: str, names: Names) -> dict[str, float]:
    """Return the values in an answer by name, the first one where a name stands more than once.

    Raises:
        InputError: if no variable of the model has a value in it.
    """
    header = _AMPL_HEADER.search(text)
    values = _ampl_values(header["numbers"], names.columns) if header else _table_values(text, names)
    if not names.decisions.keys() & values.keys():
        example = next(iter(names.decisions))
        raise InputError("answer", f"must have lines with a name, such as {example}, and a value", "none")
    return values


def _write_model(
    instance: Instance, path: Path, formulation: Literal["exact", "piecewise", "relaxed"]
) -> tuple[dict[str, str], list[str]]:
    """Write the model; return its variables' own names by those in the file, and an NL file's order."""
    try:
        from mincache.views import algebraic
    except ModuleNotFoundError as error:
        from mincache.registry import missing_extra

        raise missing_extra("export", error) from None
    model = algebraic.apply(instance, formulation)
    options: dict[str, Any] = {"symbolic_solver_labels": True}
    if path.suffix == ".gms":
        options |= {"put_results": "answer", "put_results_format": "dat"}
    _, map_id = model.write(str(path), io_options=options)
    if path.suffix == ".nl":
        columns = path.with_suffix(".col").read_text().split()
        return {name: name for name in columns}, columns
    symbols = model.solutions.symbol_map[map_id].bySymbol
    return {symbol: getattr(component, "name", "") for symbol, component in symbols.items()}, []


def _decisions(variables: Mapping[str, str]) -> dict[str, tuple[Any, int, int]]:
    pattern = re.compile(rf"({'|'.join(_DECISIONS)})\[(\d+),(\d+)\]")
    found = {symbol: pattern.fullmatch(name) for symbol, name in variables.items()}
    return {symbol: (match[1], int(match[2]), int(match[3])) for symbol, match in found.items() if match}


def _parse_answer(names: Names, answer: Path) -> Solution:
    try:
        text = read_bytes(answer).decode()
    except UnicodeDecodeError as error:
        raise InputError("answer", "must be UTF-8", f"byte {error.start} is not") from None
    return _solution(parse_values(text, names), names)


def _solution(values: Mapping[str, float], names: Names) -> Solution:
    T, N, M = names.slots, names.users, names.models
    arrays = {"cache": np.zeros((T, M)), "bandwidth_share": np.zeros((T, N)), "step_share": np.zeros((T, N))}
    for name, (kind, t, index) in names.decisions.items():
        arrays[kind][t, index] = values.get(name, 0.0)
    fraction = np.abs(arrays["cache"] - (arrays["cache"] >= 0.5)).max()
    if not fraction <= _INTEGRALITY:
        advice = "is it an answer to a relaxed model?"
        raise InputError("cache", "must be 0 or 1 for every model", f"one {fraction:.3g} away", advice)
    shares = (_within_limits(arrays[kind]) for kind in ("bandwidth_share", "step_share"))
    return Solution(names.instance, *Decisions(arrays["cache"] >= 0.5, *shares))
