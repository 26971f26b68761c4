"""Measure the learners of docs/learner.md and write its tables: `make variants`.

`variants.json` holds what was measured, a line a training and a set of instances; what it holds is not run
again, so that a run that was cut off goes on. Processor seconds, so that other work on the machine does not
count.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from mincache.learning.measuring import Job, Trial, run_all, table
from mincache.learning.variants import VARIANTS

FOLDER = Path(__file__).parent
DATA, PAGE = FOLDER / "variants.json", FOLDER.parent / "learner.md"
SEEDS = range(5)
AGENTS = [Job(f"ddpg[variant={name}]", seed) for seed in SEEDS for name in VARIANTS]
GENERAL = [
    Job("set-policy", seed, users=(5, 10, 18, 30, 100), general=True, suite="paper-v1",
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


def main(workers: int = 1) -> None:
    """Measure what is missing, this many trainings at a time, and write the tables."""
    trials = run_all([*AGENTS, *GENERAL], DATA, workers)
    PAGE.write_text(written(PAGE.read_text(), trials))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
