"""The paper's claims, and the two readings of "x % better"."""

import numpy as np
import pytest
from hypothesis import given
from strategies import between

from mincache.generation.scenario import Scenario
from mincache.paper.claims import CLAIMS, FITTED, READINGS

BASELINE, SOLVER = READINGS


@pytest.mark.parametrize(
    ("quantity", "baseline", "solver", "first", "second"),
    [("cost", 50.0, 40.0, 0.2, 0.25), ("hit ratio", 0.4, 0.5, 0.25, 0.2), ("cost", 40.0, 50.0, -0.25, -0.2)],
)
def test_readings_by_hand(quantity, baseline, solver, first, second):
    """Lower costs and higher hit ratios are better; the denominators are the baseline and the solver."""
    assert BASELINE.better(quantity, np.array(baseline), np.array(solver)) == pytest.approx(first)
    assert SOLVER.better(quantity, np.array(baseline), np.array(solver)) == pytest.approx(second)


@given(between(0.1, 100), between(0.1, 100))
def test_one_reading_follows_from_the_other(baseline, solver):
    """For costs the second reading y is x / (1 - x) of the first."""
    x, y = (reading.better("cost", np.array(baseline), np.array(solver)) for reading in READINGS)
    assert y == pytest.approx(x / (1.0 - x), rel=1e-9, abs=1e-12)


def test_claims_are_the_printed_percentages():
    """Each figure has four claims: two baselines, at 10 and at 18 users."""
    for figure in ("fig4", "fig5"):
        listed = {(claim.users, claim.baseline) for claim in CLAIMS if claim.figure == figure}
        assert listed == {(users, baseline) for users in (10, 18) for baseline in ("HCRAS", "RCARS")}
    assert {claim.percent for claim in CLAIMS if claim.users == 10} == {15.99, 35.93, 21.69, 30.19}
    assert {claim.percent for claim in CLAIMS if claim.users == 18} == {22.58, 81.87, 17.33, 30.21}
    assert CLAIMS[-1].fraction == pytest.approx(0.3021)


def test_fitted_parameters_are_constants():
    """Under the single fitted parameters every model of a library has the values under (7) and (8)."""
    library = Scenario(**FITTED).library(3)
    fitted = {
        "steps_onset": 60, "tv_worst": 110, "steps_saturation": 170, "tv_best": 28,
        "seconds_per_step": 0.18, "seconds_base": 5.74,
    }  # fmt: skip
    for name, value in fitted.items():
        assert np.unique(getattr(library, name)) == pytest.approx([value])
    assert len(np.unique(library.size_gb)) == 10
