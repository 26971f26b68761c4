"""A verdict a claim: reproduced, not reproduced, or impossible under the stated model."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mincache.paper.claims import (
    CLAIMS,
    DDPG,
    HCRAS,
    MOST_HITS,
    OPTIMUM,
    RCARS,
    READINGS,
    Claim,
    ClaimedQuantity,
    Reading,
)
from mincache.paper.dependence import ceiling
from mincache.paper.estimates import Estimate, estimate
from mincache.paper.findings import FindingRow
from mincache.paper.measurements import Measurements

ClaimVerdict = Literal["reproduced", "not reproduced", "impossible under the stated model"]


def claims_table(
    compared: Measurements, drawn: Measurements, *quantities: ClaimedQuantity
) -> list[FindingRow]:
    """Return each percentage of the paper beside ours and beside the ceiling, in both readings.

    Args:
        compared: the runs of Fig. 4 and 5.
        drawn: the many libraries that RCARS' ceilings are measured on.
        quantities: which claims.
    """
    return [
        _claim_row(claim, reading, compared, drawn)
        for claim in CLAIMS
        if claim.quantity in quantities and claim.users in compared.users
        for reading in READINGS
    ]


def _claim_row(claim: Claim, reading: Reading, compared: Measurements, drawn: Measurements) -> FindingRow:
    baseline, ddpg = (
        compared.per_library(role, claim.quantity, claim.users) for role in (claim.baseline, DDPG)
    )
    ours = estimate(lambda b, s: reading.better(claim.quantity, b, s), baseline, ddpg)
    top, possible = ceiling(drawn if claim.baseline == RCARS else compared, claim, reading, claim.baseline)
    verdict = judge(claim, ours, top)
    return {
        "figure": claim.figure, "quantity": claim.quantity, "users": claim.users, "baseline": claim.baseline,
        "reading": reading.name, "claimed": claim.fraction, **ours.fields("ours"), **top.fields("ceiling"),
        "possible_share": float(possible.mean()), "ddpg": float(ddpg.mean()),
        "baseline_value": float(baseline.mean()),
        "verdict": verdict, "reason": reason(claim, verdict, ours, top),
    }  # fmt: skip


def judge(claim: Claim, ours: Estimate, top: Estimate) -> ClaimVerdict:
    """Return the verdict on a claim.

    It is reproduced if our interval reaches it, and DDPG is better at all beyond that interval. It is
    impossible if the best that any solver can do stays below it on average; over HCRAS that is not said,
    since the paper leaves HCRAS' budget open.
    """
    if ours.high >= claim.fraction and ours.low > 0.0:
        return "reproduced"
    if claim.baseline == RCARS and top.high < claim.fraction:
        return "impossible under the stated model"
    return "not reproduced"


def reason(claim: Claim, verdict: ClaimVerdict, ours: Estimate, top: Estimate) -> str:
    """Return the sentence that a verdict rests on."""
    best = "the exact optimum" if claim.quantity == "cost" else "the most hits that storage allows"
    if verdict == "reproduced":
        return "ours is larger" if ours.low > claim.fraction else "within our interval"
    if ours.high >= claim.fraction:
        return "undecided: our interval holds the claim, and no gain at all"
    if claim.baseline == HCRAS and top.high < claim.fraction:
        return f"at our budget of HCRAS even {best} is no more than {top.value:.1%} better"
    if verdict == "not reproduced":
        return f"{best} is {top.value:.1%} better, DDPG only {ours.value:.1%}"
    return f"even {best} is only {top.value:.1%} better on average"


def trends_table(compared: Measurements, quantity: ClaimedQuantity) -> list[FindingRow]:
    """Return how a quantity changes from the least to the most users; the paper says that it grows.

    The optimum and the most hits stand beside as information, without a verdict.
    """
    few, many = compared.users[0], compared.users[-1]
    rows: list[FindingRow] = []
    for role in compared.roles:
        values = [compared.per_library(role, quantity, users) for users in (few, many)]
        change = estimate(np.subtract, values[1], values[0])
        verdict, why = _trend(role, quantity, change)
        rows.append(
            {
                "solver": role, "quantity": quantity, "users_few": few, "users_many": many,
                "few": float(values[0].mean()), "many": float(values[1].mean()), **change.fields("change"),
                "verdict": verdict, "reason": why,
            }
        )  # fmt: skip
    return rows


def _trend(role: str, quantity: ClaimedQuantity, change: Estimate) -> tuple[ClaimVerdict | Literal[""], str]:
    if role not in (DDPG, HCRAS, RCARS):
        return "", {MOST_HITS: "no solver has more hits", OPTIMUM: "no solver has a lower cost"}.get(role, "")
    if (role, quantity) == (RCARS, "hit ratio"):
        return "impossible under the stated model", "it caches without a look at requests"
    if change.low > 0.0:
        return "reproduced", "it grows"
    return "not reproduced", "it falls" if change.high < 0.0 else "the interval holds no change"


def rates_verdict(converged: list[FindingRow], rewards: dict[float, list[float]]) -> FindingRow:
    """Return the verdict on Fig. 3: the converged reward first rises with the learning rate, then declines.

    Args:
        converged: the table of converged rewards.
        rewards: the converged reward of each training, by learning rate.
    """
    rates = [row["learning_rate"] for row in converged]
    best = max(converged, key=lambda row: float(row["reward"]))["learning_rate"]
    top = np.array(rewards[best])
    ends = [estimate(np.subtract, np.array(rewards[end]), top) for end in (rates[0], rates[-1])]
    holds = best not in (rates[0], rates[-1]) and all(end.high < 0.0 for end in ends)
    return {
        "claim": "the converged reward first rises and then declines as the learning rate grows",
        "rates": ", ".join(f"{rate:g}" for rate in rates), "best_rate": best,
        **ends[0].fields("lowest_minus_best"), **ends[1].fields("highest_minus_best"),
        "verdict": "reproduced" if holds else "not reproduced",
        "reason": "the best rate lies inside" if holds else "an end of the range is as good as the best rate",
    }  # fmt: skip
