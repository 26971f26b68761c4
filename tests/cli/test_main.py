"""The command line as a user meets it: exit codes, pipes, one line for bad input."""

import csv
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from command_fixture import here

from mincache import evaluate
from mincache.cli.main import VERBS, cli
from mincache.files.documents import MAX_BYTES, parse_instance, parse_solution
from mincache.generation.suites import find_document

GOLDEN = Path(__file__).parents[1] / "golden" / "score"


@pytest.mark.parametrize("case", sorted(path.name for path in GOLDEN.iterdir()))
def test_score_prints_the_golden_scores(case):
    """`score --json` gives the independently computed scores, and its exit code tells feasibility."""
    done = here("score", GOLDEN / case / "instance.json", GOLDEN / case / "solution.json", "--json")
    expected = json.loads((GOLDEN / case / "expected.json").read_text())
    printed = json.loads(done.stdout)
    assert done.returncode == (0 if expected["feasible"] else 1)
    assert printed["feasible"] == expected["feasible"]
    assert {v["constraint"] for v in printed["violations"]} == set(expected["broken"])
    for name in ("cost", "hit_ratio", "mean_delay_s", "mean_tv"):
        assert printed[name] == (None if expected[name] is None else pytest.approx(expected[name], rel=1e-12))
    assert {"instance", "evaluator_version"} <= printed.keys()


def test_score_in_words_names_violations():
    """Without --json the violation's constraint and slot are told."""
    case = GOLDEN / "case-9-storage"
    done = here("score", case / "instance.json", case / "solution.json")
    assert "storage in slot 4" in done.stdout


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["score", "nothing.json", "nothing.json"], "no such file"),
        (["score", "paper-v1.l0.n10.t9", "x.json"], "did you mean 'paper-v1.l0.n10.t"),
        (["score", "smoke-v1.l0.n10.t0", GOLDEN / "case-1-plain" / "instance.json"], "mincache-solution/1"),
        (
            ["score", "smoke-v1.l0.n10.t0", GOLDEN / "case-1-plain" / "solution.json"],
            "must be 'smoke-v1.l0.n10.t0'",
        ),
        (["solvers", "check", "genetik"], "did you mean 'genetic'?"),
        (["instances", "show", "paper"], "must be a file, or the name of a standard instance"),
        (["generate", "no.toml", "--seed", "1", "-o", "x"], "no such file"),
        (
            ["generate", "--seed", "1", "--name", "Not Good", "-o", "x"],
            "--name: use lower-case letters, digits, dots and hyphens",
        ),
        (["scor"], "did you mean one of: 'doctor', 'score'?"),
        (["instances", "verify", "smoke-v2"], "did you mean 'smoke-v1'?"),
        (["instances", "show", "smok-v1.l0.n10.t0"], "did you mean 'smoke-v1'?"),
        (["leaderboard", "tabel", "x"], "did you mean 'table'?"),
        (["reproduce", "fig6"], "did you mean 'fig5'?"),
        (["run", "smoke-v1", "--sover", "x", "-o", "y"], "'--solver'"),
        (["solvers", "lst"], "'list'"),
        (["solvers", "check", "genetic[popul=3]"], "did you mean 'population'?"),
        (["generate", "--users", "ten", "--seed", "1", "-o", "x"], "must be whole numbers"),
        (["generate", "--users", "५", "--seed", "1", "-o", "x"], "--users: must be whole numbers"),
        (["generate", "--users", "1000001", "--seed", "1", "-o", "x"], "from 1 to 1000000"),
        (["generate", "--users", "3", "--seed", "9" * 5000, "-o", "x"], "--seed: "),
        (["generate", "--users", "3", "--seed", "1", "-o", ""], "--output: must not be empty"),
        (
            ["generate", "--users", "3", "--seed", "1", "-o", "My_Suite"],
            "--output: use lower-case letters, digits, dots and hyphens only, at most 120; received "
            "'My_Suite'; try 'my-suite', or add --name",
        ),
        (["run", "smoke-v1", "-o", "x"], "--solver: must be given; known: bayes, cloud-only, d2sac, ddpg"),
        (["run", "smoke-v1", "--solver", "lru"], "--output: must be given"),
        (["run"], "SUITE: must be given; known: "),
        (["compare"], "FOLDER[:SOLVER]: must be given"),
        (["run", "smoke-v1", "--solver", "LRU", "-o", "x"], "did you mean 'lru'?"),
        (["run", "smoke-v1", "--solver", "lru", "--memory-limit", "2", "-o", "x"], "with its unit"),
        (["run", "smoke-v1", "--solver", "lru", "--memory-limit", "2MB", "-o", "x"], "from 64MB"),
        (["run", "smoke-v1", "--solver", "lru", "--time-limit", "nan", "-o", "x"], "--time-limit: must be"),
        (["run", "smoke-v1", "--solver", "lru", "--grace", "inf", "-o", "x"], "--grace: must be a fin"),
        (["run", "smoke-v1", "--solver", "lru", "--env", "A=1", "-o", "x"], "--env: must be a name alone"),
        (
            ["run", "smoke-v1", "--solver", "lru", "--seeds", "a", "-o", "x"],
            "whole number; received 'a'; see",
        ),
        (["run", "smoke-v1", "--solver", "lru", "--grace", "-1", "-o", "x"], "range x>=0; received -1.0"),
        (
            ["run", "smoke-v1", "--solver", "lru", "--time-limit", "s", "-o", "x"],
            "a number; received 's'; see",
        ),
        (["schema", "x"], "must be one of 'instance', 'solution', 'symbols'; received 'x'; see"),
        (["status", __file__], "FOLDER: must be a folder; received the file"),
        (["schema"], "must be given; choose from: instance, solution, symbols; see"),
        (["instances", "smok-v1"], "did you mean 'smoke-v1'?"),
        (["instances", "lst"], "did you mean 'list'?"),
        (["solve", "smoke-v1.l0.n10.t0", "--solver", "lru", "-o", "x.txt"], "must end in .json or .json.gz"),
        (["solve", "smoke-v1.l0.n10.t0", "--solver", "lru", "-o", "-", "--json"], "must be a file with"),
        (["score", "-", "-"], "must not be `-`"),
        (["leaderboard", "x", "--solvers", "lru"], "did you mean '--solver'?"),
        (["instances", "features", "smoke-v1", "-o", "x.pdf"], "must end in .svg or .png"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(args, told, tmp_path):
    """One line, in one style, tells what is wrong; nothing is a traceback and nothing is written."""
    done = here(*args, cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert told in line
    assert list(tmp_path.iterdir()) == []


def test_an_answer_goes_through_pipes(tmp_path):
    """`-` stands for standard input and output; gzip is read, and the summary goes to standard error."""
    name = "smoke-v1.l0.n10.t0"
    instance = find_document(name)
    solved = piped("solve", "-", "--solver", "popular-first", "-o", "-", stdin=gzip.compress(instance))
    assert solved.returncode == 0, solved.stderr
    cost = evaluate(parse_instance(instance), parse_solution(solved.stdout)).cost
    assert f"cost                {cost:.10g}".encode() in solved.stderr
    (tmp_path / "instance.json").write_bytes(b"\xef\xbb\xbf" + instance)  # with a byte order mark
    for words in ((name, "-"), (tmp_path / "instance.json", "/dev/stdin")):
        scored = piped("score", *words, "--json", stdin=solved.stdout)
        assert json.loads(scored.stdout)["cost"] == cost
    assert b"must hold at most" in piped("score", name, "-", stdin=b" " * (MAX_BYTES + 1)).stderr


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not here")
def test_a_shell_may_substitute_a_process(tmp_path):
    """`score` reads what `<(...)` stands for."""
    case = GOLDEN / "case-1-plain"
    command = f"{sys.executable} -m mincache score <(cat {case}/instance.json) <(cat {case}/solution.json)"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "feasible            yes" in done.stdout, done.stderr


def piped(*args: object, stdin: bytes) -> subprocess.CompletedProcess:
    """Run the command with bytes on standard input."""
    command = [sys.executable, "-m", "mincache", *map(str, args)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def test_solve_needs_no_file_and_makes_folders(tmp_path):
    """Without -o the summary is all; with it the folders of the file are made."""
    words = ("solve", "smoke-v1.l0.n10.t0", "--solver", "popular-first")
    shown = here(*words, cwd=tmp_path)
    assert "feasible            yes" in shown.stdout
    assert list(tmp_path.iterdir()) == []
    here(*words, "-o", "a/b/c.json.gz", cwd=tmp_path)
    assert here("score", words[1], "a/b/c.json.gz", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["smoke-v1", "smoke-v1.l0.n10.t0"])
def test_instances_shows_what_is_named(name):
    """`instances NAME` is `instances show NAME`, in each form."""
    for form in ((), ("--json",), ("--csv",)):
        assert here("instances", name, *form).stdout == here("instances", "show", name, *form).stdout
    rows = list(csv.DictReader(io.StringIO(here("instances", name, "--csv").stdout)))
    assert len(rows) == len(json.loads(here("instances", name, "--json").stdout))
    assert {"smoke-v1": "sha256", "smoke-v1.l0.n10.t0": "unit"}[name] in rows[0]


def test_certificates_that_are_not_there_are_named(tmp_path):
    """A suite without certificates is told so in a line; each one that lacks alone is named."""
    here("generate", "--users", "2", "--seed", "1", "-o", "mine", cwd=tmp_path)
    done = here("instances", "verify", "mine", "--certificates", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "mine: no certificates; `mincache instances certify mine` makes them\n"
    (tmp_path / "mine/certificates").mkdir()
    done = here("instances", "verify", "mine", "--certificates", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "mine.l0.n2.t0: no file mine/certificates/mine.l0.n2.t0.json.gz; "
        "`mincache instances certify mine mine.l0.n2.t0` writes it\n"
    )
    assert here("instances", "certify", "mine", "mine.l0.n2.t0", cwd=tmp_path).returncode == 0
    assert here("instances", "verify", "mine", "--certificates", cwd=tmp_path).returncode == 0
    assert here("instances", "verify", "mine", "--solutions", cwd=tmp_path).returncode == 0


def test_a_failed_generate_leaves_nothing(tmp_path):
    """A suite that cannot be drawn whole leaves no folder; one beside other JSON files is refused."""
    (tmp_path / "a.toml").write_text(
        "\ufeffslots = 2\n[[sweep.cases]]\nsteps = 5.0\n[[sweep.cases]]\nsteps = -1.0\n"
    )
    done = here("generate", "a.toml", "--users", "2", "--seed", "1", "-o", "mine", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: a.toml: steps: must be > 0; received -1.0\n")
    assert not (tmp_path / "mine").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/other.json").touch()
    done = here("generate", "--users", "2", "--seed", "1", "-o", "mine", cwd=tmp_path)
    told = "must hold no JSON files; received other.json; move it away, or choose another folder"
    assert done.stderr == f"error: mine: {told}\n"


def test_every_verb_has_one_spelling_for_one_thing():
    """Solvers are named by --solver, output by -o; a path is a FOLDER or a FILE in every help."""
    for verb, command in commands(cli):
        context = click.Context(command)
        for param in command.params:
            assert "--solvers" not in param.opts, verb
            assert "-o" not in param.opts or "--output" in param.opts, verb
            shown = param.make_metavar(context)
            assert not {"DIRECTORY", "PATH", "SPEC"} & set(re.findall(r"\w+", shown)), f"{verb} {shown}"


def test_help_says_a_thing_once_and_by_one_name():
    """An option shows one default; an argument that the text names in capitals stands so in the usage."""
    for verb, command in commands(cli):
        context = click.Context(command, show_default=True)
        for param in command.params:
            _, about = param.get_help_record(context) or ("", "")
            assert about.count("[default") <= 1, f"{verb}: {about}"
            named = re.search(rf"\b{param.name.upper()}\b", command.help) is not None
            if isinstance(param, click.Argument) and named:
                assert param.name.upper() in param.make_metavar(context), f"{verb}: {param.name}"


def commands(group, above=""):
    """Yield every command that is no group, with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def test_generate_then_verify_then_show(tmp_path):
    """A scenario file gives a suite that verifies, and a changed byte is found."""
    (tmp_path / "short.toml").write_text('name = "short"\nslots = 3\nuplink_mhz = 5.0\n')
    args = ["generate", "short.toml", "--users", "2,3", "--libraries", "2", "--traces", "2", "--seed", "7"]
    assert here(*args, "-o", "mine", cwd=tmp_path).stdout.startswith("8 instances in mine")
    assert here("instances", "verify", "mine", cwd=tmp_path).returncode == 0
    assert here(*args, "-o", "mine", cwd=tmp_path).returncode == 2, "an existing suite is never overwritten"
    target = tmp_path / "mine" / "mine.l1.n3.t0.json"
    target.write_bytes(target.read_bytes().replace(b'"uplink_hz":5000000.0', b'"uplink_hz":5000001.0'))
    done = here("instances", "verify", "mine", cwd=tmp_path)
    assert done.returncode == 1
    assert "mine.l1.n3.t0: the file's SHA-256 is not the one listed" in done.stderr
    told = json.loads(here("instances", "verify", "mine", "--json", cwd=tmp_path).stdout)
    assert {row["instance"]: row["problem"] for row in told if row["problem"]} == {
        "mine.l1.n3.t0": "the file's SHA-256 is not the one listed"
    }
    assert len(told) == 8
    shown = here("instances", "show", "mine", cwd=tmp_path)
    assert "mine.l0.n2.t0" in shown.stdout


def test_standard_suites_are_listed_verified_and_shown():
    """The suites that ship are as their recipes draw them."""
    listed = json.loads(here("instances", "list", "--json").stdout)
    assert {row["suite"]: row["instances"] for row in listed}.items() >= {
        "paper-v1": 60,
        "smoke-v1": 4,
    }.items()
    assert here("instances", "verify").returncode == 0
    assert "requests by model" in here("instances", "show", "paper-v1.l2.n18.t3").stdout


@pytest.mark.parametrize("document", ["instance", "solution"])
def test_schema_is_printed_as_json(document):
    """The schema names the document's format tag."""
    schema = json.loads(here("schema", document).stdout)
    assert schema["properties"]["format"] == {"const": f"mincache-{document}/1"}


def test_solvers_are_listed():
    """Every installed solver stands in the list."""
    from mincache.solving import registry

    listed = here("solvers").stdout
    assert [name for name in registry.names() if name not in listed] == []


def test_check_of_a_broken_solver_fails_with_advice(tmp_path):
    """A solver that breaks the contract fails the checks that it breaks, with exit code 1."""
    (tmp_path / "greedy.py").write_text(
        "from dataclasses import dataclass\n"
        "import numpy as np\n"
        "from mincache import Decisions, Solution, Solver\n"
        "@dataclass(frozen=True)\n"
        "class Greedy(Solver):\n"
        "    def solve(self, instance, run):\n"
        "        T, N, M = instance.slot_count, instance.user_count, instance.model_count\n"
        "        np.random.rand()\n"
        "        return Solution.of(instance, Decisions(np.ones((T, M)), np.ones((T, N)), np.ones((T, N))))\n"
    )
    done = here("solvers", "check", "greedy.py:Greedy", cwd=tmp_path)
    assert done.returncode == 1
    assert "infeasible" in done.stdout
    assert "the global generator moved" in done.stdout.replace("│", "").replace("\n", " ")


def test_help_lists_every_verb_and_each_has_help():
    """`--help` works for the command and for every verb."""
    top = here("--help").stdout
    for verb in VERBS:
        assert verb in top
        assert here(verb, "--help").returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        [
            "solve",
            "smoke-v1.l0.n10.t0",
            "--solver",
            "cloud-only",
            "-o",
            "a.json",
            "--memory-limit",
            "9" * 400 + "GB",
        ],
        ["solve", "smoke-v1.l0.n10.t0", "--solver", "cloud-only", "-o", "a.json", "--time-limit", "nan"],
        ["run", "smoke-v1", "--solver", "cloud-only", "-o", "a", "--shard", "٣/٤"],
        ["score", "\udcff", "a"],
    ],
    ids=["memory", "time", "shard", "encoding"],
)
def test_odd_values_are_refused_in_a_line(words, tmp_path):
    """Sizes past every memory, times that are none, odd digits and broken UTF-8 end with code 2."""
    done = subprocess.run(
        [sys.executable, "-m", "mincache", *map(os.fsencode, words)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
