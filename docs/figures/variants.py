"""Measure the learners of docs/learner.md, write its tables and draw its figure: `make variants`.

`variants.json` holds what was measured, a line a training and a set of instances; what it holds is not run
again, so that a run that was cut off goes on. Processor seconds, so that other work on the machine does not
count.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args, get_type_hints

import altair as alt
from measuring import MeasuredTraining, Trial, run_all, table

from mincache.solving import registry

FOLDER = Path(__file__).parent
DATA, PAGE, FIGURE = FOLDER / "variants.json", FOLDER.parent / "learner.md", FOLDER / "variants.svg"
SEEDS = range(5)
VARIANTS = [name for name in get_args(get_type_hints(registry.load("ddpg"))["variant"]) if name != "past"]
AGENTS = [MeasuredTraining(f"ddpg[variant={name}]", seed) for seed in SEEDS for name in VARIANTS]
GENERAL = [
    MeasuredTraining("set-policy", seed, users=(5, 10, 18, 30, 100), general=True, suite="paper-v1",
        answering=("candidates=1", "candidates=4"))
    for seed in SEEDS
]  # fmt: skip


def written(page: str, trials: Sequence[Trial]) -> str:
    """Return the page with a table of the trials between its marks."""
    for mark, jobs in (("variants", AGENTS), ("set-policy", GENERAL)):
        learners = {job.learner for job in jobs}
        text = table([trial for trial in trials if trial.learner in learners])
        page = re.sub(
            rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", rf"\g<1>{text}\g<2>", page, flags=re.DOTALL
        )
    return page


def drawn(trials: Sequence[Trial]) -> alt.LayerChart:
    """Return the gaps of each variant as a chart: a dot a seed, and a bar at their mean."""
    order = [job.learner for job in AGENTS[: len(VARIANTS)]]
    values = [{"learner": one.learner, "gap": one.gap} for one in trials if one.learner in order]
    axis = alt.Axis(format="~%", values=[0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
    scale = alt.Scale(type="log", domain=[0.002, 0.5], nice=False)
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("learner:N", title=None, sort=order, axis=alt.Axis(labelLimit=300))
    )
    seeds = base.mark_circle(size=45, opacity=0.6).encode(
        x=alt.X("gap:Q", title="gap to the optimum, a dot a seed", axis=axis, scale=scale)
    )
    means = base.mark_tick(thickness=2, size=18, color="black").encode(x=alt.X("mean(gap):Q"))
    return (seeds + means).properties(width=430, height=alt.Step(28))


def main(workers: int = 1) -> None:
    """Measure what is missing, this many trainings at a time, and write the tables."""
    trials = run_all([*AGENTS, *GENERAL], DATA, workers)
    PAGE.write_text(written(PAGE.read_text(), trials))
    drawn(trials).save(FIGURE)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
