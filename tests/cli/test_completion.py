"""Completion: the scripts are the shells' own, and what they ask for is answered."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
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
    line = 'eval "$(mincache completion bash)"; COMP_LINE="mincache lea"; COMP_POINT=12; '
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
        ("mincache solve smoke-v1.l0.n10.t0 --solver deco", ["decomposition"]),
        ("mincache score smoke-v1.l0", INSTANCES),
        ("mincache certify smoke-v1.l0", INSTANCES),
        ("mincache certify --check smoke-v1.l0", INSTANCES),
        ("mincache export smoke-v1.l0", INSTANCES),
        ("mincache instances verify smoke-v1 pap", ["paper-v1", "paper-v2"]),
        ("mincache instances certify pap", ["paper-v1", "paper-v2"]),
        ("mincache instances reference smoke-v1 --solver deco", ["decomposition"]),
        ("mincache instances show smoke-v1.l0", INSTANCES),
        ("mincache solvers check clo", ["cloud-only"]),
        ("mincache leaderboard chart x --suite pap", ["paper-v1", "paper-v2"]),
        ("mincache leaderboard table x --solver deco", ["decomposition"]),
        ("mincache train set", ["set-policy"]),
        ("mincache train ddpg --suite pap", ["paper-v1", "paper-v2"]),
        ("mincache generate --separate lru,pop", ["lru,popular-first"]),
        ("mincache generate --separate genetic[population=4],lf", ["genetic[population=4],lfu"]),
        ("mincache generate --separate lru,genetic[po", ["lru,genetic[population="]),
        ("mincache run smoke-v1 --solver genetic[gen", ["genetic[generations="]),
        ("mincache run smoke-v1 --solver genetic[generations=9,pop", ["genetic[generations=9,population="]),
        ("mincache run smoke-v1 --solver decomposition[compiled=t", ["decomposition[compiled=true"]),
    ],
)
def test_names_are_offered_wherever_one_is_asked_for(line, names):
    """Suites until one is chosen, then its instances; solvers, and `all` only where several may be given."""
    assert offered(line) == (names, {"plain"})


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("mincache run my-su", "dir"),
        ("mincache solve nothing", "file"),
        ("mincache solve smoke-v1.l0.n10.t0 --solver al", "file"),
        ("mincache leaderboard res", "dir"),
        ("mincache leaderboard table res", "dir"),
        ("mincache leaderboard verify res", "dir"),
        ("mincache compare res", "dir"),
        ("mincache reproduce res", "dir"),
        ("mincache status res", "dir"),
        ("mincache instances features --output pic", "file"),
    ],
)
def test_paths_are_offered_where_no_name_begins_so(line, kind):
    """A suite of one's own, a campaign and a board are folders, an instance or a solver is a file."""
    assert offered(line) == ([line.split()[-1]], {kind})


def typed(shell, setup, line, folder):
    """What stands on the line of a real shell once a tab key is pressed behind it."""
    path = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(folder), "TERM": "dumb", "PS1": "$ ", "OMP_NUM_THREADS": "1"}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe(shell[0], shell, environment)
    try:
        os.write(terminal, f"{setup}; echo RE''ADY\n{line}\t".encode())
        shown, end = "", time.monotonic() + 60
        while time.monotonic() < end and not (
            "READY\r" in shown and len(last := _last_line(shown)) > len(line) and last.startswith(line)
        ):
            if select.select([terminal], [], [], 0.5)[0]:
                shown += os.read(terminal, 1 << 16).decode(errors="replace")
        return _last_line(shown)
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(child, 0)


def _last_line(shown):
    """The command on the last line of a terminal, without codes and the prompt."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\x07\r]", "", shown.rpartition("READY\r")[2])
    return "mincache" + plain.rpartition("mincache")[2]


@pytest.mark.parametrize(
    ("shell", "setup"),
    [
        (("bash", "--norc", "--noprofile"), 'eval "$(mincache completion bash)"'),
        (("zsh", "-f"), 'eval "$(mincache completion zsh)"'),
    ],
    ids=["bash", "zsh"],
)
@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("mincache leaderboard res", "mincache leaderboard results/"),
        ("mincache run x --solver 'genetic[gen", "mincache run x --solver 'genetic[generations="),
        ("mincache generate --separate lru,pop", "mincache generate --separate lru,popular-first"),
    ],
)
def test_a_tab_key_completes_in_a_bare_shell(shell, setup, line, completed, tmp_path):
    """Folders, parameters and the second of two solvers, in a shell that has loaded nothing else."""
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not here")
    (tmp_path / "results").mkdir()
    assert typed(shell, setup, line, tmp_path).startswith(completed)


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not here")
def test_bash_completes_behind_an_equals_sign(tmp_path):
    """Bash breaks words at `=`; what is typed before it stays."""
    line = "mincache run x --solver genetic[generations=9,pop"
    shell = ("bash", "--norc", "--noprofile")
    shown = typed(shell, 'eval "$(mincache completion bash)"', line, tmp_path)
    assert shown.startswith("mincache run x --solver genetic[generations=9,population=")
