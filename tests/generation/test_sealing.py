"""Suites that nobody can know before they are revealed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mincache import Decisions, Scenario, Solution, evaluate
from mincache.errors import InputError
from mincache.files.documents import digest, instance_bytes
from mincache.files.tables import read_toml
from mincache.generation.sealing import Secret, draw_sealed, new_secret, shuffled
from mincache.generation.suites import Suite

SMALL = Scenario(users=4, slots=3, models=5)


def drawn(seed):
    """An instance of the small scenario."""
    return SMALL.instance("small", SMALL.library(seed), SMALL.trace(seed, "test"))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_an_answer_costs_the_same_in_another_order(seed, order):
    """The same decisions, users and models renumbered alike, have the same cost, delay and hits."""
    instance = drawn(seed)
    other = shuffled(instance, np.random.default_rng(order))
    rng = np.random.default_rng(order)
    users, models = rng.permutation(4), rng.permutation(5)
    draws = np.random.default_rng(seed)
    cache = np.eye(5)[draws.integers(0, 5, 3)]
    shares = draws.dirichlet(np.ones(4), (2, 3)) * 0.9
    answer = Solution.of(instance, Decisions(cache, *shares))
    again = Solution.of(other, Decisions(cache[:, models], *shares[:, :, users]))
    first, second = evaluate(instance, answer), evaluate(other, again)
    assert second.cost == pytest.approx(first.cost, rel=1e-12)
    assert second.hit_ratio == first.hit_ratio
    assert second.feasible == first.feasible


def test_a_secret_draws_the_same_suite_from_its_file(tmp_path):
    """What is read back from the file has the same hash and draws the same bytes under blind names."""
    secret = new_secret("season", [SMALL, Scenario(users=4, slots=3, models=5, storage_gb=5.0)], 2, [3, 4], 1)
    (tmp_path / "secret.toml").write_bytes(secret.document())
    again = read_toml(tmp_path / "secret.toml", Secret)
    assert digest(again.document()) == digest(secret.document())
    one, two = draw_sealed(secret, tmp_path / "one"), draw_sealed(again, tmp_path / "two")
    assert len(one) == 8
    for name in one.entries:
        assert one.path(name).read_bytes() == two.path(name).read_bytes()
        assert b"origin" not in one.path(name).read_bytes()
    libraries = {entry.library for entry in one.entries.values()}
    assert libraries == {0, 1, 2, 3}
    places = {(entry.library, entry.users, entry.trace) for entry in one.entries.values()}
    assert len(places) == 8
    assert Suite(tmp_path / "one").entries == one.entries


def test_secrets_differ():
    """Two secrets of the same scenario have other seeds, and no seed is that of a standard suite's size."""
    secrets = [new_secret("season", [SMALL], 1, [], 1) for _ in range(2)]
    seeds = {source.recipe.library_seed for secret in secrets for source in secret.sources}
    assert len(seeds) == 2
    assert min(seeds) > 2**32
    documents = {instance_bytes(secret.places()[0].instance()) for secret in secrets}
    assert len(documents) == 2


def test_a_suite_that_is_too_large_is_refused():
    """It is refused when the secret is made, not when it is revealed."""
    with pytest.raises(InputError, match="must be at most"):
        new_secret("season", [SMALL], 10**6, [3], 10**6)
