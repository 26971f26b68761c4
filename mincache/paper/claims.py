"""What Section V-C of the paper claims, and our verdict on each claim."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from mincache.paper.findings import FindingRow
from mincache.paper.measurements import ClaimedQuantity, Estimate, Measurements, estimate, estimate_mean
from mincache.problem.quantity import Array

DDPG, HCRAS, RCARS = "DDPG", "HCRAS", "RCARS"
CLOUD_ONLY, OPTIMUM, MOST_HITS = "cloud only", "optimum", "most hits"
EQUAL_BANDWIDTH = "optimum, equal bandwidth"
BEST = {"cost": OPTIMUM, "hit ratio": MOST_HITS}
"""Whom no solver can beat, by quantity."""

ClaimVerdict = Literal["reproduced", "not reproduced", "impossible under the stated model"]


@dataclass(frozen=True)
class Claim:
    """DDPG is better than a baseline by some fraction, as printed."""

    figure: str
    quantity: ClaimedQuantity
    users: int
    baseline: str
    fraction: float


CLAIMS = (
    Claim("fig4", "hit ratio", 10, HCRAS, 0.1599),
    Claim("fig4", "hit ratio", 10, RCARS, 0.3593),
    Claim("fig4", "hit ratio", 18, HCRAS, 0.2258),
    Claim("fig4", "hit ratio", 18, RCARS, 0.8187),
    Claim("fig5", "cost", 10, HCRAS, 0.2169),
    Claim("fig5", "cost", 10, RCARS, 0.3019),
    Claim("fig5", "cost", 18, HCRAS, 0.1733),
    Claim("fig5", "cost", 18, RCARS, 0.3021),
)
"""The paper's percentages."""

BetterReading = Literal["of the baseline", "of the solver"]
READINGS: tuple[BetterReading, ...] = ("of the baseline", "of the solver")
"""What "x % better" is a percentage of; the first is what this project means."""


def better(quantity: ClaimedQuantity, reading: BetterReading, baseline: Array, solver: Array) -> Array:
    """Return by which fraction a solver is better than a baseline; negative where it is worse."""
    difference = baseline - solver if quantity == "cost" else solver - baseline
    return difference / (baseline if reading == "of the baseline" else solver)


cheaper = partial(better, "cost", READINGS[0])
"""By which fraction of a baseline's cost a solver costs less."""


def gap(cost: Array, optimum: Array) -> Array:
    """Return by which fraction of the optimum a cost lies above it."""
    return cost / optimum - 1.0


def ceiling(
    drawn: Measurements, claim: Claim, reading: BetterReading, baseline: str
) -> tuple[Estimate, Array]:
    """Return by how much the best possible is better than a baseline, and in which libraries by the claim."""
    by_how_much = partial(better, claim.quantity, reading)
    roles = (baseline, BEST[claim.quantity])
    values = [drawn.per_library(role, claim.quantity, claim.users) for role in roles]
    return estimate(by_how_much, *values), by_how_much(*values) >= claim.fraction


def claims_table(
    compared: Measurements, drawn: Measurements, *quantities: ClaimedQuantity
) -> list[FindingRow]:
    """Return each percentage of the paper beside ours and beside the ceiling, in both readings."""
    return [
        _claim_row(claim, reading, compared, drawn)
        for claim in CLAIMS
        if claim.quantity in quantities and claim.users in compared.users
        for reading in READINGS
    ]


def _claim_row(
    claim: Claim, reading: BetterReading, compared: Measurements, drawn: Measurements
) -> FindingRow:
    roles = (claim.baseline, DDPG)
    baseline, ddpg = (compared.per_library(role, claim.quantity, claim.users) for role in roles)
    ours = estimate(partial(better, claim.quantity, reading), baseline, ddpg)
    top, possible = ceiling(drawn if claim.baseline == RCARS else compared, claim, reading, claim.baseline)
    verdict, reason = judge(claim, ours, top)
    return {
        "figure": claim.figure, "quantity": claim.quantity, "users": claim.users, "baseline": claim.baseline,
        "reading": reading, "claimed": claim.fraction, **ours.fields("ours"), **top.fields("ceiling"),
        "possible_share": float(possible.mean()), "ddpg": float(ddpg.mean()),
        "baseline_value": float(baseline.mean()), "verdict": verdict, "reason": reason,
    }  # fmt: skip


def judge(claim: Claim, ours: Estimate, top: Estimate) -> tuple[ClaimVerdict, str]:
    """Return the verdict on a claim, and the sentence that it rests on.

    A claim is reproduced if our interval reaches it and lies above 0, and impossible if the best of all stays
    below it on average; over HCRAS that is not said, since the paper leaves HCRAS' budget open.
    """
    if ours.high >= claim.fraction and ours.low > 0.0:
        return "reproduced", "ours is larger" if ours.low > claim.fraction else "within our interval"
    impossible = claim.baseline == RCARS and top.high < claim.fraction
    verdict: ClaimVerdict = "impossible under the stated model" if impossible else "not reproduced"
    best = "the exact optimum" if claim.quantity == "cost" else "the most hits that storage allows"
    if ours.high >= claim.fraction:
        return verdict, "undecided: our interval holds the claim, and no gain at all"
    if impossible:
        return verdict, f"even {best} is only {top.value:.1%} better on average"
    if top.high < claim.fraction:
        return verdict, f"at our budget of HCRAS even {best} is no more than {top.value:.1%} better"
    return verdict, f"{best} is {top.value:.1%} better, DDPG only {ours.value:.1%}"


def trends_table(compared: Measurements, quantity: ClaimedQuantity) -> list[FindingRow]:
    """Return how a quantity changes from the least to the most users; the paper says that it grows."""
    few, many = compared.users[0], compared.users[-1]
    rows: list[FindingRow] = []
    for role in compared.roles:
        at_few, at_many = (compared.per_library(role, quantity, users) for users in (few, many))
        change = estimate(np.subtract, at_many, at_few)
        verdict, reason = _trend(role, quantity, change)
        rows.append({
            "solver": role, "quantity": quantity, "users_few": few, "users_many": many,
            "few": float(at_few.mean()), "many": float(at_many.mean()), **change.fields("change"),
            "verdict": verdict, "reason": reason,
        })  # fmt: skip
    return rows


def _trend(role: str, quantity: ClaimedQuantity, change: Estimate) -> tuple[ClaimVerdict | Literal[""], str]:
    if role not in (DDPG, HCRAS, RCARS):
        return "", {MOST_HITS: "no solver has more hits", OPTIMUM: "no solver has a lower cost"}.get(role, "")
    if (role, quantity) == (RCARS, "hit ratio"):
        return "impossible under the stated model", "it caches without a look at requests"
    if change.low > 0.0:
        return "reproduced", "it grows"
    return "not reproduced", "it falls" if change.high < 0.0 else "the interval holds no change"


def rates_verdict(rewards: Mapping[float, Array]) -> FindingRow:
    """Return the verdict on Fig. 3: the converged reward rises with the learning rate, then declines."""
    rates = list(rewards)
    best = max(rates, key=lambda rate: float(np.mean(rewards[rate])))
    lowest, highest = (estimate(np.subtract, rewards[end], rewards[best]) for end in (rates[0], rates[-1]))
    holds = best not in (rates[0], rates[-1]) and max(lowest.high, highest.high) < 0.0
    return {
        "claim": "the converged reward first rises and then declines as the learning rate grows",
        "rates": ", ".join(f"{rate:g}" for rate in rates), "best_rate": best,
        **lowest.fields("lowest_minus_best"), **highest.fields("highest_minus_best"),
        "verdict": "reproduced" if holds else "not reproduced",
        "reason": "the best rate lies inside" if holds else "an end of the range is as good as the best rate",
    }  # fmt: skip


def facts_table(drawn: Measurements) -> list[FindingRow]:
    """Return for each N how bounds and baselines stand to each other on many draws of Table I."""
    rows: list[FindingRow] = []
    for users in drawn.users:
        roles = (RCARS, CLOUD_ONLY, OPTIMUM, EQUAL_BANDWIDTH)
        random, cloud, best, equal = (drawn.per_library(role, "cost", users) for role in roles)
        low_steps = [run.low_step_hit_share for run in drawn.of(OPTIMUM, users)]
        rows.append({
            "users": users, "libraries": len(best), "cloud_beats_rcars": float(np.mean(cloud < random)),
            **estimate(cheaper, cloud, best).fields("optimum_below_cloud"),
            **estimate(gap, equal, best).fields("equal_bandwidth"),
            **estimate_mean(np.array([x for x in low_steps if x is not None])).fields("low_steps"),
            **drawn.mean(RCARS, "hit ratio", users).fields("rcars_hits"),
            **drawn.mean(OPTIMUM, "hit ratio", users).fields("optimum_hits"),
            **drawn.mean(MOST_HITS, "hit ratio", users).fields("most_hits"),
        })  # fmt: skip
    return rows
