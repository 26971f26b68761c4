"""Choosing a suite among candidates: distances, clusters and limits, against what can be told by hand."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mincache import Scenario
from mincache.analysis.features import features
from mincache.analysis.selection import Limit, measure, plane, read_rows, select, standardised
from mincache.cli.instances import instances
from mincache.errors import InputError
from mincache.generation.recipes import Recipe
from mincache.generation.suite_checks import verify
from mincache.generation.suite_writing import collect, generate
from mincache.generation.suites import Suite
from mincache.generation.sweeps import Range, Sweep

SOLVERS = ("density-greedy", "popular-first")


@pytest.fixture(scope="module")
def pools(tmp_path_factory):
    """Two suites of candidates: one swept, one of 8 users with frames."""
    folder = tmp_path_factory.mktemp("pools")
    scenario = Scenario(slots=3, models=5)
    sweep = Sweep.model_validate({"storage_gb": Range(low=6, high=60), "frame_slots": [1, 3]})
    fields = {"library_seed": 1, "trace_seed": 2, "traces": 1}
    swept = Recipe(**fields, libraries=4, users=(3,), sweep=sweep)
    plain = Recipe(**fields, libraries=8, users=(6,))
    generate(folder / "swept", "swept", swept, scenario, kept="drawn")
    generate(folder / "plain", "plain", plain, scenario)
    return [Suite(folder / name) for name in ("swept", "plain")]


@pytest.fixture(scope="module")
def file(pools):
    """What is measured of the candidates."""
    path = pools[0].folder.parent / "measured.csv"
    assert list(measure(pools, path, SOLVERS))[-1] == 16
    return path


def test_rows_are_features_and_gaps(pools, file):
    """A row has the features to five digits, whether the optimum is proven, and each solver's gap."""
    rows = {row["name"]: row for row in read_rows(file)}
    name = "plain.l3.n6.t0"
    for column, value in asdict(features(pools[1].read(name))).items():
        if isinstance(value, int | float):
            assert rows[name][column] == pytest.approx(value, rel=1e-4)
    assert rows[name]["proven"] == 1
    assert rows[name]["sha256"] == pools[1].entries[name].sha256
    assert all(row["density-greedy"] >= 0.0 for row in rows.values())


def test_measuring_goes_on_where_it_stopped(pools, file):
    """Only rows that are missing are measured, and in two processes they are the same."""
    lines = file.read_text().splitlines(keepends=True)
    part = file.with_name("part.csv")
    part.write_text("".join(lines[:12]))
    assert list(measure(pools, part, SOLVERS, workers=2)) == [11, 12, 13, 14, 15, 16]
    assert part.read_text() == file.read_text()


def test_a_cut_line_is_measured_again(pools, file):
    """A last line that an interruption cut leaves the file, and another file is not touched."""
    cut, other = file.with_name("cut.csv"), file.with_name("other.csv")
    cut.write_bytes(file.read_bytes()[:-9])
    assert list(measure(pools, cut, SOLVERS)) == [15, 16]
    assert cut.read_text() == file.read_text()
    other.write_text("a,b\n1,2\n3")
    with pytest.raises(InputError, match="must hold measured candidates"):
        list(measure(pools, other, SOLVERS))
    assert other.read_text() == "a,b\n1,2\n3"


def test_columns_stay_in_their_order(pools, file):
    """Solvers named in another order fill their own columns; others than the file's are refused."""
    part = file.with_name("order.csv")
    part.write_text("".join(file.read_text().splitlines(keepends=True)[:15]))
    assert list(measure(pools, part, SOLVERS[::-1])) == [14, 15, 16]
    assert part.read_text() == file.read_text()
    part.write_text("".join(file.read_text().splitlines(keepends=True)[:15]))
    with pytest.raises(InputError, match="a difference in popular-first; give the solvers"):
        list(measure(pools, part, SOLVERS[:1]))


def test_an_infinite_gap_is_far_from_the_finite_ones(file):
    """A solver without an answer on one candidate leaves the others as different as they were."""
    rows = [dict(row) for row in read_rows(file)]
    before = standardised(rows[1:], SOLVERS)[:, -1]
    rows[0]["popular-first"] = np.inf
    after = standardised(rows, SOLVERS)[:, -1]
    assert after[0] == 3.0
    assert np.allclose(after[1:], before)


def test_clusters_and_limits_hold(file):
    """One instance of a cluster at most, as many as asked, and each limit is kept."""
    rows = read_rows(file)
    most, least = [Limit.parse("frame_slots>1=1")], [Limit.parse("users < 5 = 3")]
    choice = select(rows, 5, 8, 1, SOLVERS, most, least)
    assert len(choice.chosen) == 5
    assert len({choice.cluster[i] for i in choice.chosen}) == 5
    assert sum(rows[i]["frame_slots"] > 1 for i in choice.chosen) <= 1
    assert sum(rows[i]["users"] < 5 for i in choice.chosen) >= 3
    again = select(rows, 5, 8, 1, SOLVERS, most, least)
    assert again.chosen == choice.chosen


def test_the_nearest_to_the_middle_is_chosen(file):
    """Without limits, and as many clusters as instances, each is its cluster's most typical."""
    rows = read_rows(file)
    choice, points = select(rows, 6, 6, 1), standardised(rows)
    for i in choice.chosen:
        mates = np.flatnonzero(choice.cluster == choice.cluster[i])
        far = np.linalg.norm(points[mates] - points[mates].mean(axis=0), axis=1)
        assert np.linalg.norm(points[i] - points[mates].mean(axis=0)) <= far.min() + 1e-3


def test_the_plane_keeps_most_of_what_differs():
    """Points that lie in a plane keep their distances; the axes are those of most variance."""
    rng = np.random.default_rng(1)
    flat = rng.normal(size=(40, 2)) * [5.0, 1.0]
    basis = np.linalg.qr(rng.normal(size=(6, 6)))[0][:2]
    found = plane(flat @ basis)
    apart = [np.linalg.norm(points[:, None] - points[None], axis=-1) for points in (found, flat)]
    assert np.allclose(*apart)
    assert found[:, 0].var() > 10 * found[:, 1].var()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("gini", "must be written as gini>0.5=4"),
        ("gini>x=1", "must be written"),
        ("ginni>0.5=1", "did you mean 'gini'"),
    ],
)
def test_limits_that_are_none_are_refused(file, text, line):
    """A limit that cannot be read, or names no column, is told in a line."""
    with pytest.raises(InputError, match=line):
        select(read_rows(file), 2, 4, 1, SOLVERS, [Limit.parse(text)])


@pytest.mark.parametrize(("held", "count"), [(1, 1), (4, 5)])
def test_too_few_candidates_are_refused(file, held, count):
    """One candidate leaves nothing to choose, and of four nobody can choose five."""
    with pytest.raises(
        InputError, match=f"candidates: must be at least 2, .* received {held}, to choose {count}"
    ):
        select(read_rows(file)[:held], count, count, 1, SOLVERS)
    assert select(read_rows(file)[:2], 1, 1, 1, SOLVERS).plane.shape == (2, 2)


def test_limits_that_leave_no_choice_are_refused(file):
    """No choice has five instances of which six have few users."""
    with pytest.raises(InputError, match="must leave a choice"):
        select(read_rows(file), 5, 8, 1, SOLVERS, (), [Limit.parse("users<5=6")])
    with pytest.raises(InputError, match="clusters: must be from 9"):
        select(read_rows(file), 9, 8, 1)


def test_the_command_chooses_a_suite_that_verifies(pools, file, tmp_path):
    """The suite holds recipes, clusters and limits; its instances are drawn again as they are listed."""
    args = [
        "select",
        *(str(suite.folder) for suite in pools),
        "-n",
        "4",
        "--seed",
        "1",
        "--measured",
        str(file),
    ]
    args += ["--at-most", "users>5=2", "--solver", SOLVERS[0], "--solver", SOLVERS[1], "--kept", "drawn"]
    folder, picture = tmp_path / "few", tmp_path / "few.svg"
    done = CliRunner().invoke(instances, [*args, "-o", str(folder), "--picture", str(picture)])
    assert done.exit_code == 0, done.output
    assert re.search(r"users>5=2: [012] chosen, 8 candidates", done.output)
    suite = Suite(folder)
    assert len({entry.cluster for entry in suite.entries.values()}) == 4
    assert (suite.content.recipe.candidates, suite.content.recipe.at_most) == (16, ("users>5=2",))
    assert [problem for _, problem in verify(suite)] == [None] * 4
    for name, entry in suite.entries.items():
        candidate = name.removeprefix("few.")
        pool = pools[candidate.startswith("plain")]
        assert suite.read(name).trace == pool.read(candidate).trace
        assert suite.content.sources[entry.source].name == pool.name
    assert "candidates" in picture.read_text()
    shown = CliRunner().invoke(instances, ["features", str(folder), "--json"])
    assert len(json.loads(shown.stdout)) == 4


def test_given_instances_cannot_be_chosen(pools, file, tmp_path):
    """What nothing draws cannot be drawn again under another name."""
    given = collect(tmp_path / "given", "given", [pools[1].path(f"plain.l{n}.n6.t0") for n in (0, 1)])
    args = ["select", str(given.folder), "-n", "1", "--clusters", "2", "--seed", "1"]
    args += ["--measured", str(file), "-o", str(tmp_path / "x")]
    done = CliRunner().invoke(instances, args)
    assert "must have a column local-search" in str(done.exception)
    solvers = ["--solver", SOLVERS[0], "--solver", SOLVERS[1]]
    done = CliRunner().invoke(instances, [*args, *solvers])
    assert isinstance(done.exception, InputError)
    assert "must be one that is drawn" in str(done.exception)
    assert not Path(tmp_path / "x").exists()


def test_candidates_of_one_name_are_refused_before_they_are_measured(pools, tmp_path):
    """Two suites of one name would write the same files."""
    source = pools[1].source
    other = source.recipe.model_copy(update={"trace_seed": 9})
    again = generate(tmp_path / "plain", "plain", other, source.scenario)
    with pytest.raises(
        InputError, match=r"candidates: must have different names; received 'plain\.l0\.n6\.t0' twice"
    ):
        next(measure([pools[1], again], tmp_path / "new.csv", SOLVERS))
    assert not (tmp_path / "new.csv").exists()


def test_select_tells_the_suite_as_json(pools, file, tmp_path):
    """`select --json` holds the instances, and how many chosen and candidates a limit counts."""
    args = ["select", *(str(suite.folder) for suite in pools), "-n", "3", "--seed", "1", "--json"]
    args += ["--measured", str(file), "--solver", SOLVERS[0], "--solver", SOLVERS[1]]
    done = CliRunner().invoke(instances, [*args, "--at-least", "users>5=1", "-o", str(tmp_path / "few")])
    told, suite = json.loads(done.stdout), Suite(tmp_path / "few")
    chosen = sum(instance.user_count > 5 for instance in suite)
    assert told == {
        "suite": "few",
        "folder": str(tmp_path / "few"),
        "instances": list(suite.entries),
        "limits": [{"limit": "users>5=1", "chosen": chosen, "candidates": 8}],
    }
    assert len(suite) == 3
    assert chosen >= 1
