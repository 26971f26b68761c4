"""What isolation stops: a run tries each escape, and tells which of them worked."""

from __future__ import annotations

import ctypes
import json
import os
import socket
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from bench_fixture import job_of, on_linux, tiny_tasks

from mincache.bench.limits import Limits
from mincache.bench.supervisor import Supervisor
from mincache.bench.view import of_description

pytestmark = on_linux

SEGMENT_BYTES = 123_457 * 4096
PROBE = Path(__file__).parents[1] / "faults" / "escapes.py"
INSTANCES = Path(find_spec("mincache.instances").origin).parent
SHARED = Path("/dev/shm/mincache-escape")
SECRET = "MINCACHE_TEST_SECRET"


@dataclass(frozen=True)
class Escape:
    """One line of the table in docs/bench.md.

    Attributes:
        name: of the method in tests/faults/escapes.py.
        landlock: whether Landlock stops it too.
        open: whether it works where nothing isolates.
    """

    name: str
    landlock: bool = True
    open: bool = True


ESCAPES = [
    Escape("read_solution"),
    Escape("read_board"),
    Escape("read_records"),
    Escape("read_home"),
    Escape("read_cache"),
    Escape("write_records"),
    Escape("write_beside_solver"),
    Escape("leave_file"),
    Escape("leave_shared_memory", landlock=False),
    Escape("leave_system_v_memory"),
    Escape("see_processes", landlock=False),
    Escape("read_environment_of_parent"),
    Escape("signal_parent"),
    Escape("connect"),
    Escape("connect_by_path", landlock=False),
    Escape("connect_abstract"),
    Escape("see_sizes", landlock=False),
    Escape("find_rivals_word", open=False),
    Escape("see_secret_variable", open=False),
    Escape("read_past_masks"),
]


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """What there is to find outside a run: files, a listening socket by address, path and name."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "records.jsonl").write_text("{}\n")
    (folder / "home").mkdir()
    (folder / "home/secret").write_text("secret")
    (folder / "cache").write_text("drawn")
    board = folder / "board/solutions.jsonl.xz"
    board.parent.mkdir()
    board.write_text("{}")
    listening = []
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_UNIX, str(folder / "socket")),
        (socket.AF_UNIX, f"\0mincache-{os.getpid()}"),
    ):
        one = socket.socket(family)
        one.bind(address)
        one.listen()
        listening.append(one)
    port = listening[0].getsockname()[1]
    yield {
        "folder": str(folder),
        "port": port,
        "name": f"mincache-{os.getpid()}",
        "instances": str(INSTANCES),
    }
    for one in listening:
        one.close()


def told(outcome) -> dict[str, object]:
    """Return what a probe printed."""
    text = outcome.output.decode()
    assert "TOLD" in text, (outcome.stopped_by, outcome.note, text)
    return json.loads(text.split("TOLD")[1].split("\n")[0])


def probe(task, outside, **limits) -> dict[str, object]:
    """Return what a run that tries all escapes tells, after a rival has answered."""
    place = json.dumps(outside).replace('"', "'")
    solver = f'{PROBE}:Escapes[outside="{place}"]'
    with Supervisor(pin=False) as keeper:
        rival = keeper.run(job_of(task, solver=f"{PROBE}:Rival", contents=()), Limits(**limits), task.read())
        outcome = keeper.run(job_of(task, solver=solver, contents=()), Limits(**limits), task.read())
    found = told(outcome) | {"level": outcome.isolation}
    assert rival.payload
    assert found["find_own_word"] is True
    # In a view these may be written to, as long as nothing of it lasts.
    found["write_beside_solver"] = PROBE.with_suffix(".pyc").exists()
    found["leave_shared_memory"] = SHARED.exists()
    found["leave_system_v_memory"] = bool(segments())
    for one in (SHARED, PROBE.with_suffix(".pyc")):
        one.unlink(missing_ok=True)
    for one in segments():
        ctypes.CDLL(None).shmctl(one, 0, None)
    return found


def segments() -> list[int]:
    """Return the ids of the System V segments that a probe has left."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return [int(line.split()[1]) for line in lines if int(line.split()[3]) == SEGMENT_BYTES]


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """A task of `cloud-only`."""
    return tiny_tasks(tmp_path_factory.mktemp("suite"))[0]


@pytest.fixture(scope="module")
def found(task, outside):
    """What worked, by what was asked of isolation."""
    os.environ[SECRET] = "secret"
    return {wish: probe(task, outside, isolate=wish) for wish in ("auto", "landlock", "off")}


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda escape: escape.name)
def test_namespaces_stop(found, escape):
    """With namespaces the escape fails."""
    if found["auto"]["level"] != "namespaces":
        pytest.skip("this machine forbids namespaces")
    assert found["auto"][escape.name] is False


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda escape: escape.name)
def test_landlock_stops_a_part(found, escape):
    """With Landlock the escape fails, unless the table says that it works."""
    if not found["landlock"]["level"].startswith("landlock"):
        pytest.skip("this kernel has no Landlock")
    assert found["landlock"][escape.name] is (not escape.landlock)


@pytest.mark.parametrize("escape", [one for one in ESCAPES if one.open], ids=lambda escape: escape.name)
def test_escape_is_real(found, escape):
    """Without isolation the escape works: what stops it is isolation."""
    if escape.name == "write_beside_solver" and not os.access(PROBE.parent, os.W_OK):
        pytest.skip("this user could not")
    assert found["off"]["level"] == "off"
    assert found["off"][escape.name] is True


def test_what_is_allowed_is_seen(task, outside):
    """`network`, a folder and a variable that are allowed can be used, and nothing else more."""
    limits = {"allow": ("network", outside["folder"]), "environment": (SECRET,)}
    seen = probe(task, outside, isolate="auto", **limits)
    if seen["level"] != "namespaces":
        pytest.skip("this machine forbids namespaces")
    for name in ("connect", "read_records", "read_home", "connect_by_path", "see_secret_variable"):
        assert seen[name] is True, name
    for name in ("read_solution", "write_records", "see_processes", "signal_parent"):
        assert seen[name] is False, name


def test_solutions_that_entries_share_are_hidden(tmp_path):
    """Of a board's suite, a solver that is described may see policies, but no solutions."""
    entry = tmp_path / "suite" / "entry"
    (entry / "policies").mkdir(parents=True)
    for path in (
        tmp_path / "suite/shared.jsonl.xz",
        entry / "records.jsonl.gz",
        entry / "solutions.jsonl.xz",
    ):
        path.touch()
    hidden = of_description(str(tmp_path), (), 1 << 20).hidden
    assert str(tmp_path / "suite/shared.jsonl.xz") in hidden
    assert {str(entry / name) for name in ("records.jsonl.gz", "solutions.jsonl.xz")} <= set(hidden)
    assert not {str(entry), str(entry / "policies")} & set(hidden)
