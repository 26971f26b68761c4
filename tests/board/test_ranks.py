"""Ranges of ranks: by hand, against other libraries, and by simulation."""

from itertools import combinations, pairwise

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_study import equal_rows, joint_coverage, staircase
from scipy import stats

from mincache.board import ranks
from mincache.board.ranks import Sample


def sample(values, uncertain=False, streams=()):
    """Return a sample of [I, K] values."""
    return Sample(np.asarray(values, dtype=float), uncertain, streams)


def test_libraries_are_compared_by_the_paired_t_test():
    """For libraries of one size the p-value is scipy's, on the means of the libraries."""
    noise = np.random.default_rng(1).normal(size=(2, 24, 1))
    libraries = [n // 3 for n in range(24)]
    found = ranks.for_new_libraries(sample(noise[0]), sample(noise[1]), libraries)
    means = noise[:, :, 0].reshape(2, 8, 3).mean(axis=2)
    assert found.p == pytest.approx(stats.ttest_rel(*means).pvalue, rel=1e-12)
    assert found.freedom == 7


def test_seeds_are_compared_run_by_run_on_one_stream():
    """On one instance the p-value is that of scipy's paired t test; with other streams that of Welch."""
    one, other = np.random.default_rng(2).normal(size=(2, 1, 10))
    streams = [(0, k) for k in range(10)]
    paired = ranks.on_these_instances(sample(one, True, streams), sample(other, True, streams))
    apart = ranks.on_these_instances(sample(one, True, streams), sample(other, True, streams[::-1]))
    assert paired.p == pytest.approx(stats.ttest_rel(one[0], other[0]).pvalue, rel=1e-12)
    assert apart.p == pytest.approx(stats.ttest_ind(one[0], other[0], equal_var=False).pvalue, rel=1e-12)


def test_runs_that_agree_are_no_proof():
    """Ten equal runs on one instance settle nothing beyond 2^(1 - 10)."""
    found = ranks.on_these_instances(sample([[1.0] * 10], True), sample([[2.0]]))
    assert found.p == 2.0**-9
    assert not found.known


def test_rows_without_seeds_are_known_exactly():
    """A difference beyond rounding is a fact; equal rows share a rank."""
    rows = [sample([[1.0], [2.0]]), sample([[1.0], [2.0]]), sample([[1.0], [2.1]])]
    pairs = {
        pair: ranks.on_these_instances(rows[pair[0]], rows[pair[1]]) for pair in combinations(range(3), 2)
    }
    assert [found.p for found in pairs.values()] == [1.0, 0.0, 0.0]
    found = ranks.ranking(pairs, 3, 2)
    assert found.ranges == [(1, 2), (1, 2), (3, 3)]
    assert found.groups == ["a", "a", "b"]


def test_training_seeds_widen_what_can_be_told_of_new_libraries():
    """The variance between training seeds is added, with its own degrees of freedom."""
    rng = np.random.default_rng(3)
    libraries = list(range(12))
    plain = sample(rng.normal(size=(12, 1)))
    trained = rng.normal(size=(12, 3)) + np.array([0.0, 1.0, 2.0])
    known = ranks.for_new_libraries(sample(trained, True), plain, libraries)
    policy = ranks.for_new_libraries(sample(trained, False), plain, libraries)
    tau = trained.mean(axis=0).var(ddof=1) / 3
    assert known.error**2 == pytest.approx(policy.error**2 + tau)
    assert known.freedom < policy.freedom


def test_new_requests_are_traces_of_a_stratum():
    """With one stratum the p-value is that of the paired t test on its traces."""
    one, other = np.random.default_rng(4).normal(size=(2, 4, 1))
    found = ranks.for_new_requests(sample(one), sample(other), [0, 0, 0, 0])
    p = stats.ttest_rel(one[:, 0], other[:, 0]).pvalue
    assert found.p == pytest.approx(max(p, 2.0**-3), rel=1e-12)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_holm_by_its_definition(p_values):
    """A pair is settled if all with smaller p are and its own p times how many are left is small."""
    adjusted = ranks.holm(p_values)
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        for rank, n in enumerate(sorted(range(len(p_values)), key=lambda n: p_values[n])):
            if p_values[n] * (len(p_values) - rank) > level:
                break
            rejected.add(n)
        assert {n for n, p in enumerate(adjusted) if p <= level} == rejected


@given(st.integers(1, 9), st.randoms(use_true_random=False))
def test_letters_are_the_largest_groups(count, random):
    """Two rows share a letter exactly if they are alike, and each letter is a maximal clique."""
    alike = np.eye(count, dtype=bool)
    for a, b in combinations(range(count), 2):
        alike[a, b] = alike[b, a] = random.random() < 0.5
    marked = ranks.letters(alike)
    graph = networkx.from_numpy_array(alike)
    graph.remove_edges_from(networkx.selfloop_edges(graph))
    cliques = {frozenset(clique) for clique in networkx.find_cliques(graph)}
    found = {frozenset(n for n in range(count) if letter in marked[n]) for letter in set("".join(marked))}
    assert found == cliques
    firsts = [min(n for n in range(count) if letter in marked[n]) for letter in sorted(set("".join(marked)))]
    assert all(a <= b for a, b in pairwise(firsts))


def test_too_many_groups_have_no_letters():
    """Four groups of three rows settled among themselves are 81 sets: none is lettered."""
    alike = np.array([[a == b or a // 3 != b // 3 for b in range(12)] for a in range(12)])
    assert ranks.letters(alike) == [""] * 12


def test_the_interval_of_one_instance_is_students():
    """Ten runs of one instance: mean, less and plus t times the standard error."""
    values = np.random.default_rng(5).normal(size=(1, 10))
    expected = stats.t.interval(0.95, 9, loc=values.mean(), scale=stats.sem(values[0]))
    assert ranks.interval(sample(values, True)) == pytest.approx(expected, rel=1e-9)


def test_an_instance_with_fewer_runs_counts_as_much():
    """The mean of a row is that of its instances' means, whatever number of runs each has."""
    assert ranks.interval(sample([[1.0, np.nan], [2.0, 4.0]])) == (2.0, 2.0)


@pytest.mark.parametrize("rows", [2, 8])
def test_all_ranges_hold_at_once_where_rows_are_equal(rows):
    """Of 300 simulated boards of equal rows on 12 libraries at least 91 % have every range right."""
    assert joint_coverage(equal_rows(rows, 12), 300) > 0.91


def test_a_staircase_is_told_apart():
    """Where each row is three standard errors above the last most pairs are settled, none the wrong way."""
    held, settled = staircase(8, 20, 3.0, 100)
    assert held > 0.97
    assert settled > 0.75
