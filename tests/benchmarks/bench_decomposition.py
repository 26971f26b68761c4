"""The exact method: against SCIP, in a fresh process, over N and T, at 10,000 users, and its certificates.

What a whole run measures is written to docs/figures/exact_method.json, from which the documentation's table
and chart are made. Every time is the least of several, and processor time, so that what else the machine does
hardly shows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mincache import Instance, Run, evaluate
from mincache.certificate import certify, check
from mincache.exact import improvements, load_compiled
from mincache.files.documents import instance_bytes
from mincache.generation.scenario import Scenario
from mincache.generation.suites import find_instance
from mincache.judging.machine import machine
from mincache.solving import registry
from mincache.solving.contract import Budget

FILE = Path(__file__).parents[2] / "docs" / "figures" / "exact_method.json"
LIBRARIES = range(3)
PARTS = {"scip 10", "scip 18", "start plain", "start compiled", "large", "unequal", "over N", "over T",
         "certificate 10", "certificate 18"}  # fmt: skip

Figures = dict[str, Any]


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    """What is measured, by part; kept for the documentation if nothing was left out."""
    about = machine()
    kept = {name: about[name] for name in ("cpu", "cores", "system", "versions", "commit")}
    measured: Figures = {"date": datetime.now(UTC).date().isoformat(), "machine": kept, "load": [_load()]}
    yield measured
    if measured.keys() >= PARTS:
        measured["load"].append(_load())
        FILE.write_text(json.dumps(measured, indent=1) + "\n")


def _load() -> float:
    """Return how many processes wanted a core in the last minute, on average."""
    return round(os.getloadavg()[0], 1)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Have the loops compiled before anything is measured."""
    load_compiled()


def drawn(users: int, models: int, slots: int = 1, seed: int = 0) -> Instance:
    """Draw an instance whose storage and steps grow with its models and users."""
    scenario = Scenario(slots=slots, users=users, models=models, storage_gb=2.0 * models, steps=100.0 * users)
    return scenario.instance("drawn", scenario.library(seed), scenario.trace(seed))


def gap_after(instance: Instance, seconds: float = float("inf")) -> float:
    """Return the relative gap after solving with compiled loops for so long."""
    *_, answer = improvements(instance, compiled=True, remaining=Budget(seconds).remaining)
    return 1.0 - answer.bound / evaluate(instance, answer.solution).cost


def cpu_s(work: Callable[[], object], rounds: int = 1) -> float:
    """Return the least processor seconds of a call."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.mark.parametrize(("users", "wanted"), [(10, 3_000), (18, 10_000)])
def test_against_scip(benchmark, figures, users, wanted):
    """Whole instances of paper-v1 against SCIP on the tight exact form, which stops at a gap of 1e-4."""
    exact, scip = registry.make("decomposition[compiled=true]"), registry.make("scip[gap=1e-4]")
    instances = [find_instance(f"paper-v1.l{library}.n{users}.t0") for library in LIBRARIES]
    rows = []
    for instance in instances:
        fast = cpu_s(lambda instance=instance: exact.solve(instance, Run.seeded(0)), rounds=200)
        slow = cpu_s(lambda instance=instance: scip.solve(instance, Run.seeded(0)), rounds=3)
        best, other = (evaluate(instance, one.solve(instance, Run.seeded(0))).cost for one in (exact, scip))
        gap = gap_after(instance)
        rows.append({"instance": instance.name, "decomposition_s": fast, "gap": gap, "scip_s": slow,
                     "ratio": slow / fast, "scip_above": other / best - 1})  # fmt: skip
        print(f"\n{instance.name}: {fast * 1e3:.3f} ms, SCIP {slow:.2f} s, {slow / fast:,.0f} times as long")
    benchmark.pedantic(exact.solve, (instances[0], Run.seeded(0)), rounds=50)
    benchmark.extra_info |= {"rows": rows, "wanted": wanted}
    figures[f"scip {users}"] = rows
    assert float(np.median([row["ratio"] for row in rows])) > 1_000


FRESH = """
import time
started = time.process_time()
from mincache import Run, read_instance
from mincache.solving import registry
imported = time.process_time()
solver = registry.make({spec!r})
made = time.process_time()
instance = read_instance({path!r})
read = time.process_time()
solver.solve(instance, Run.seeded(0))
print(imported - started, made - imported, time.process_time() - read)
"""


@pytest.mark.parametrize(
    ("part", "spec"), [("plain", "decomposition"), ("compiled", "decomposition[compiled=true]")]
)
def test_start_up_in_a_fresh_process(benchmark, figures, tmp_path, part, spec):
    """What a new process spends on making the solver and on its first instance, numba's cache being full."""
    path = tmp_path / "instance.json"
    path.write_bytes(instance_bytes(find_instance("paper-v1.l0.n18.t0")))
    program = FRESH.format(spec=spec, path=str(path))

    def fresh() -> list[float]:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        return [float(word) for word in done.stdout.split()]

    fresh()
    benchmark.pedantic(fresh, rounds=3)
    imported, made, first = map(float, np.min([fresh() for _ in range(9)], axis=0))
    found = {"import_s": imported, "make_s": made, "first_solve_s": first}
    benchmark.extra_info |= found
    figures[f"start {part}"] = found
    print(f"\n{spec}: import {imported:.3f} s, make {made:.3f} s, first solve {first:.4f} s")
    assert spec != "decomposition" or made + first < 0.5


def test_ten_thousand_users(benchmark, figures):
    """A slot of 10,000 users and 1,000 models ends with a gap under 1e-6 in under a second."""
    instances = [drawn(10_000, 1_000, seed=seed) for seed in range(3)]
    gap = max(map(gap_after, instances))
    each = max(cpu_s(lambda instance=instance: gap_after(instance), rounds=5) for instance in instances)
    benchmark.pedantic(gap_after, (instances[0],), rounds=3)
    print(f"\nN=10,000, M=1,000: gap {gap:.1e}, {each * 1e3:.1f} ms a slot")
    figures["large"] = {"gap": gap, "seconds": each}
    benchmark.extra_info |= figures["large"]
    assert gap < 1e-6
    assert each < 1.0


def test_sizes_that_hardly_differ(benchmark, figures):
    """The hard case, 1,000 models whose sizes differ by a few per cent, is proven within a second."""
    even = drawn(10_000, 1_000)
    sizes = np.random.default_rng(0).uniform(1.95, 2.05, 1_000).round(4)
    room = replace(even.server, storage_gb=700.0)
    instance = replace(even, models=replace(even.models, size_gb=sizes), server=room)
    gap = benchmark.pedantic(gap_after, (instance, 60.0), rounds=1)
    each = cpu_s(lambda: gap_after(instance, 60.0), rounds=3)
    print(f"\nN=10,000, M=1,000, sizes from 1.95 to 2.05 GB: gap {gap:.1e} after {each:.2f} s")
    figures["unequal"] = {"gap": gap, "seconds": each}
    assert 0.0 <= gap < 1e-9


@pytest.mark.parametrize("over", ["N", "T"])
def test_time_over_size(benchmark, figures, over):
    """Time grows about linearly with the users of a slot (100 models), and with the slots (10 users)."""
    if over == "N":
        cases = {users: drawn(users, 100) for users in (300, 1_000, 3_000, 10_000, 30_000, 100_000)}
    else:
        cases = {slots: drawn(10, 10, slots=slots) for slots in (15, 50, 150, 500, 1_500, 5_000)}
    taken = {size: cpu_s(lambda case=case: gap_after(case), rounds=15) for size, case in cases.items()}
    benchmark.pedantic(gap_after, (cases[max(cases)],), rounds=3)
    sizes = list(cases)[-4:]  # for the small ones what every call costs shows
    power = float(np.polyfit(np.log(sizes), np.log([taken[size] for size in sizes]), 1)[0])
    figures[f"over {over}"] = {"power": power, "seconds": {str(size): s for size, s in taken.items()}}
    benchmark.extra_info |= figures[f"over {over}"]
    table = ", ".join(f"{size:,}: {s * 1e3:.2f} ms" for size, s in taken.items())
    print(f"\nover {over}: {table}; grows with the power {power:.2f}")
    assert power < 1.2


@pytest.mark.parametrize("users", [10, 18])
def test_certificates(benchmark, figures, users):
    """A certificate of a paper-v1 instance is checked in under ten seconds."""
    rows = []
    for library in LIBRARIES:
        data = instance_bytes(find_instance(f"paper-v1.l{library}.n{users}.t0"))
        written = cpu_s(lambda data=data: certify(data), rounds=3)
        certificate = certify(data)
        checked = cpu_s(lambda data=data, proof=certificate: check(data, proof), rounds=3)
        assert check(data, certificate).accepted
        rows.append({"write_s": written, "bytes": len(certificate), "check_s": checked})
        print(
            f"\nN={users}: written in {written:.2f} s, {len(certificate):,} bytes, checked in {checked:.2f} s"
        )
    benchmark.pedantic(check, (data, certificate), rounds=1)
    figures[f"certificate {users}"] = rows
    benchmark.extra_info["rows"] = rows
    assert max(row["check_s"] for row in rows) < 10.0
