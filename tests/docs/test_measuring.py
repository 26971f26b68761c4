"""Measuring learners: what is kept is not run again, and intervals are Student's."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from mincache.generation.scenario import Scenario

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "figures"))  # as Python does for a script there

from measuring import MeasuredTraining, Trial, half_width, run_all, table

SMALL = Scenario(users=3, slots=4)
AGENT = "ddpg[variant=literal,episodes=10,warmup=5,batch=4,hidden=8,updates=1]"
GENERAL = "set-policy[episodes=2,environments=1,updates=1,width=8]"
JOBS = [
    MeasuredTraining(AGENT, 0, SMALL, users=(3,), count=2),
    MeasuredTraining(
        GENERAL, 0, SMALL, users=(3, 5), general=True, answering=("candidates=1", "candidates=9"), count=2
    ),
]


def test_trainings_are_measured_and_kept(tmp_path):
    """Each is trained, and measured on all that it is for; with the file at hand nothing is run again."""
    kept = tmp_path / "kept.json"
    done = run_all(JOBS[1:], kept)
    assert [(one.where, one.answering) for one in done] == [
        ("N = 3", "candidates=1"), ("N = 3", "candidates=9"),
        ("N = 5", "candidates=1"), ("N = 5", "candidates=9"),
    ]  # fmt: skip
    assert all(one.gap >= 0 for one in done)
    assert done[1].gap <= done[0].gap
    marked = [json.loads(kept.read_text())[0] | {"gap": 123.0}, *json.loads(kept.read_text())[1:]]
    kept.write_text(json.dumps(marked))
    both = run_all(JOBS, kept)
    assert [one.learner for one in both] == [AGENT, *[GENERAL] * 4]
    assert both[1].gap == 123.0


def test_what_is_measured_on_is_not_trained_on():
    """No trace of a training is among those that it is measured on, and all seeds share these."""
    for job in JOBS:
        held_out = [one for _, some in job.fields() for one in some]
        seen = [job.course.instance(i) for i in range(3)]
        assert not {one.trace.input_bits.tobytes() for one in seen} & {
            one.trace.input_bits.tobytes() for one in held_out
        }
        other = MeasuredTraining(job.learner, 7, job.scenario, job.users, job.general, count=job.count)
        assert [one.trace for _, some in other.fields() for one in some] == [one.trace for one in held_out]


def test_an_agent_is_measured_on_its_library():
    """An agent for one library meets it again; a general one meets another in each instance."""
    (_, agents), (_, general) = next(JOBS[0].fields()), next(JOBS[1].fields())
    assert {tuple(one.models.size_gb) for one in agents} == {tuple(JOBS[0].course.library.size_gb)}
    assert len({tuple(one.models.size_gb) for one in general}) == 2


@pytest.mark.parametrize("count", [2, 5])
def test_intervals_are_students(count):
    """Half the width agrees with scipy's test; one value has no interval."""
    values = np.random.default_rng(0).normal(size=count)
    interval = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert half_width(values) == pytest.approx((interval.high - interval.low) / 2, rel=1e-9)
    assert np.isnan(half_width(values[:1]))


def test_the_table_has_a_row_for_each_learner_and_place():
    """Means and intervals are in percent, and answering parameters are spelled with the others."""
    trials = [Trial("a[x=1]", "y=2", "N = 3", seed, gap, 4.0) for seed, gap in enumerate((0.01, 0.03))]
    assert table(trials).splitlines()[2:] == ["| `a[x=1,y=2]` | N = 3 | 2 | 2.00 ± 12.71 % | 4 |"]


@pytest.fixture(scope="module")
def shown():
    """The script that measures what the documentation shows."""
    return importlib.import_module("variants")


def test_the_documentation_shows_what_was_measured(shown):
    """Its tables are those of the kept trials, whose every job has all its seeds."""
    trials = [Trial(**row) for row in json.loads(shown.DATA.read_text())]
    assert {(one.learner, one.seed) for one in trials} == {
        (job.learner, job.seed) for job in (*shown.AGENTS, *shown.GENERAL)
    }
    page = shown.PAGE.read_text()
    assert shown.written(page, trials) == page


def test_the_figure_shows_what_was_measured(shown, tmp_path):
    """The chart that the documentation shows is drawn from the kept trials, byte for byte."""
    trials = [Trial(**row) for row in json.loads(shown.DATA.read_text())]
    shown.drawn(trials).save(tmp_path / "variants.svg")
    assert (tmp_path / "variants.svg").read_bytes() == shown.FIGURE.read_bytes()


def test_what_was_measured_reaches_what_is_wanted(shown):
    """No discount under 8 %, sets under 1 %, one network under 0.5 % on paper-v1 and 2 % elsewhere."""
    gaps = {}
    for row in json.loads(shown.DATA.read_text()):
        gaps.setdefault(
            (row["learner"].split(",")[0].rstrip("]"), row["answering"], row["where"]), []
        ).append(row["gap"])
    means = {key: np.mean(values) for key, values in gaps.items()}
    assert means["ddpg[variant=myopic", "", "N = 10"] < 0.08
    assert means["ddpg[variant=sets", "", "N = 10"] < 0.01
    one_network = {key: mean for key, mean in means.items() if key[0] == "set-policy"}
    assert all(mean < (0.005 if where == "paper-v1" else 0.02) for (_, _, where), mean in one_network.items())
