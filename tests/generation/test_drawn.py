"""Suites kept as recipes: drawn on first use, checked, and kept in the user's cache folder."""

import os
import shutil
from pathlib import Path

import pytest
import tomli_w

from mincache import Scenario
from mincache.errors import InputError
from mincache.files.paths import cache_folder
from mincache.generation.recipes import Recipe
from mincache.generation.suite_checks import verify
from mincache.generation.suite_writing import generate
from mincache.generation.suites import RECIPE_FILE, Suite

SCENARIO = Scenario(slots=2, models=3)
RECIPE = Recipe(library_seed=1, trace_seed=2, libraries=1, users=(2, 3), traces=1)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder that is not there yet."""
    monkeypatch.setenv("MINCACHE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def suite(tmp_path, cache):
    """A suite of a recipe alone."""
    return generate(tmp_path / "tiny", "tiny", RECIPE, SCENARIO, kept="drawn")


def test_a_recipe_and_files_hold_the_same(suite, tmp_path):
    """Reading gives the instances that a suite of files has, and only the recipe stands in the folder."""
    twin = generate(tmp_path / "twin", "tiny", RECIPE, SCENARIO)
    assert os.listdir(suite.folder) == [RECIPE_FILE]
    assert list(suite) == list(twin)
    assert suite.entries == twin.entries
    assert [problem for _, problem in verify(suite)] == [None, None]


def test_an_instance_is_drawn_once(suite, cache):
    """A file is there after the first use, for another reader too, and is not written again."""
    assert not cache.exists()
    path = suite.path("tiny.l0.n2.t0")
    assert path.is_relative_to(cache)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    written = path.stat().st_mtime_ns, path.stat().st_ino
    Suite(suite.folder).read("tiny.l0.n2.t0")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == written


def test_suites_of_one_name_do_not_meet(suite, tmp_path):
    """Two suites of the same name and other content have files of their own."""
    other = generate(tmp_path / "other", "tiny", RECIPE, Scenario(slots=3, models=3), kept="drawn")
    assert [one.slot_count for one in suite] == [2, 2]
    assert [one.slot_count for one in other] == [3, 3]


def test_what_is_not_as_listed_is_never_kept(suite, cache):
    """A recipe that draws other bytes than those listed is found out, in reading and in verifying."""
    table = suite.content.model_dump(mode="json", exclude_none=True)
    table["recipe"]["trace_seed"] = 3
    (suite.folder / RECIPE_FILE).write_text(tomli_w.dumps(table))
    changed = Suite(suite.folder)
    with pytest.raises(InputError, match=r"sha256: must be .* as listed; received .* as drawn"):
        changed.read("tiny.l0.n2.t0")
    assert not cache.exists()
    assert {problem for _, problem in verify(changed)} == {"what is listed is not what the recipe draws"}


def test_a_broken_file_in_the_cache_is_drawn_again(suite):
    """A file that was changed there is replaced by what the recipe draws."""
    path = suite.path("tiny.l0.n2.t0")
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert suite.read("tiny.l0.n2.t0").user_count == 2
    assert path.read_bytes() == whole


def test_unknown_instance_is_refused(suite):
    """A name that is not listed is refused before anything is drawn."""
    for use in (suite.path, suite.read):
        with pytest.raises(InputError, match="must be one of tiny's"):
            use("tiny.l0.n9.t0")


def test_a_cache_that_cannot_be_written_is_one_line(suite, cache):
    """Where the cache folder is a file, the line says what to set."""
    cache.touch()
    with pytest.raises(InputError, match="set MINCACHE_CACHE") as caught:
        suite.read("tiny.l0.n2.t0")
    assert str(caught.value).isprintable()


def test_place_of_the_cache(monkeypatch, tmp_path):
    """The folder named comes first, then the desktop's convention, then ~/.cache; relative ones are told."""
    monkeypatch.setenv("MINCACHE_CACHE", "here")
    assert cache_folder() == Path.cwd() / "here"
    monkeypatch.delenv("MINCACHE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "mincache"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "mincache"


def test_moving_the_suite_moves_nothing_else(suite, tmp_path):
    """A copy of the folder elsewhere reads the same files."""
    shutil.copytree(suite.folder, tmp_path / "copy")
    assert Suite(tmp_path / "copy").path("tiny.l0.n3.t0") == suite.path("tiny.l0.n3.t0")
