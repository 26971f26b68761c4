"""The paper's claims, the two readings of "x % better", and verdicts on made-up runs."""

import numpy as np
import pytest
from hypothesis import given
from paper_fixture import runs
from strategies import between

from mincache.paper.claims import (
    CLAIMS,
    READINGS,
    Claim,
    better,
    claims_table,
    judge,
    rates_verdict,
    trends_table,
)
from mincache.paper.measurements import Estimate, Measurements

OF_BASELINE, OF_SOLVER = READINGS
RCARS_CLAIM = Claim("fig5", "cost", 10, "RCARS", 0.3019)
HCRAS_CLAIM = Claim("fig5", "cost", 10, "HCRAS", 0.2169)


@pytest.mark.parametrize(
    ("quantity", "baseline", "solver", "first", "second"),
    [("cost", 50.0, 40.0, 0.2, 0.25), ("hit ratio", 0.4, 0.5, 0.25, 0.2), ("cost", 40.0, 50.0, -0.25, -0.2)],
)
def test_readings_by_hand(quantity, baseline, solver, first, second):
    """Lower costs and higher hit ratios are better; the denominators are the baseline and the solver."""
    assert better(quantity, OF_BASELINE, np.array(baseline), np.array(solver)) == pytest.approx(first)
    assert better(quantity, OF_SOLVER, np.array(baseline), np.array(solver)) == pytest.approx(second)


@given(between(0.1, 100), between(0.1, 100))
def test_one_reading_follows_from_the_other(baseline, solver):
    """For costs the second reading y is x / (1 - x) of the first."""
    x, y = (better("cost", reading, np.array(baseline), np.array(solver)) for reading in READINGS)
    assert y == pytest.approx(x / (1.0 - x), rel=1e-9, abs=1e-12)


def test_claims_are_the_printed_percentages():
    """Each figure has four claims: two baselines, at 10 and at 18 users."""
    for figure in ("fig4", "fig5"):
        listed = {(claim.users, claim.baseline) for claim in CLAIMS if claim.figure == figure}
        assert listed == {(users, baseline) for users in (10, 18) for baseline in ("HCRAS", "RCARS")}
    assert {round(100 * claim.fraction, 2) for claim in CLAIMS if claim.users == 10} == {
        15.99,
        35.93,
        21.69,
        30.19,
    }
    assert {round(100 * claim.fraction, 2) for claim in CLAIMS if claim.users == 18} == {
        22.58,
        81.87,
        17.33,
        30.21,
    }
    assert CLAIMS[-1].fraction == pytest.approx(0.3021)


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
    given_verdict, reason = judge(claim, ours, top)
    assert given_verdict == verdict
    assert reason


def test_a_claim_beside_ours_and_the_ceiling():
    """A row holds both percentages, the absolute costs, the ceiling and where the claim is possible."""
    compared = runs(
        {"DDPG": [40.0, 44.0], "RCARS": [50.0, 55.0], "HCRAS": [40.0, 40.0], "optimum": [36.0, 36.0]}
    )
    drawn = runs({"RCARS": [50.0, 50.0, 50.0, 50.0], "optimum": [40.0, 40.0, 40.0, 30.0]})
    rows = claims_table(compared, drawn, "cost")
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
    rows = trends_table(Measurements(few + many), "hit ratio")
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
    assert rates_verdict({rate: np.array(row) for rate, row in rewards.items()})["verdict"] == verdict
