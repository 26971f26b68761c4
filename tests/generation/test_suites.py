"""Suites: what is generated verifies, what is touched does not, and the standard ones are as drawn."""

import hashlib
import json
import math
import re
import shutil
import tomllib
from dataclasses import replace

import pytest
import tomli_w

from mincache import Scenario, Solution, read_instance
from mincache.errors import DocumentError, InputError
from mincache.files.documents import instance_bytes
from mincache.generation.recipes import Place, Recipe, places
from mincache.generation.suite_checks import verify, write_best
from mincache.generation.suite_writing import PART, collect, generate, set_references
from mincache.generation.suites import RECIPE_FILE, Suite, find, find_instance, is_suite, standard_names
from mincache.generation.sweeps import read_scenario

SCENARIO = Scenario(slots=2, models=3)
RECIPE = Recipe(library_seed=1, trace_seed=2, libraries=2, users=(2, 3), traces=2)
NAMES = [f"tiny.l{library}.n{users}.t{trace}" for library in (0, 1) for users in (2, 3) for trace in (0, 1)]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A generated suite that no test changes."""
    return generate(tmp_path_factory.mktemp("suites") / "tiny", "tiny", RECIPE, SCENARIO, "for tests")


@pytest.fixture
def suite(original, tmp_path):
    """A copy of the suite, to be changed."""
    shutil.copytree(original.folder, tmp_path / "tiny")
    return Suite(tmp_path / "tiny")


def problems(suite):
    """Return what verifying finds, by instance."""
    return {name: problem for name, problem in verify(Suite(suite.folder)) if problem}


def edit(suite, change):
    """Change the table in a suite's file."""
    table = suite.content.model_dump(mode="json", exclude_none=True)
    change(table)
    (suite.folder / RECIPE_FILE).write_text(tomli_w.dumps(table))


def test_generated_suite_is_the_recipe(original):
    """A suite holds every library, number of users and trace, under names that say which, and verifies."""
    assert list(original.entries) == NAMES
    assert sorted(path.name for path in original.folder.iterdir()) == sorted(
        [f"{name}.json" for name in NAMES] + [RECIPE_FILE]
    )
    assert [name for name, problem in verify(original) if problem is None] == NAMES
    for name, instance in zip(NAMES, original, strict=True):
        entry = original.entries[name]
        assert (instance.name, instance.user_count) == (name, entry.users)
        assert read_instance(original.path(name)) == instance
        assert dict(instance.origin)["library"] == entry.library


def test_traces_of_a_library_share_it(original):
    """Instances of one library have equal models whatever their N, and no two instances a trace."""
    instances = list(original)
    assert all(i.models == instances[0].models for i in instances[:4])
    assert instances[4].models != instances[0].models
    assert len({i.trace.input_bits.tobytes() for i in instances}) == len(instances)


def test_same_recipe_same_bytes(original, tmp_path):
    """Generating again gives the same files, byte for byte, and reading the suite's file the same recipe."""
    again = generate(
        tmp_path / "again", "tiny", original.content.recipe, original.content.scenario, "for tests"
    )
    for path in original.folder.iterdir():
        assert (again.folder / path.name).read_bytes() == path.read_bytes()


def test_more_of_a_recipe_extends_it(original):
    """With more libraries, users and traces, the instances that were there stay as they are."""
    larger = Recipe(library_seed=1, trace_seed=2, libraries=3, users=(5, 2, 3), traces=3)
    hashes = {
        place.name: hashlib.sha256(place.document()).hexdigest() for place in places("tiny", larger, SCENARIO)
    }
    assert len(hashes) == 27
    assert all(hashes[name] == original.entries[name].sha256 for name in NAMES)


def test_flipped_byte_is_found(suite):
    """A file that differs by one byte is named, and not read."""
    path = suite.path(NAMES[3])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert problems(suite) == {NAMES[3]: "the file's SHA-256 is not the one listed"}
    with pytest.raises(DocumentError, match="sha256: must be") as caught:
        suite.read(NAMES[3])
    assert str(caught.value).isprintable()


def test_equal_content_in_other_bytes_is_found(suite):
    """A file of the same content, but not the canonical bytes, is not the one listed."""
    path = suite.path(NAMES[0])
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    assert list(problems(suite)) == [NAMES[0]]


def test_changed_file_with_its_hash_is_found(suite):
    """A file changed together with its hash in the list is not what the recipe draws."""
    source, target = suite.entries[NAMES[0]], suite.entries[NAMES[1]]
    shutil.copy(suite.path(source.name), suite.path(target.name))
    edit(suite, lambda table: table["instance"][1].update(sha256=source.sha256))
    assert problems(suite) == {NAMES[1]: "the file is not what the recipe draws"}


def test_missing_file_is_found(suite):
    """A file that is gone is named."""
    suite.path(NAMES[2]).unlink()
    found = problems(suite)
    assert list(found) == [NAMES[2]]
    assert "must exist" in found[NAMES[2]]
    with pytest.raises(DocumentError, match="must exist"):
        suite.read(NAMES[2])


@pytest.mark.parametrize(
    ("added", "name"),
    [("extra.json", "extra"), ("tiny.l0.n2.t0.json.gz", "tiny.l0.n2.t0.json.gz"), ("a.jsonx", "a.jsonx")],
)
def test_added_file_is_found(suite, added, name):
    """A document that nobody lists is named."""
    shutil.copy(suite.path(NAMES[0]), suite.folder / added)
    assert problems(suite) == {name: "in the folder, but not listed"}


def test_unlisted_and_undrawn_instances_are_found(suite):
    """Dropping an instance from the list, or listing one more, is told apart."""
    edit(suite, lambda table: table["instance"][0].update(name="other"))
    found = problems(suite)
    assert found["tiny.l0.n2.t0"] == "drawn by the recipe, but not listed"
    assert found["other"] == "listed, but the recipe does not draw it"


def test_wrong_library_in_the_list_is_found(suite):
    """An instance listed under another library, N or trace is told."""
    for key in ("library", "users", "trace"):
        value = suite.content.model_dump()["instance"][0][key] + 1
        edit(suite, lambda table, key=key, value=value: table["instance"][0].update({key: value}))
        assert "listed with another" in problems(suite)[NAMES[0]]


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table["recipe"].update(trace_seed=3),
        lambda table: table["recipe"].update(library_seed=3),
        lambda table: table["scenario"].update(steps=999.0),
    ],
)
def test_another_recipe_is_found(suite, change):
    """A recipe that draws other numbers differs from every file."""
    edit(suite, change)
    assert len(problems(suite)) == len(NAMES)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda table: table.pop("name"), "name: must be present"),
        (lambda table: table.update(name="A/../b"), "name: use lower-case letters"),
        (lambda table: table.update(comment=1), "comment: must be a known field"),
        (lambda table: table["recipe"].update(users=[]), "recipe.users: "),
        (
            lambda table: table["recipe"].update(users=[0]),
            "recipe.users.0: must be >= 1",
        ),
        (
            lambda table: table["recipe"].update(users=[-3, 2]),
            "recipe.users.0: must be >= 1",
        ),
        (lambda table: table["recipe"].update(users=[2, 2]), "each number of users must appear once"),
        (lambda table: table["recipe"].update(users=["2"]), "recipe.users.0: must be a whole number"),
        (lambda table: table["recipe"].update(users=2), "recipe.users: must be a list"),
        (lambda table: table["recipe"].update(libraries=10**9), "must be at most 10000"),
        (lambda table: table["recipe"].update(traces=True), "recipe.traces: must be a whole number"),
        (lambda table: table["recipe"].update(trace_seed=-1), "recipe.trace_seed: must be >= 0"),
        (lambda table: table["recipe"].update(tracess=1), "did you mean 'traces'?"),
        (lambda table: table["scenario"].update(storage=1), "did you mean 'storage_gb'?"),
        (
            lambda table: table["scenario"].update(slots=0),
            "scenario.slots: must be >= 1",
        ),
        (
            lambda table: table["instance"][1].update(name="../../etc/passwd"),
            "instance.1.name: use lower-case letters",
        ),
        (lambda table: table["instance"][1].update(sha256="x"), "instance.1.sha256: must match"),
        (
            lambda table: table["instance"][1].update(name=NAMES[0]),
            "each name of an instance must appear once",
        ),
        (
            lambda table: table["instance"][1].update(best_known=float("nan")),
            "instance.1.best_known: must be",
        ),
        (lambda table: table.update(instance="none"), "instance: must be a list"),
    ],
    ids=range(20),
)
def test_malformed_suite_file_is_refused(suite, change, line):
    """A suite's file that breaks a rule is refused in one line."""
    edit(suite, change)
    with pytest.raises(DocumentError) as caught:
        Suite(suite.folder)
    assert line in str(caught.value)
    assert str(caught.value).isprintable()
    assert RECIPE_FILE in str(caught.value)


def test_other_generator_version_is_refused(suite):
    """Files of another generator cannot be drawn again, and verifying says so."""
    edit(suite, lambda table: table["recipe"].update(generator="0"))
    with pytest.raises(
        InputError, match=r"recipe\.generator: must be .* the version installed; received '0'"
    ):
        problems(suite)


def test_huge_recipe_is_refused_before_it_is_drawn():
    """A recipe whose users make a trace of millions of requests is refused, not tried."""
    huge = RECIPE.model_copy(update={"users": (10**9,)})
    with pytest.raises(InputError, match="must be <= 1000000"):
        next(places("huge", huge, SCENARIO))


def test_unknown_instance_is_refused(original):
    """An instance that is not listed is refused with the nearest name."""
    with pytest.raises(InputError, match=r"must be one of tiny's; .*did you mean 'tiny\.l0\.n2\.t1'"):
        original.read("tiny.l0.n2.t11")


@pytest.mark.parametrize("name", ["Tiny", "a/b", "", "..", "x" * 120])
def test_names_that_instances_cannot_have_are_refused(tmp_path, name):
    """A suite's name must make names of instances, and nothing is written if it does not."""
    with pytest.raises(InputError):
        generate(tmp_path / "x", name, RECIPE, SCENARIO)
    assert list((tmp_path / "x").glob("*")) == []


def test_folders_that_cannot_take_a_suite_are_refused(suite, tmp_path):
    """A folder with a suite, a file, and an impossible name are refused; nothing is overwritten."""
    before = (suite.folder / RECIPE_FILE).read_bytes()
    with pytest.raises(InputError, match="must not hold a suite yet"):
        generate(suite.folder, "other", RECIPE, SCENARIO)
    assert (suite.folder / RECIPE_FILE).read_bytes() == before
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "x", tmp_path / ("x" * 300), "a\0b"):
        with pytest.raises(InputError, match="must be a folder to write to") as caught:
            generate(folder, "other", RECIPE, SCENARIO)
        assert str(caught.value).isprintable()


def test_drawing_goes_on_after_an_interruption(tmp_path, monkeypatch):
    """What was drawn before an interruption is not drawn again, and the suite is the same as in one go."""

    def interrupted(places):
        yield places[0]
        yield places[1]
        raise KeyboardInterrupt

    folder, drawn = tmp_path / "new" / "tiny", []
    with pytest.raises(KeyboardInterrupt):
        generate(folder, "tiny", RECIPE, SCENARIO, each=interrupted)
    assert [path.name for path in folder.iterdir()] == [PART]
    with pytest.raises(InputError, match="must not hold the beginning of another suite"):
        generate(folder, "other", RECIPE, SCENARIO)
    document = Place.document
    monkeypatch.setattr(Place, "document", lambda place: drawn.append(place.name) or document(place))
    again = generate(folder, "tiny", RECIPE, SCENARIO)
    assert drawn == NAMES[2:]
    assert list(again.entries) == NAMES
    assert problems(again) == {}
    assert not (folder / PART).exists()


def test_what_an_interruption_left_is_looked_at(tmp_path):
    """Only whole instances of the right names are kept, moved ones too; other files stay and are refused."""

    def interrupted(places):
        yield from places[:3]
        raise KeyboardInterrupt

    folder = tmp_path / "tiny"
    with pytest.raises(KeyboardInterrupt):
        generate(folder, "tiny", RECIPE, SCENARIO, each=interrupted)
    first, second, third = (folder / PART / f"{name}.json" for name in NAMES[:3])
    second.write_bytes(first.read_bytes())
    third.write_bytes(third.read_bytes()[:100])
    first.replace(folder / first.name)
    (folder / "mine.json").write_text("{}")
    with pytest.raises(InputError, match=r"must hold no JSON files; received mine\.json"):
        generate(folder, "tiny", RECIPE, SCENARIO)
    (folder / "mine.json").rename(tmp_path / "mine.json")
    assert problems(generate(folder, "tiny", RECIPE, SCENARIO)) == {}


def test_a_failure_to_write_loses_no_drawn_instance(tmp_path):
    """If a file cannot be written, those before it stay for the next call."""
    obstacle = tmp_path / "tiny" / PART / f"{NAMES[2]}.json"
    obstacle.mkdir(parents=True)
    with pytest.raises(InputError, match="must be writable"):
        generate(tmp_path / "tiny", "tiny", RECIPE, SCENARIO)
    assert sorted(path.stem for path in obstacle.parent.glob("*.json")) == NAMES[:3]
    obstacle.rmdir()
    assert problems(generate(tmp_path / "tiny", "tiny", RECIPE, SCENARIO)) == {}


def test_a_name_leaves_room_for_those_of_the_instances(tmp_path):
    """A suite's name that makes instances' names too long is refused before anything is drawn."""
    with pytest.raises(InputError, match="name: must be at most 111 long for instances to be named"):
        generate(tmp_path / "x", "a" * 112, RECIPE, SCENARIO)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("made", [True, False])
def test_what_cannot_be_drawn_leaves_nothing(tmp_path, made):
    """A failure in the middle leaves the folder as it was."""

    def failing(places):
        yield places[0]
        raise InputError("trace", "must be drawn", "nothing")

    if made:
        (tmp_path / "x").mkdir()
    with pytest.raises(InputError):
        generate(tmp_path / "x", "tiny", RECIPE, SCENARIO, each=failing)
    assert list(tmp_path.rglob("*")) == ([tmp_path / "x"] if made else [])


def test_given_instances_are_a_suite(original, tmp_path):
    """Instances from elsewhere keep their names and bytes, are numbered by library, and verify."""
    one = original.read(NAMES[0])
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps(json.loads(instance_bytes(replace(one, name="mine")))))
    given = collect(tmp_path / "given", "given", [odd, *map(original.path, NAMES[3:5])], "from elsewhere")
    entries = given.entries.values()
    assert [(e.name, e.library, e.users, e.trace) for e in entries] == [
        ("mine", 0, 2, 0), (NAMES[3], 0, 3, 0), (NAMES[4], 1, 2, 0),
    ]  # fmt: skip
    assert given.read("mine").trace == one.trace
    assert given.path(NAMES[3]).read_bytes() == original.path(NAMES[3]).read_bytes()
    assert problems(given) == {}
    with pytest.raises(InputError, match="must have a name of its own"):
        collect(tmp_path / "twice", "twice", [odd, odd])
    with pytest.raises(InputError, match="must be drawn from one scenario"):
        given.source  # noqa: B018  # looking it up is the test


def test_what_is_wrong_with_given_instances_is_found(original, tmp_path):
    """A changed file, another name, and a best known cost that the solution has not are told."""
    given = collect(tmp_path / "given", "given", map(original.path, NAMES[:3]))
    write_best(given, NAMES[0], Solution.nothing_cached(given.read(NAMES[0])))
    set_references(given, {NAMES[0]: (1.0, None)})
    other = given.path(NAMES[0]).read_bytes()
    given.path(NAMES[1]).write_bytes(other)
    edit(
        Suite(given.folder),
        lambda table: table["instance"][1].update(sha256=hashlib.sha256(other).hexdigest()),
    )
    given.path(NAMES[2]).write_bytes(other)
    found = problems(given)
    assert "the suite lists 1.0 as best known, the solution costs" in found[NAMES[0]]
    assert f"name: must be '{NAMES[1]}', as listed" in found[NAMES[1]]
    assert found[NAMES[2]] == "the file's SHA-256 is not the one listed"


def test_references_are_kept_beside_the_hashes(suite):
    """Reference values are written to the list, survive reading, and change no file."""
    updated = set_references(suite, {NAMES[0]: (30.5, 30.25)})
    assert (updated.entries[NAMES[0]].best_known, updated.entries[NAMES[0]].lower_bound) == (30.5, 30.25)
    assert updated.entries[NAMES[1]] == suite.entries[NAMES[1]]
    assert problems(updated) == {}
    assert updated.content.references == ""
    both = set_references(suite, {NAMES[2]: (30.5, None)})  # as a process that began earlier would
    assert both.entries[NAMES[0]] == updated.entries[NAMES[0]]
    assert set_references(suite, {}, "by hand").content.references == "by hand"
    assert set_references(suite, {NAMES[1]: (30.5, None)}).entries[NAMES[1]].lower_bound is None
    with pytest.raises(InputError, match="best_known"):
        set_references(suite, {NAMES[0]: (-1.0, None)})
    with pytest.raises(InputError, match="lower_bound"):
        set_references(suite, {NAMES[0]: (30.5, -math.inf)})
    assert problems(suite) == {}


def test_find_takes_names_and_folders(original):
    """A suite is found by its standard name or its folder."""
    assert find(str(original.folder)).name == "tiny"
    assert find("smoke-v1").name == "smoke-v1"
    assert is_suite("smoke-v1")
    assert is_suite(str(original.folder))


@pytest.mark.parametrize("name", ["smoke-v9", "", "/", "a\0b", "x" * 5000, "\ud800", "../smoke-v1", "a\nb"])
def test_find_refuses_anything_else(name, tmp_path, monkeypatch):
    """What is neither is refused in one line that lists the standard suites."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / RECIPE_FILE).touch()  # this folder is a suite's, and has no empty name
    assert not is_suite(name)
    with pytest.raises(InputError, match=", ".join(standard_names())) as caught:
        find(name)
    assert str(caught.value).isprintable()


def test_find_instance(original):
    """An instance is found by its file, or by its standard name."""
    assert find_instance(str(original.path(NAMES[0]))).name == NAMES[0]
    assert find_instance("smoke-v1.l0.n10.t0").name == "smoke-v1.l0.n10.t0"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nothing.json", "file: must exist"),
        ("paper-v1.l0.n10.t9", "did you mean 'paper-v1.l0.n10.t"),
        ("paper-v1", "must be one of paper-v1's"),
        ("paper-v1.", "must be one of paper-v1's"),
        ("other.l0", "must be a file, or the name of a standard instance"),
        ("", "must be a file"),
        ("a\0b", "must be a file"),
        ("x" * 5000, "must be a file"),
        ("x" * 5000 + ".json", "file: must be readable"),
        ("\ud800", "must be a file"),
        (".", "file: must be"),
    ],
    ids=range(11),
)
def test_find_instance_refuses_anything_else(name, line):
    """What is neither is refused in one line."""
    with pytest.raises(InputError) as caught:
        find_instance(name)
    assert line in str(caught.value)
    assert str(caught.value).isprintable()


# The standard suites


@pytest.mark.parametrize("name", ["paper-v1", "smoke-v1"])
def test_standard_suite_is_what_its_recipe_draws(name):
    """Every file of a standard suite is drawn again from its recipe, byte for byte."""
    assert name in standard_names()
    assert [(instance, problem) for instance, problem in verify(find(name)) if problem] == []


def test_standard_suites_are_of_the_sizes_they_should_be():
    """paper-v1 is 3 libraries x 5 numbers of users x 4 traces at T = 50; smoke-v1 is 4 at T = 10."""
    paper, smoke = find("paper-v1"), find("smoke-v1")
    assert len(paper.entries) == 60
    assert sorted({entry.users for entry in paper.entries.values()}) == [10, 12, 14, 16, 18]
    assert len({entry.library for entry in paper.entries.values()}) == 3
    assert {(i.slot_count, i.model_count) for i in paper} == {(50, 10)}
    assert len(smoke.entries) == 4
    assert {(i.slot_count, i.user_count) for i in smoke} == {(10, 10), (10, 18)}


def test_smoke_suite_uses_libraries_of_the_paper_suite():
    """Policies trained on a library of paper-v1 know those of smoke-v1."""
    of_paper = [instance.models for instance in find("paper-v1")]
    assert all(instance.models in of_paper for instance in find("smoke-v1"))


def test_standard_suites_differ_from_table_i_in_no_distribution():
    """The standard scenario is the paper's, but for the number of slots."""
    for name in ("paper-v1", "smoke-v1"):
        scenario = find(name).content.scenario
        assert scenario.model_copy(update={"slots": 50, "users": 10}) == Scenario()


def _log_suite(folder, traces=2):
    """Write a log and draw a suite from it, in a folder beside the log."""
    rows = [f"{20 * slot + user},u{user},m{(slot * user) % 5}" for slot in range(12) for user in range(1, 4)]
    (folder / "log.csv").write_text("time,user,item\n" + "\n".join(rows) + "\n")
    (folder / "log.toml").write_text(
        'slots = 4\nusers = 3\nmodels = 5\n[requests]\nprocess = "log"\nfile = "log.csv"\n'
    )
    scenario = read_scenario(folder / "log.toml").scenario
    recipe = Recipe(library_seed=1, trace_seed=1, libraries=1, users=(3,), traces=traces)
    return generate(folder / "drawn", "drawn", recipe, scenario)


def test_a_suite_from_a_log_records_the_log(tmp_path):
    """The suite names the log from its own folder, with its SHA-256; each instance's origin holds it too."""
    suite = _log_suite(tmp_path)
    digest = hashlib.sha256((tmp_path / "log.csv").read_bytes()).hexdigest()
    written = tomllib.loads((suite.folder / "suite.toml").read_text())["scenario"]["requests"]
    assert (written["file"], written["sha256"]) == ("../log.csv", digest)
    for instance in suite:
        told = {"process": "log", "version": "1", "sha256": digest}
        assert instance.origin["processes"] == {"requests": told}
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("log.csv", "drawn"):
        (tmp_path / name).rename(moved / name)
    assert all(problem is None for _, problem in verify(find(str(moved / "drawn"))))


@pytest.mark.parametrize("change", ["missing", "changed"])
def test_a_suite_without_its_log_is_still_read(change, tmp_path):
    """Instances are whole without the log; drawing them again says in a line what is wrong with it."""
    suite = _log_suite(tmp_path)
    log = tmp_path / "log.csv"
    log.unlink() if change == "missing" else log.write_text("time,user,item\n1,a,b\n")
    again = find(str(suite.folder))
    assert len(list(again)) == 2
    with pytest.raises(InputError, match=re.escape(str(log))):
        list(verify(again))


def test_a_log_holds_only_so_many_traces(tmp_path):
    """A recipe that asks for more traces than the log has slots for is refused before anything is drawn."""
    with pytest.raises(InputError, match="traces: must be at most 3"):
        _log_suite(tmp_path, traces=4)
    assert not (tmp_path / "drawn").exists()
