"""What the documentation shows works as written, from the installed wheel in an empty environment."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from wheel_fixture import ROOT, installed  # noqa: F401  # a fixture

from mincache.cli.main import cli

PAGES = sorted((ROOT / "docs").glob("*.md"))
_BLOCK = re.compile(r"(?:^<!-- (file|copy): (\S+) -->\n)?^```([\w{}-]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_HOURS = re.compile(r"mincache reproduce \w+( |$)")  # the paper's; that verb's tests run their smallest
_ELSEWHERE = ("--executor dask", "$SLURM", "leaderboard build leaderboard", "leaderboard serve")
_ACTIVATION = "source .venv/bin/activate"  # the environment of the test is another, and active already


class Block(NamedTuple):
    """A fenced block: its language, its text, and what a comment above it says of files."""

    directive: str
    file: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    return [Block(*map(str, found.groups(""))) for found in _BLOCK.finditer(page.read_text())]


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block, and the lines shown under it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield command, [line for line in shown if line.strip()]


def with_blocks(*languages: str) -> list[Path]:
    """Return the pages that have a block of one of these languages."""
    return [page for page in PAGES if any(block.language in languages for block in blocks(page))]


@pytest.mark.parametrize("page", with_blocks("console"), ids=lambda page: page.stem)
def test_a_page_works_as_written(page, installed, tmp_path):  # noqa: F811  # the fixture
    """Every file, command and piece of Python of a page, in order: exit code 0, and the output shown."""
    with installed.kept_as_it_is():
        for block in blocks(page):
            _follow(block, installed, tmp_path)


def _follow(block, environment, folder):
    if block.directive == "copy":
        shutil.copy(ROOT / block.file, folder)
    if block.directive == "file":
        (folder / block.file).write_text(block.text)
    elif block.language == "python":
        (folder / "snippet.py").write_text(block.text)
        done = environment.run("python", "snippet.py", cwd=folder)
        assert done.returncode == 0, done.stderr
    elif block.language == "console":
        for command, shown in commands(block.text):
            _run(command, shown, environment, folder)


def _run(command, shown, environment, folder):
    if command.startswith("make "):  # continuous integration runs these
        assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), command
        return
    if command == _ACTIVATION or _HOURS.match(command):
        return
    done = environment.shell(command, folder)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    printed = iter(done.stdout.splitlines())
    for line in shown:
        if line.strip() != "...":
            assert line in printed, f"{command}: {line!r} is not printed in this place\n{done.stdout}"


@pytest.mark.parametrize("page", with_blocks("", "console"), ids=lambda page: page.stem)
def test_every_command_line_is_understood(page):
    """Also what a test cannot run, such as a campaign over machines, has verbs and options that exist."""
    for block in blocks(page):
        if block.language not in ("", "console"):
            continue
        lines = block.text.replace("\\\n", " ").splitlines()
        for line in lines:
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["mincache"]:
                _parse(words[1:])


def _parse(words):
    context = click.Context(cli)
    verb = cli.get_command(context, words[0])
    assert verb is not None, words
    verb.make_context(words[0], list(words[1:]), parent=context)


@pytest.mark.parametrize("page", with_blocks(""), ids=lambda page: page.stem)
def test_only_what_needs_more_than_this_machine_is_not_run(page):
    """A command stands outside the blocks that are run only if it needs a cluster or goes on for ever."""
    for block in blocks(page):
        lines = (
            [line.strip() for line in block.text.replace("\\\n", " ").splitlines()]
            if not block.language
            else []
        )
        for line in lines:
            assert not line.startswith("mincache ") or any(word in line for word in _ELSEWHERE), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_are_of_a_kind_that_is_tested(page):
    """Commands stand in console blocks, files have their name above them: nothing escapes the tests."""
    for block in blocks(page):
        assert block.language in {"", "console", "python", "toml", "{toctree}", "{eval-rst}"}
        assert block.directive == "file" or block.language != "toml"
