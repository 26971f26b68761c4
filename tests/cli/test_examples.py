"""Every verb's help shows how it is called, and what it shows works."""

import re

import click
import pytest
from page_fixture import PAGES, blocks, commands
from wheel_fixture import installed  # noqa: F401  # a fixture

from mincache.cli.main import VERBS, cli

# These take hours, go on until they are interrupted, or read what a program of others has written.
_NOT_RUN = ("mincache leaderboard serve", "mincache reproduce fig", "mincache reproduce leaderboard/",
            "mincache import slot-3", "mincache score slot-3", "mincache certify --check",
            "mincache generate scenario.toml", "mincache compare results/mine")  # fmt: skip
_FIRST = ["generate", "run", "solvers new", "leaderboard publish", "solve", "train"]
"""Verbs whose examples make what the others' need."""
_NEEDED = tuple(f"mincache {verb} " for verb in _FIRST)


def verbs(group=cli, above=""):
    """Yield every verb, and those below it, with its command."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield f"{above}{name}", command
        if isinstance(command, click.Group):
            yield from verbs(command, f"{above}{name} ")


def examples(command):
    """Return the command lines in the help of a verb."""
    text = command.get_help(click.Context(command, info_name="x"))
    return [line.strip() for line in text.splitlines() if re.match(r"\s+mincache ", line)]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example(verb):
    """The help of each verb has a line that begins with it, or for a shell's start-up file holds it."""
    text = dict(verbs())[verb].get_help(click.Context(cli, info_name="x"))
    assert re.search(rf"^ .*\bmincache {verb}\b", text, re.MULTILINE)


def test_the_examples_work(installed, tmp_path):  # noqa: F811  # the fixture
    """Every command line in any help runs after those that make what it needs; some run with their page."""
    of_pages = {line for page in PAGES for block in blocks(page) for line in commands(block.text)
                if block.language == "sh" and not line.startswith(_NEEDED)}  # fmt: skip
    shown = {verb: examples(command) for verb, command in verbs()}
    ordered = [line for verb in _FIRST for line in shown.pop(verb)]
    ordered += [line for lines in shown.values() for line in lines]
    for line in dict.fromkeys(ordered):
        if line.startswith(_NOT_RUN) or "completion" in line or line in of_pages:
            continue
        done = installed.shell(line, tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
