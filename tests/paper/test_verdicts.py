"""Verdicts on made-up runs whose right verdict is plain."""

import numpy as np
import pytest
from paper_fixture import runs

from mincache.paper import verdicts
from mincache.paper.claims import Claim
from mincache.paper.estimates import Estimate
from mincache.paper.measurements import Measurements

RCARS_CLAIM = Claim("fig5", "cost", 10, "RCARS", 30.19)
HCRAS_CLAIM = Claim("fig5", "cost", 10, "HCRAS", 21.69)


@pytest.mark.parametrize(
    ("claim", "ours", "top", "verdict"),
    [
        (RCARS_CLAIM, Estimate(0.30, 0.29, 0.31), Estimate(0.40, 0.39, 0.41), "reproduced"),
        (RCARS_CLAIM, Estimate(0.35, 0.34, 0.36), Estimate(0.40, 0.39, 0.41), "reproduced"),
        (RCARS_CLAIM, Estimate(0.10, 0.09, 0.11), Estimate(0.40, 0.39, 0.41), "not reproduced"),
        (RCARS_CLAIM, Estimate(0.10, 0.09, 0.11), Estimate(0.30, 0.29, 0.31), "not reproduced"),
        (
            RCARS_CLAIM,
            Estimate(0.10, 0.09, 0.11),
            Estimate(0.24, 0.23, 0.25),
            "impossible under the stated model",
        ),
        (HCRAS_CLAIM, Estimate(0.05, -0.2, 0.3), Estimate(0.5, 0.4, 0.6), "not reproduced"),
        (HCRAS_CLAIM, Estimate(-0.05, -0.06, -0.04), Estimate(0.01, 0.01, 0.01), "not reproduced"),
    ],
)
def test_judgement(claim, ours, top, verdict):
    """Impossible is what no solver reaches, never what a budget decides; chance is no gain."""
    assert verdicts.judge(claim, ours, top) == verdict
    assert verdicts.reason(claim, verdict, ours, top)


def test_a_claim_beside_ours_and_the_ceiling():
    """A row holds both percentages, the absolute costs, the ceiling and where the claim is possible."""
    compared = runs(
        {"DDPG": [40.0, 44.0], "RCARS": [50.0, 55.0], "HCRAS": [40.0, 40.0], "optimum": [36.0, 36.0]}
    )
    drawn = runs({"RCARS": [50.0, 50.0, 50.0, 50.0], "optimum": [40.0, 40.0, 40.0, 30.0]})
    rows = verdicts.claims_table(compared, drawn, "cost")
    over_rcars = [row for row in rows if row["baseline"] == "RCARS"]
    assert [row["reading"] for row in over_rcars] == ["of the baseline", "of the solver"]
    first, second = over_rcars
    assert [first[key] for key in ("claimed", "ours", "ceiling", "possible_share")] == pytest.approx(
        [0.3019, 0.2, 0.25, 0.25]
    )
    assert (first["ddpg"], first["baseline_value"]) == (42.0, 52.5)
    assert [second[key] for key in ("ours", "ceiling", "possible_share")] == pytest.approx(
        [0.25, 1 / 3, 0.25]
    )
    over_hcras = next(row for row in rows if row["baseline"] == "HCRAS")
    assert [over_hcras[key] for key in ("ours", "ceiling")] == pytest.approx([-0.05, 0.1])


def test_trends():
    """A quantity grows if its interval says so; RCARS' hit ratio cannot; bounds get no verdict."""
    few = runs(
        {"DDPG": [0.3, 0.4], "HCRAS": [0.4, 0.5], "RCARS": [0.3, 0.3], "most hits": [0.7, 0.7]}, "hit ratio"
    )
    many = runs(
        {"DDPG": [0.4, 0.6], "HCRAS": [0.2, 0.4], "RCARS": [0.4, 0.4], "most hits": [0.6, 0.6]},
        "hit ratio",
        18,
    )
    rows = verdicts.trends_table(Measurements(few + many), "hit ratio")
    assert {row["solver"]: row["verdict"] for row in rows} == {
        "DDPG": "reproduced", "HCRAS": "not reproduced", "RCARS": "impossible under the stated model",
        "most hits": "",
    }  # fmt: skip
    assert [row["change"] for row in rows] == pytest.approx([0.15, -0.15, 0.1, -0.1])


@pytest.mark.parametrize(
    ("rewards", "verdict"),
    [
        ({1e-5: [-50, -51], 1e-4: [-40, -41], 1e-3: [-45, -46]}, "reproduced"),
        ({1e-5: [-40, -41], 1e-4: [-41, -42], 1e-3: [-45, -46]}, "not reproduced"),
        ({1e-5: [-50, -51], 1e-4: [-40, -46], 1e-3: [-45, -43]}, "not reproduced"),
    ],
)
def test_learning_rates(rewards, verdict):
    """The reward rises and declines if a rate within the range is better than both ends beyond its seeds."""
    rows = [{"learning_rate": rate, "reward": np.mean(row)} for rate, row in rewards.items()]
    assert verdicts.rates_verdict(rows, rewards)["verdict"] == verdict
