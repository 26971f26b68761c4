"""Answers: what one is, whatever its quality."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import feasible, instances

from mincache import Decisions, Solution, evaluate
from mincache.errors import InputError


def test_nothing_cached(instance):
    """The cloud-only answer caches nothing, splits the uplink equally and is feasible."""
    answer = Solution.nothing_cached(instance)
    assert not answer.cache.any()
    assert (
        answer.bandwidth_share.tolist()
        == [[1 / instance.user_count] * instance.user_count] * instance.slot_count
    )
    assert evaluate(instance, answer).feasible


@pytest.mark.parametrize("value", [0.5, 2, -1, np.nan, 1 + 1e-12])
def test_a_model_is_cached_or_not(solution, value):
    """The cache holds 0 and 1 alone."""
    cache = solution.cache.astype(float)
    cache[0, 0] = value
    with pytest.raises(InputError, match=r"^cache\[0\]\[0\]: must be"):
        replace(solution, cache=cache)


@pytest.mark.parametrize("field", ["bandwidth_share", "step_share"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_shares_are_finite(solution, field, value):
    """A share may break its limits, which the evaluator tells, but it is a number."""
    shares = getattr(solution, field).copy()
    shares[1, 2] = value
    with pytest.raises(InputError, match=rf"^{field}\[1\]\[2\]: must be finite"):
        replace(solution, **{field: shares})
    shares[1, 2] = -5.0
    assert getattr(replace(solution, **{field: shares}), field)[1, 2] == -5.0


def test_bool_and_float_caches_are_the_same(solution):
    """True, 1 and 1.0 all mean cached."""
    for kind in (bool, float, np.uint8):
        assert replace(solution, cache=solution.cache.astype(kind)) == solution


def test_arrays_must_fit_each_other(solution):
    """The three arrays have one T, and the shares one N."""
    with pytest.raises(InputError, match=r"^bandwidth_share: must have shape"):
        replace(solution, bandwidth_share=solution.bandwidth_share[:1])
    with pytest.raises(InputError, match=r"^step_share: must have shape"):
        replace(solution, step_share=solution.step_share[:, :1])


@given(instances().flatmap(feasible))
def test_decisions_round_trip(answer):
    """The decisions of a solution make the solution again."""
    assert Solution(answer.instance, *answer.decisions) == answer


def test_what_is_valid_needs_no_check(instance, solution):
    """Made without checks, a solution is the same, with read-only arrays of its own."""
    decisions = Decisions(solution.cache != 0, *(share.copy() for share in solution.decisions[1:]))
    made = Solution.unchecked(instance, decisions)
    assert made == replace(solution, instance=instance.name)
    for ours, theirs in zip(made.decisions, solution.decisions, strict=True):
        assert ours.dtype == theirs.dtype
        assert not ours.flags.writeable
    assert decisions.step_share.flags.writeable


def test_answers_its_instance_alone(instance, solution):
    """A solution by another name or of other shapes is no answer to the instance."""
    solution.check_answers(instance)
    with pytest.raises(InputError, match=r"^instance: must be 'case-1'; received 'other'"):
        replace(solution, instance="other").check_answers(instance)
    fewer = Solution(instance.name, *(array[:1] for array in solution.decisions))
    with pytest.raises(InputError, match="must have shape"):
        fewer.check_answers(instance)
    with pytest.raises(InputError, match="must have shape"):
        Solution.of(instance, Decisions(*(array[:, :-1] for array in solution.decisions))).check_answers(
            instance
        )


@given(st.lists(st.floats(1e-12, 1.0) | st.just(0.0), min_size=1, max_size=9))
def test_compact_rounds_down_to_six_digits(shares):
    """A compact share has six significant digits at most, and is at most 1e-5 of it below the share."""
    share = np.array([shares])
    compact = Decisions(np.zeros((1, 1)), share, share).compact()
    for before, after in zip(share[0].tolist(), compact.bandwidth_share[0].tolist(), strict=True):
        assert before * (1 - 1.0001e-5) <= after <= before * (1 + 1e-15)
        assert after == float(f"{after:.5e}")
