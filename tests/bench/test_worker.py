"""The worker's messages: what it packs is unpacked, and what anybody else writes is refused."""

from __future__ import annotations

import contextlib
import json
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mincache import Solution
from mincache.bench import worker
from mincache.errors import InputError
from mincache.files import pipes
from mincache.generation.scenario import Scenario
from mincache.judging import messages
from mincache.judging.outcome import Outcome
from mincache.problem.solution import Decisions
from mincache.solving.contents import Content

SCENARIO = Scenario(slots=2, users=3, models=4)
INSTANCE = SCENARIO.instance("tiny", SCENARIO.library(0), SCENARIO.trace(0))
CONTENT = Content("a.py", "/b/a.py", "0" * 64, "1 2")
SHARES = arrays(float, (2, 3), elements=st.floats(0, 1))


@given(arrays(int, (2, 4), elements=st.integers(0, 1)), SHARES, SHARES)
def test_packed_incumbent_is_unpacked(cache, bandwidth_share, step_share):
    """An incumbent comes back to the last bit."""
    solution = Solution.of(INSTANCE, Decisions(cache, bandwidth_share, step_share))
    assert messages.unpack(messages.pack(solution.decisions), INSTANCE) == solution


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_a_solution(data):
    """Bytes of anyone's making are an InputError or a Solution, nothing else."""
    with contextlib.suppress(InputError):
        assert isinstance(messages.unpack(data, INSTANCE), Solution)


@pytest.mark.parametrize(
    "data", [b"", b"1234567", struct.pack("<d", float("inf")), struct.pack("<d", float("nan"))]
)
def test_bounds_are_finite_numbers(data):
    """A bound that is no finite number is refused."""
    with pytest.raises(InputError):
        messages.unpack_bound(data)
    assert messages.unpack_bound(struct.pack("<d", -1.5)) == -1.5


@pytest.mark.parametrize(
    ("claimed", "seen", "counted"),
    [(1.0, 1.001, 1.0), (0.0, 5.0, 4.998), (-0.05, 0.001, 0.0), (7.0, 5.0, 5.0), (float("nan"), 2.0, 2.0)],
)
def test_time_is_the_keepers(claimed, seen, counted):
    """The child's own measure of its time counts where it is below the keeper's by 2 ms at most."""
    facts = json.dumps({"seconds": claimed, "moved": ["random"], "late": {"a.py": "0"}}).encode()
    assert messages.unpack_facts(facts, seen) == (counted, ["random"], {"a.py": "0"}, 0.0, ())


@pytest.mark.parametrize(
    "data",
    [
        b"", b"x", b"[]", b"{}", b'{"seconds": [], "moved": [], "late": {}}',
        b'{"seconds": 1, "moved": [], "late": {}, "evaluations": 1%b}' % (b"0" * 400),
        b'{"seconds": 1%b, "moved": [], "late": {}}' % (b"0" * 5000),
    ],
)  # fmt: skip
def test_facts_of_any_form_are_taken(data):
    """What a run says of itself in another form leaves the keeper's time, and nothing more."""
    assert messages.unpack_facts(data, 3.0) == (3.0, None, {}, 0.0, ())


def test_names_in_facts_can_be_recorded():
    """Whatever a run says, its record can be written, and is no longer than a path for each name."""
    told = {"seconds": 1.0, "moved": ["\udcff", "x" * 10**6], "late": {"\ud800": ["\udcff"]}, "pickled": [1]}
    facts = messages.unpack_facts(json.dumps(told).encode(), 1.0)._asdict()
    found = Outcome.parse(Outcome(**facts).dump())
    assert (found.late_modules, found.pickled_modules) == ({"\\ud800": "['\\udcff']"}, ("1",))
    assert list(map(len, found.moved_generators)) == [len("\\udcff"), 4096]


def test_job_is_the_same_after_the_pipe():
    """A job that was dumped is parsed to itself."""
    job = worker.Job(
        "genetic[population=5]", (1, "suite", "instance", 2), 3.5, contents=(CONTENT,), hash_seed=7
    )
    assert worker.Job.parse(job.dump()) == job


def test_channel_speaks_for_its_owner_alone():
    """A process forked by the solver cannot speak into the channel, and a closed channel is no error."""
    reading, writing = os.pipe()
    channel = worker.Channel(writing)
    pid = os.fork()
    if pid == 0:
        channel.send(messages.DONE)
        os._exit(0)
    os.waitpid(pid, 0)
    channel.say(messages.RAISED, "two\nlines")
    os.close(writing)
    channel.send(messages.DONE)
    assert pipes.read(reading) == (messages.RAISED, b"two lines")
    assert pipes.read(reading) is None
    os.close(reading)
