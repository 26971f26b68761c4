"""`mincache generate` with sweeps, kept recipes and separation, and `mincache instances features`."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from mincache.cli.generate import generate
from mincache.cli.instances import instances
from mincache.cli.leaderboard import leaderboard
from mincache.cli.run import run as campaign
from mincache.errors import InputError
from mincache.generation.suite_checks import verify
from mincache.generation.suites import Suite

SWEPT = """
name = "scarce"
slots = 2
models = 4
[sweep]
uplink_mhz = [1, 20]
steps = {low = 300, high = 3000, log = true}
"""


def run(command, *args):
    """Return what a command prints on standard output."""
    done = CliRunner().invoke(command, [str(arg) for arg in args], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def swept(tmp_path):
    """A suite of a swept scenario."""
    (tmp_path / "scenario.toml").write_text(SWEPT)
    args = (tmp_path / "scenario.toml", "--users", "3", "--traces", 2, "--seed", 7)
    assert run(generate, *args, "-o", tmp_path / "suite").startswith("4 instances")
    return tmp_path / "suite"


def test_a_swept_scenario_makes_a_suite_that_verifies(swept):
    """Each value of the list is there, the recipe carries the sweep, and verifying draws it again."""
    suite = Suite(swept)
    assert {instance.radio.uplink_hz for instance in suite} == {1e6, 20e6}
    assert suite.content.recipe.sweep.lists == {"uplink_mhz": (1, 20)}
    assert "4 of 4 files" in run(instances, "verify", swept)
    shown = run(instances, "show", swept).splitlines()
    assert [line for line in shown if "s1.l0" in line and "uplink_mhz 20" in line]
    assert not [line for line in shown if "s0.l0" in line and "uplink_mhz 20" in line]


def test_given_instances_are_run_and_ranked(swept, tmp_path):
    """Files from elsewhere become a suite on which the verbs for suites work."""
    files = sorted(swept.glob("*.json"))[:2]
    assert run(instances, "collect", *files, "-o", tmp_path / "given").startswith("2 instances in")
    second = Suite(tmp_path / "given").entries[files[1].stem].name
    assert "1 reference values" in run(instances, "reference", tmp_path / "given", second)
    known = {name: entry.best_known for name, entry in Suite(tmp_path / "given").entries.items()}
    assert [name for name, cost in known.items() if cost is not None] == [second]
    assert "2 instances without a proof" in run(instances, "bounty", tmp_path / "given")
    command = (instances, "reference", tmp_path / "given", "--time-limit", 9)
    assert "2 reference values" in run(*command)
    held = {path: path.read_bytes() for path in (tmp_path / "given").rglob("*.*")}
    (tmp_path / "faulty.py").write_text(FAULTY)
    run(
        instances, "reference", tmp_path / "given", "--solver", f"{tmp_path}/faulty.py:Raises"
    )  # not solved again
    assert {path: path.read_bytes() for path in (tmp_path / "given").rglob("*.*")} == held
    for name, entry in Suite(tmp_path / "given").entries.items():
        who, day, how = re.fullmatch(r"(.+), (\d{4}-\d\d-\d\d), (.+)", entry.cost_from).groups()
        assert (who, abs(date.fromisoformat(day) - datetime.now(UTC).date()).days <= 1) == (
            "decomposition",
            True,
        )
        limit = "" if name == second else " --time-limit 9"
        assert how == f"mincache instances reference given {name} --solver decomposition{limit}"
        assert entry.bound_from == entry.cost_from
    assert "2 of 2 files are as listed" in run(instances, "verify", tmp_path / "given")
    rows = json.loads(run(instances, "features", tmp_path / "given", "--json"))
    assert [row["note"] for row in rows] == ["", ""]
    results = tmp_path / "results"
    run(campaign, tmp_path / "given", "--solver", "cloud-only", "--solver", "decomposition", "-o", results)
    table = json.loads(run(leaderboard, results, "--suite", tmp_path / "given", "--json"))
    assert {"cloud-only", "decomposition"} <= set(re.findall(r"[\w-]+", json.dumps(table)))


@pytest.mark.parametrize("option", ["--picture=a.svg", "--budget=9", "--keep=2", "--solve-limit=1"])
def test_an_option_without_the_one_it_belongs_to_is_refused(option, tmp_path):
    """What would be ignored is refused, and nothing is written."""
    done = CliRunner().invoke(generate, ["--seed", "1", "-o", str(tmp_path / "x"), option])
    assert done.exit_code == 2
    assert re.search(f"{option.partition('=')[0]}: must come with --(preview|separate)", done.output)
    assert not (tmp_path / "x").exists()


def test_the_preview_shows_the_first_instance_of_the_suite(tmp_path):
    """--preview shows what the suite then begins with, its own library seed included."""
    options = ("--users", 3, "--seed", 1, "--library-seed", 5)
    seen = json.loads(run(generate, *options, "--preview", "--json"))
    run(generate, *options, "-o", tmp_path / "drawn")
    (name,) = Suite(tmp_path / "drawn").entries
    assert seen == json.loads(run(instances, "show", tmp_path / "drawn" / f"{name}.json", "--json"))


def test_collect_tells_the_suite_as_json(swept, tmp_path):
    """`collect --json` holds the name, the folder and the instances of the suite, in its order."""
    files = sorted(swept.glob("*.json"))[:2]
    told = json.loads(run(instances, "collect", *files, "-o", tmp_path / "given", "--json"))
    listed = list(Suite(tmp_path / "given").entries)
    assert told == {"suite": "given", "folder": str(tmp_path / "given"), "instances": listed}
    assert sorted(listed) == [path.stem for path in files]


def test_a_recipe_alone(tmp_path, monkeypatch):
    """With --kept drawn the folder holds the recipe; the instances are drawn when they are used."""
    monkeypatch.setenv("MINCACHE_CACHE", str(tmp_path / "cache"))
    run(generate, "--users", "2", "--seed", 1, "--kept", "drawn", "--purpose", "small", "-o", tmp_path / "s")
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["suite.toml"]
    assert [instance.user_count for instance in Suite(tmp_path / "s")] == [2]
    assert Suite(tmp_path / "s").content.purpose == "small"
    assert "1 of 1" in run(instances, "verify", tmp_path / "s")


def test_users_of_cases(tmp_path):
    """Where every case names its number of users, those are the recipe's."""
    (tmp_path / "scenario.toml").write_text(
        "slots = 1\n[[sweep.cases]]\nusers = 2\n[[sweep.cases]]\nusers = 5\nmodels = 3\n"
    )
    run(generate, tmp_path / "scenario.toml", "--seed", 1, "-o", tmp_path / "s")
    assert list(Suite(tmp_path / "s").entries) == ["s.s0.l0.n2.t0", "s.s1.l0.n5.t0"]


def test_separate_makes_a_suite_and_says_why(tmp_path):
    """The suite holds the settings found, verifies, and the tables name fields and solvers."""
    (tmp_path / "scenario.toml").write_text(SWEPT)
    args = ("--separate", "cloud-only,popular-first", "--budget", 8, "--keep", 2, "--seed", 1)
    told = run(generate, tmp_path / "scenario.toml", *args, "-o", tmp_path / "s")
    assert "8 settings tried (8 answered by both)" in " ".join(told.split())
    assert "uplink_mhz" in told
    suite = Suite(tmp_path / "s")
    assert 1 <= len(suite.entries) <= 2
    assert "cloud-only and popular-first differ most" in suite.content.purpose
    search = suite.content.recipe.search
    assert (search.solvers, search.settings) == (("cloud-only", "popular-first"), 8)
    assert "uplink_mhz" in search.space.fields
    assert [problem for _, problem in verify(suite) if problem] == []


FAULTY = """
import os
from dataclasses import dataclass, replace
from mincache import Solution, Solver

@dataclass(frozen=True)
class Overspends(Solver):
    def solve(self, instance, run):
        answer = Solution.nothing_cached(instance)
        return replace(answer, bandwidth_share=2 * answer.bandwidth_share)

@dataclass(frozen=True)
class Declines(Overspends):
    def supports(self, instance):
        return "it is a matter of taste"

@dataclass(frozen=True)
class Raises(Solver):
    def solve(self, instance, run):
        raise RuntimeError("boom")

@dataclass(frozen=True)
class Dies(Solver):
    def solve(self, instance, run):
        os.abort()

@dataclass(frozen=True)
class Hangs(Solver):
    def solve(self, instance, run):
        while True:
            pass
"""


@pytest.mark.parametrize("faulty", ["Overspends", "Declines", "Raises", "Dies", "Hangs"])
def test_a_solver_without_an_answer_does_not_end_the_search(tmp_path, faulty):
    """Whatever a solver does, each setting is tried, and the last line says that nothing was answered."""
    (tmp_path / "faulty.py").write_text(FAULTY)
    (tmp_path / "scenario.toml").write_text("slots = 2\nusers = 2\n[sweep]\nuplink_mhz = [1, 2]")
    solvers = f"cloud-only,{tmp_path}/faulty.py:{faulty}"
    args = (tmp_path / "scenario.toml", "--separate", solvers, "--solve-limit", 0.1, "--seed", 1)
    done = CliRunner().invoke(generate, [*map(str, args), "-o", str(tmp_path / "s")])
    assert done.exit_code == 1
    assert "both answer none of 2 settings tried; no suite was written" in done.output


@pytest.mark.parametrize("solvers", ["cloud-only", "a,b,c", "genetic[population=9,generations=9]"])
def test_separate_takes_two_solvers(tmp_path, solvers):
    """Anything but two solvers is refused; commas between parameters do not count."""
    done = CliRunner().invoke(generate, ["--separate", solvers, "--seed", "1", "-o", str(tmp_path / "s")])
    assert done.exit_code == 2
    assert "must be two solvers with a comma between" in done.output


@pytest.mark.parametrize("first", ["a", "a[x=1,y=2]", 'a[x="p],q[",y=1]', "'"])
def test_separate_splits_outside_brackets(first):
    """The comma between two solvers is none of those between parameters, in quotes or not."""
    pair = generate.params[[one.name for one in generate.params].index("separate")]
    assert pair.callback(None, pair, f"{first},b[z='1,2']") == (first, "b[z='1,2']")


def test_separate_refuses_a_taken_folder_before_it_searches(swept):
    """A folder with a suite is refused at once."""
    args = ["--separate", "cloud-only,no-such-solver", "--seed", "1", "-o", str(swept)]
    done = CliRunner().invoke(generate, args)
    assert isinstance(done.exception, InputError)
    assert "must not hold a suite yet" in str(done.exception)


def test_solvers_that_do_not_differ_are_said(tmp_path):
    """A solver does not differ from itself, and no folder is made."""
    args = ["--separate", "cloud-only,cloud-only", "--budget", "5", "--seed", "1", "-o", str(tmp_path / "s")]
    done = CliRunner().invoke(generate, args)
    assert done.exit_code == 1
    assert "differ in none of 5 settings tried" in done.output
    assert not (tmp_path / "s").exists()


def test_features_as_table_json_csv_and_picture(swept, tmp_path):
    """All forms hold every instance, and the picture tells the settings apart."""
    names = list(Suite(swept).entries)
    assert [row["instance"] for row in json.loads(run(instances, "features", swept, "--json"))] == names
    table = run(instances, "features", swept, "--csv", "-o", tmp_path / "a.svg")
    assert [row["instance"] for row in csv.DictReader(io.StringIO(table))] == names
    assert "uplink_mhz 20" in (tmp_path / "a.svg").read_text()
    assert "median" in run(instances, "features", swept)


def test_pictures_have_two_formats(tmp_path):
    """A picture of another kind is refused before anything is solved."""
    done = CliRunner().invoke(instances, ["features", "smoke-v1", "-o", str(tmp_path / "a.pdf")])
    assert done.exit_code == 2
    assert "must end in .svg or .png" in done.output
