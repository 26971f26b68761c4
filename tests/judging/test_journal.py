"""The journal: what was appended is read, whatever happened around it."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench_fixture import on_linux
from hypothesis import given, settings
from hypothesis import strategies as st
from journal_fixture import append, record, verified

from mincache.errors import InputError
from mincache.files.documents import digest
from mincache.judging import journal

TESTS = str(Path(__file__).parents[1])


def test_read_gives_what_was_appended(tmp_path):
    """Records are read as they were appended, and their solutions lie under their hash."""
    records = [record(0), record(1, reason='quotes " and\nlines')]
    append(tmp_path, *records)
    assert journal.read(tmp_path) == records
    name = records[0].solution_sha256
    document = gzip.decompress((tmp_path / f"solutions/{name}.json.gz").read_bytes())
    assert digest(document) == name
    assert len(list((tmp_path / "solutions").iterdir())) == 1


def test_lines_are_json(tmp_path):
    """Every line is a JSON object that holds the record and its hash."""
    append(tmp_path, record(0))
    line = json.loads((tmp_path / "records.jsonl").read_text())
    assert line["record"]["format"] == "mincache-record/1"
    assert len(line["sha256"]) == 64


def test_last_attempt_counts(tmp_path):
    """Of two attempts at a run the later one counts, and both are kept."""
    append(tmp_path, record(0, stop_reason="interrupted", verdict="no solution"), record(1), record(0))
    assert {one.cell.repetition: one.verdict for one in journal.read(tmp_path)} == {
        0: "verified",
        1: "verified",
    }
    assert len(list(journal.attempts(tmp_path))) == 3


LINES = [journal.line_of(record(number)) for number in range(4)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3000)), max_size=6), st.randoms())
@settings(max_examples=60)
def test_torn_lines_are_passed_over_anywhere(tmp_path_factory, torn, random):
    """Pieces of lines between the whole ones change nothing of what is read."""
    folder = tmp_path_factory.mktemp("torn")
    pieces = [LINES[which][: min(cut, len(LINES[which]) - 2)] + b"\n" for which, cut in torn]
    lines = pieces + LINES
    random.shuffle(lines)
    (folder / "records.jsonl").write_bytes(b"".join(lines))
    assert sorted(one.cell.repetition for one in journal.read(folder)) == [0, 1, 2, 3]
    assert journal.read_counting(folder)[1] == sum(piece != b"\n" for piece in pieces)


@given(st.integers(0, len(LINES[0]) - 2), st.integers(1, 255))
@settings(max_examples=60)
def test_a_changed_byte_is_noticed(tmp_path_factory, place, change):
    """A line of which one byte was changed is no record any more."""
    folder = tmp_path_factory.mktemp("changed")
    line = bytearray(LINES[0])
    line[place] ^= change
    (folder / "records.jsonl").write_bytes(line)
    assert journal.read_counting(folder)[0] == []


def test_appending_after_a_torn_end(tmp_path):
    """A record that is appended after a torn line stands on a line of its own."""
    append(tmp_path, record(0))
    with (tmp_path / "records.jsonl").open("ab") as file:
        file.write(LINES[1][:100])
    append(tmp_path, record(2))
    assert [one.cell.repetition for one in journal.read(tmp_path)] == [0, 2]
    assert journal.read_counting(tmp_path)[1] == 1


def test_one_process_at_a_time(tmp_path):
    """A folder that is being written to cannot be opened a second time."""
    with journal.Journal(tmp_path), pytest.raises(InputError, match="in use"):
        journal.Journal(tmp_path)
    journal.Journal(tmp_path).close()


def test_no_journal_is_one_line(tmp_path):
    """A folder without records is told as such; a path that cannot be a folder too."""
    with pytest.raises(InputError, match="records"):
        journal.read(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="must be a folder"):
        journal.Journal(tmp_path / "file")


FULL_DISK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from journal_fixture import record, append
from mincache.judging import journal
folder = Path({folder!r})
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
try:
    for number in range(100):
        append(folder, record(number))
        print(number, flush=True)
except journal.JournalError as error:
    print("full:", error)
"""


def run_python(code: str) -> str:
    """Return what a process prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("room", [4_000, 5_000, 20_000])
def test_full_disk_loses_nothing_acknowledged(tmp_path, room):
    """When there is no more room, one line says so, and all that was acknowledged is there."""
    code = FULL_DISK.format(tests=TESTS, folder=str(tmp_path), room=room)
    *acknowledged, last = run_python(code).splitlines()
    assert last.startswith("full:")
    assert [str(one.cell.repetition) for one in journal.read(tmp_path)] == acknowledged
    append(tmp_path, record(500))
    assert journal.read(tmp_path)[-1].cell.repetition == 500


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from journal_fixture import record, append, verified
from mincache.judging import journal
with journal.Journal(Path({folder!r})) as kept:
    for number in range({start}, 10**9):
        kept.append(record(number), verified().documents)
        print(number, flush=True)
"""


@on_linux
def test_killed_writer_loses_nothing_acknowledged(tmp_path):
    """Whenever the writer is killed, every record that it had acknowledged is read afterwards, once."""
    acknowledged: list[int] = []
    for _ in range(3):
        start = acknowledged[-1] + 1000 if acknowledged else 0
        code = WRITER.format(tests=TESTS, folder=str(tmp_path), start=start)
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
            acknowledged.append(int(writer.stdout.readline()))
            time.sleep(0.05)
            writer.send_signal(signal.SIGKILL)
            acknowledged += map(int, writer.stdout.read().split())
    kept = [one.cell.repetition for one in journal.attempts(tmp_path)]
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept)) <= len(acknowledged) + 3


def test_solution_is_kept_before_its_record(tmp_path):
    """If the solution cannot be kept, there is no record that names it."""
    with journal.Journal(tmp_path) as kept:
        (tmp_path / "solutions").rmdir()
        with pytest.raises(journal.JournalError):
            kept.append(verified().record, verified().documents)
    assert journal.read(tmp_path) == []
