import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincache.board import statistics as stats
from mincache.generation.streams import Uniforms

INF = math.inf
costs_of = st.integers(1, 4).flatmap(
    lambda solvers: st.integers(1, 6).flatmap(
        lambda instances: st.lists(
            st.lists(st.sampled_from([1.0, 2.0, 3.5, INF]), min_size=instances, max_size=instances),
            min_size=solvers, max_size=solvers,
        ).map(np.array)
    )
)  # fmt: skip


def test_the_shifted_geometric_mean_of_known_numbers():
    """(1 + 1)(7 + 1) = 16 = 4 squared, less the shift of 1; and equal values are their own mean."""
    assert stats.shifted_geometric_mean(np.array([1.0, 7.0]), 1.0) == pytest.approx(3.0, rel=1e-14)
    assert stats.shifted_geometric_mean(np.array([5.0, 5.0]), 0.1) == pytest.approx(5.0, rel=1e-14)
    rows = np.array([[1.0, 7.0], [0.0, 0.0]])
    assert stats.shifted_geometric_mean(rows, 1.0) == pytest.approx([3.0, 0.0], abs=1e-14)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=9), st.floats(1e-3, 1e3))
def test_the_shifted_geometric_mean_lies_between_geometric_and_arithmetic(values, shift):
    """It never exceeds the arithmetic mean, nor the range of the values."""
    mean = stats.shifted_geometric_mean(np.array(values), shift)
    slack = 1e-9 * (max(values) + shift)
    assert min(values) - slack <= mean <= np.mean(values) + slack


def test_failure_policies_on_one_table():
    """Two solvers, three instances, limit 60 s: what each policy makes of the failures."""
    times = np.array([[1.0, INF, INF], [2.0, 3.0, INF]])
    assert stats.with_failures(times, "common", 60.0).tolist() == [[1.0], [2.0]]
    assert stats.with_failures(times, "penalised", 60.0).tolist() == [[1.0, 600.0, 600.0], [2.0, 3.0, 600.0]]
    assert stats.with_failures(times, "worst", 60.0).tolist() == [[1.0, 3.0, 60.0], [2.0, 3.0, 60.0]]


def test_a_performance_profile_by_hand():
    """Ratios 1, 2, never and 3, 1, 1 at the limits 1, 2 and 3."""
    costs = np.array([[10.0, 8.0, INF], [30.0, 4.0, 7.0]])
    profile = stats.performance_profile(costs, np.array([1.0, 2.0, 3.0]))
    assert profile == pytest.approx(np.array([[1 / 3, 2 / 3, 2 / 3], [2 / 3, 2 / 3, 1.0]]))


def test_a_third_solver_can_turn_a_profile_around():
    """Beside C does A lead B at a factor of 2, and alone with B it does not: hence pairwise profiles."""
    a, b, c = [1.0, 1.9, 9.0], [9.0, 3.0, 3.0], [9.0, 1.0, 2.0]
    joint = stats.performance_profile(np.array([a, b, c]), np.array([2.0]))
    pair = stats.performance_profile(np.array([a, b]), np.array([2.0]))
    assert joint[0] - joint[1] == pytest.approx(1 / 3)
    assert pair[0] - pair[1] == 0.0


@given(costs_of)
def test_profiles_rise_from_the_share_of_wins(costs):
    """A profile is a distribution function; at ratio 1 it is the share of instances where one is best."""
    profile = stats.performance_profile(costs, np.array([1.0, 2.0, 1e9]))
    best = (costs == costs.min(axis=0)) & np.isfinite(costs)
    assert profile[:, 0] == pytest.approx(best.mean(axis=1))
    assert (np.diff(profile, axis=1) >= 0).all()
    assert profile[:, 2] == pytest.approx(np.isfinite(costs).mean(axis=1))


def test_the_ecdf_counts_targets_reached():
    """Targets reached after 1 and 3 s and never: a third at 1 s, two thirds at 5 s."""
    assert stats.ecdf(np.array([[3.0, 1.0, INF]]), np.array([0.5, 1.0, 5.0])) == pytest.approx(
        np.array([[0, 1 / 3, 2 / 3]])
    )


def test_the_win_matrix_by_hand():
    """One win each and a tie within rounding."""
    found = stats.win_matrix(np.array([[1.0, 5.0, 2.0], [2.0, 4.0, 2.0 * (1 + 1e-12)]]))
    assert found.wins.tolist() == [[0, 1], [1, 0]]
    assert found.ties.tolist() == [[3, 1], [1, 3]]


@given(costs_of)
def test_wins_losses_and_ties_add_up(costs):
    """Every pair meets once on every instance."""
    found = stats.win_matrix(costs)
    assert (found.wins + found.wins.T + found.ties == costs.shape[1]).all()


def test_the_virtual_best_by_hand():
    """Without the first solver the costs rise from 1 to 3 on one of two instances: 1 on average."""
    found = stats.virtual_best(np.array([[1.0, 5.0], [3.0, 2.0], [4.0, 2.0]]))
    assert found.costs.tolist() == [1.0, 2.0]
    assert found.contribution.tolist() == [1.0, 0.0, 0.0]
    assert found.alone.tolist() == [1, 0, 0]


@pytest.mark.parametrize("cost", [0.0, INF])
def test_nobody_is_best_alone_at_a_tie(cost):
    """Two that reach a cost of 0, or both fail, are neither of them best alone."""
    assert stats.virtual_best(np.full((2, 3), cost)).alone.tolist() == [0, 0]


@given(costs_of)
def test_the_virtual_best_is_no_worse_than_anybody(costs):
    """It is at most each solver's cost on each instance, and attained by one."""
    best = stats.virtual_best(costs).costs
    assert (best <= costs).all()
    assert (best == costs).any(axis=0).all()


def test_the_bootstrap_of_two_runs_is_the_binomial():
    """Of runs 0 and 1 the mean is 0, 1/2 and 1 with probability 1/4, 1/2, 1/4."""
    draws = stats.bootstrap_means([np.array([0.0, 1.0])], 40_000, Uniforms(3, "b").draw)
    shares = [(draws == value).mean() for value in (0.0, 0.5, 1.0)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.01)


def test_the_bootstrap_over_instances_is_their_exact_convolution():
    """The mean over three instances of two and three runs is distributed as all equally likely resamples."""
    samples = [np.array([0.0, 1.0]), np.array([0.0, 4.0]), np.array([0.0, 10.0, 40.0])]
    per_instance = [[np.mean(pick) for pick in product(runs, repeat=len(runs))] for runs in samples]
    exact = np.array([np.mean(means) for means in product(*per_instance)])
    draws = stats.bootstrap_means(samples, 60_000, Uniforms(5, "b").draw)
    assert draws.mean() == pytest.approx(exact.mean(), rel=0.01)
    assert draws.std() == pytest.approx(exact.std(), rel=0.015)
    for level in (0.1, 0.25, 0.5, 0.75, 0.9):
        limit = np.quantile(exact, level)
        assert (draws <= limit + 1e-9).mean() == pytest.approx((exact <= limit + 1e-9).mean(), abs=0.015)


def test_the_bootstrap_in_pieces_is_the_bootstrap(monkeypatch):
    """How many weights are held at a time changes no mean: with many runs memory stays bounded."""
    samples = [np.arange(7.0), np.arange(7.0) ** 2, np.ones(7)]
    whole = stats.bootstrap_means(samples, 1000, Uniforms(3, "b").draw)
    monkeypatch.setattr(stats, "_WEIGHTS_AT_ONCE", 100)
    np.testing.assert_allclose(stats.bootstrap_means(samples, 1000, Uniforms(3, "b").draw), whole, rtol=1e-14)


def test_the_bootstrap_is_seeded_and_still_where_nothing_varies():
    """The same stream gives the same draws; one run an instance gives one value."""
    samples = [np.arange(5.0), np.arange(3.0)]
    first, second = (stats.bootstrap_means(samples, 500, Uniforms(1, "b").draw) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert set(stats.bootstrap_means([np.array([2.0]), np.array([4.0])], 200, Uniforms(1, "c").draw)) == {3.0}


def test_an_interval_holds_its_level():
    """Of 0 to 1000 the central 95 % are 25 to 975."""
    assert stats.interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))


def test_ranks_are_ranges():
    """Two that change places half of the time share ranks 1 and 2; the third is always third."""
    draws = np.array([[1.0, 2.0] * 50, [2.0, 1.0] * 50, [9.0, 9.0] * 50])
    assert stats.rank_ranges(draws) == [(1, 2), (1, 2), (3, 3)]
    assert stats.rank_ranges(np.array([[5.0] * 10, [5.0 * (1 + 1e-12)] * 10])) == [(1, 1), (1, 1)]


@pytest.mark.parametrize(("level", "least"), [(0.95, 25), (0.5, 250)])
@pytest.mark.parametrize("short", [0, 1])
def test_a_rank_counts_from_half_of_what_the_level_leaves(level, least, short):
    """Of 1000 resamples, a rank held in 25 at either end is in the 95 % range; one held in 24 is not."""
    draws = np.ones((2, 1000))
    draws[1, : 1000 - least + short] = 2.0
    draws[1, 1000 - least + short :] = 0.0
    first, second = (1, 1 if short else 2), (2 if short else 1, 2)
    assert stats.rank_ranges(draws, level) == [first, second]
    assert stats.rank_ranges(draws[::-1], level) == [second, first]
    assert level != 0.95 or stats.rank_ranges(draws) == [first, second]


@given(
    st.integers(1, 4).flatmap(
        lambda solvers: st.lists(
            st.lists(st.sampled_from([1.0, 1.0 + 1e-12, 2.0, 3.0]), min_size=40, max_size=40),
            min_size=solvers, max_size=solvers,
        )
    )
)  # fmt: skip
def test_rank_ranges_by_counting(draws):
    """The range runs from the least to the largest rank that 2.5 % of the resamples do not go beyond."""
    expected = []
    for mine in draws:
        ranks = [1 + sum(round(other[k]) < round(value) for other in draws) for k, value in enumerate(mine)]
        low = min(r for r in ranks if 40 * sum(rank <= r for rank in ranks) >= 40)
        high = max(r for r in ranks if 40 * sum(rank >= r for rank in ranks) >= 40)
        expected.append((low, high))
    assert stats.rank_ranges(np.array(draws)) == expected


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("apart", "tied"), [(0.9e-9, True), (1.1e-9, False)])
def test_equal_means_within_1e_9_of_their_size(scale, apart, tied):
    """Whatever the costs' size: means and paired costs are equal within 1e-9 of it, and no further."""
    costs = scale * np.arange(1.0, 7.0)
    worse = costs * (1 + apart)
    ranges = stats.rank_ranges(np.stack([costs, worse]))
    assert ranges == ([(1, 1), (1, 1)] if tied else [(1, 1), (2, 2)])
    assert stats.wilcoxon(costs, worse) == pytest.approx(1.0 if tied else 2 / 64)
    assert stats.win_matrix(np.stack([costs, worse])).wins.tolist() == [[0, 0 if tied else 6], [0, 0]]
    assert stats.virtual_best(np.stack([costs, worse])).alone.tolist() == [0 if tied else 6, 0]
    profile = stats.performance_profile(np.stack([costs, worse]), np.array([1.0]))
    assert profile.tolist() == [[1.0], [1.0 if tied else 0.0]]


def test_wilcoxon_ranks_ties_and_drops_them():
    """A tie takes rank 1 and drops out; the p-value is a share of the sign assignments of ranks 2 to 5."""
    difference = np.array([0.0, 1.0, -2.0, 3.0, 4.0])
    signs = np.array(list(product((-1, 1), repeat=4)))
    exact = (abs(signs @ np.arange(2, 6)) >= 2 - 3 + 4 + 5).mean()
    assert stats.wilcoxon(difference + 10.0, np.full(5, 10.0)) == pytest.approx(exact)


def test_wilcoxon_against_the_exact_count():
    """Six differences of one sign: 2 of the 2^6 equally likely assignments are as extreme."""
    first = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert stats.wilcoxon(first, first * 2) == pytest.approx(2 / 64)
    assert stats.wilcoxon(first * 2, first) == pytest.approx(2 / 64)
    assert stats.wilcoxon(first, first * (1 + 1e-13)) == 1.0


def test_wilcoxon_by_enumeration():
    """The p-value is the share of sign assignments whose rank sum is as far from its mean."""
    difference = np.array([0.5, -1.0, 1.5, 2.0, -2.5, 3.0, 4.0])
    ranks = np.arange(1, 8)
    observed = abs((ranks * np.sign(difference)).sum())
    signs = np.array(list(product((-1, 1), repeat=7)))
    exact = (abs(signs @ ranks) >= observed).mean()
    assert stats.wilcoxon(difference + 10.0, np.full(7, 10.0)) == pytest.approx(exact)


def test_holm_by_hand():
    """0.01 x 3, 0.02 x 2 and 0.04 x 1, none below the one before it, none above 1."""
    assert stats.holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert stats.holm([0.9, 0.8]) == [1.0, 1.0]
    assert stats.holm([]) == []


def test_a_profile_of_costs_of_zero():
    """Where the best cost is 0, those who reach it are at ratio 1 and the others at none."""
    costs = np.array([[0.0, 1.0], [0.0, 2.0], [3.0, 1.0]])
    profile = stats.performance_profile(costs, np.array([1.0, 2.0, 1e300]))
    assert profile.tolist() == [[1.0, 1.0, 1.0], [0.5, 1.0, 1.0], [0.5, 0.5, 0.5]]
