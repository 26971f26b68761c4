"""The working folder: suites and campaigns are made once, and a run that failed stops everything."""

import pytest
from paper_fixture import TINY

from mincache.errors import InputError, MincacheError
from mincache.generation.scenario import Scenario
from mincache.paper.measurements import measured
from mincache.paper.workshop import Contestant, Workshop, write_spec

SMALL = Scenario(models=3)


def test_a_campaign_is_run_once(tmp_path):
    """The second time everything is found, and says the same."""
    told = []
    shop = Workshop(tmp_path, TINY, show=lambda *how_far: told.append(how_far))
    suite = shop.suite("few", SMALL, 2, (3,), 1)
    contestants = [Contestant("cloud", "cloud-only"), Contestant("random", "random-allocation", 2, (1, 3))]
    found = shop.measure(suite, contestants)
    assert [(run.role, run.library) for run in found] == [
        ("cloud", 0),
        ("cloud", 1),
        ("random", 1),
        ("random", 1),
    ]
    assert told == [("few", done, 4) for done in range(5)]
    again = Workshop(tmp_path, TINY, show=lambda *how_far: told.append(how_far))
    assert again.measure(again.suite("few", SMALL, 2, (3,), 1), contestants) == found
    assert told[5:] == [("few", 4, 4)]


def test_means_are_a_library(tmp_path):
    """Means are over traces and repetitions, and one a library."""
    shop = Workshop(tmp_path, TINY)
    found = shop.measure(shop.suite("few", SMALL, 2, (3,), 2), [Contestant("random", "random-allocation", 2)])
    values = found.per_library("random", "cost", 3)
    by_hand = [[run.cost for run in found if run.library == library] for library in (0, 1)]
    assert [len(row) for row in by_hand] == [4, 4]
    assert values == pytest.approx([sum(row) / 4 for row in by_hand])


def test_another_suite_of_the_name_is_refused(tmp_path):
    """What a folder holds must be what this run would draw."""
    shop = Workshop(tmp_path, TINY)
    shop.suite("few", SMALL, 2, (3,), 1)
    with pytest.raises(InputError, match="must be the suite that this run draws"):
        shop.suite("few", SMALL, 1, (3,), 1)


def test_nothing_is_averaged_over_what_is_left(tmp_path):
    """A run without a verified answer is an error that names it."""
    shop = Workshop(tmp_path, TINY)
    suite = shop.suite("few", SMALL, 1, (3,), 1)
    shop.measure(suite, [Contestant("cloud", "cloud-only")])
    (record,) = shop.records["few"].values()
    failed = record.model_copy(update={"verdict": "no solution", "stop_reason": "crash", "score": None})
    with pytest.raises(MincacheError, match=r"cloud-only on few\.l0\.n3\.t0 is no solution"):
        measured("cloud", suite, failed)


def test_specs():
    """Settings are spelled as the registry reads them."""
    assert write_spec("genetic", {}) == "genetic"
    assert write_spec("genetic", {"population": 5, "repair": "x"}) == "genetic[population=5,repair=x]"
