"""Entrants: what a campaign knows of a solver, whatever way it was written."""

import hashlib
import re
from pathlib import Path

import pytest

from mincache.board.entries import read_entry
from mincache.errors import InputError
from mincache.solving.contents import files_digest
from mincache.solving.entrant import Entrant, absolute, describe, unknown
from mincache.solving.registry import make

CODE = '''
from dataclasses import dataclass
from pathlib import Path
from mincache import Solver, Solution

@dataclass(frozen=True)
class Mine(Solver):
    """One."""
    stochastic = True
    kind = "learned"
    count: int = 3
    rate: float = 0.5
    name: str = "a"
    fast: bool = False
    policy: Path | None = None

    def solve(self, instance, run):
        return Solution.nothing_cached(instance)
'''


@pytest.fixture
def file(tmp_path):
    """A file with a solver of every type of parameter."""
    path = tmp_path / "mine.py"
    path.write_text(CODE)
    return path


def test_described_from_its_class(file):
    """Name, kind, source, parameters and their defaults come from the class."""
    entrant = describe(f"{file}:Mine")
    assert (entrant.name, entrant.label) == ("mine.py:Mine", "mine.py:Mine")
    assert (entrant.stochastic, entrant.kind, entrant.version) == (True, "learned", "")
    assert entrant.source == hashlib.sha256(CODE.encode()).hexdigest()
    assert entrant.parameters == {"count": 3, "rate": 0.5, "name": "a", "fast": False, "policy": None}


@pytest.mark.parametrize("count", ["0", "-3", "1.5", "'2'"])
def test_training_seeds_are_a_count(file, count):
    """A solver that would never be run, or a part of a time, is refused."""
    file.write_text(f"{CODE}\n    def training_seeds(self):\n        return {count}\n")
    with pytest.raises(InputError, match="training_seeds: must be a whole number >= 1"):
        describe(f"{file}:Mine")


@pytest.mark.parametrize(
    "written", ["count=7,rate=.25", " rate = 0.250 , count=7", "count=7,rate=0.25,name=a"]
)
def test_spelling_does_not_matter(file, written):
    """However its parameters are written, a solver is the same entrant."""
    entrant = describe(f"{file}:Mine[{written}]")
    assert entrant == describe(f"{file}:Mine[count=7,rate=0.25]")
    assert entrant.label == "mine.py:Mine[count=7,rate=0.25]"


@pytest.mark.parametrize(
    "written",
    ["name='b, c',fast=true", "name=none,count=-1", 'name=" x"', 'name="it\'s"', "name='a\"b'", "rate=inf"],
)
def test_spec_makes_the_same_solver(file, written):
    """The spec that a child is given makes the solver that was written."""
    entrant = describe(f"{file}:Mine[{written}]")
    again = describe(entrant.spec)
    assert again == entrant
    assert make(entrant.spec).name == make(f"{file}:Mine[{written}]").name


def test_numbers_that_json_lacks_are_told_apart(file):
    """Infinity and nan are different parameters, so that records of one are not taken for the other's."""
    found = [describe(f"{file}:Mine[rate={value}]").parameters["rate"] for value in ("inf", "-inf", "nan")]
    assert found == ["inf", "-inf", "nan"]


def test_files_are_known_by_content(file, monkeypatch):
    """A parameter that is a file goes by name and content, and reaches the child by its whole path."""
    policy = file.parent / "policy.bin"
    policy.write_bytes(b"weights")
    monkeypatch.chdir(file.parent)
    entrant = describe(f"{file}:Mine[policy=policy.bin]")
    assert entrant.parameters["policy"] == f"policy.bin@{hashlib.sha256(b'weights').hexdigest()[:12]}"
    assert str(policy) in entrant.spec
    assert str(file.parent) not in entrant.label


def test_folders_are_known_by_content(file):
    """A parameter that is a folder goes by its last name, and the names and bytes in it at any depth."""
    labels = []
    for number, (name, content) in enumerate([("a", b"1"), ("a", b"1"), ("a", b"2"), ("b", b"1")]):
        folder = file.parent / str(number) / "policies"
        (folder / "deep").mkdir(parents=True)
        (folder / "same").write_bytes(b"same")
        (folder / "deep" / name).write_bytes(content)
        labels.append(describe(f"{file}:Mine[policy={folder}]").parameters["policy"])
    assert all(re.fullmatch("policies@[0-9a-f]{12}", label) for label in labels)
    assert labels[0] == labels[1]
    assert len(set(labels)) == 3


def test_a_linked_folder_is_known_by_what_it_holds(file):
    """What a link in a folder leads to counts as if it lay there, and a circle of links ends."""
    (kept := file.parent / "kept").mkdir()
    (kept / "weights").write_bytes(b"old")
    (folder := file.parent / "policies").mkdir()
    (folder / "link").symlink_to(kept)
    before = describe(f"{file}:Mine[policy={folder}]").label
    (kept / "weights").write_bytes(b"new")
    assert describe(f"{file}:Mine[policy={folder}]").label != before
    (folder / "itself").symlink_to(folder)
    assert describe(f"{file}:Mine[policy={folder}]").label != before


def test_installed_solver_has_a_version():
    """An installed solver carries the version of its distribution."""
    entrant = describe("cloud-only")
    assert entrant.version
    assert entrant.libraries["numpy"]
    assert Entrant.parse(entrant.dump()) == entrant


def test_unknown_solver_is_refused():
    """A solver that is not there is refused, with what is near."""
    with pytest.raises(InputError, match="did you mean 'cloud-only'"):
        describe("cloud-onli")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("class A(Solver): pass", "A"),
        ("class Base(Solver): pass\nclass A(Base): pass", "A"),
        ("class P(OnlinePolicy):\n x = 1\nclass A(OnlineSolver):\n def begin(self): pass", "A"),
        ("class _H(Solver):\n def solve(self): pass\nclass A(Solver):\n def solve(self): pass", "A"),
        ("x = 1", "a.py has no class of that kind"),
        ("class A: pass", "a.py has no class of that kind"),
        ("class A(Solver):\n def solve(self): 1\nclass B(Solver):\n def solve(self): 1", "a.py has A and B"),
        ("class A(", "must be a Python file that can be read"),
        ("\0", "must be a Python file that can be read"),
    ],
)
def test_a_file_alone_stands_for_the_one_solver_in_it(tmp_path, text, found):
    """Its text is read and never run; where there are several or none, a line says which."""
    path = tmp_path / "a.py"
    path.write_text(f"raise SystemExit(1)\n{text}")
    if len(found) == 1:
        assert absolute(f"{path}[n=1]") == f"{path}:A[n=1]"
        return
    with pytest.raises(InputError, match=found):
        absolute(str(path))


def test_absolute_touches_paths_alone(monkeypatch, tmp_path):
    """The path of a solver's file is made absolute; names and parameters stay."""
    monkeypatch.chdir(tmp_path)
    assert absolute("genetic[population=50]") == "genetic[population=50]"
    assert absolute("a/b.py:C[x=d/e.py]") == f"{tmp_path}/a/b.py:C[x=d/e.py]"


@pytest.mark.parametrize("use", [make, absolute, describe])
def test_links_in_circles_are_no_file(tmp_path, use):
    """A path whose links go in circles is refused as one that does not exist."""
    (tmp_path / "mine.py").symlink_to("mine.py")
    with pytest.raises(InputError, match=r"must name an existing file|can be read"):
        use(f"{tmp_path}/mine.py" + ":Mine" * (use is not absolute))


def test_undescribed_file_is_known_by_its_source(file):
    """A solver whose import does not end is still known by name and source."""
    entrant = unknown(f"{file}:Mine[count=7]", "it left")
    assert (entrant.name, entrant.label) == ("mine.py:Mine", "mine.py:Mine[count=7]")
    assert entrant.source == hashlib.sha256(Path(file).read_bytes()).hexdigest()


WITH_FILES = (
    CODE
    + """
    def data_files(self):
        return sorted(Path(__file__).parent.glob("*.weights"))
"""
)


def test_files_beside_the_parameters_are_known_by_content(tmp_path):
    """A solver that reads files of its own is another entrant with other files; their folder is no matter."""
    found = []
    for number, content in enumerate((None, b"old", b"new", b"new")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "mine.py").write_text(WITH_FILES)
        if content is not None:
            (folder / "a.weights").write_bytes(content)
        found.append(describe(f"{folder}/mine.py:Mine").files)
    assert found[0] == ""
    assert len(set(found)) == 3
    assert found[2] == found[3]


def published_rows():
    """Yield the folder of each published row of a learner whose policies are at hand."""
    for manifest in sorted((Path(__file__).parents[2] / "leaderboard").glob("*/*/manifest.toml")):
        text, stored = manifest.read_text(), (manifest.parent / "policies").is_dir()
        if 'kind = "learned"' in text and (stored or "policy=" not in text):
            yield manifest.parent


@pytest.mark.parametrize("row", list(published_rows()), ids=lambda row: f"{row.parent.name}/{row.name}")
def test_a_published_row_is_described_as_it_was_run(row, tmp_path, monkeypatch):
    """In a checkout, label, parameters and the hash of the policies are those that its records hold.

    A folder that was named stands in the row as `policies`; under its own name it is what it was. Policies
    that shipped then stand there too, since others may ship now.
    """
    cell = next(read_entry(row).records()).cell
    spec, (name, at, _) = cell.solver, str(cell.parameters.get("policy") or "").partition("@")
    if at:
        monkeypatch.chdir(tmp_path)
        Path(name).symlink_to(row / "policies")
        spec = spec.replace(cell.parameters["policy"], name)
    entrant = describe(spec)
    kept = sorted((row / "policies").glob("*.safetensors"))
    assert (files_digest(kept) if kept else entrant.files) == cell.solver_files
    assert entrant.label == cell.solver
    assert entrant.parameters == cell.parameters


def test_policies_to_choose_among_are_part_of_what_ddpg_is(monkeypatch):
    """They count, of a folder too, or the one that is named; none does where none could be chosen."""
    assert re.fullmatch("[0-9a-f]{64}", describe("ddpg").files)
    assert describe("ddpg[hidden=7]").files == ""
    monkeypatch.chdir(Path(__file__).parents[2])
    named = describe("ddpg[policy=solvers/policies/ddpg-sets.paper-v1.safetensors]")
    assert named.files not in ("", describe("ddpg").files)
    assert describe("ddpg[policy=leaderboard/paper-v1/ddpg/policies]").files == describe("ddpg").files


def test_what_a_preset_brings_is_not_in_the_label():
    """A variant is a name for many parameters; the shortest label that means them all is told."""
    preset = describe("ddpg[variant=sets]")
    assert preset.label == "ddpg[variant=sets]"
    spelled = describe(
        "ddpg[variant=sets,observation=aggregates,action=score-order,critic=sets,discount=0.0]"
    )
    assert (spelled.label, spelled.parameters) == (preset.label, preset.parameters)
    other = describe("ddpg[variant=sets,discount=0.5]")
    assert describe(other.label).parameters == other.parameters != preset.parameters


ONLINE = """
from dataclasses import dataclass
from mincache import OnlineSolver, Solution, Solver

@dataclass(frozen=True)
class Boasts(Solver):
    information = "past"
    def solve(self, instance, run):
        return Solution.nothing_cached(instance)

@dataclass(frozen=True)
class Holds(OnlineSolver):
    information = "slot"
    def begin(self, site, run):
        raise NotImplementedError

@dataclass(frozen=True)
class Odd(Holds):
    information = "future"
"""


def test_a_level_is_believed_where_the_bench_holds_it(tmp_path):
    """A solver that sees the whole trace is told so, whatever its class says; unknown levels are refused."""
    path = tmp_path / "levels.py"
    path.write_text(ONLINE)
    assert describe(f"{path}:Boasts").information == "trace"
    assert describe(f"{path}:Holds").information == "slot"
    with pytest.raises(InputError, match="information: must be past, slot or trace; received 'future'"):
        describe(f"{path}:Odd")
