"""pymoo's algorithms as solvers."""

from dataclasses import replace

import numpy as np
import pytest

from mincache import InputError, Run, Solution, evaluate
from mincache.files.documents import solution_bytes
from mincache.generation.suites import find_instance
from mincache.problem.instance import Rules
from mincache.solving import registry
from mincache.views.pymoo_problem import SlotProblem
from mincache.views.vector import VectorView

WHOLE = find_instance("smoke-v1.l0.n10.t0")
SLOT = WHOLE.slot(0)
FRAMES = replace(WHOLE, rules=Rules(frame_slots=4))
CLOUD = evaluate(SLOT, Solution.nothing_cached(SLOT))
ALGORITHMS = ["ga", "de", "pso", "cmaes"]


def global_state():
    """The state of numpy's global generator, as text."""
    return str(np.random.get_state(legacy=False))  # noqa: NPY002  # to see that it stays


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_searches(algorithm):
    """Enough evaluations end below the cloud; a seed gives the same bytes, and no global generator moves."""
    before = global_state()

    def answer(evaluations):
        solver = registry.make(f"pymoo[algorithm={algorithm},population=10,evaluations={evaluations}]")
        return solver.solve(SLOT, Run.seeded(3))

    assert evaluate(SLOT, answer(1500)).cost < CLOUD.cost
    assert solution_bytes(answer(30)) == solution_bytes(answer(30))
    assert global_state() == before


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("evaluations", [1, 75, 120])
def test_no_more_candidates_are_priced_than_may_be(monkeypatch, algorithm, evaluations):
    """The budget is spent to the last evaluation; the best candidate counts if it is below the cloud."""
    priced = []
    price = SlotProblem._evaluate

    def counted(problem, x, out, *args, **kwargs):
        price(problem, x, out, *args, **kwargs)
        priced.extend(out["F"].ravel())

    monkeypatch.setattr(SlotProblem, "_evaluate", counted)
    spec = f"pymoo[algorithm={algorithm},evaluations={evaluations}]"
    answer = registry.make(spec).solve(SLOT, Run.seeded(1))
    assert len(priced) == evaluations
    assert evaluate(SLOT, answer).cost == pytest.approx(min(CLOUD.cost, *priced), rel=1e-6)


@pytest.mark.parametrize("instance", [SLOT, WHOLE, FRAMES], ids=["slot", "paper", "frames"])
def test_every_improvement_is_an_incumbent_and_every_candidate_counts(instance):
    """Incumbents are feasible and their costs fall, to the answer's."""
    reported = []
    run = Run.seeded(1, instance=instance)
    run.reporter = lambda seconds, solution, bound: reported.append(solution)
    answer = registry.make("pymoo[population=10,evaluations=150]").solve(instance, run)
    found = [evaluate(instance, incumbent) for incumbent in reported]
    assert all(one.feasible for one in found)
    costs = [one.cost for one in found]
    assert len(costs) > 1
    assert costs == sorted(set(costs), reverse=True)
    assert costs[-1] == pytest.approx(evaluate(instance, answer).cost, rel=1e-12)
    assert run.evaluations == 150


@pytest.mark.parametrize("instance", [WHOLE, FRAMES], ids=["paper", "frames"])
def test_the_points_behind_the_answer_are_reported(instance):
    """Repairing the raw decisions gives the answer again, to the digits that they are kept with."""
    run = Run.seeded(1)
    answer = registry.make("pymoo[population=10,evaluations=30]").solve(instance, run)
    points = np.concatenate([np.where(run.raw.cache, 0.5, 0.0), *run.raw[1:]], axis=-1)
    again = VectorView().invert(instance, points)
    assert again.bandwidth_share == pytest.approx(answer.bandwidth_share, rel=0.02)
    assert again.step_share == pytest.approx(answer.step_share, rel=0.02)
    assert run.raw.bandwidth_share.sum(axis=1).max() > 1.5


def test_a_time_limit_is_shared_by_the_slots():
    """Where there is no time for all evaluations, the last slot is searched as well as the first."""
    solver, run = registry.make("pymoo[evaluations=100000]"), Run.seeded(1, seconds=2.0)
    assert solver.solve(WHOLE, run).cache.any(axis=1).all()
    assert run.budget.elapsed() > 1.0


def test_slots_that_are_not_reached_go_to_the_cloud():
    """Without time nothing is searched: the answer, and what it was before its repair, cache nothing."""
    run = Run.seeded(1, seconds=0.0)
    answer = registry.make("pymoo").solve(WHOLE, run)
    cloud = Solution.nothing_cached(WHOLE)
    assert solution_bytes(answer) == solution_bytes(cloud)
    assert solution_bytes(Solution.of(WHOLE, run.raw)) == solution_bytes(
        Solution.of(WHOLE, cloud.decisions.compact(3))
    )


def test_the_global_generator_stays_where_a_run_breaks_off():
    """An error on the way, such as a reporter's, leaves numpy's global generator as it was."""

    def fail(seconds, solution, bound):
        raise RuntimeError("no")

    before, run = global_state(), Run.seeded(1)
    run.reporter = fail
    with pytest.raises(RuntimeError, match="no"):
        registry.make("pymoo[algorithm=cmaes]").solve(SLOT, run)
    assert global_state() == before


def test_an_unknown_algorithm_is_refused():
    """The refusal lists the algorithms that there are."""
    with pytest.raises(InputError, match="must be one of ga, de, pso, cmaes"):
        registry.make("pymoo[algorithm=magic]")


@pytest.mark.parametrize(("name", "least"), [("population", 4), ("evaluations", 1)])
def test_too_small_a_number_is_refused(name, least):
    """The refusal names the parameter, the rule and what was received."""
    with pytest.raises(InputError, match=f"pymoo.{name}: must be >= {least}; received {least - 1}"):
        registry.make(f"pymoo[{name}={least - 1}]")
