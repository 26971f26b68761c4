"""Online runs in the bench: what a run is given, when, and what it cannot take back."""

import json
from dataclasses import replace

import numpy as np
import pytest
from bench_fixture import on_linux

import mincache
from mincache.bench import worker
from mincache.bench.limits import Limits
from mincache.bench.revealing import Revealer, begun
from mincache.bench.supervisor import Supervisor
from mincache.errors import InputError
from mincache.files.documents import instance_bytes, parse_solution
from mincache.judging import messages
from mincache.judging.judge import judge
from mincache.judging.records import Cell
from mincache.solving import registry

SMOKE = mincache.load("smoke-v1.l0.n10.t0")
CHEATS = '''
import gc
from dataclasses import dataclass
import numpy as np
from mincache import Instance, OnlinePolicy, OnlineSolver, Solution
from mincache.files import pipes
from mincache.judging import messages


class Peek(OnlinePolicy):
    """Cache model 1 if any instance in memory has more than the slots shown."""

    def place(self):
        traces = [one.trace for one in gc.get_objects() if isinstance(one, Instance)]
        found = any(t.requested_model.any() and len(t.requested_model) > 1 for t in traces)
        return np.eye(self.site.model_count)[1] * found


@dataclass(frozen=True)
class Peeker(OnlineSolver):
    def begin(self, site, run):
        return Peek(site)


class Greed(OnlinePolicy):
    """Ask for all slots at once, and for one more."""

    def place(self):
        for _ in range(self.site.slot_count + 1):
            pipes.write(3, messages.PLACED, bytes(self.site.model_count))
            pipes.read(3)
        return self.cached


@dataclass(frozen=True)
class Greedy(OnlineSolver):
    def begin(self, site, run):
        return Greed(site)


class Early(OnlinePolicy):
    """Ask for the first slot before a cache is placed."""

    def place(self):
        pipes.write(3, messages.PLACED, b"")
        pipes.read(3)
        return self.cached


@dataclass(frozen=True)
class Earlier(OnlineSolver):
    def begin(self, site, run):
        return Early(site)


class Nothing(OnlinePolicy):
    """Cache nothing."""

    def place(self):
        return self.cached


@dataclass(frozen=True)
class Hindsight(OnlineSolver):
    """Change the caches when all has been seen."""

    def __post_init__(self):
        import mincache.bench.revealing as revealing

        play = revealing.play
        revealing.play = lambda policy, *more: self.changed(play(policy, *more))

    def begin(self, site, run):
        return Nothing(site)

    @staticmethod
    def changed(found):
        cache = np.array(found.cache)
        cache[:, 0] = 1
        return Solution(found.instance, cache, found.bandwidth_share, found.step_share)
'''

pytestmark = on_linux


@pytest.fixture(scope="module")
def supervisor():
    """A supervisor of runs."""
    with Supervisor(pin=False) as one:
        yield one


@pytest.fixture(scope="module")
def cheats(tmp_path_factory):
    """The file of the solvers that cheat."""
    path = tmp_path_factory.mktemp("cheats") / "cheats.py"
    path.write_text(CHEATS)
    return path


def run(supervisor, solver, information="past"):
    """The outcome of an online run on the smallest suite's first instance."""
    job = worker.Job(str(solver), (0, "x", 0), 60.0, information=information)
    return supervisor.run(job, Limits(wall_s=60.0), instance_bytes(SMOKE))


def test_a_site_tells_nothing_of_the_trace():
    """The document of a site is the same for every trace, seeds of the origin included."""
    other = replace(SMOKE, trace=mincache.load("smoke-v1.l1.n10.t0").trace, origin={"seed": 5})
    one, two = (Revealer(instance_bytes(i), "past").site().partition(b"\n")[0] for i in (SMOKE, other))
    assert one == two
    assert b"origin" not in one


def test_slots_come_one_by_one_and_no_more():
    """Each cache is answered by the next slot; after the last there is none, and odd caches are refused."""
    revealer = Revealer(instance_bytes(SMOKE), "past")
    for t in range(SMOKE.slot_count):
        number, requested, *_ = json.loads(revealer.show(bytes(10)))
        assert (number, requested) == (t, SMOKE.trace.requested_model[t].tolist())
        with pytest.raises(InputError):
            revealer.show(bytes(9))
    with pytest.raises(InputError, match="one more"):
        revealer.show(bytes(10))


@pytest.mark.parametrize("solver", ["bayes", "online-lru"])
def test_the_bench_answers_as_solve_does(supervisor, solver):
    """A run in the bench returns what `solve` returns, and is verified."""
    outcome = run(supervisor, solver)
    assert parse_solution(outcome.payload) == mincache.solve(SMOKE, solver).solution
    assert judged(outcome).verdict == "verified"
    assert len(bytes.fromhex(outcome.placed)) == SMOKE.slot_count * SMOKE.model_count


def judged(outcome):
    """The record of an outcome."""
    cell = Cell(suite="s", instance=SMOKE.name, instance_sha256="0" * 64, solver="x", solver_name="x",
                solver_source="", repetition=0, wall_s=60.0)  # fmt: skip
    return judge(cell, SMOKE, outcome, "now", {}).record


def test_a_rule_that_the_site_cannot_show_is_told():
    """A quantity of the trace that a solver does not know makes it decline, though the trace is blank."""
    first, second = Revealer(instance_bytes(SMOKE), "past").site().split(b"\n")
    told = json.dumps(json.loads(second) | {"rules": ["trace.new"]}).encode()
    solver = registry.make("online-lru")
    for line, reason in ((second, None), (told, "it does not know the rule trace.new")):
        assert begun(solver, first + b"\n" + line, "past", bytes)[1] == reason


def test_memory_holds_no_trace(supervisor, cheats):
    """A policy that searches its memory for the instance finds none, whatever ran before it."""
    run(supervisor, "lru", "trace")
    outcome = run(supervisor, f"{cheats}:Peeker")
    assert outcome.closing == messages.ANSWER
    assert not parse_solution(outcome.payload).cache.any()


def test_what_was_placed_cannot_be_changed(supervisor, cheats):
    """An answer that caches something else than was committed before the slots were shown is refused."""
    record = judged(run(supervisor, f"{cheats}:Hindsight"))
    assert record.verdict == "malformed"
    assert "another in slot 0" in record.reason


@pytest.mark.parametrize("cheat", ["Greedy", "Earlier"])
def test_asking_for_slots_that_are_not_due_ends_the_run(supervisor, cheats, cheat):
    """A run that asks for more slots than there are, or at `past` for one before its cache, is stopped."""
    assert run(supervisor, f"{cheats}:{cheat}").stopped_by == "protocol"


def test_the_level_slot_is_shown_first(supervisor):
    """At the level `slot` each slot is shown before its cache is placed; the answer brings the last cache."""
    revealer = Revealer(instance_bytes(SMOKE), "slot")
    asked = []

    def ask(placed):
        asked.append(len(placed))
        return revealer.show(placed)

    *_, answering = begun(registry.make("online-lru"), revealer.site(), "slot", ask)
    found = answering(mincache.Run.seeded(0))
    assert asked == [0] + [SMOKE.model_count] * (SMOKE.slot_count - 1)
    assert np.array_equal(
        found.cache[:-1], np.frombuffer(b"".join(revealer.placed), np.uint8).reshape(-1, 10)
    )
