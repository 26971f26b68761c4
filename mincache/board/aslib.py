"""A suite's runs and features as a scenario for algorithm selection, in the format of ASlib.

The format: https://github.com/coseal/aslib-spec
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas

from mincache.board.runs import DECLINED, VERIFIED, Runs
from mincache.board.table import Table
from mincache.files.documents import write_bytes
from mincache.files.paths import make_folder

if TYPE_CHECKING:
    from mincache.analysis.features import Features

_MEASURES = {"cost": "charged_cost", "solve_s": "charged_solve_s"}
_STATUS = {VERIFIED: "ok", DECLINED: "not_applicable", "wall": "timeout", "cpu": "timeout",
           "memory": "memout", "crash": "crash", "exception": "crash"}  # fmt: skip
_KINDS = {
    "instance_id": "STRING", "algorithm": "STRING",
    "runstatus": "{ok, timeout, memout, not_applicable, crash, other}",
    **dict.fromkeys(("demand", "optimum"), "{ok, timeout, memout, presolved, crash, other, unknown}"),
}  # fmt: skip
"""Of attributes that are no numbers."""
_MEASURED = ("upload_share", "caching_worth", "bandwidth_worth", "steps_worth")
_LEFT_OUT = ("instance", "best_cost", "lower_bound", "note")  # what the answer is, is no feature
_FOLDS = 10
_README = """\
{suite} of mincache: {instances} instances of edge caching, and {solvers} solvers. The evaluator has priced
each answer: `cost` is the mean cost of a request, lower is better, and `solve_s` the seconds that the solver
took. A run that failed or declined has the cost of caching nothing, and {penalty:g} time limits as its time,
or without a limit the longest time of any run. `other` is an answer that broke a rule, or a cut-off run.

The features of the step `demand` are read off an instance. Those of the step `optimum` need its best answer,
or the best found in the time given, which takes longer than most solvers do. `?` stands where the exact
method does not know an instance's rules (`other`), or where a feature does not exist, such as repeated
requests of a single slot. The folds keep instances of one model library together.
"""


def write_scenario(folder: Path, table: Table, found: Sequence[Features]) -> list[Path]:
    """Write the files of a scenario, and return their paths.

    Args:
        folder: is made.
        table: the runs, on a suite at hand of which each row has attempted every instance.
        found: the features of its instances.
    """
    runs, known = table.runs, {one.instance: asdict(one) for one in found}
    steps = {"optimum": list(_MEASURED)}
    steps["demand"] = [one for one in known[runs.instances[0]] if one not in (*_MEASURED, *_LEFT_OUT)]
    groups = runs.libraries if len(set(runs.libraries)) > 1 else range(len(runs.instances))
    each = pandas.DataFrame({"instance_id": runs.instances, "repetition": 1})
    features = pandas.DataFrame([known[name] for name in runs.instances], dtype=object)
    solved = ["other" if cost is None else "ok" for cost in features["best_cost"]]
    tables = {
        "algorithm_runs": _performances(runs),
        "feature_values": each.join(features[[*steps["demand"], *steps["optimum"]]]),
        "feature_runstatus": each.assign(demand="ok", optimum=solved),
        "cv": each.assign(fold=[group % _FOLDS + 1 for group in groups]),
    }
    texts = {f"{name}.arff": _arff(f"{name.upper()}_{runs.name}", one) for name, one in tables.items()}
    texts["description.txt"] = json.dumps(_description(table, steps), indent=1) + "\n"  # it is YAML too
    texts["readme.txt"] = _README.format(
        suite=runs.name, instances=len(runs.instances), solvers=len(table.rows), penalty=runs.protocol.penalty
    )
    make_folder(folder)
    for name, text in texts.items():
        write_bytes(folder / name, text.encode())
    return [folder / name for name in texts]


def _performances(runs: Runs) -> pandas.DataFrame:
    frame, names = runs.frame, [_ascii(runs.labels[who]) for who in runs.contenders]
    return pandas.DataFrame({
        "instance_id": [runs.instances[n] for n in frame["instance"]],
        "repetition": frame.groupby(["row", "instance"]).cumcount() + 1,
        "algorithm": [names[row] for row in frame["row"]],
        **{name: frame[column].fillna(frame[column].max()) for name, column in _MEASURES.items()},
        "runstatus": [_STATUS.get(outcome, "other") for outcome in frame["outcome"]],
    })  # fmt: skip


def _description(table: Table, steps: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    limit_s = float(table.runs.frame["limit_s"].max())
    stochastic = {_ascii(row.solver): row.stochastic for row in table.rows}
    return {
        "scenario_id": table.runs.name,
        "performance_measures": list(_MEASURES),
        "maximize": [False] * len(_MEASURES),
        "performance_type": ["solution_quality", "runtime"],
        "algorithm_cutoff_time": math.ceil(limit_s) if math.isfinite(limit_s) else "?",
        "algorithm_cutoff_memory": "?",
        "features_cutoff_time": "?",
        "features_cutoff_memory": "?",
        "algorithms_deterministic": [name for name, random in stochastic.items() if not random],
        "algorithms_stochastic": [name for name, random in stochastic.items() if random],
        "metainfo_algorithms": {
            name: {"configuration": name, "deterministic": not random} for name, random in stochastic.items()
        },
        "number_of_feature_steps": len(steps),
        "feature_steps": {name: {"provides": list(provided)} for name, provided in steps.items()},
        "default_steps": ["demand"],
        "features_deterministic": [one for provided in steps.values() for one in provided],
        "features_stochastic": [],
    }


def _arff(relation: str, frame: pandas.DataFrame) -> str:
    attributes = (f"@ATTRIBUTE {name} {_KINDS.get(name, 'NUMERIC')}" for name in frame)
    rows = (",".join(map(_cell, row)) for row in frame.itertuples(index=False))
    return "\n".join([f"@RELATION {relation}", "", *attributes, "", "@DATA", *rows]) + "\n"


def _cell(value: Any) -> str:
    if value is None or value != value:  # nan
        return "?"
    text = str(value)
    if not isinstance(value, str) or re.fullmatch(r"[A-Za-z_][\w.-]*", text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()
