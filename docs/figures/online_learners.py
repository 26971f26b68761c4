"""Train agents on histories of online-v1, run them in the bench, and tell how far they come.

`make online-learners`. What the results folder holds is not made again. `online-learners.csv` holds, a line a
suite and solver, how far the cost is above that of the best causal policy with hidden states on the same
traces: the mean over libraries, and half of its 95 % interval (Student). `best` and `worst` are the training
seeds' own means. Seconds are the processor's. docs/online.md shows the table.
"""

from __future__ import annotations

import json
import statistics
from itertools import product
from pathlib import Path

from ladder import interval, mincache, write

from mincache.analysis.online_references import read_causal
from mincache.generation import suites
from mincache.judging import journal

FIGURES = Path(__file__).parent
DATA = FIGURES / "online-learners.csv"
USERS, LIBRARIES, SEEDS = 10, range(6), (1, 2, 3)
LEARNERS = {"online-v1": ("ddpg[variant=past]", "ppo[action=cache-scores]")}


def policies(suite: str, spec: str, folder: Path) -> list[Path]:
    """Return the policies of a learner, training those that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for seed, library in product(SEEDS, LIBRARIES):
        found.append(path := folder / f"l{library}.s{seed}.safetensors")
        if not path.exists():
            place = ("--users", str(USERS), "--library", str(library), "--seed", str(seed))
            mincache("train", spec, "--suite", suite, *place, "--float16", "-o", path)
    return found


def measured(suite: str, spec: str) -> dict[str, object]:
    """Return a line of the table, training and running what is missing."""
    name = spec.partition("[")[0]
    folder = Path("results/online-learners") / suite / name
    trained = policies(suite, spec, folder / "policies")
    answering = f"{spec[:-1]},policy={folder / 'policies'}]"
    mincache("run", suite, "--instances", f"*.n{USERS}.*", "--solver", answering, "--time-limit", "60",
             "--workers", "1", "-o", folder / "runs")  # fmt: skip
    found = suites.find(suite)
    hidden = read_causal(found.folder)
    above: dict[tuple[int, int], list[float]] = {}
    for record in journal.read(folder / "runs"):
        if record.score is None or not record.passed:
            raise SystemExit(f"{spec} failed on {record.cell.instance}; see {folder / 'runs'}")
        place = record.cell.repetition, found.entries[record.cell.instance].library
        gap = record.score.cost / hidden[record.cell.instance] - 1.0
        above.setdefault(place, []).append(gap)
    mean = {place: statistics.fmean(gaps) for place, gaps in above.items()}
    seeds = [statistics.fmean(mean[seed, library] for library in LIBRARIES) for seed in range(len(SEEDS))]
    libraries = [statistics.fmean(mean[s, library] for s in range(len(SEEDS))) for library in LIBRARIES]
    seconds = statistics.fmean(json.loads(one.with_suffix(".json").read_text())["cpu_s"] for one in trained)
    return {
        "suite": suite, "solver": spec, "above_causal": round(statistics.fmean(libraries), 6),
        "half_interval": round(interval(libraries), 6), "best": round(min(seeds), 6),
        "worst": round(max(seeds), 6), "training_s": round(seconds, 1),
    }  # fmt: skip


if __name__ == "__main__":
    write(DATA, [measured(suite, spec) for suite, specs in LEARNERS.items() for spec in specs])
