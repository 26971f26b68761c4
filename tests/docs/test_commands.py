"""What the documentation shows works as written, from the installed wheel in an empty environment."""

import re
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest
from page_fixture import PAGES, blocks, commands, with_blocks
from wheel_fixture import ROOT, installed  # noqa: F401  # a fixture

from mincache.cli.main import cli

_HOURS = re.compile(r"mincache reproduce \w+( |$)")  # the paper's; that verb's tests run their smallest
_ELSEWHERE = (
    "--executor dask", "$SLURM", "leaderboard build leaderboard", "leaderboard serve", "table leaderboard",
    "--against leaderboard", "--watch", "--since",
)  # fmt: skip
_OTHERS = ("{toctree}", "{eval-rst}", "{include}", "{code-cell}")  # the site's build runs the last
_COMPILED = ("improve",)  # the environment of the tests runs these: without numba they take minutes
_NOT_RUN = ("", "bash")  # what needs a network, a cluster or a session that goes on
_ACTIVATION = "source .venv/bin/activate"  # the environment of the test is another, and active already


@pytest.mark.parametrize("page", with_blocks("sh", "python"), ids=lambda page: page.stem)
def test_a_page_works_as_written(page, installed, tmp_path):  # noqa: F811  # the fixture
    """Every file, command and piece of Python of a page, in order: exit code 0, and the output shown."""
    if page.stem in _COMPILED:
        installed = replace(installed, folder=Path(sys.prefix), compiled=True)
    printed = ""
    with installed.kept_as_it_is():
        for block in blocks(page):
            printed = _follow(block, installed, tmp_path, printed)


def _follow(block, environment, folder, printed):
    """Do what a block says; return what its commands printed, or what was printed before."""
    if block.directive == "copy":
        shutil.copy(ROOT / block.file, folder)
    if block.directive == "file":
        (folder / block.file).write_text(block.text)
    elif block.language == "python":
        (folder / "snippet.py").write_text(block.text)
        done = environment.run("python", "snippet.py", cwd=folder)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)
    elif block.language == "sh":
        return "".join(_run(command, environment, folder) for command in commands(block.text))
    elif block.language == "text":
        _compare(block.text, printed)
    return printed


def _run(command, environment, folder):
    if command.startswith("make "):  # continuous integration runs these
        assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), command
        return ""
    if command == _ACTIVATION or _HOURS.match(command):
        return ""
    done = environment.shell(command, folder)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return str(done.stdout)


def _compare(shown, printed):
    """Hold the lines shown under commands against what these printed: the same lines in this order."""
    lines = iter(printed.splitlines())
    for line in filter(str.strip, shown.splitlines()):
        if line.strip() != "...":
            assert line in lines, f"{line!r} is not printed in this place\n{printed}"


@pytest.mark.parametrize("page", with_blocks("sh", *_NOT_RUN), ids=lambda page: page.stem)
def test_every_command_line_is_understood(page, tmp_path, monkeypatch):
    """Also what a test cannot run, such as a campaign over machines, has verbs and options that exist."""
    monkeypatch.chdir(tmp_path)
    for block in blocks(page):
        if block.directive == "copy":
            shutil.copy(ROOT / block.file, tmp_path)
    for block in blocks(page):
        for line in commands(block.text) if block.language in ("sh", *_NOT_RUN) else ():
            if line.strip().startswith("mincache "):
                words = shlex.split(line.partition(" | ")[0], comments=True)
                _parse(words[1:])


def _parse(words):
    context = click.Context(cli)
    verb = cli.get_command(context, words[0])
    assert verb is not None, words
    verb.make_context(words[0], list(words[1:]), parent=context)


@pytest.mark.parametrize("page", with_blocks(*_NOT_RUN), ids=lambda page: page.stem)
def test_only_what_needs_more_than_this_machine_is_not_run(page):
    """A command stands outside the blocks that are run only if it needs a cluster or goes on for ever."""
    for block in blocks(page):
        for line in map(str.strip, commands(block.text) if block.language in _NOT_RUN else ()):
            assert not line.startswith("mincache ") or any(word in line for word in _ELSEWHERE), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_are_of_a_kind_that_is_tested(page):
    """Commands stand in blocks that are run, without a prompt, so that they can be copied."""
    for block in blocks(page):
        assert block.language in {*_NOT_RUN, "sh", "text", "python", "toml", "bibtex", *_OTHERS}
        assert block.directive == "file" or block.language != "toml"
        assert not re.search(r"^\$ ", block.text, re.MULTILINE)
