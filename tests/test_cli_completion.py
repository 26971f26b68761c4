"""Completion: the scripts are the shells' own, and what they ask for is answered."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mincache import registry, suites

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


def test_names_by_kind():
    """Suites are offered until one is chosen, then its instances; `all` only where several may be given."""
    import click

    from mincache.cli.completing import instance_names, solver_names, suite_names

    context, one = click.Context(click.Command("x")), click.Option(["--solver"])
    several = click.Option(["--solver"], multiple=True)
    assert suite_names(context, one, "smoke") == ["smoke-v1"]
    assert instance_names(context, one, "") == suites.standard_names()
    assert instance_names(context, one, "smoke-v1.l0") == ["smoke-v1.l0.n10.t0", "smoke-v1.l0.n18.t0"]
    assert instance_names(context, one, "nothing") == []
    assert solver_names(context, one, "al") == []
    assert solver_names(context, several, "al") == ["all"]
