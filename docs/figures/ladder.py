"""Train the field's methods on ladder-v1, run them beside the references, and draw: `make ladder-rows`.

What the results folder holds is not made again, so that what was cut off goes on. `ladder.csv` holds the
table of docs/learner.md, `ladder-curves.csv` the curves of its picture. Both are written into the page. With
names of learners, only these are trained and run, and the rows of others stay; with the word `draw`, the page
and the picture alone are made again. Seconds of training are the processor's.
"""

from __future__ import annotations

import csv
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import altair as alt
from scipy.stats import t as student

from mincache.generation import suites
from mincache.judging import journal
from mincache.site import drawing

FIGURES = Path(__file__).parent
DATA, CURVES, FIGURE = FIGURES / "ladder.csv", FIGURES / "ladder-curves.csv", FIGURES / "ladder.svg"
PAGE = FIGURES.parent / "learner.md"
RESULTS = Path("results/ladder-v1")
SUITE, USERS, LIBRARIES, SEEDS = "ladder-v1", 10, range(6), (1, 2, 3)
LEARNERS = ("droo", "ppo", "ddpg", "t2drl", "sac", "td3", "d2sac")
REFERENCE_RUNS = "references"
REFERENCES = (
    "decomposition", "highs", "local-search", "set-policy", "density-greedy", "static", "popular-first",
    "cloud-only", "random-allocation",
)  # fmt: skip
LINES = ("density-greedy", "static", "cloud-only")
"""References that the picture has as lines across."""


def mincache(*words: str | Path) -> None:
    """Run a command of mincache in a process of its own."""
    subprocess.run([sys.executable, "-m", "mincache", *map(str, words)], check=True)


def policies(learner: str) -> list[Path]:
    """Return the policies of a learner, training those that are not there."""
    folder, found = RESULTS / "policies" / learner, []
    for seed, library in product(SEEDS, LIBRARIES):
        found.append(path := folder / f"l{library}.s{seed}.safetensors")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            place = ("--users", str(USERS), "--library", str(library), "--seed", str(seed))
            mincache("train", learner, "--suite", SUITE, *place, "--float16", "-o", path)
    return found


def made(names: Sequence[str]) -> dict[str, list[Path]]:
    """Train and run what is missing of these learners or references; return the policies by name."""
    limits = ("--time-limit", "60", "--workers", "1", "-o")
    found: dict[str, list[Path]] = {}
    for name in names:
        if name == REFERENCE_RUNS:
            found[name], solvers, seeds = [], REFERENCES, "10"
        else:
            found[name], seeds = policies(name), "1"
            solvers = (f"{name}[policy={found[name][0].parent}]",)
        words = [word for solver in solvers for word in ("--solver", solver)]
        mincache("run", SUITE, *words, "--seeds", seeds, *limits, RESULTS / name)
    return found


def interval(values: Sequence[float]) -> float:
    """Return half of the 95 % interval of a mean by Student's t; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    quantile = float(student.ppf(0.975, len(values) - 1))
    return quantile * statistics.stdev(values) / len(values) ** 0.5


def measured(found: Mapping[str, Sequence[Path]]) -> list[dict[str, object]]:
    """Return the table: each solver's gap, its mean and interval over repetitions, and its seconds."""
    best = {name: entry.best_known for name, entry in suites.find(SUITE).entries.items()}
    gaps: dict[str, dict[int, list[float]]] = {}
    seconds: dict[str, list[float]] = {}
    for folder in found:
        for record in journal.read(RESULTS / folder):
            cost = None if record.score is None else record.score.cost
            if cost is None or not record.passed:
                raise SystemExit(
                    f"{record.cell.solver} failed on {record.cell.instance}; see {RESULTS / folder}"
                )
            gap = cost / (best[record.cell.instance] or float("nan")) - 1.0
            gaps.setdefault(record.cell.solver_name, {}).setdefault(record.cell.repetition, []).append(gap)
            seconds.setdefault(record.cell.solver_name, []).append(record.solve_s or 0.0)
    rows = []
    for name, by_repetition in gaps.items():
        means = [statistics.fmean(one) for one in by_repetition.values()]
        trained = [json.loads(path.with_suffix(".json").read_text())["cpu_s"] for path in found.get(name, ())]
        rows.append({
            "solver": name, "repetitions": len(means), "gap": round(statistics.fmean(means), 6),
            "half_interval": round(interval(means), 6),
            "training_s": round(statistics.fmean(trained), 1) if trained else "",
            "answer_s": round(statistics.median(seconds[name]), 5),
        })  # fmt: skip
    return rows


def curves(found: Mapping[str, Sequence[Path]]) -> list[dict[str, object]]:
    """Return the mean gap on held-out traces along the trainings of each learner, with its interval."""
    rows: list[dict[str, object]] = []
    for learner, paths in found.items():
        if not paths:
            continue
        records = [json.loads(path.with_suffix(".json").read_text()) for path in paths]
        mean_s = statistics.fmean(record["cpu_s"] for record in records)
        for points in zip(*(record["curve"] for record in records), strict=True):
            values = [point["validation_gap"] for point in points]
            part = points[0]["episode"] / records[0]["curve"][-1]["episode"]
            rows.append({
                "solver": learner, "seconds": round(part * mean_s, 3),
                "gap": round(statistics.fmean(values), 6), "half_interval": round(interval(values), 6),
            })  # fmt: skip
    return rows


def merged(path: Path, rows: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Return the rows of a CSV file with these in place of those of the same solvers."""
    replaced = {row["solver"] for row in rows}
    return [*(row for row in read(path) if row["solver"] not in replaced), *rows]


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def drawn() -> dict[str, object]:
    """Return the picture: a curve a learner with its interval, and lines for what needs no training."""
    rows = [
        {"solver": row["solver"], "seconds": float(row["seconds"]), "gap": 100.0 * float(row["gap"]),
         "low": 100.0 * max(0.0, float(row["gap"]) - float(row["half_interval"])),
         "high": 100.0 * (float(row["gap"]) + float(row["half_interval"]))}
        for row in read(CURVES)
    ]  # fmt: skip
    across = [row | {"gap": 100.0 * float(row["gap"])} for row in read(DATA) if row["solver"] in LINES]
    x = drawing.time_axis(rows, "processor time of training")
    y = drawing.gap_axis("gap", "gap to the optimum, %")
    told = drawing.told_apart(rows, "solver", "StrokeDash")
    bars = drawing.marks(rows).mark_rule(opacity=0.5).encode(x, alt.Y("low:Q"), alt.Y2(field="high"), told[0])
    lines = drawing.marks(rows).mark_line(strokeWidth=2).encode(x, y, *told)
    rules = drawing.marks(across).mark_rule(color=drawing.GRAY).encode(alt.Y("gap:Q"))
    names = drawing.marks(across).mark_text(align="left", dy=-6, color=drawing.GRAY)
    named = names.encode(alt.Y("gap:Q"), alt.Text("solver:N"), x=alt.value(4))
    return drawing.finished(alt.layer(rules, named, bars, lines), width=drawing.WIDTH, height=drawing.HEIGHT)


def written(page: str) -> str:
    """Return the page with the table and the picture between its marks."""
    lines = [
        "| solver | above the optimum | repetitions | training of a policy | answer |",
        "|---|---|---|---|---|",
    ]
    for row in read(DATA):
        gap, half, training = float(row["gap"]), float(row["half_interval"]), row["training_s"]
        told = f"{gap:.2%}" + (f" ± {half:.2%}" if half else "")
        cells = (f"`{row['solver']}`", told, row["repetitions"], f"{training} s" if training else "none")
        lines.append(f"| {' | '.join(cells)} | {1000.0 * float(row['answer_s']):.1f} ms |")
    picture = (
        "![The gap to the optimum on held-out traces over the processor time of training](figures/ladder.svg)"
    )
    text = "\n".join([*lines, "", picture, ""])
    return re.sub(
        r"(<!-- ladder -->\n).*?(<!-- /ladder -->)", lambda found: found[1] + text + found[2], page,
        flags=re.DOTALL,
    )  # fmt: skip


if __name__ == "__main__":
    if (named := sys.argv[1:]) != ["draw"]:
        trained = made(named or (*LEARNERS, REFERENCE_RUNS))
        write(DATA, sorted(merged(DATA, measured(trained)), key=lambda row: float(str(row["gap"]))))
        write(CURVES, merged(CURVES, curves(trained)))
    drawing.write(drawn(), FIGURE)
    PAGE.write_text(written(PAGE.read_text()))
