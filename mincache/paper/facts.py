"""What is known of the problem on many draws of Table I, beside the claims."""

from __future__ import annotations

import numpy as np

from mincache.paper.claims import CLOUD_ONLY, MOST_HITS, OPTIMUM, RCARS
from mincache.paper.dependence import EQUAL_BANDWIDTH
from mincache.paper.estimates import estimate
from mincache.paper.findings import FindingRow
from mincache.paper.measurements import Measurements


def table(drawn: Measurements) -> list[FindingRow]:
    """Return for each N how the bounds and baselines stand to each other, over libraries."""
    return [_row(drawn, users) for users in drawn.users]


def _row(drawn: Measurements, users: int) -> FindingRow:
    roles = (RCARS, CLOUD_ONLY, OPTIMUM, EQUAL_BANDWIDTH)
    random, cloud, best, equal = (drawn.per_library(role, "cost", users) for role in roles)
    hits = {role: drawn.per_library(role, "hit ratio", users) for role in (RCARS, OPTIMUM, MOST_HITS)}
    low_steps = [
        run.low_step_hit_share
        for run in drawn
        if (run.role, run.users) == (OPTIMUM, users) and run.low_step_hit_share is not None
    ]
    return {
        "users": users, "libraries": len(best),
        "cloud_beats_rcars": float(np.mean(cloud < random)),
        **estimate(lambda b, s: (b - s) / b, cloud, best).fields("optimum_below_cloud"),
        **estimate(lambda e, s: e / s - 1.0, equal, best).fields("equal_bandwidth"),
        **estimate(lambda x: x, np.array(low_steps)).fields("low_steps"),
        **estimate(lambda x: x, hits[RCARS]).fields("rcars_hits"),
        **estimate(lambda x: x, hits[OPTIMUM]).fields("optimum_hits"),
        **estimate(lambda x: x, hits[MOST_HITS]).fields("most_hits"),
    }  # fmt: skip
