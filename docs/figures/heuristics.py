"""Measure the two greedy references on every standard suite, for docs/suites.md: `make heuristics-table`.

`heuristics.csv` holds a line a suite and solver: the mean and the largest gap to the suite's best known
costs, and the median of the seconds that an answer took, one run at a time. What is measured already is
kept in the folder given; a second start goes on from there.
"""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
from pathlib import Path

from mincache.generation import suites
from mincache.judging import journal

DATA = Path(__file__).parent / "heuristics.csv"
SOLVERS = ("density-greedy", "local-search")
TIME_LIMIT_S = 60


def measured(name: str, folder: Path) -> list[dict[str, str | float]]:
    """Run both solvers on a suite, and return their lines."""
    solvers = [word for solver in SOLVERS for word in ("--solver", solver)]
    command = [sys.executable, "-m", "mincache", "run", name, *solvers, "--time-limit", str(TIME_LIMIT_S)]
    subprocess.run([*command, "--workers", "1", "-o", str(folder)], check=True)
    entries, records = suites.find(name).entries, journal.read(folder)
    lines: list[dict[str, str | float]] = []
    for solver in SOLVERS:
        gaps, seconds = [], []
        for record in records:
            if record.cell.solver == solver and record.score is not None and record.passed:
                cost, best = record.score.cost, entries[record.cell.instance].best_known
                gaps.append((cost or float("inf")) / (best or float("nan")) - 1.0)
                seconds.append(record.solve_s or 0.0)
        lines.append({
            "suite": name, "solver": solver,
            "solved": len(gaps), "within_1_percent": sum(gap <= 0.01 for gap in gaps),
            "gap_mean": round(statistics.fmean(gaps), 7), "gap_largest": round(max(gaps), 7),
            "seconds_median": round(statistics.median(seconds), 4),
        })  # fmt: skip
    return lines


def main() -> None:
    """Write the table anew."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/heuristics")
    lines = [line for name in suites.standard_names() for line in measured(name, folder / name)]
    with DATA.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


if __name__ == "__main__":
    main()
