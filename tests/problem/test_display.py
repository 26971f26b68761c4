"""How instances and solutions show themselves."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mincache import InputError, Scenario, Solution, evaluate, load, serve
from mincache.problem.instance import PARTS, Rules
from mincache.problem.quantity import quantities

SMOKE = load("smoke-v1.l0.n10.t0")
LONG = Scenario(users=70, models=4, slots=300)
LONG = LONG.instance("long", LONG.library(1), LONG.trace(1))


def rows_of(chart):
    """Return the rows of each dataset of a chart."""
    specification = chart.to_dict()
    found = [specification]
    for one in found:
        for part in ("vconcat", "hconcat", "layer"):
            found += one.get(part, [])
    data = [one["data"] for one in found if "data" in one]
    named = specification.get("datasets", {})
    return [one["values"] if "values" in one else named[one["name"]] for one in data]


@pytest.mark.parametrize(
    "thing",
    [SMOKE, SMOKE.server, SMOKE.radio, SMOKE.models, SMOKE.trace, SMOKE.rules, Solution.nothing_cached(LONG),
     Solution.nothing_cached(LONG).decisions, evaluate(SMOKE, Solution.nothing_cached(SMOKE))],
    ids=lambda thing: type(thing).__name__,
)  # fmt: skip
def test_a_repr_is_one_short_line(thing):
    """Whatever its arrays hold."""
    assert "\n" not in repr(thing)
    assert len(repr(thing)) < 220


def test_a_repr_tells_sizes_and_rules():
    """So that one sees at a glance what one has."""
    ruled = replace(SMOKE, rules=Rules(2))
    assert repr(ruled) == f"Instance('{SMOKE.name}': 10 slots, 10 users, 10 models, rules frame_slots)"
    assert "channel_gain=[10, 10]" in repr(SMOKE.trace)
    assert "storage_gb=20" in repr(SMOKE.server)
    assert "frame_slots" in ruled._repr_html_()


def test_labelled_arrays_hold_every_quantity():
    """Each field is there once, with its axes, its unit and its meaning."""
    data = SMOKE.to_xarray()
    parts = (SMOKE, *(getattr(SMOKE, section) for section in PARTS))
    fields = [(part, name, meaning) for part in parts for name, meaning in quantities(type(part)).items()]
    assert sorted(data.data_vars) == sorted(name for _, name, _ in fields)  # so no name stands twice
    for part, name, meaning in fields:
        assert np.array_equal(data[name], getattr(part, name))
        assert data[name].attrs["units"] == meaning.unit
    assert dict(data.sizes) == {"slot": 10, "user": 10, "model": 10}


def test_a_solution_is_drawn_as_the_evaluator_judges_it():
    """The requests drawn as hits are the evaluator's hits, and their shares are the solution's."""
    cache = np.zeros((10, 10))
    cache[:, [1, 3, 5]] = 1
    solution = serve(SMOKE, cache)
    requests = max(rows_of(solution.plot(SMOKE)), key=len)
    score = evaluate(SMOKE, solution)
    assert len(requests) == 100
    hits = [row for row in requests if row["outcome"] != "cloud"]
    assert len(hits) / 100 == pytest.approx(score.hit_ratio)
    low = [row for row in hits if "at most A1" in row["outcome"]]
    assert len(low) / len(hits) == pytest.approx(score.low_step_hit_share)
    assert sum(row["steps"] for row in requests) == pytest.approx(solution.step_share.sum())
    assert sum(row["bandwidth"] for row in requests) == pytest.approx(solution.bandwidth_share.sum())


def test_an_instance_is_drawn_request_by_request():
    """Each request is one row, with the channel in dB."""
    requests = max(rows_of(SMOKE.plot()), key=len)
    assert [row["model"] for row in requests] == SMOKE.trace.requested_model.ravel().tolist()
    assert 10 ** (requests[0]["gain_db"] / 10) == pytest.approx(SMOKE.trace.channel_gain[0, 0], rel=0.01)


def test_a_long_instance_is_drawn_in_part():
    """By default as many slots as can be told apart, and otherwise those asked for; the axis says which."""
    chart = LONG.plot()
    shown = {row["slot"] for row in max(rows_of(chart), key=len)}
    assert shown == set(range(85))
    assert "0 to 84 of 0 to 299" in chart.to_json()
    assert {
        row["slot"] for row in max(rows_of(Solution.nothing_cached(LONG).plot(LONG, 290)), key=len)
    } == set(range(290, 300))


@pytest.mark.parametrize(("first", "stop"), [(-1, 5), (10, 12), (4, 4), (5, 3)])
def test_slots_that_are_not_there_are_refused(first, stop):
    """In one line."""
    with pytest.raises(InputError, match=f"slots: must begin .* received first={first}, stop={stop}"):
        SMOKE.plot(first, stop)


def test_a_solution_of_another_instance_is_refused():
    """As the evaluator refuses it."""
    with pytest.raises(InputError, match="instance"):
        Solution.nothing_cached(LONG).plot(SMOKE)


@pytest.mark.parametrize(
    ("module", "extra", "call", "who"),
    [
        ("altair", "plots", "instance.plot()", "charts need"),
        ("xarray", "data", "instance.to_xarray()", "to_xarray needs"),
    ],
)
def test_a_missing_library_is_one_sentence(module, extra, call, who):
    """It names the extra to install."""
    code = f"""
import sys; sys.modules[{module!r}] = None
import mincache
instance = mincache.load("smoke-v1.l0.n10.t0")
try:
    {call}
except mincache.MincacheError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{who} {module}, which is not installed: pip install 'mincache[{extra}]'\n"
