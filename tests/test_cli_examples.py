"""Every verb's help ends with examples, and the examples work."""

import re
import shlex

import click
import pytest
from wheel_fixture import installed  # noqa: F401  # a fixture

from mincache.cli.main import VERBS, cli

# In the order in which one makes what another needs; these go through programs of others, or never end.
_NOT_RUN = ("mincache leaderboard serve", "mincache import", "mincache reproduce fig", "mincache completion")
_FIRST = [
    "mincache generate --users 5 --seed 1 -o my-suite",
    "mincache solvers new my-solver --file",
    "mincache run smoke-v1 --solver all --time-limit 10 -o results/smoke",
]


def verbs(group=cli, above=""):
    """Every verb and those below it, with its command."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield f"{above}{name}", command
        if isinstance(command, click.Group):
            yield from verbs(command, f"{above}{name} ")


def examples(command, verb):
    """The command lines in a verb's help."""
    text = command.get_help(click.Context(command, info_name=verb))
    lines = (line.strip() for line in text.splitlines() if not line.startswith("Usage:"))
    return [line for line in lines if re.match(r'(eval "\$\()?mincache ', line)]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example(verb):
    """The help of each verb shows how it is called."""
    command = dict(verbs())[verb]
    assert any(f"mincache {verb}" in line for line in examples(command, verb))


def test_the_examples_work(installed, tmp_path):  # noqa: F811  # the fixture
    """Every command line in any help runs, each after those that make what it needs."""
    lines = [line for verb, command in verbs() for line in examples(command, verb)]
    lines = [line for line in lines if not line.startswith(_NOT_RUN) and "eval" not in line]
    for line in dict.fromkeys([*_FIRST, *lines]):
        if line.split("-o ")[-1] in ("my-suite", "slot-3") and (tmp_path / line.split("-o ")[-1]).exists():
            continue
        done = installed.shell(line, tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def test_examples_are_shell_words():
    """No example depends on how a shell reads brackets or braces: they are quoted."""
    for verb, command in verbs():
        for line in examples(command, verb):
            for word in re.split(r"\s+", line.partition("#")[0]):
                assert not re.match(r"[^'\"]*[\[{]", word) or word in shlex.split(line) is False, line
