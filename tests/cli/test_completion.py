"""Completion: the scripts are the shells' own, and what they ask for is answered."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from mincache.cli.main import cli
from mincache.generation import suites
from mincache.solving import registry

COMMAND = Path(sys.executable).parent / "mincache"


def completion(shell):
    """The script for a shell."""
    done = subprocess.run([COMMAND, "completion", shell], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def complete(*words):
    """What is offered in place of the last word."""
    asked = {
        "_MINCACHE_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run([COMMAND], env=os.environ | asked, capture_output=True, text=True, check=False)
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_accepted_by_its_shell(shell):
    """A shell that is here parses the script; every script asks mincache for completions."""
    script = completion(shell)
    assert "_MINCACHE_COMPLETE" in script
    if shutil.which(shell):
        option = "--no-execute" if shell == "fish" else "-n"
        subprocess.run([shell, option], input=script, text=True, check=True)


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not here")
def test_bash_completes_a_verb(tmp_path):
    """With the script in force, bash itself completes `mincache lea` to `leaderboard`."""
    line = 'eval "$(mincache completion bash)"; COMP_WORDS=(mincache lea); COMP_CWORD=1; '
    line += '_mincache_completion mincache; echo "${COMPREPLY[@]}"'
    path = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line], env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["leaderboard"], done.stderr


def test_verbs_options_and_names_are_offered():
    """Verbs, options, solvers, suites and instances that begin as what was typed."""
    assert complete("mincache", "sc") == ["score", "schema"]
    assert "--patience" in complete("mincache", "solvers", "check", "--p")
    assert complete("mincache", "solvers", "check", "ge") == [
        name for name in registry.names() if name.startswith("ge")
    ]


def test_an_unknown_shell_is_refused():
    """Only the shells that are known are accepted."""
    done = subprocess.run([COMMAND, "completion", "tcsh"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'bash', 'zsh', 'fish'" in done.stderr


def offered(line):
    """What is offered in place of the last word of a line, and as what (plain, or a file)."""
    *words, last = line.split(" ")
    found = ShellComplete(cli, {}, "mincache", "_MINCACHE_COMPLETE").get_completions(words[1:], last)
    return [item.value for item in found], {item.type for item in found}


INSTANCES = ["smoke-v1.l0.n10.t0", "smoke-v1.l0.n18.t0"]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("mincache run smo", ["smoke-v1"]),
        ("mincache run smoke-v1 --solver al", ["all"]),
        ("mincache run smoke-v1 --solver pop", ["popular-first"]),
        ("mincache solve ", suites.standard_names()),
        ("mincache solve smoke-v1.l0", INSTANCES),
        ("mincache solve smoke-v1.l0.n10.t0 --solver dec", ["decomposition"]),
        ("mincache score smoke-v1.l0", INSTANCES),
        ("mincache certify smoke-v1.l0", INSTANCES),
        ("mincache certify --check smoke-v1.l0", INSTANCES),
        ("mincache export smoke-v1.l0", INSTANCES),
        ("mincache instances verify smoke-v1 pap", ["paper-v1", "paper-v2"]),
        ("mincache instances certify pap", ["paper-v1", "paper-v2"]),
        ("mincache instances reference smoke-v1 --solver dec", ["decomposition"]),
        ("mincache instances show smoke-v1.l0", INSTANCES),
        ("mincache solvers check clo", ["cloud-only"]),
        ("mincache leaderboard chart x --suite pap", ["paper-v1", "paper-v2"]),
    ],
)
def test_names_are_offered_wherever_one_is_asked_for(line, names):
    """Suites until one is chosen, then its instances; solvers, and `all` only where several may be given."""
    assert offered(line) == (names, {"plain"})


@pytest.mark.parametrize(
    "line", ["mincache run my-su", "mincache solve nothing", "mincache solve smoke-v1.l0.n10.t0 --solver al"]
)
def test_files_are_offered_where_no_name_begins_so(line):
    """A suite, an instance or a solver of one's own is a path: the shell completes that."""
    assert offered(line) == ([line.split()[-1]], {"file"})
