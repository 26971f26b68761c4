"""The working folder: suites and campaigns are made once, and a run that failed stops everything."""

import pytest
from paper_fixture import TINY

from mincache.errors import InputError, MincacheError
from mincache.paper.measurements import Measurement
from mincache.paper.study_folder import Contestant, StudyFolder


def test_a_campaign_is_run_once(tmp_path):
    """The second time everything is found, and says the same."""
    told = []
    work = StudyFolder(tmp_path, TINY, show=lambda *how_far: told.append(how_far))
    suite = work.suite("few", 2, (3,), 1, models=3)
    contestants = [Contestant("cloud", "cloud-only"), Contestant("random", "random-allocation", 2, (1, 3))]
    found = work.measure(suite, contestants)
    assert [(run.role, run.library) for run in found] == [
        ("cloud", 0),
        ("cloud", 1),
        ("random", 1),
        ("random", 1),
    ]
    assert told == [("few", done, 4) for done in range(5)]
    again = StudyFolder(tmp_path, TINY, show=lambda *how_far: told.append(how_far))
    assert again.measure(again.suite("few", 2, (3,), 1, models=3), contestants) == found
    assert told[5:] == [("few", 4, 4)]


def test_means_are_a_library(tmp_path):
    """Means are over traces and repetitions, and one a library."""
    work = StudyFolder(tmp_path, TINY)
    found = work.measure(
        work.suite("few", 2, (3,), 2, models=3), [Contestant("random", "random-allocation", 2)]
    )
    values = found.per_library("random", "cost", 3)
    by_hand = [[run.cost for run in found if run.library == library] for library in (0, 1)]
    assert [len(row) for row in by_hand] == [4, 4]
    assert values == pytest.approx([sum(row) / 4 for row in by_hand])


def test_another_suite_of_the_name_is_refused(tmp_path):
    """What a folder holds must be what this run would draw."""
    work = StudyFolder(tmp_path, TINY)
    work.suite("few", 2, (3,), 1, models=3)
    with pytest.raises(InputError, match="must be the suite that this run draws"):
        work.suite("few", 1, (3,), 1, models=3)


def test_nothing_is_averaged_over_what_is_left(tmp_path):
    """A run without a verified answer is an error that names it."""
    work = StudyFolder(tmp_path, TINY)
    suite = work.suite("few", 1, (3,), 1, models=3)
    work.measure(suite, [Contestant("cloud", "cloud-only")])
    (record,) = work.records["few"].values()
    failed = record.model_copy(update={"verdict": "no solution", "stop_reason": "crash", "score": None})
    with pytest.raises(MincacheError, match=r"cloud-only on few\.l0\.n3\.t0 is no solution"):
        Measurement.of("cloud", suite, failed)
