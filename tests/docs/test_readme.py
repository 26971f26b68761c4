"""What the README shows works as written."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def blocks(language: str) -> list[str]:
    """The README's code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the README's solver in it."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "mine.py").write_text(blocks("python")[0])
    return folder


COMMANDS = [
    line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ mincache")
]


def test_the_solver_has_at_most_12_lines():
    """A solver takes 12 lines, blank ones included between the imports and the end."""
    assert len([line for line in blocks("python")[0].splitlines() if line.strip()]) <= 12


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works(command, workplace):
    """Each `mincache` line of the README, in order, ends with exit code 0."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        shlex.split(command), cwd=workplace, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_every_block_is_run_or_is_the_setting_up():
    """Beside Python and what is run above, blocks hold `make` lines and the activation alone."""
    assert set(re.findall(r"^```(\w*)\n.*?^```$", README.read_text(), re.DOTALL | re.MULTILINE)) == {
        "console", "python",
    }  # fmt: skip
    others = {
        line
        for block in blocks("console")
        for line in block.splitlines()
        if not line.startswith(("$ mincache ", "$ make "))
    }
    assert others == {"$ source .venv/bin/activate"}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_make_targets_exist(page):
    """Every `make` line names a target of the Makefile."""
    makefile = (README.parent / "Makefile").read_text()
    shown = re.findall(r"^\$ make (\w+)", (README.parent / page).read_text(), re.MULTILINE)
    assert shown
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in shown)


_MARKED = re.compile(r"(<!-- leaderboard -->\n).*?(<!-- /leaderboard -->)", re.DOTALL)


def with_current_table(readme: str) -> str:
    """Return the README with the chart and the table of paper-v1 as leaderboard/README.md has them."""
    board = (README.parent / "leaderboard" / "README.md").read_text()
    table = re.search(r"^\|.*?\n\n", board[board.index("## paper-v1") :], re.DOTALL | re.MULTILINE)
    assert table is not None
    alt = "Gap to the optimum on each instance of paper-v1, a line of points a solver"
    shown = f"{table[0]}![{alt}](leaderboard/paper-v1.svg)\n"
    return _MARKED.sub(lambda marks: marks[1] + shown + marks[2], readme)


def test_the_table_is_the_boards():
    """The README shows the table that the board holds; `python tests/test_readme.py` copies it anew."""
    assert README.read_text() == with_current_table(README.read_text())


if __name__ == "__main__":
    README.write_text(with_current_table(README.read_text()))
