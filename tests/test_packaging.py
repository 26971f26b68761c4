"""The wheel: what is in it, and that it works with the sources out of the way."""

import re
import tomllib
import zipfile

import pytest
from wheel_fixture import ROOT, installed  # noqa: F401  # a fixture

import mincache

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PARTS = {"mincache": "mincache", "solvers": "mincache/solvers", "instances": "mincache/instances"}
"""Where the folders of the sources lie in the wheel."""


_LEFT_OUT = re.compile(
    r"mincache/instances/(?!smoke-v1/)[^/]+/(certificates|candidates)/.*"
    r"|mincache/instances/(?!smoke-v1/|open-v1/)[^/]+/solutions/.*"
)
"""What a checkout has and a wheel has not: proofs and solutions that commands find again, candidates."""


@pytest.fixture
def content(installed):  # noqa: F811  # the fixture
    """Names of the files in the wheel."""
    return set(zipfile.ZipFile(installed.wheel).namelist())


def test_mincache_is_alone_at_the_top(content):
    """Beside its metadata the wheel holds one package, and so takes no other name from its users."""
    tops = {name.partition("/")[0] for name in content}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mincache"}


@pytest.mark.parametrize("folder", PARTS)
def test_everything_of_a_folder_is_in_the_wheel(folder, content):
    """Modules, templates, instances and policies: no file is forgotten by the packaging."""
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    kept = [path for path in files if "__pycache__" not in path.parts and not path.name.startswith(".")]
    wanted = {f"{PARTS[folder]}/{path.relative_to(ROOT / folder).as_posix()}" for path in kept}
    assert wanted
    missing = {name for name in wanted - content if not _LEFT_OUT.fullmatch(name)}
    assert missing == set()
    assert not any(_LEFT_OUT.fullmatch(name) for name in content)


def test_the_licence_comes_along(content):
    """The metadata hold the licence's text."""
    assert any(re.fullmatch(r"[^/]+\.dist-info/licenses/LICENSE", name) for name in content)


def test_it_runs_from_elsewhere(installed, tmp_path):  # noqa: F811  # the fixture
    """The command runs a solver and ranks it, and nothing is imported from the sources."""
    where = installed.run("python", "-c", "import mincache; print(mincache.__file__)", cwd=tmp_path)
    assert where.stdout.startswith(str(installed.site_packages))
    done = installed.run("mincache", "run", "smoke-v1", "--solver", "cloud-only", "-o", "r", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ranked = installed.run("mincache", "leaderboard", "r", "--format", "csv", cwd=tmp_path)
    assert ranked.returncode == 0, ranked.stderr
    assert "cloud-only" in ranked.stdout


def test_every_entry_point_leads_to_a_solver(installed, tmp_path):  # noqa: F811  # the fixture
    """Every solver of the distribution loads from the wheel."""
    code = (
        "from mincache.solving import registry\n"
        "for name in registry.names(): print(name, registry.load(name).kind)"
    )
    done = installed.run("python", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = {line.split()[0] for line in done.stdout.splitlines()}
    assert names == set(PROJECT["entry-points"]["mincache.solvers"])


def test_the_citation_is_of_this_version():
    """CITATION.cff names the project's version and licence."""
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search(rf'^version: "{re.escape(mincache.__version__)}"$', citation, re.MULTILINE)
    assert re.search(rf"^license: {PROJECT['license']}$", citation, re.MULTILINE)
