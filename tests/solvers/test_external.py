"""Programs outside Python: what they are told, how long they have, and what is made of their answers."""

import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from command_fixture import here

from mincache import InputError, Run, evaluate
from mincache.files.documents import solution_bytes, write_solution
from mincache.files.paths import STARTED_IN, absolute_path
from mincache.generation.suites import find_instance
from mincache.judging import journal
from mincache.problem.instance import Rules
from mincache.problem.solution import Solution
from mincache.solving import registry
from mincache.solving.entrant import describe

ROOT = Path(__file__).parents[2]
NAME = f"{ROOT / 'solvers' / 'external.py'}:External"
EXAMPLES = ROOT / "examples" / "external"
POPULAR = EXAMPLES / "popular.sh"
PLACES = "{instance} {solution} {seconds} {seed}"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Write a shell program `solve` into the current folder, and return the solver that runs it."""
    monkeypatch.chdir(tmp_path)

    def written(body, command=f"./solve {PLACES}", **parameters):
        path = tmp_path / "solve"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        absolute_path = "".join(f",{name}={value}" for name, value in parameters.items())
        return registry.make(f'{NAME}[command="{command}"{absolute_path}]')

    return written


@pytest.fixture
def answer(tmp_path, instance):
    """A file with a solution of `instance`, for programs to hand out."""
    path = tmp_path / "answer.json"
    write_solution(Solution.nothing_cached(instance), path)
    return path


@pytest.fixture(scope="module", params=["sh and awk", "C++", "JavaScript"])
def example(request, tmp_path_factory):
    """The command of an example, which is `popular-first` in another language."""
    if request.param == "sh and awk":
        return f"{EXAMPLES / 'popular.sh'} {{instance}} {{solution}}"
    if request.param == "JavaScript":
        if shutil.which("node") is None:
            pytest.skip("there is no node")
        return f"node {EXAMPLES / 'popular.mjs'} {{instance}} {{solution}}"
    if shutil.which("g++") is None or not Path("/usr/include/nlohmann/json.hpp").is_file():
        pytest.skip("there is no g++ with nlohmann/json")
    program = tmp_path_factory.mktemp("built") / "popular"
    build = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-o", program, EXAMPLES / "popular.cpp"]
    subprocess.run(build, check=True)
    return f"{program} {{instance}} {{solution}}"


def test_the_examples_agree_with_python(example):
    """Each example gives the cost of `popular-first`, which is the same method in numpy."""
    for name in ("smoke-v1.l0.n10.t0", "smoke-v1.l1.n18.t0", "paper-v1.l2.n14.t3"):
        instance = find_instance(name)
        solvers = [
            registry.make("popular-first"), registry.make(f'{NAME}[command="{example}",deterministic=true]')
        ]  # fmt: skip
        costs = [evaluate(instance, one.solve(instance, Run.seeded(0, 60.0))).cost for one in solvers]
        assert costs[1] == pytest.approx(costs[0], rel=1e-12)


def _reported(solver, instance, seconds=60.0):
    """The incumbents and bounds that a run of the solver reports, and its answer."""
    reported, run = [], Run.seeded(0, seconds)
    run.reporter = lambda elapsed_s, solution, bound: reported.append((solution, bound))
    return reported, solver.solve(instance, run)


def test_lines_report_incumbents_and_bounds(program, instance, answer, capfd):
    """`incumbent FILE` and `bound NUMBER` are reported as they come; all else goes to standard error."""
    solver = program(
        f'cp {answer} one.json; echo incumbent one.json; echo "bound 1.5"; printf "so far\nbound 2"; '
        f'cp {answer} "$2"'
    )
    reported, _ = _reported(solver, instance)
    assert [None if one is None else solution_bytes(one) for one, _ in reported] == [
        answer.read_bytes(), None, None
    ]  # fmt: skip
    assert [bound for _, bound in reported] == [None, 1.5, 2.0]
    assert capfd.readouterr() == ("", "so far\n")


def test_a_report_is_heard_while_the_program_runs(program, instance, answer):
    """A program that never ends has reported by then, and its answer counts."""
    solver = program(f'cp {answer} "$2"; echo bound 3; exec sleep 1000', reserve_s=0.4)
    reported, solution = _reported(solver, instance, 1.5)
    assert reported == [(None, 3.0)]
    assert solution_bytes(solution) == answer.read_bytes()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("incumbent nothing.json", "must exist"),
        ("incumbent instance.json", "must be 'mincache-solution/1'"),
        ("bound much", "must print a number after `bound`"),
    ],
)
def test_a_bad_report_ends_the_run(line, told, program, instance, answer):
    """The line that tells names what was wrong, whatever the answer is."""
    solver = program(f'cp {answer} "$2"; echo {line}; exec sleep 1000')
    with pytest.raises(InputError, match="external") as refused:
        _reported(solver, instance)
    assert told in str(refused.value)


def test_a_program_that_prints_much_is_not_held_up(program, instance, answer):
    """Output without end of line is passed on in pieces."""
    solver = program(f'head -c 3000000 /dev/zero; cp {answer} "$2"')
    assert _reported(solver, instance)[0] == []


def test_parameters_say_what_a_class_says_elsewhere(program, instance):
    """`rules` are kept, `deterministic` makes one run enough, and `name` is what tables show."""
    solver = program("exit 1", rules="frame_slots+steps_floor", deterministic="true", name="mine")
    assert solver.supports(replace(instance, rules=Rules(frame_slots=2, steps_floor=0.5))) is None
    assert "loading_s_per_gb" in solver.supports(replace(instance, rules=Rules(loading_s_per_gb=1.0)))
    assert "frame_slots" in program("exit 1").supports(replace(instance, rules=Rules(frame_slots=2)))
    assert not solver.stochastic
    assert program("exit 1").stochastic
    entrant = describe(f'external[command="./solve {PLACES}",deterministic=true,name=mine]')
    assert (entrant.label, entrant.stochastic) == ("external[name=mine]", False)
    with pytest.raises(InputError, match=r"external\.rules: must be rules, joined by \+; received 'frames'"):
        program("exit 1", rules="frames")


def test_the_program_is_told_its_time_and_a_seed(program, instance, answer):
    """`{seconds}` is the time left but for the reserve; `{seed}` follows from the run's generator alone."""
    solver = program(f'echo "$3 $4" >> {answer.parent}/told; cp {answer} "$2"', reserve_s=2)
    for seed in (1, 1, 2):
        solver.solve(instance, Run.seeded(seed, 100.0))
    solver.solve(instance, Run.seeded(1))
    told = [line.split() for line in (answer.parent / "told").read_text().splitlines()]
    assert all(97.0 < float(seconds) <= 98.0 for seconds, _ in told[:3])
    assert float(told[3][0]) > 1e8, "without a limit it is told a time beyond any use"
    seeds = [int(seed) for _, seed in told]
    assert seeds[0] == seeds[1] == seeds[3] != seeds[2]


def test_a_program_works_in_an_empty_folder_of_its_own(program, instance, answer):
    """It begins with the instance alone, and what it leaves there is gone afterwards."""
    solver = program(f'pwd >> {answer.parent}/told; ls >> {answer.parent}/told; cp {answer} "$2"; touch mess')
    solver.solve(instance, Run.seeded(0))
    folder, *content = (answer.parent / "told").read_text().split()
    assert content == ["instance.json"]
    assert not Path(folder).exists()


def test_a_program_that_does_not_stop_is_ended(program, instance, answer):
    """At the limit it gets SIGTERM and then SIGKILL, its children too; what it had written counts."""
    body = f'trap "" TERM; cp {answer} "$2"; sleep 1000 & echo $! > {answer.parent}/child; wait; sleep 1000'
    solver = program(body, reserve_s=0.4)
    start = time.monotonic()
    solution = solver.solve(instance, Run.seeded(0, 1.0))
    assert solution_bytes(solution) == answer.read_bytes()
    assert time.monotonic() - start < 30.0, "far less than it would have slept"
    assert _ended(int((answer.parent / "child").read_text()))


def test_a_program_may_answer_on_sigterm(program, instance, answer):
    """SIGTERM comes in time to write an answer."""
    solver = program(f"trap 'cp {answer} \"$2\"; exit 0' TERM; sleep 1000 & wait", reserve_s=1)
    assert solver.solve(instance, Run.seeded(0, 1.5)).instance == instance.name


def test_nothing_is_left_of_a_program_that_has_ended(program, instance, answer):
    """What it has started in the background ends with it."""
    solver = program(f'sleep 1000 & echo $! > {answer.parent}/child; cp {answer} "$2"')
    solver.solve(instance, Run.seeded(0))
    assert _ended(int((answer.parent / "child").read_text()))


def _ended(pid):
    """Whether a process has ended, or does so soon."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("exit 3", "ended with exit status 3"),
        ("kill -SEGV $$", "ended by signal 11"),
        ("true", "ended without"),
        ("sleep 1000", "stopped without"),
        ("echo '{' > $2", "must be JSON"),
        ("printf '\\377' > $2", "must be UTF-8"),
        ("mkdir $2", "must be a regular file"),
        ("mkfifo $2", "must be a regular file"),
        ("cp $1 $2", "must be 'mincache-solution/1'"),
        ("sed s/case-1/other/ answer.json > $2", "must be 'case-1'"),
        ("sed 's/0.[0-9]*/NaN/' answer.json > $2", "must hold finite numbers only"),
        ("sed 's/\\[\\[0/[[7/' answer.json > $2", "must be <= 1"),
        ("sed 's/\\],\\[/,/' answer.json > $2", "must be an array"),
        ("head -c 70000000 /dev/zero > $2", "must hold at most"),
    ],
)
def test_a_bad_answer_is_refused_in_one_line(body, told, program, instance, answer):
    """Whatever a program does or writes, the run ends with one line that says what was wrong."""
    solver = program(body.replace("answer.json", str(answer)))
    with pytest.raises(InputError, match="external") as refused:
        solver.solve(instance, Run.seeded(0, 1.0))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("./solve {instance}", "must name {solution}"),
        ("./solve {instance} {solution} {secnds}", "must be {seconds}"),
        ("./solve '{instance} {solution}", "must be words as in a shell"),
        ("./nothing {instance} {solution}", "must begin with a program that exists"),
        ("no-such-program {instance} {solution}", "must begin with a program to run"),
        ("./notes.txt {instance} {solution}", "chmod +x"),
        ("awk -f notes.txt {instance} {solution}", "write ./notes.txt"),
        ("", "must name {instance}"),
    ],
)
def test_a_bad_command_is_refused_before_it_is_run(command, told, program):
    """What is wrong with a command is told when the solver is made."""
    Path("notes.txt").write_text("no program")
    with pytest.raises(InputError) as refused:
        program("true", command)
    assert told in str(refused.value)


def test_braces_of_the_programs_own_are_left_alone(program, instance, answer):
    """An awk program in the command keeps its braces and dollars, for no shell reads the words."""
    solver = program("", f"awk '{{ if (FNR == NR) print $0 > out }}' out={{solution}} {answer} {{instance}}")
    assert solution_bytes(solver.solve(instance, Run.seeded(0))) == answer.read_bytes()


def test_the_files_of_a_command_are_part_of_the_solver(program):
    """Another content of the program is another solver, and one that was planned with others is refused."""
    one, same, other = program("exit 1"), program("exit 1"), program("exit 2")
    assert one.files == same.files != other.files
    assert registry.parameters(program("exit 2", files=other.files)) == registry.parameters(other)
    with pytest.raises(InputError, match=r"external\.files"):
        program("exit 3", files=other.files)


def test_a_program_prints_to_standard_error(program, tmp_path, answer):
    """What a program prints does not mix with what mincache prints."""
    program(f'echo noise; cp {answer} "$2"')
    code = (
        "from mincache import Run, read_instance\nfrom mincache.solving import registry\n"
        f"solver = registry.make('{NAME}[command=./solve {PLACES}]')\n"
        f"solver.solve(read_instance({str(_plain_instance())!r}), Run.seeded(0))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "noise\n")


def _plain_instance():
    return Path(__file__).parents[1] / "golden" / "score" / "case-1-plain" / "instance.json"


def test_in_a_campaign_paths_lead_from_where_it_was_started(program, tmp_path, monkeypatch):
    """`mincache run` finds ./solve though a run works elsewhere, and a changed program is run again."""
    (tmp_path / "popular.sh").write_bytes(POPULAR.read_bytes())
    monkeypatch.delenv(STARTED_IN, raising=False)
    solver = f'{NAME}[command="./solve {PLACES}"]'
    command = ("run", "smoke-v1", "--time-limit", "30", "--solver", solver, "-o", "results")
    for body in ("exec sh {}/popular.sh $1 $2", "echo again; exec sh {}/popular.sh $1 $2"):
        program(body.format(tmp_path))
        for _ in range(2):
            done = here(*command, cwd=tmp_path)
            assert done.returncode == 0, done.stdout + done.stderr
    records = journal.read(tmp_path / "results")
    assert [record.verdict for record in records] == ["verified"] * 8
    assert len({record.cell.parameters["files"] for record in records}) == 2
    assert str(tmp_path) not in "".join(record.cell.solver for record in records)


def test_given_paths_lead_from_where_the_bench_was_started(monkeypatch, tmp_path):
    """A relative path is meant from the bench's folder if there is one, else from here; others stay."""
    monkeypatch.delenv(STARTED_IN, raising=False)
    monkeypatch.chdir(tmp_path)
    assert absolute_path("a/b") == tmp_path / "a" / "b"
    monkeypatch.setenv(STARTED_IN, "/elsewhere")
    assert absolute_path("a/b") == Path("/elsewhere/a/b")
    assert absolute_path("/a/b") == Path("/a/b")
