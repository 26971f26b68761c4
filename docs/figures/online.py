"""Measure what online policies reach, for docs/online.md: `make online-table`.

`online.csv` holds, a line a suite, number of users and policy, how far its cost is above that of the best
causal policy with hidden states on the same traces: the mean over libraries, half of its 95 % interval
(Student), and the least library.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from scipy import stats

import mincache
from mincache.analysis.online_references import LEVELS, online_references
from mincache.board.ranks import by_group
from mincache.generation import suites

DATA = Path(__file__).parent / "online.csv"
SUITES = ("online-v1", "online-scarce-v1", "online-loading-v1")
POLICIES = (
    "bayes", "decayed-costs", "fixed-share", "perturbed-leader", "greedy-dual", "online-lru", "online-lfu",
    "cloud-only",
)  # fmt: skip


def costs_of(suite: suites.Suite, name: str) -> dict[str, float]:
    """Return the cost of each reference and policy on an instance."""
    instance = suite.read(name)
    known = online_references(instance, suites.popularity(instance))
    found = {level: known[level].realised for level in LEVELS}
    found["clairvoyant"] = suite.references[name].cost
    for policy in POLICIES:
        found[policy] = mincache.solve(instance, policy, seconds=60.0).evaluation.cost
    return found


def main() -> None:
    """Write the table anew."""
    with DATA.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("suite", "users", "policy", "above_causal", "half_interval", "least"))
        for suite in map(suites.find, SUITES):
            for users in (10, 18):
                names = [name for name, entry in suite.entries.items() if entry.users == users]
                libraries = [suite.entries[name].library for name in names]
                rows = [costs_of(suite, name) for name in names]
                for policy in rows[0]:
                    above = by_group(np.array([row[policy] / row["hidden"] - 1.0 for row in rows]), libraries)
                    reach = stats.t.ppf(0.975, len(above) - 1) * above.std(ddof=1) / len(above) ** 0.5
                    values = (above.mean(), reach, above.min())
                    writer.writerow((suite.name, users, policy, *(round(float(one), 6) for one in values)))
                print(suite.name, users, flush=True)


if __name__ == "__main__":
    main()
