"""What the README shows works as written."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from command_fixture import here

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Homepage"]
PAGES = f"{ADDRESS}/blob/main/"


def blocks(language: str) -> list[str]:
    """The README's code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


SNIPPET, SOLVER = blocks("python")
COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("mincache")]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the README's solver in it."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "mine.py").write_text(SOLVER)
    return folder


def lines(text):
    """The lines of a block that are not blank."""
    return [line for line in text.splitlines() if line.strip()]


def test_the_solver_has_at_most_12_lines():
    """A solver takes 12 lines, imports included."""
    assert len(lines(SOLVER)) <= 12


def test_the_snippet_works(workplace):
    """Six lines of Python load an instance, answer it to optimality, and draw the answer."""
    assert len(lines(SNIPPET)) == 6
    command = [sys.executable, "-c", SNIPPET]
    done = subprocess.run(command, cwd=workplace, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "0.00% above the best known cost" in done.stdout
    assert (workplace / "answer.html").stat().st_size > 1000


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works(command, workplace):
    """Each `mincache` line of the README, in order, ends with exit code 0."""
    done = here(*shlex.split(command)[1:], cwd=workplace)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_every_block_is_run_or_is_the_setting_up():
    """Blocks are Python, commands that are run above, `make` lines or the activation, without a prompt."""
    assert set(re.findall(r"^```(\w*)\n.*?^```$", README.read_text(), re.DOTALL | re.MULTILINE)) == {
        "sh", "python",
    }  # fmt: skip
    others = {
        line
        for block in blocks("sh")
        for line in block.splitlines()
        if not line.startswith(("mincache ", "make "))
    }
    assert others == {"source .venv/bin/activate"}


def test_what_the_makefile_names_is_there():
    """Every script, test and page in its commands exists."""
    named = re.findall(r"(?<![\w/$(])(?:tests|docs)/[\w/]+\.\w+", (ROOT / "Makefile").read_text())
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_make_targets_exist(page):
    """Every `make` line names a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    shown = re.findall(r"^make (\w+)", (ROOT / page).read_text(), re.MULTILINE)
    assert shown
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in shown)


def test_links_work_in_the_wheels_description():
    """Links are absolute, to the project's one address, and lead to files of the repository."""
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)]+)\)", README.read_text())
    assert links
    for link in links:
        assert link.startswith(PAGES), link
        assert (ROOT / link.removeprefix(PAGES).partition("#")[0]).exists(), link


def test_it_counts_the_solvers():
    """The README says how many reference solvers there are."""
    installed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][
        "mincache.solvers"
    ]
    assert f"{len(installed)} reference solvers" in README.read_text()


_MARKED = re.compile(r"(<!-- leaderboard -->\n).*?(<!-- /leaderboard -->)", re.DOTALL)


def with_current_table(readme: str) -> str:
    """Return the README with the table and the chart of paper-v1, the first of leaderboard/README.md."""
    board = (ROOT / "leaderboard" / "README.md").read_text()
    found = re.search(r"^## paper-v1\n\n((?:\|.*\n)+)", board, re.MULTILINE)
    assert found is not None
    alt = "Gap to the optimum on each instance of paper-v1, a line of points a solver"
    text = f"{found[1]}\n![{alt}](leaderboard/paper-v1.svg)\n"
    return _MARKED.sub(lambda marks: marks[1] + text + marks[2], readme)


def test_the_table_is_the_boards():
    """The README shows the table that the board holds; `make pages` copies it anew."""
    assert README.read_text() == with_current_table(README.read_text())


if __name__ == "__main__":
    README.write_text(with_current_table(README.read_text()))
