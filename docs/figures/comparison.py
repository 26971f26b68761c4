"""Measure the exact method against SCIP and HiGHS, for docs/decomposition.md: `make comparison-table`.

One instance of each standard suite goes to each of them, one after the other in one process, to the same
relative gap and under the same time limit. The table says the seconds each took, and the gap that it proved.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from mincache.generation import suites
from mincache.problem.evaluation import evaluate
from mincache.problem.instance import Instance
from mincache.solving import registry
from mincache.solving.contract import Run, answer

PAGE = Path(__file__).parents[1] / "decomposition.md"
GAP = 1e-6
SOLVERS = (f"decomposition[relative_gap={GAP},compiled=true]", f"highs[gap={GAP}]", f"scip[gap={GAP}]")
INSTANCES = (
    "paper-v1.l0.n10.t0", "paper-v1.l0.n18.t0", "scarce-v1.l1.n12.t0", "floor-v1.l0.n14.t0",
    "frames-v1.l0.n14.t0", "loading-v1.l0.n10.t0", "open-v1.s0.l0.n30.t0",
)  # fmt: skip
START, END = "<!-- comparison -->\n", "<!-- /comparison -->\n"


def measured(instance: Instance, solver: str, limit_s: float) -> str:
    """Solve an instance once; return a cell of the table."""
    method, run, start = registry.make(solver), Run.seeded(0, limit_s), time.perf_counter()
    try:
        cost = evaluate(instance, answer(solver, method, instance, run)).cost
    except Exception as error:  # what a solver refuses, or fails at, belongs in the table
        return f"none ({type(error).__name__})"
    return f"{time.perf_counter() - start:.3g} s, {max(0.0, (cost - run.bound) / cost):.1g}"


def main() -> None:
    """Write the table into the page anew; an argument sets the time limit in seconds."""
    limit_s = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    for solver in SOLVERS:  # loads the libraries and compiled loops of each, so that no time has that in it
        measured(suites.find("smoke-v1").read("smoke-v1.l0.n10.t0"), solver, limit_s)
    day = time.strftime("%Y-%m-%d")
    lines = [
        f"To a gap of {GAP:g} or for {limit_s:g} s, {day}: seconds of wall clock, and the gap proven.\n",
        "| instance | " + " | ".join(solver.partition("[")[0] for solver in SOLVERS) + " |",
        "| --- " * (1 + len(SOLVERS)) + "|",
    ]
    for name in INSTANCES:
        instance = suites.find(name.partition(".")[0]).read(name)
        lines.append(f"| {name} | " + " | ".join(measured(instance, one, limit_s) for one in SOLVERS) + " |")
        print(lines[-1], flush=True)
    before, _, rest = PAGE.read_text().partition(START)
    PAGE.write_text(before + START + "\n".join(lines) + "\n" + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
