"""Answering with a policy: in numpy against torch, from the start of a process, and loading apart."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from mincache.generation.suites import find
from mincache.learning import policies
from mincache.learning.inference import answer, load, network_of
from mincache.learning.set_networks import SetActor, actor_of
from mincache.solving import registry

INSTANCE = find("paper-v1").read("paper-v1.l0.n10.t0")
SPECS = ["ddpg", "ddpg[variant=sets]", "set-policy"]
ANSWER = """
import mincache
from mincache.generation.suites import find_instance
from mincache.solving import registry
instance, solver = find_instance("smoke-v1.l0.n10.t0"), registry.make({spec!r})
assert solver.supports(instance) is None
solver.solve(instance, mincache.Run.seeded(0))
"""


def cpu_s(work: Callable[[], object], times: int = 1) -> float:
    """Return the processor seconds of a call: other processes do not count."""
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def process_s(code: str) -> float:
    """Return the seconds of a process that runs `code`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


@pytest.mark.parametrize("spec", SPECS)
def test_from_a_processs_start_to_an_answer(benchmark, spec):
    """A process that answers is there in less than half the time that it would take with torch loaded."""
    code = ANSWER.format(spec=spec)
    taken = [(process_s(code), process_s(f"import torch{code}"), process_s("import mincache, numpy"))
             for _ in range(3)]  # fmt: skip
    numpy_s, torch_s, bare_s = (statistics.median(column) for column in zip(*taken, strict=True))
    benchmark.pedantic(process_s, (code,), rounds=1)
    benchmark.extra_info.update(numpy_s=numpy_s, torch_s=torch_s, bare_s=bare_s)
    print(f"\n{spec}: an answer {numpy_s:.2f} s after the start, with torch loaded {torch_s:.2f} s "
          f"({torch_s / numpy_s:.1f} times as long); importing numpy alone takes {bare_s:.2f} s")  # fmt: skip
    assert numpy_s < 0.5 * torch_s


@pytest.mark.parametrize("spec", SPECS)
def test_numpy_against_torch(benchmark, spec):
    """A network scores a slot twice as fast as in torch; for a batch it never takes half as long again."""
    solver = registry.make(spec)
    policy, view = load(solver.find(INSTANCE), solver.view)
    network = network_of(policy, view, INSTANCE)
    theirs = SetActor(64, 2) if spec == "set-policy" else actor_of(view, INSTANCE, solver.hidden)
    theirs.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in policy.weights.items()})
    torch.set_num_threads(1)
    lines = []
    for instance, title, most in ((INSTANCE.slot(0), "one slot", 0.5), (INSTANCE, "a batch of 50", 1.5)):
        seen = view.apply(instance)
        seen = seen if isinstance(seen, tuple) else (seen,)
        tensors = [torch.from_numpy(one) for one in seen]
        with torch.inference_mode():
            taken = [(cpu_s(lambda s=seen: network(*s), 50), cpu_s(lambda t=tensors: theirs(*t), 50),
                      cpu_s(lambda one=instance: answer(network, view, one), 50))
                     for _ in range(9)]  # fmt: skip
        ours_s, torch_s, whole_s = (
            statistics.median(column) / instance.slot_count for column in zip(*taken, strict=True)
        )
        benchmark.extra_info[title] = (ours_s, torch_s, whole_s)
        lines.append(f"  {title}: network {ours_s * 1e6:.1f} us a slot, torch {torch_s * 1e6:.1f}; "
                     f"the whole answer {whole_s * 1e6:.1f}")  # fmt: skip
        assert ours_s < most * torch_s
    benchmark(lambda: answer(network, view, INSTANCE))
    print(f"\n{spec}:", *lines, sep="\n")


def test_loading_apart(benchmark):
    """A policy is read from its file once; then it is kept."""
    path = registry.make("ddpg").find(INSTANCE)
    first_s = statistics.median(cpu_s(lambda: policies.read_policy(path)) for _ in range(15))
    again_s = statistics.median(cpu_s(lambda: load(path)) for _ in range(15))
    benchmark(lambda: load(path))
    benchmark.extra_info.update(first_s=first_s, again_s=again_s)
    print(f"\npolicy: read in {first_s * 1e3:.2f} ms, then kept, at {again_s * 1e6:.1f} us a call")
    assert again_s < first_s


def test_the_clock_of_solve_leaves_loading_out(benchmark):
    """A record's `solve_s` holds answers alone: the policy is loaded within `build_s`."""
    from mincache.bench.executors import attempt
    from mincache.bench.limits import Limits
    from mincache.bench.plan import plan
    from mincache.bench.supervisor import Supervisor, describe

    with Supervisor(pin=False) as keeper:
        entrant = describe("ddpg", keeper)
        task = next(t for t in plan(find("paper-v1"), [entrant], 1, Limits(wall_s=60.0))
                    if t.cell.instance == INSTANCE.name)  # fmt: skip
        judged = benchmark.pedantic(lambda: attempt(task, task.read(), keeper), rounds=3)
    record = judged.record
    print(f"\nddpg, a run: import {record.import_s:.2f} s, build {record.build_s:.3f} s, "
          f"solve {record.solve_s:.4f} s")  # fmt: skip
    assert record.verdict == "verified"
    assert record.solve_s < record.build_s
