"""What the claims over RCARS depend on: how far below it the optimum is, as the paper may be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mincache.generation.scenario import Scenario
from mincache.paper.claims import (
    CLAIMS,
    CLOUD_ONLY,
    FITTED,
    MOST_HITS,
    OPTIMUM,
    RCARS,
    READINGS,
    Claim,
    Reading,
)
from mincache.paper.estimates import Estimate, estimate
from mincache.paper.findings import FindingRow
from mincache.paper.measurements import Measurements
from mincache.paper.over_users import HERE, MOST_HITS_SPEC
from mincache.paper.workshop import Contestant, Workshop
from mincache.problem.quantity import Array

RCARS_OVER_HITS = "RCARS, steps over hits"
EQUAL_BANDWIDTH = "optimum, equal bandwidth"
EQUAL_BANDWIDTH_SPEC = f"{HERE / 'equal_bandwidth.py'}:EqualBandwidth"
BEST = {"cost": OPTIMUM, "hit ratio": MOST_HITS}
"""Whom no solver can beat, by quantity."""


class Variant(NamedTuple):
    """One reading of the setting.

    Attributes:
        name: for tables.
        suite: the suite that it is measured on.
        changes: what differs from Table I.
        baseline: which RCARS.
    """

    name: str
    suite: str
    changes: Mapping[str, Any] = {}
    baseline: str = RCARS


TABLE_1 = Variant("Table I, parameters drawn for each model", "table-1")
VARIANTS = (
    TABLE_1,
    Variant("the single fitted A1 to A4, B1, B2 for every model", "fitted", FITTED),
    Variant("users within 50 m x 50 m", "area-50", {"area_m": (50.0, 50.0)}),
    Variant("users within 1000 m x 1000 m", "area-1000", {"area_m": (1000.0, 1000.0)}),
    Variant("RCARS splits the steps over its hits alone", "table-1", baseline=RCARS_OVER_HITS),
    Variant("fitted parameters, and RCARS' steps over hits", "fitted", FITTED, RCARS_OVER_HITS),
)


def draw(shop: Workshop, variant: Variant = TABLE_1) -> Measurements:
    """Return both RCARS and the optimum on many libraries, a trace each; on Table I also other bounds."""
    suite = shop.suite(variant.suite, Scenario(**variant.changes), shop.size.draws, shop.size.ends, 1)
    specs = {
        RCARS: "random-allocation", RCARS_OVER_HITS: "random-allocation[steps_over=hits]",
        OPTIMUM: "decomposition",
    }  # fmt: skip
    if variant.suite == TABLE_1.suite:
        specs |= {CLOUD_ONLY: "cloud-only", MOST_HITS: MOST_HITS_SPEC, EQUAL_BANDWIDTH: EQUAL_BANDWIDTH_SPEC}
    return shop.measure(suite, [Contestant(role, spec) for role, spec in specs.items()])


def table(shop: Workshop) -> list[FindingRow]:
    """Return the ceiling on the cost claims over RCARS in each variant, and how often they are possible."""
    few, many = (claim for claim in CLAIMS if (claim.quantity, claim.baseline) == ("cost", RCARS))
    rows: list[FindingRow] = []
    for variant in VARIANTS:
        drawn = draw(shop, variant)
        (least, at_few), (most, at_many) = (
            ceiling(drawn, claim, READINGS[0], variant.baseline) for claim in (few, many)
        )
        rows.append(
            {
                "setting": variant.name, "libraries": len(at_few), **least.fields("ceiling_few"),
                **most.fields("ceiling_many"), "possible_few": float(at_few.mean()),
                "possible_many": float(at_many.mean()), "possible_both": float((at_few & at_many).mean()),
            }
        )  # fmt: skip
    return rows


def ceiling(drawn: Measurements, claim: Claim, reading: Reading, baseline: str) -> tuple[Estimate, Array]:
    """Return by how much the best possible is better than a baseline, and where by what is claimed.

    Args:
        drawn: runs of the baseline and of whom no solver can beat.
        claim: which percentage.
        reading: of "better".
        baseline: the role to be beaten.

    Returns:
        The estimate, and for each library [libraries] whether the claim is possible at all.
    """

    def better(worse: Array, best: Array) -> Array:
        return reading.better(claim.quantity, worse, best)

    worse = drawn.per_library(baseline, claim.quantity, claim.users)
    best = drawn.per_library(BEST[claim.quantity], claim.quantity, claim.users)
    return estimate(better, worse, best), better(worse, best) >= claim.fraction
