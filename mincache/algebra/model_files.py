"""Files for solvers outside: an instance as an NL, GAMS, LP or MPS file.

`export` writes a folder: the model, the instance that it is the model of, and `names.json`, which tells
what each variable decides. `exchange_answers.read_answer` turns what a solver wrote into a solution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from mincache.algebra import pyomo_model
from mincache.algebra.model_answers import INSTANCE_FILE, NAMES_FILE, Decision, Names
from mincache.errors import InputError
from mincache.files.documents import instance_bytes, write_bytes
from mincache.files.paths import make_folder
from mincache.problem.instance import Instance

FileFormat = Literal["nl", "gms", "lp", "mps"]
LINEAR_FORMATS: tuple[FileFormat, ...] = ("lp", "mps")

_DECISION = re.compile(rf"({'|'.join(get_args(Decision))})\[(\d+),(\d+)\]")


def export(
    instance: Instance,
    folder: Path,
    file_format: FileFormat,
    formulation: pyomo_model.Formulation | None = None,
) -> Path:
    """Write `instance` for outside solvers into `folder`, and return the path of the model's file.

    Args:
        instance: the problem with its rules; `instance.slot(t)` for one slot, where no rule links slots.
        folder: made if it is not there.
        file_format: `nl` and `gms` hold any formulation, `lp` and `mps` linear ones.
        formulation: by default `exact` where the format holds it, else `piecewise`.

    Raises:
        InputError: if the format cannot hold the formulation, or the folder cannot be made.
    """
    linear = file_format in LINEAR_FORMATS
    chosen: pyomo_model.Formulation = formulation or ("piecewise" if linear else "exact")
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
