"""The chain of a seal: nobody can change what was promised, frozen or revealed."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from mincache import Scenario
from mincache.board import seals
from mincache.errors import DocumentError, InputError
from mincache.generation.sealing import draw_sealed, new_secret
from mincache.solving.entrant import describe

SMALL = Scenario(users=3, slots=2, models=4)
OTHER = """
from dataclasses import dataclass
from mincache import Solution, Solver


@dataclass(frozen=True)
class Mine(Solver):
    def solve(self, instance, run):
        return Solution.nothing_cached(instance)
"""


@pytest.fixture
def season(tmp_path):
    """The folder of a seal with two entries, not revealed."""
    folder = tmp_path / "season"
    seals.open_seal(folder, new_secret("season", [SMALL], 2, [], 1))
    for spec in ("cloud-only", "popular-first"):
        seals.freeze(folder, [describe(spec)], ["A. Name"])
    return folder


def edit(folder, change):
    """Change a copy of the chain's lines, and write them back."""
    path = folder / seals.CHAIN_FILE
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join(change(lines)) + b"\n")


def test_a_whole_season_holds(season, tmp_path):
    """Promised, frozen and revealed in this order: nothing is found, and a second reveal changes nothing."""
    secret = seals.reveal(season)
    chain = (season / seals.CHAIN_FILE).read_bytes()
    assert seals.reveal(season) == secret
    assert (season / seals.CHAIN_FILE).read_bytes() == chain
    assert [link.kind for link in seals.read_seal(season)] == ["commitment", "entry", "entry", "reveal"]
    assert list(seals.faults(season, draw_sealed(secret, tmp_path / "suite"))) == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_changed_line_is_found(season, number):
    """Whatever is changed in a line that others follow, the next line has another hash."""
    seals.reveal(season)

    def change(lines):
        link = json.loads(lines[number]) | {"date": "2001-01-01T00:00:00Z"}
        return [*lines[:number], json.dumps(link).encode(), *lines[number + 1 :]]

    edit(season, change)
    with pytest.raises(DocumentError, match=rf"line {number + 2}: must hold the hash of the line before"):
        seals.read_seal(season)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:1] + lines[2:],
        lambda lines: [lines[0], lines[2], lines[1], lines[3]],
        lambda lines: lines[1:],
        lambda lines: [*lines, lines[1]],
        lambda lines: [lines[0], b'{"kind":"entry"}', *lines[1:]],
        lambda lines: [lines[0], b"no JSON", *lines[1:]],
    ],
    ids=["dropped", "swapped", "without commitment", "after the reveal", "not whole", "garbled"],
)
def test_dropped_and_added_lines_are_found(season, change):
    """Each is refused in one line that names the chain."""
    seals.reveal(season)
    edit(season, change)
    with pytest.raises(DocumentError, match=r"chain\.jsonl"):
        seals.read_seal(season)


def test_another_secret_is_refused(season):
    """Only the secret that was committed to can be revealed, or verified."""
    secret = (season / seals.SECRET_FILE).read_bytes()
    (season / seals.SECRET_FILE).write_bytes(new_secret("season", [SMALL], 2, [], 1).document())
    with pytest.raises(DocumentError, match="the secret that the seal commits to"):
        seals.reveal(season)
    assert not (season / seals.REVEALED_FILE).exists()
    (season / seals.SECRET_FILE).write_bytes(secret)
    seals.reveal(season)
    (season / seals.REVEALED_FILE).write_bytes(new_secret("season", [SMALL], 2, [], 1).document())
    with pytest.raises(DocumentError, match="the secret that the seal commits to"):
        list(seals.faults(season))


def test_nothing_is_frozen_after_the_reveal(season):
    """An entry that could know the instances has no place; nor has a second one of the same name."""
    with pytest.raises(InputError, match="must have a name of its own"):
        seals.freeze(season, [describe("cloud-only")], [])
    seals.reveal(season)
    with pytest.raises(InputError, match="must not be revealed yet"):
        seals.freeze(season, [describe("lru")], [])


@pytest.mark.parametrize(
    ("specs", "authors", "rule"),
    [
        (["lru", "cloud-only"], [], "must have a name of its own"),
        (["lru", "lru"], [], "must have a name of its own"),
        (["lru"], [""], "must be a name"),
        (["lru", "lfu"], ["A\nB"], "must be one line"),
    ],
)
def test_all_entries_are_frozen_or_none(season, specs, authors, rule):
    """One that is refused, or an author that no page can show, leaves the chain as it was."""
    before = (season / seals.CHAIN_FILE).read_bytes()
    with pytest.raises(InputError, match=rule):
        seals.freeze(season, list(map(describe, specs)), authors)
    assert (season / seals.CHAIN_FILE).read_bytes() == before


def test_entries_that_are_frozen_at_once_are_all_kept(season):
    """Each follows from the one before, whoever comes first."""
    entrant = describe("lru")
    many = [[replace(entrant, label=f"lru-{k}")] for k in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: seals.freeze(season, one, []), many))
    assert len(seals.read_seal(season)) == 3 + 16


def test_a_changed_entry_is_found(tmp_path):
    """An entry is its source: another content under the same name is not what was frozen."""
    folder, path = tmp_path / "season", tmp_path / "mine.py"
    seals.open_seal(folder, new_secret("season", [SMALL], 1, [], 1))
    path.write_text(OTHER)
    frozen = describe(f"{path}:Mine")
    seals.freeze(folder, [frozen], [])
    links = seals.read_seal(folder)
    assert list(seals.changed_entries(links, [frozen])) == []
    path.write_text(OTHER + "# tuned\n")
    assert list(seals.changed_entries(links, [describe(f"{path}:Mine")])) == ["mine.py:Mine"]


def test_another_instance_is_found(season, tmp_path):
    """A suite that is not drawn from the secret is named instance by instance."""
    suite = draw_sealed(seals.reveal(season), tmp_path / "suite")
    name, other = suite.entries
    suite.path(name).write_bytes(suite.path(other).read_bytes())
    assert list(seals.faults(season, suite)) == [f"{name} is not what the secret draws"]


def test_a_folder_has_one_seal(season):
    """A second seal in the same folder is refused, and the first one stays."""
    before = (season / seals.SECRET_FILE).read_bytes()
    with pytest.raises(InputError, match="must not hold a seal yet"):
        seals.open_seal(season, new_secret("other", [SMALL], 1, [], 1))
    assert (season / seals.SECRET_FILE).read_bytes() == before
