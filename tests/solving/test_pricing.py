"""Pricing within a run: counts, limits, and the best so far as the incumbent."""

from dataclasses import replace

import numpy as np
import pytest

from mincache import (
    Decisions,
    EvaluationsSpentError,
    InputError,
    Run,
    Solution,
    Solver,
    evaluate,
    evaluate_batch,
    serve,
    serve_batch,
)
from mincache.generation.suites import find_instance
from mincache.problem.instance import Rules

WHOLE = find_instance("smoke-v1.l0.n10.t0")
FRAMES = replace(WHOLE, rules=Rules(frame_slots=4))
LOADING = replace(WHOLE, rules=Rules(loading_s_per_gb=0.1))
CLOUD = Solution.nothing_cached(WHOLE)
T, M = WHOLE.slot_count, WHOLE.model_count


def caches(count, slots=T):
    """Caches of at most two models, the same in all slots."""
    rng = np.random.default_rng(0)
    chosen = np.zeros((count, 1, M), bool)
    for one in chosen:
        one[0, rng.choice(M, 2, replace=False)] = True
    return np.repeat(chosen, slots, axis=1)


def run(instance=WHOLE, evaluations=None):
    """A run and the incumbents that it reports."""
    reported = []
    made = Run.seeded(0, instance=instance, evaluations=evaluations)
    made.reporter = lambda seconds, solution, bound: reported.append(solution)
    return made, reported


def test_scores_are_the_evaluators():
    """One, many, solutions, caches and parts score as the evaluator scores them, and each counts."""
    made, _ = run()
    some = caches(3)
    assert made.evaluate(CLOUD).slot_cost == evaluate(WHOLE, CLOUD).slot_cost
    assert made.evaluate(some[0]) == evaluate(WHOLE, serve(WHOLE, some[0]))
    expected = evaluate_batch(WHOLE, serve_batch(WHOLE, some))
    assert made.evaluate_batch(some).cost == pytest.approx(expected.cost, rel=0)
    solutions = [serve(WHOLE, one) for one in some]
    assert made.evaluate_batch(solutions).cost == pytest.approx(expected.cost, rel=1e-15)
    assert made.evaluations == 8.0
    slot = made.evaluate_batch(some[:, 3:4], first_slot=3)
    assert slot.slot_cost[:, 0] == pytest.approx(expected.slot_cost[:, 3], rel=1e-15)
    assert made.evaluations == pytest.approx(8.0 + 3 / T)


def test_the_best_feasible_candidate_is_the_incumbent():
    """What is reported falls in cost, and is one of the candidates; an infeasible one never is."""
    made, reported = run()
    everything = np.ones((T, M), bool)
    assert not made.evaluate(everything).feasible
    assert reported == []
    costs = [made.evaluate(one).cost for one in caches(6)]
    feasible = [evaluate(WHOLE, one).cost for one in reported]
    assert feasible == [cost for k, cost in enumerate(costs) if cost < min([np.inf, *costs[:k]])]
    assert evaluate(WHOLE, made.pricer.best).cost == min(costs)


@pytest.mark.parametrize(("instance", "length"), [(WHOLE, 1), (FRAMES, 4)], ids=["paper", "frames"])
def test_parts_make_up_an_incumbent(instance, length):
    """Each slot (or frame) has the best of its candidates; one without any caches nothing."""
    made, reported = run(instance)
    some, nothing = caches(5, T), evaluate(instance, Solution.nothing_cached(instance))
    scores = evaluate_batch(instance, serve_batch(instance, some))
    expected = np.array(nothing.slot_cost)
    for first in range(0, T - length, length):
        made.evaluate_batch(some[:, first : first + length], first_slot=first)
        slots = slice(first, first + length)
        best = scores.slot_cost[:, slots].sum(axis=1).argmin()
        expected[slots] = scores.slot_cost[best, slots]
    found = evaluate(instance, reported[-1])
    assert found.feasible
    assert found.slot_cost == pytest.approx(expected, rel=1e-12)


def test_past_the_limit_the_first_that_fit_still_count():
    """Of six candidates where four may be priced, four are; then nothing more, and the run should stop."""
    made, reported = run(evaluations=4)
    some = caches(6)
    with pytest.raises(EvaluationsSpentError, match="the run's 4 evaluations are spent"):
        made.evaluate_batch(some)
    assert made.evaluations == 4.0
    costs = evaluate_batch(WHOLE, serve_batch(WHOLE, some)).cost
    assert evaluate(WHOLE, reported[-1]).cost == costs[:4].min()
    assert made.should_stop()
    for price in (made.evaluate, made.pricer.one):
        with pytest.raises(EvaluationsSpentError):
            price(some[0])
    assert made.evaluations == 4.0


def test_exactly_the_limit_may_be_priced():
    """The last allowed evaluation is no fault."""
    made, _ = run(evaluations=3)
    assert len(made.evaluate_batch(caches(3)).cost) == 3
    assert made.should_stop()


def test_a_solver_need_not_catch_the_end_of_its_evaluations():
    """Its answer then is the best that it priced, also where nobody told the run its instance."""

    class Endless(Solver):
        def solve(self, instance, run):
            while True:
                run.evaluate_batch(caches(3))

    answer = Endless().solve(WHOLE, Run.seeded(0, evaluations=2))
    costs = evaluate_batch(WHOLE, serve_batch(WHOLE, caches(3))).cost
    assert evaluate(WHOLE, answer).cost == costs[:2].min()


def test_without_a_feasible_candidate_the_end_is_an_error():
    """There is no answer to give."""

    class Infeasible(Solver):
        def solve(self, instance, run):
            while True:
                run.evaluate(np.ones((T, M)))

    with pytest.raises(EvaluationsSpentError):
        Infeasible().solve(WHOLE, Run.seeded(0, evaluations=2))


@pytest.mark.parametrize(
    ("candidates", "first_slot", "message"),
    [
        (None, None, "must be Decisions, solutions, or an array of caches; received None"),
        ("cache", None, "must be Decisions, solutions"),
        (CLOUD, None, "for one solution call run.evaluate"),
        ([CLOUD, 1], None, "leave out what is no solution"),
        ([[1], [1, 2]], None, "must be an array of numbers"),
        (np.ones((2, T - 1, M)), None, r"must have the shape \[10\]\[10\]"),
        (np.ones((2, 1, M)), T, "first_slot: must be a slot from 0 to 9; received 10"),
        (np.ones((2, 1, M)), -1, "first_slot: must be a slot from 0 to 9; received -1"),
        (np.ones((2, 1, M)), 1.5, "first_slot: must be a slot"),
        (CLOUD.decisions._replace(cache=np.ones((2, T, M))), None, "must have shapes"),
        (Decisions(1.0, 2.0, 3.0), None, "must have shapes"),
        (Decisions(*(one[:3] for one in CLOUD.decisions)), None, "must be of all 10 slots"),
    ],
)
def test_what_is_no_batch_is_refused(candidates, first_slot, message):
    """The refusal is one line, and nothing is counted."""
    made, _ = run()
    with pytest.raises(InputError, match=message):
        made.evaluate_batch(candidates, first_slot)
    assert made.evaluations == 0.0


def test_parts_keep_frames_and_loading():
    """A part begins and ends with a frame; where loading links all slots there are no parts."""
    with pytest.raises(InputError, match="must begin whole frames of 4 slots; received 4 slots from slot 2"):
        run(FRAMES)[0].evaluate_batch(np.zeros((1, 4, M)), first_slot=2)
    with pytest.raises(InputError, match="must be of all slots, since loading links them"):
        run(LOADING)[0].evaluate_batch(np.zeros((1, 4, M)), first_slot=0)
    made, _ = run(LOADING)
    assert made.evaluate(caches(1)[0]).feasible


def test_a_run_without_an_instance_says_what_to_do():
    """Only a run made by hand has none."""
    with pytest.raises(InputError, match="try Run"):
        Run.seeded(0).evaluate(CLOUD)
