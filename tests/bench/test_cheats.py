"""Cheats get nothing by it, or their record says what they did; docs/cheats.md has a line for each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from bench_fixture import file_entrant

from mincache import Solution, evaluate, load, suite
from mincache.bench.executors import LocalExecutor
from mincache.bench.limits import Limits
from mincache.bench.plan import task

CHEATS = Path(__file__).parents[1] / "faults" / "cheats.py"
NAME = "smoke-v1.l0.n10.t0"
LEFT = "mincache-smuggled"

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs Linux")

THEFTS = {
    "ByName", "ByContent", "ByWalking", "ByCertificate", "FromTheBoard", "FromTheHistory", "ThroughRootLinks",
    "ByDescriptors", "FromParentsMemory", "FromTheCollector", "ByTracing", "ByReference", "SetsTheClock",
    "Smuggles[by=module]", "Smuggles[by=environment]", "Smuggles[by=package]", "Smuggles[by=temporary]",
    "Smuggles[by=beside]", "Smuggles[by=daemon]", "Smuggles[by=thread]",
}  # fmt: skip
"""Stopped: what they answer costs what caching nothing costs."""
REAL = {
    "ByName", "ByContent", "ByWalking", "ByCertificate", "FromTheBoard", "ThroughRootLinks", "ByReference",
    "Smuggles[by=package]", "Smuggles[by=temporary]", "Smuggles[by=beside]", "Smuggles[by=daemon]",
    *(("FromParentsMemory", "ByTracing", "SetsTheClock") if os.geteuid() == 0 else ()),
}  # fmt: skip
"""Those that work where nothing isolates, three of them for root alone."""
MARKED = {
    "PatchesEvaluator": lambda record: record.verdict == "verified",
    "PatchesClock": lambda record: record.solve_s >= 0.2,
    "ExtendsItsBudget": lambda record: (record.stop_reason, record.verdict) == ("wall", "no solution"),
    "WorksInItsConstructor": lambda record: record.answer_s >= 0.2 and record.start_s >= 0.2,
    "WorksInSupports": lambda record: record.answer_s >= 0.2 and record.build_s >= 0.2,
    "AnswersLater": lambda record: record.verdict == "malformed" or record.solve_s >= 0.2,
    "AnswersOfAnotherKind": lambda record: record.verdict == "malformed",
    "ClaimsOptimality": lambda record: record.verdict == "contradicts a bound",
    "ClaimsNothingLess": lambda record: record.bound is None or record.verdict == "malformed",
    "ReportsTooMuch": lambda record: all(
        point.cost is None or point.cost >= nothing() for point in record.trace
    ),
    "TakesALittleMore": lambda record: record.verdict == "infeasible",
    "ChoosesItsSeed": lambda record: record.moved_generators == ("numpy.random",),
}
"""What gives the others away."""


@dataclass(frozen=True)
class Tried:
    """The records of a cheat, a repetition each, by what was asked of isolation."""

    auto: list
    off: list


def nothing() -> float:
    """The cost of caching nothing."""
    instance = load(NAME)
    return evaluate(instance, Solution.nothing_cached(instance)).cost


@pytest.fixture(scope="module")
def records() -> dict[str, Tried]:
    """Every cheat, run on an instance whose optimum ships; smuggling twice, thefts without isolation too."""
    names = [*sorted(THEFTS), *MARKED]
    smoke, kept, planned = suite("smoke-v1"), [], {}
    entry = smoke.entries[NAME]
    for wish, chosen in (("auto", names), ("off", sorted(REAL))):
        limits = Limits(wall_s=1.0, isolate=wish)
        planned |= {
            (name, wish): [
                task("smoke-v1", smoke.path(NAME), NAME, entry.sha256, file_entrant(f"cheats.py:{name}"), n,
                     limits, best_known=entry.best_known)
                for n in range(2 if "Smuggles" in name else 1)
            ]
            for name in chosen
        }  # fmt: skip
        kept.append({})
        tasks = [one for name in chosen for one in planned[name, wish]]
        LocalExecutor(workers=1).run(tasks, lambda one: kept[-1].update({one.record.cell.key: one.record}))
    known = {
        (name, wish): [kept[wish == "off"][one.cell.key] for one in tasks]
        for (name, wish), tasks in planned.items()
    }
    for place in (Path("/tmp"), CHEATS.parent, Path(find_spec("mincache").origin).parent):
        (place / LEFT).unlink(missing_ok=True)
    return {name: Tried(known[name, "auto"], known.get((name, "off"), [])) for name in names}


@pytest.mark.parametrize("cheat", sorted(THEFTS))
def test_a_theft_gets_nothing(records, cheat):
    """Isolated, the answer costs what caching nothing costs, in every repetition."""
    tried = records[cheat].auto
    if tried[0].isolation != "namespaces":
        pytest.skip("this machine forbids namespaces")
    assert [record.verdict for record in tried] == ["verified"] * len(tried), tried[-1].reason
    assert [record.score.cost for record in tried] == [nothing()] * len(tried)


@pytest.mark.parametrize("cheat", sorted(REAL))
def test_a_theft_is_real(records, cheat):
    """Where nothing isolates it works, in the last repetition at least: what stops it is isolation."""
    assert records[cheat].off[-1].score.cost < nothing()


@pytest.mark.parametrize("cheat", list(MARKED))
def test_what_cannot_be_stopped_is_told(records, cheat):
    """The record says it: the verdict, the keeper's clock, or a field; the evaluator alone prices."""
    (record,) = records[cheat].auto
    assert MARKED[cheat](record), record
    assert record.score is None or record.verdict != "verified" or record.score.cost == nothing()


def test_each_cheat_has_its_line():
    """The page names every cheat that is tried."""
    page = (Path(__file__).parents[2] / "docs" / "cheats.md").read_text()
    for cheat in (*THEFTS, *MARKED):
        assert f"`{cheat.partition('[')[0]}" in page, cheat
