"""The evaluator against cases computed in 60 digits, and against the problem in plain Python."""

import json
import math
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np
import plain
import pytest
from conftest import GOLDEN
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    decisions,
    feasible,
    hostile_shares,
    instances,
    positive_extremes,
    served,
    solved,
)

from mincache import (
    Decisions,
    Instance,
    Run,
    Solution,
    evaluate,
    evaluate_batch,
    read_instance,
    read_solution,
    write_instance,
    write_solution,
)
from mincache.errors import InputError
from mincache.problem import evaluation
from mincache.problem.constraints import CONSTRAINTS
from mincache.problem.evaluation import EVALUATOR_VERSION, SCORES, BatchEvaluation, request_costs
from mincache.problem.instance import ModelLibrary, Radio, Rules, Server, Trace

CASES = sorted((GOLDEN / "score").iterdir())


def same(got, expected):
    """Compare at the precision that the golden cases ask for."""
    return got == pytest.approx(expected, rel=1e-12, abs=0, nan_ok=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case):
    """Scores, feasibility and broken constraints are those of the golden case, to 1e-12 relative."""
    expected = json.loads((case / "expected.json").read_text())
    result = evaluate(read_instance(case / "instance.json"), read_solution(case / "solution.json"))
    assert result.feasible == expected["feasible"]
    assert sorted({violation.constraint for violation in result.violations}) == sorted(expected["broken"])
    for name in ("cost", "hit_ratio", "mean_delay_s", "mean_tv"):
        got = getattr(result, name)
        assert same(got, expected[name]) if expected[name] is not None else not math.isfinite(got)


def test_golden_cases_break_every_constraint():
    """Each constraint has a golden case that breaks it, so that the test above is about all of them."""
    broken = {name for case in CASES for name in json.loads((case / "expected.json").read_text())["broken"]}
    assert broken == set(CONSTRAINTS) - {"frame", "quality"}  # they belong to rules beyond the paper


def check_against_plain(instance, solution):
    """Compare everything that the evaluator says with the problem in plain Python."""
    result, expected = evaluate(instance, solution), plain.score(instance, solution)
    for name in SCORES:
        got = getattr(result, name)
        if math.isfinite(expected[name]):
            assert got == pytest.approx(expected[name], rel=1e-12, abs=1e-300), name
        elif name == "cost":
            assert not math.isfinite(got)
        else:
            assert got == expected[name] or (math.isnan(got) and math.isnan(expected[name])), name
    broken = plain.excesses(instance, solution)
    got = {(v.constraint, v.slot): v.excess for v in result.violations}
    for place in broken.keys() ^ got.keys():
        # Sums in another order may fall on the other side of a limit, but only within rounding of it.
        assert broken.get(place, got.get(place)) == pytest.approx(1e-9, rel=1e-4)
    for place in broken.keys() & got.keys():
        assert got[place] == pytest.approx(broken[place], rel=1e-6, abs=1e-15)


@given(solved())
def test_agrees_with_plain_python(pair):
    """Every score and violation of a random solution is what the formulas give, user by user."""
    check_against_plain(*pair)


@given(solved(shares=hostile_shares.filter(lambda share: share == 0 or not abs(share) < 1e-300)))
def test_agrees_with_plain_python_on_odd_shares(pair):
    """So are those of shares at, beyond and far from every limit."""
    check_against_plain(*pair)


def test_agrees_with_plain_python_under_rules():
    """So are those of an instance with frames, loading times and a floor on steps, kept and broken alike."""
    seen = Counter()

    @settings(max_examples=200)  # of fewer, too few keep a frame with loading and a floor
    @given(served())
    def compare(pair):
        instance, solution = pair
        cache = solution.cache.copy()
        cache[-1, 0] = 1 - cache[-1, 0]  # which breaks a frame that the slot does not begin
        for one in (solution, replace(solution, cache=cache)):
            check_against_plain(instance, one)
            seen.update(rules_at_work(instance, one))

    compare()
    rules = ("loading wait", "floor kept", "floor broken", "frames kept", "frames broken")
    assert {rule: seen[rule] for rule in rules if seen[rule] < 10} == {}


def rules_at_work(instance, solution):
    """Return what rules do to a solution whose every request arrives at a finite cost that counts delay."""
    expected, broken = (
        plain.score(instance, solution),
        {name for name, _ in plain.excesses(instance, solution)},
    )
    if not math.isfinite(expected["cost"]) or not instance.preference_weight:
        return []
    floor = instance.rules.steps_floor > 0 and expected["hit_ratio"] > 0
    frames = instance.rules.frame_slots > 1 and instance.slot_count > 1
    return (
        ["loading wait"] * (expected["mean_loading_s"] > 0)
        + ["floor broken" if "quality" in broken else "floor kept"] * floor
        + ["frames broken" if "frame" in broken else "frames kept"] * frames
    )


@given(st.data())
def test_rules_at_their_defaults_are_the_papers_problem(data):
    """Rules only add: what they add is 0 at their defaults, and each rule can only raise the cost."""
    instance = data.draw(instances(with_rules=True))
    solution = Solution.of(instance, data.draw(decisions(instance)))
    plain_result = evaluate(replace(instance, rules=Rules()), solution)
    result = evaluate(instance, solution)
    paper = [v for v in result.violations if v.constraint not in ("frame", "quality")]
    assert paper == list(plain_result.violations)
    assert not result.cost < plain_result.cost
    if not instance.rules.loading_s_per_gb:
        for name in SCORES:
            np.testing.assert_array_equal(getattr(result, name), getattr(plain_result, name))


def test_loading_by_hand():
    """Two users ask for a model of 3 GB that is cached from the second slot on: they wait 6 s, once."""
    one = np.ones(1)
    instance = Instance(
        "by-hand", 1.0, Server(5.0, 100.0), Radio(1.0, 1.0, 1.0, 1.0, np.ones(2), 1.0, 1.0),
        ModelLibrary(3 * one, one, 0 * one, one, one, one, one, one),
        Trace(np.zeros(3), np.ones((3, 2)), np.zeros((3, 2)), np.ones((3, 2))),
        rules=Rules(loading_s_per_gb=2.0),
    )  # fmt: skip
    cache = np.array([[0], [1], [1]])
    half = np.full((3, 2), 0.5)
    solution = Solution(instance.name, cache, half, half)
    without = evaluate(replace(instance, rules=Rules()), solution)
    result = evaluate(instance, solution)
    assert result.mean_loading_s == pytest.approx(2.0)
    assert np.subtract(result.slot_cost, without.slot_cost) == pytest.approx([0.0, 6.0, 0.0])
    held = evaluate_batch(instance, solution.decisions, cached_before=np.ones((3, 1)))
    assert held.slot_cost.tolist() == list(without.slot_cost)
    with pytest.raises(InputError, match=r"cached_before: must have shape \[3, 1\]"):
        evaluate_batch(instance, solution.decisions, cached_before=np.ones((3, 2)))


@given(st.data())
def test_feasible_solutions_are_feasible(data):
    """A solution that keeps every limit has no violation, a finite cost and parts that sum to it."""
    instance = data.draw(instances())
    result = evaluate(instance, data.draw(feasible(instance)))
    assert result.feasible
    assert result.violations == ()
    parts = result.mean_upload_s + result.mean_download_s + result.mean_backhaul_s + result.mean_generation_s
    assert result.mean_delay_s == pytest.approx(parts, rel=1e-13)
    alpha = instance.preference_weight
    assert result.cost == pytest.approx(alpha * parts + (1 - alpha) * result.mean_tv, rel=1e-13)
    assert result.cost == pytest.approx(np.mean(result.slot_cost), rel=1e-14)
    assert 0 <= result.hit_ratio <= 1


@given(st.data())
def test_slots_are_priced_apart(data):
    """A slot's cost is that of the slot as an instance of its own."""
    instance = data.draw(instances())
    choice = data.draw(decisions(instance))
    whole = evaluate(instance, Solution.of(instance, choice))
    for t in range(instance.slot_count):
        slot = instance.slot(t)
        alone = evaluate(slot, Solution.of(slot, Decisions(*(array[t : t + 1] for array in choice))))
        assert same(whole.slot_cost[t], alone.cost)
        assert {v.constraint for v in whole.violations if v.slot == t} == {
            v.constraint for v in alone.violations
        }


@given(st.data(), st.sampled_from([(), (1,), (0,), (5,), (2, 3), (1, 0), (2, 1, 2)]))
def test_batch_is_exactly_the_single_evaluator(data, batch):
    """Each candidate of a batch of any shape gets bit for bit the scores that it gets alone."""
    instance = data.draw(instances())
    choice = data.draw(decisions(instance, *batch))
    got = evaluate_batch(instance, choice)
    assert got.cost.shape == batch
    assert got.slot_cost.shape == (*batch, instance.slot_count)
    for index in np.ndindex(batch):
        check_batch_entry(instance, got, choice, index)


def check_batch_entry(instance, got: BatchEvaluation, choice, index):
    """Compare one candidate of a batch with its score alone."""
    alone = evaluate(instance, Solution.of(instance, Decisions(*(array[index] for array in choice))))
    for name in (*SCORES, "slot_cost"):
        np.testing.assert_array_equal(getattr(got, name)[index], getattr(alone, name), err_msg=name)
    assert bool(got.feasible[index]) == alone.feasible
    places = np.argwhere(got.broken[index]).tolist()
    violations = [(CONSTRAINTS[c], t, got.excess[(*index, c, t)]) for c, t in places]
    assert violations == [tuple(violation) for violation in alone.violations]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 100])
def test_batch_of_any_length(instance, solution, count, monkeypatch):
    """Batches shorter than, as long as and longer than what is priced at once score each candidate alike."""
    requests = instance.trace.requested_model.size
    monkeypatch.setattr(evaluation, "_CHUNK_ELEMENTS", 3 * requests + 1)
    rng = np.random.default_rng(count)
    shape = (count, instance.slot_count, instance.user_count)
    steps = rng.uniform(0, 2 / instance.user_count, shape)
    cache = np.broadcast_to(solution.cache, (count, *solution.cache.shape))
    choice = Decisions(cache, np.broadcast_to(solution.bandwidth_share, shape), steps)
    got = evaluate_batch(instance, choice)
    for index in {0, count // 2, count - 1}:
        check_batch_entry(instance, got, choice, (index,))
    assert len(set(got.cost.tolist())) == count


@pytest.mark.parametrize("kind", [bool, np.int8, np.int64, float])
def test_batch_takes_any_kind_of_cache(instance, solution, kind):
    """A cache of booleans, integers or floats is the same cache."""
    choice = solution.decisions._replace(cache=solution.cache.astype(kind))
    assert evaluate_batch(instance, choice).cost == evaluate(instance, solution).cost


def test_batch_takes_arrays_in_any_order_of_memory(instance, solution):
    """Arrays stored column by column score alike."""
    choice = Decisions(*(np.asfortranarray(array) for array in solution.decisions))
    assert same(float(evaluate_batch(instance, choice).cost), evaluate(instance, solution).cost)


@pytest.mark.parametrize("field", Decisions._fields)
@pytest.mark.parametrize(
    "bad", [lambda a: a[:-1], lambda a: a[:, :-1], lambda a: a[None], lambda a: a[0], lambda a: 1.0]
)
def test_batch_refuses_shapes_that_do_not_fit(instance, solution, field, bad):
    """An array of another shape is refused by its name, never broadcast."""
    choice = solution.decisions._replace(**{field: bad(getattr(solution.decisions, field))})
    with pytest.raises(InputError, match="must have shape"):
        evaluate_batch(instance, choice)


@pytest.mark.parametrize("field", ["bandwidth_share", "step_share"])
def test_a_share_that_is_no_number_is_infeasible(instance, solution, field):
    """In a batch, whose arrays nobody has checked, nan never passes for a limit that is kept."""
    for t, n in np.ndindex(solution.step_share.shape):
        shares = getattr(solution, field).copy()
        shares[t, n] = np.nan
        got = evaluate_batch(instance, solution.decisions._replace(**{field: shares}))
        assert not got.feasible
        assert got.broken[CONSTRAINTS.index("range")].tolist() == [
            slot == t for slot in range(instance.slot_count)
        ]


def scaled(solution, **factors):
    """Return `solution` with shares of slot 0 set to sum to the given value."""
    changed = {}
    for field, total in factors.items():
        shares = getattr(solution, field).copy()
        shares[0] *= total / shares[0].sum()
        changed[field] = shares
    return replace(solution, **changed)


@pytest.mark.parametrize(("field", "constraint"), [("bandwidth_share", "bandwidth"), ("step_share", "steps")])
@pytest.mark.parametrize(
    ("excess", "kept"), [(-1e-3, True), (0, True), (0.9e-9, True), (1.1e-9, False), (1e-3, False)]
)
def test_limits_on_shares_hold_within_1e_9(instance, solution, field, constraint, excess, kept):
    """Shares may sum to 1 + 1e-9 and no more; the excess is told."""
    result = evaluate(instance, scaled(solution, **{field: 1 + excess}))
    assert result.feasible == kept
    if not kept:
        ((name, slot, told),) = result.violations
        assert (name, slot) == (constraint, 0)
        assert told == pytest.approx(excess, rel=1e-6)
    assert math.isfinite(result.cost)


@pytest.mark.parametrize(
    ("factor", "kept"), [(1 + 1e-3, True), (1, True), (1 - 0.9e-9, True), (1 - 1.1e-9, False), (0.5, False)]
)
def test_storage_holds_within_1e_9_of_its_capacity(instance, solution, factor, kept):
    """Models may fill the storage to its capacity and a 1e-9 fraction of it beyond."""
    cache = np.zeros_like(solution.cache)
    cache[0, :3] = 1
    server = replace(instance.server, storage_gb=float(instance.models.size_gb[:3].sum()) * factor)
    result = evaluate(replace(instance, server=server), replace(solution, cache=cache))
    assert result.feasible == kept
    assert kept or [(v.constraint, v.slot) for v in result.violations] == [("storage", 0)]


@pytest.mark.parametrize("field", ["bandwidth_share", "step_share"])
@pytest.mark.parametrize("share", [-1e-15, -1e-10, np.nextafter(1, 2), 1.5])
def test_shares_lie_in_the_unit_interval_without_tolerance(instance, solution, field, share):
    """A share below 0 or above 1 breaks `range`, by however little, and the distance is told."""
    shares = getattr(solution, field).copy()
    shares[1, 0] = share
    result = evaluate(instance, replace(solution, **{field: shares}))
    assert not result.feasible
    told = {v.constraint: v for v in result.violations}["range"]
    assert told.slot == 1
    assert told.excess == max(-share, share - 1)


@pytest.mark.parametrize("share", [0.0, -0.0, -1e-3])
def test_a_user_without_bandwidth_is_unserved(instance, solution, share):
    """`unserved` counts the users whose request never arrives; with no bandwidth at all the cost is inf."""
    shares = solution.bandwidth_share.copy()
    shares[2, :2] = share
    result = evaluate(instance, replace(solution, bandwidth_share=shares))
    assert not result.feasible
    assert [(v.slot, v.excess) for v in result.violations if v.constraint == "unserved"] == [(2, 2.0)]
    assert result.cost == math.inf or share < 0
    assert math.isfinite(result.mean_tv)


def test_nobody_gains_by_a_vanishing_share(instance, solution):
    """Bandwidth shares near the smallest numbers there are never price below an equal split."""
    equal = np.full_like(solution.bandwidth_share, 1 / instance.user_count)
    fair = evaluate(instance, replace(solution, bandwidth_share=equal)).cost
    for share in (5e-324, 1e-320, 1e-310, 1e-305, 1e-300, 1e-200, 1e-20):
        result = evaluate(instance, replace(solution, bandwidth_share=np.full_like(equal, share)))
        assert result.cost > 10 * fair


def test_steps_of_a_miss_have_no_effect_but_count(instance):
    """Steps given to a request that goes to the cloud change no score, and still fill the limit."""
    answer = Solution.nothing_cached(instance)
    given_steps = replace(answer, step_share=np.full_like(answer.step_share, 1 / instance.user_count))
    one, two = evaluate(instance, answer), evaluate(instance, given_steps)
    for name in SCORES:
        assert same(getattr(one, name), getattr(two, name))
    too_many = replace(answer, step_share=np.full_like(answer.step_share, 2 / instance.user_count))
    assert {v.constraint for v in evaluate(instance, too_many).violations} == {"steps"}


def test_share_of_hits_at_or_below_onset(instance):
    """A hit with exactly A1 steps counts as not improved, one with a hair more does not."""
    everything = replace(
        instance,
        server=replace(instance.server, storage_gb=1e9, steps=1e6),
        models=replace(instance.models, steps_onset=np.full(instance.model_count, 50.0)),
    )
    answer = Solution.nothing_cached(everything)
    shares = np.full_like(answer.step_share, 50.0 / 1e6)
    cached = replace(answer, cache=np.ones_like(answer.cache), step_share=shares)
    assert evaluate(everything, cached).low_step_hit_share == 1.0
    shares[0, 0] = np.nextafter(shares[0, 0], 1)
    shares[0, 1] = 0.0
    assert evaluate(everything, replace(cached, step_share=shares)).low_step_hit_share == 1 - 1 / shares.size
    assert math.isnan(evaluate(everything, answer).low_step_hit_share)


@given(st.data())
def test_order_of_users_does_not_matter(data):
    """Relabelling the users relabels nothing that is scored."""
    instance = data.draw(instances())
    solution = Solution.of(instance, data.draw(decisions(instance)))
    order = data.draw(st.permutations(range(instance.user_count)))
    trace = {
        name: getattr(instance.trace, name)[:, order]
        for name in ("channel_gain", "requested_model", "input_bits")
    }
    twin = replace(
        instance,
        trace=replace(instance.trace, **trace),
        radio=replace(instance.radio, user_power_w=instance.radio.user_power_w[order]),
    )
    moved = replace(
        solution, bandwidth_share=solution.bandwidth_share[:, order], step_share=solution.step_share[:, order]
    )
    one, two = evaluate(instance, solution), evaluate(twin, moved)
    for name in SCORES:
        assert same(getattr(one, name), getattr(two, name))


def test_scores_another_answer_never(instance, solution):
    """A solution of another instance is refused."""
    with pytest.raises(InputError, match=r"^instance: must be 'other'; received 'case-1'"):
        evaluate(replace(instance, name="other"), solution)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda one, _: evaluate(one, one), "solution: must be a Solution; received Instance"),
        (lambda _, other: evaluate(other, other), "instance: must be an Instance; .*try mincache.load"),
        (lambda one, other: evaluate_batch(one, other), "decisions: must be a Decisions; received Solution"),
        (lambda *_: Solution.nothing_cached("x"), "instance: must be an Instance; received 'x'"),
        (lambda one, _: write_solution(one, "x.json"), "solution: must be a Solution; received Instance"),
        (lambda _, other: write_instance(other, "x.json"), "instance: must be an Instance; received Sol"),
        (lambda one, _: write_instance(replace(one, origin={"a": np.nan}), "x"), "origin: must hold JSON"),
        (lambda *_: Run.seeded(-1), "seed: must be a whole number >= 0; received -1"),
    ],
)
def test_another_thing_in_its_place_is_refused(instance, solution, call, told):
    """What is no instance, no solution or no seed is refused in a line that names it."""
    with pytest.raises(InputError, match=f"^{told}"):
        call(instance, solution)


def test_instances_of_one_name_are_told_apart(instance, solution):
    """Two instances that differ in one array alone are priced apart, in either order."""
    slower = replace(instance, trace=replace(instance.trace, input_bits=instance.trace.input_bits * 2))
    costs = [evaluate(i, solution).cost for i in (instance, slower, instance, slower)]
    assert costs[0] == costs[2] < costs[1] == costs[3]


@given(st.data())
def test_no_warning_and_no_error_for_extreme_instances(data):
    """An instance at the edges of float64 is priced in silence, and feasible only with a finite cost."""
    instance = data.draw(instances(positive=positive_extremes))
    choice = data.draw(decisions(instance, shares=hostile_shares))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = evaluate(instance, Solution.of(instance, choice))
        evaluate_batch(instance, Decisions(*(array[None] for array in choice)))
    assert math.isfinite(result.cost) or not result.feasible


def test_version_is_text():
    """Records name the version of the evaluator that made them."""
    assert isinstance(EVALUATOR_VERSION, str)
    assert EVALUATOR_VERSION


def test_an_excess_is_always_finite(instance, solution):
    """Even where the sum of finite shares is not, so that a score can be written as JSON."""
    shares = np.full_like(solution.bandwidth_share, 1e308)
    result = evaluate(instance, replace(solution, bandwidth_share=shares))
    assert {violation.constraint for violation in result.violations} == {"bandwidth", "range"}
    assert all(math.isfinite(violation.excess) for violation in result.violations)


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_batch_in_lower_precision_is_judged_in_double(instance, solution, kind):
    """Shares of a network's precision get the score and verdict of the same numbers in double precision."""
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.ones(instance.user_count), (200, instance.slot_count)).astype(kind)
    cache = np.broadcast_to(solution.cache, (200, *solution.cache.shape))
    got = evaluate_batch(instance, Decisions(cache, shares, shares))
    double = evaluate_batch(instance, Decisions(cache, shares.astype(float), shares.astype(float)))
    assert got.cost.tolist() == double.cost.tolist()
    assert got.broken.tolist() == double.broken.tolist()
    assert got.broken.any()


@given(st.data(), instances(with_rules=True))
def test_each_request_is_priced_as_by_hand(data, instance):
    """The cost of each request is that of a loop over slots and users, in a batch too."""
    solution = data.draw(feasible(instance))
    costs = request_costs(instance, solution.decisions)
    T, N = instance.slot_count, instance.user_count
    alpha = instance.preference_weight
    scores = [[plain.user_score(instance, solution, t, n) for n in range(N)] for t in range(T)]
    by_hand = [[alpha * one.delay_s + (1 - alpha) * one.tv for one in slot] for slot in scores]
    assert costs == pytest.approx(np.array(by_hand), rel=1e-12)
    twice = Decisions(*(np.stack([array, array]) for array in solution.decisions))
    assert np.array_equal(request_costs(instance, twice), np.stack([costs, costs]))
