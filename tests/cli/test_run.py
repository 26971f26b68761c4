"""`mincache run`, `solve`, `status` and `merge` as a user meets them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bench_fixture import FAULTS, on_linux, tiny_suite
from click.testing import CliRunner

from mincache import evaluate, read_instance, read_solution
from mincache.bench import processes
from mincache.cli.run import merge, run, status
from mincache.cli.solve import score, solve
from mincache.errors import InputError
from mincache.judging import journal

pytestmark = on_linux


def call(command, *arguments):
    """Call a command in this process; errors of ours come through as exceptions."""
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def mincache(*arguments, **options):
    """Start the command in a process of its own."""
    command = [sys.executable, "-m", "mincache.cli.main", *map(str, arguments)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, preexec_fn=_heed_interrupts, **streams | options)


def _heed_interrupts():
    """Undo what a shell does to a job in the background, which the tests may be part of."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """The folder of a suite of two instances."""
    return tiny_suite(tmp_path_factory.mktemp("suites") / "tiny").folder


@pytest.fixture(scope="module")
def results(suite, tmp_path_factory):
    """The folder of a campaign that was run, and what that printed."""
    folder = tmp_path_factory.mktemp("results") / "one"
    return folder, call(run, suite, "--solver", "cloud-only", "--seeds", 3, "-o", folder)


def test_run_prints_each_run_and_a_summary(results):
    """Outside a terminal each run is a line, and the end counts the outcomes; all verified is exit 0."""
    _, printed = results
    assert printed.exit_code == 0
    assert re.search(r"\[2/2\] cloud-only tiny\.l0\.n3\.t. #0 verified cost", printed.output)
    assert "cloud-only: 2 verified" in printed.output


def test_all_are_those_that_can_answer(tmp_path):
    """`all` leaves out a learned solver without a policy in one line, and runs it if it is named too."""
    of_one = ("--instances", "*.l0.n10.*", "--dry-run", "-o", tmp_path)
    planned = call(run, "smoke-v1", "--solver", "all", *of_one)
    assert "run  set-policy " in planned.stdout
    assert "run  ppo " not in planned.stdout
    assert (
        "left out: solver 'ppo' has no policy at hand: mincache train ppo --help"
        in planned.stderr.splitlines()
    )
    assert "run  ppo " in call(run, "smoke-v1", "--solver", "all", "--solver", "ppo", *of_one).stdout


def test_a_home_that_is_no_folder_stops_no_run(suite, tmp_path):
    """Accounts of services have such a home; a run has one of its own."""
    environment = os.environ | {"HOME": "/dev/null", "MINCACHE_CACHE": str(tmp_path / "cache")}
    started = mincache("run", suite, "--solver", "lru", "-o", tmp_path / "r", env=environment)
    printed, told = started.communicate(timeout=300)
    assert (started.returncode, "lru: 2 verified" in printed) == (0, True), told


def test_run_again_runs_nothing(results, suite):
    """Repeating the command repeats no run, and tells the same outcome."""
    folder, _ = results
    before = (folder / "records.jsonl").read_bytes()
    again = call(run, suite, "--solver", "cloud-only", "-o", folder)
    assert (again.exit_code, again.output) == (0, "cloud-only: 2 verified\n")
    assert (folder / "records.jsonl").read_bytes() == before


def test_dry_run_tells_and_does_nothing(results, suite, tmp_path):
    """--dry-run prints what is done and what is not, and the longest it can take."""
    folder, _ = results
    planned = call(run, suite, "--solver", "cloud-only", "--dry-run", "-o", folder, "--workers", 1)
    assert planned.output.count("done cloud-only") == 2
    assert "0 of 2 runs to do" in planned.output
    other = call(run, suite, "--solver", "cloud-only", "--dry-run", "-o", tmp_path / "new", "--time-limit", 7,
                 "--grace", 1, "--workers", 2)  # fmt: skip
    assert "2 of 2 runs to do" in other.output
    assert "at most 8 s in solvers, 2 at a time" in other.output
    assert not (tmp_path / "new").exists()


def test_a_grid_on_some_instances(suite, tmp_path):
    """Each listed value is a solver, and a pattern chooses instances; one that fits none is refused."""
    grid = "genetic[population=[4,6],generations=[1,2]]"
    planned = call(run, suite, "--solver", grid, "--instances", "*.t1", "--dry-run", "-o", tmp_path / "new")
    assert re.findall(r"population=(\d),generations=(\d)\] tiny\.l0\.n3\.t1", planned.output) == [
        ("4", "1"), ("4", "2"), ("6", "1"), ("6", "2")
    ]  # fmt: skip
    assert "4 of 4 runs to do" in planned.output
    with pytest.raises(InputError, match=r"instances: must name some of tiny; received '\*\.t7'"):
        call(run, suite, "--solver", "cloud-only", "--instances", "*.t7", "-o", tmp_path / "new")


def test_failures_are_told_and_exit_1(suite, tmp_path, monkeypatch):
    """A failed run is named with its reason, the others are done, and the exit code is 1."""
    monkeypatch.chdir(FAULTS)
    options = ("--solver", "cloud-only", "--solver", "endings.py:Raises", "-o", tmp_path)
    printed = call(run, suite, *options)
    assert printed.exit_code == 1
    assert "endings.py:Raises: 2 no solution (exception)" in printed.output
    assert "ValueError: first line second line" in printed.output
    assert "cloud-only: 2 verified" in printed.output
    retried = call(run, suite, *options, "--retry", "failed")
    assert retried.exit_code == 1
    assert retried.output.count("] endings.py:Raises") == 2
    assert retried.output.count("] cloud-only") == 0
    assert "4 of 4 runs done" in call(status, tmp_path).output


def test_declining_is_no_failure(suite, tmp_path):
    """A solver that declines by its own word does not fail the campaign."""
    printed = call(run, suite, "--solver", FAULTS / "endings.py:Declines", "-o", tmp_path)
    assert printed.exit_code == 0
    assert "2 skipped" in printed.output


@pytest.mark.parametrize(
    ("suite_name", "solver", "message"),
    [("no-such", "cloud-only", "suite"), ("smoke-v1", "cloud-onli", "did you mean 'cloud-only'"),
     ("smoke-v1", "cloud-only[a=1]", "must have the parameter"), ("smoke-v1", "none.py:A", "existing file"),
     ("smoke-v1", f"{FAULTS}/endings.py:Rises", "did you mean 'Raises'")],
)  # fmt: skip
def test_bad_input_is_refused_before_anything_runs(tmp_path, suite_name, solver, message):
    """An unknown suite or solver is an InputError, which the command line makes one line and exit 2."""
    with pytest.raises(InputError, match=re.escape(message)):
        call(run, suite_name, "--solver", "cloud-only", "--solver", solver, "-o", tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_bad_input_is_one_line():
    """On the command line a refusal is one line on stderr and exit code 2."""
    process = mincache("run", "smoke-v1", "--solver", "nothing-like-it", "-o", "nowhere")
    output, error = process.communicate(timeout=120)
    assert (process.returncode, output, error.count("\n")) == (2, "", 1)
    assert error.startswith("error: solver: must be installed")


@pytest.mark.parametrize(
    "option",
    [
        ("--memory-limit", "much"),
        ("--shard", "3/2"),
        ("--shard", "0/2"),
        ("--time-limit", "0"),
        ("--seeds", "0"),
        ("--evaluations", "0"),
    ],
    ids=" ".join,
)
def test_bad_options_are_usage_errors(option, tmp_path):
    """Options out of range are refused with exit code 2."""
    assert call(run, "smoke-v1", "--solver", "cloud-only", *option, "-o", tmp_path).exit_code == 2


def test_limits_reach_the_record(suite, tmp_path):
    """Limits given on the command line are part of the cell, and how they were enforced is recorded."""
    options = ("--cpu-limit", 9, "--memory-limit", "2GB", "--threads", 2, "--seed", 5, "--time-limit", 8)
    call(run, suite, "--solver", "cloud-only", *options, "-o", tmp_path)
    record = journal.read(tmp_path)[0]
    cell = record.cell
    assert (cell.wall_s, cell.cpu_s, cell.memory_bytes, cell.threads, cell.seed) == (8, 9, 2 * 10**9, 2, 5)
    assert record.environment["enforced"].keys() == {
        "wall_s",
        "cpu_s",
        "memory_bytes",
        "threads",
        "isolation",
    }
    assert record.environment["libraries"]["numpy"]


def test_evaluations_are_a_limit_of_the_run(suite, tmp_path):
    """Past it the best counts; another limit is another run, and the record has both counts."""
    solver = f"{FAULTS / 'counting.py'}:Counts"
    for limit, done in ((2, 1), (3, 2)):
        result = call(
            run, suite, "--instances", "*.l0.*.t0", "--solver", solver, "--evaluations", limit, "-o", tmp_path
        )
        assert result.exit_code == 0
        assert len(journal.read(tmp_path)) == done
    counts = [(record.cell.evaluations, record.evaluations) for record in journal.read(tmp_path)]
    assert counts == [(2, 2.0), (3, 3.0)]


def test_a_race_is_no_part_of_a_campaign(suite, tmp_path):
    """A race sees all runs, so a shard of one is refused; with few instances nobody is stopped."""
    with pytest.raises(InputError, match="--race: must be without --shard"):
        call(run, suite, "--solver", "cloud-only", "--race", "--shard", "1/2", "-o", tmp_path)
    result = call(
        run, suite, "--solver", "cloud-only", "--solver", "popular-first", "--race", "-o", tmp_path, "--json"
    )
    found = json.loads(result.stdout)
    assert (found["stopped"], found["done"], result.exit_code) == ([], found["planned"], 0)


def test_shards_merge_to_the_whole(results, suite, tmp_path):
    """Two parts, run apart and merged, are the same runs with the same costs as the whole."""
    folder, _ = results
    for index in (1, 2, 3):
        call(run, suite, "--solver", "cloud-only", "--shard", f"{index}/3", "-o", tmp_path / str(index))
    parts = [part for part in tmp_path.iterdir() if (part / "records.jsonl").is_file()]
    merged = call(merge, *parts, "-o", tmp_path / "all")
    assert merged.exit_code == 0
    assert "2 runs" in merged.output

    def costs(where):
        return {record.cell.key: record.score.cost for record in journal.read(where)}

    assert costs(tmp_path / "all") == costs(folder)


def test_conflicts_exit_1(results, tmp_path):
    """Two journals that disagree are named on stderr, and the exit code is 1."""
    folder, _ = results
    other = tmp_path / "other"
    with journal.Journal(other) as kept:
        changed = journal.read(folder)[0].model_copy(
            update={"verdict": "infeasible", "solution_sha256": None}
        )
        kept.append(changed, {})
    merged = call(merge, folder, other, "-o", tmp_path / "all")
    assert merged.exit_code == 1
    assert "conflict: cloud-only tiny" in merged.stderr
    (told,) = json.loads(call(merge, folder, other, "-o", tmp_path / "again", "--json").stdout)["conflicts"]
    assert "infeasible" in told


def test_merge_tells_of_damaged_lines(results, tmp_path):
    """A part with a line that is not whole is merged without it, and said to have one."""
    folder, _ = results
    shutil.copytree(folder, tmp_path / "part")
    (tmp_path / "part/records.jsonl").write_bytes((folder / "records.jsonl").read_bytes()[:-10])
    merged = call(merge, tmp_path / "part", "-o", tmp_path / "all")
    assert merged.exit_code == 0
    assert "1 runs" in merged.output
    assert "part: 1 line of the journal is incomplete" in merged.stderr


def test_status_tells_how_far(results, tmp_path):
    """Status counts what is done of what was planned, and torn lines."""
    folder, _ = results
    (tmp_path / "records.jsonl").write_bytes((folder / "records.jsonl").read_bytes()[:-10])
    (tmp_path / "campaign.json").write_bytes((folder / "campaign.json").read_bytes())
    printed = call(status, tmp_path).output
    assert "1 of 2 runs done" in printed
    assert "cloud-only: 1 to do" in printed
    assert "1 line of the journal is incomplete" in printed
    with pytest.raises(InputError, match="records"):
        call(status, tmp_path / "none")


def test_status_as_json(results, tmp_path):
    """--json has the same counts in an object: of runs done and planned, of outcomes, of what is to do."""
    folder, _ = results
    whole = json.loads(call(status, folder, "--json").output)
    assert whole == {
        "done": 2, "planned": 2, "outcomes": {"cloud-only": {"verified": 2}}, "to_do": {}, "failed": [],
        "torn_lines": 0,
    }  # fmt: skip
    (tmp_path / "records.jsonl").write_bytes((folder / "records.jsonl").read_bytes()[:-10])
    (tmp_path / "campaign.json").write_bytes((folder / "campaign.json").read_bytes())
    torn = json.loads(call(status, tmp_path, "--json").output)
    assert (torn["done"], torn["to_do"], torn["torn_lines"]) == (1, {"cloud-only": 1}, 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_campaign_goes_on(suite, tmp_path, number):
    """Ctrl-C or SIGTERM ends a campaign in one line and exit 1; repeating it does the rest."""
    sleeps = ("--solver", FAULTS / "hangs.py:IgnoresSoftLimit", "--solver", "cloud-only", "--workers", 1)
    options = ("run", suite, *sleeps, "--time-limit", 0.7, "--grace", 30, "-o", tmp_path)
    process = mincache(*options, start_new_session=True)
    first = process.stdout.readline()
    assert "[1/4]" in first
    process.send_signal(number)
    rest, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (1, "interrupted; repeat the command to continue\n")
    done = [record for record in journal.read(tmp_path) if record.final]
    assert 1 <= len(done) < 4
    again = mincache(*options)
    output, error = again.communicate(timeout=120)
    assert again.returncode == 0, error
    assert f"[{len(done) + 1}/4]" in output
    assert f"[{len(done)}/4]" not in output
    assert rest.count("Traceback") == 0


def test_solve_writes_a_solution(tmp_path):
    """Solving an instance of a standard suite prints the evaluator's summary and writes the solution."""
    printed = call(solve, "smoke-v1.l0.n10.t0", "--solver", "cloud-only", "-o", tmp_path / "s.json.gz")
    assert printed.exit_code == 0
    assert "feasible            yes" in printed.output
    solution = read_solution(tmp_path / "s.json.gz")
    assert solution.instance == "smoke-v1.l0.n10.t0"


def test_solve_takes_a_file(suite, tmp_path):
    """An instance may be a file, and the printed cost is the evaluator's."""
    path = next(Path(suite).glob("*.t0.json"))
    printed = call(solve, path, "--solver", "cloud-only", "--time-limit", 20, "-o", tmp_path / "s.json")
    cost = evaluate(read_instance(path), read_solution(tmp_path / "s.json")).cost
    assert f"cost                {cost:.10g}" in printed.output


def test_solve_tells_a_failure(suite, tmp_path):
    """Without a solution nothing is written, the reason is one line, and the exit code is 1."""
    path = next(Path(suite).glob("*.t0.json"))
    printed = call(solve, path, "--solver", FAULTS / "endings.py:Segfaults", "-o", tmp_path / "s.json")
    assert (printed.exit_code, printed.stdout) == (1, "")
    assert printed.stderr == "no solution (crash): ended by SIGSEGV\n"
    assert not (tmp_path / "s.json").exists()


def test_solve_as_json(suite, tmp_path):
    """--json tells how a run ended, what `score --json` would say of the answer, and where that is."""
    path = next(Path(suite).glob("*.t0.json"))
    printed = call(solve, path, "--solver", "cloud-only", "--json", "-o", tmp_path / "s.json")
    told = json.loads(printed.stdout)
    scored = call(score, path, tmp_path / "s.json", "--json")
    assert told["score"] == json.loads(scored.stdout)
    assert (told["verdict"], told["solver"], told["bound"]) == ("verified", "cloud-only", None)
    assert told["solution"] == str(tmp_path / "s.json")


def test_solve_tells_a_failure_as_json(suite, tmp_path):
    """Without a solution --json still prints an object, and the exit code is 1."""
    path = next(Path(suite).glob("*.t0.json"))
    segfaults = ("--solver", FAULTS / "endings.py:Segfaults")
    printed = call(solve, path, *segfaults, "--json", "-o", tmp_path / "s.json")
    told = json.loads(printed.stdout)
    assert printed.exit_code == 1
    assert (told["verdict"], told["stop_reason"]) == ("no solution", "crash")
    assert (told["score"], told["solution"]) == (None, None)


DICE = """
from dataclasses import dataclass
from mincache import Solver, Solution
from mincache.problem.solution import Decisions

@dataclass(frozen=True)
class Dice(Solver):
    stochastic = True
    def solve(self, instance, run):
        plain = Solution.nothing_cached(instance)
        shares = run.rng.random(plain.bandwidth_share.shape) / 10 + 0.01
        return Solution.of(instance, Decisions(plain.cache, shares, plain.step_share))
"""


def test_solve_repeats_a_run_of_a_campaign(tmp_path):
    """`solve --seed K` on a standard instance gives the very solution of the campaign's repetition K."""
    path = tmp_path / "dice.py"
    path.write_text(DICE)
    call(run, "smoke-v1", "--solver", f"{path}:Dice", "--seeds", 2, "-o", tmp_path / "results")
    records = journal.read(tmp_path / "results")
    assert len(records) == 8
    chosen = next(record for record in records if record.cell.repetition == 1)
    call(solve, chosen.cell.instance, "--solver", f"{path}:Dice", "--seed", 1, "-o", tmp_path / "s.json")
    from mincache.files.documents import digest

    assert digest((tmp_path / "s.json").read_bytes()) == chosen.solution_sha256
    assert len({record.solution_sha256 for record in records}) == 8


def test_nothing_is_left_behind():
    """When the commands have ended no process of theirs is left."""
    left = [Path(f"/proc/{pid}/cmdline") for pid in processes.descendants(os.getpid())]
    assert [path for path in left if path.exists() and b"-m\0mincache" in path.read_bytes()] == []


def test_records_are_json_lines(results):
    """Other tools can read the journal line by line."""
    folder, _ = results
    lines = (folder / "records.jsonl").read_text().splitlines()
    assert {json.loads(line)["record"]["verdict"] for line in lines} == {"verified"}


WATCHED = """
from dataclasses import dataclass
from mincache import Solution, Solver
from mincache.solving import greedy


@dataclass(frozen=True)
class Mine(Solver):
    def solve(self, instance, run):
        return {}
"""
CLOUD, DENSE = (
    "Solution.nothing_cached(instance)",
    "greedy.answer(instance, greedy.cache_by_density(instance))",
)


def test_a_change_runs_again_and_tells_what_moved(tmp_path):
    """Better runs are listed with both costs; a file that cannot be loaded is a line, and is waited for."""
    suite, path = tiny_suite(tmp_path / "tiny").folder, tmp_path / "mine.py"
    path.write_text(WATCHED.format(CLOUD))
    watched = mincache(
        "run", suite, "--instances", "*.t0", "--solver", f"{path}:Mine", "--watch", path,
        "--time-limit", "30", "-o", tmp_path / "results", stderr=subprocess.STDOUT,
    )  # fmt: skip
    with watched as process:

        def printed():
            """What it prints until it waits."""
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("waiting for mine.py"):
                    return "".join(lines)
            raise AssertionError("".join(lines))

        assert "mine.py:Mine: 1 runs" in printed()
        path.write_text(WATCHED.format(DENSE))
        moved = printed()
        assert re.search(r"tiny\.l0\.n3\.t0 #0 +[0-9.]+ +[0-9.]+ +-[0-9.]+%", moved)
        assert "1 better, 0 worse than before" in moved
        path.write_text(WATCHED.format("1 +"))
        assert "mine.py" in printed()
        path.write_text(WATCHED.format(CLOUD))
        assert "0 better, 1 worse than before" in printed()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
