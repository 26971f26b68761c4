"""Best causal policies, against enumeration and simulation."""

import numpy as np
import pytest
from chains import drawn

from mincache.exact.cache_sets import CacheSets
from mincache.exact.causal import causal_programme, cheapest_onward
from mincache.problem.revealed import Site


def test_the_sweep_finds_the_cheapest_way():
    """For random costs, the sweeps over models find what trying every pair of caches finds."""
    rng = np.random.default_rng(1)
    sets = CacheSets.that_fit(rng.uniform(2, 10, 6), 20.0, 1000)
    cost, load = rng.uniform(0, 9, (3, len(sets.member))), rng.uniform(0, 3, (3, 6))
    new = sets.member[None] & ~sets.member[:, None]  # [from, to, M]
    tried = (cost[:, None] + np.einsum("abm,km->kab", new, load)).min(axis=2)
    assert cheapest_onward(sets, cost, load) == pytest.approx(tried, rel=1e-12)


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("loading", [0.0, 6.0])
def test_values_are_those_of_plain_recursion(seen, loading):
    """Backward induction over states and pairs of caches, written out, gives the same value."""
    instance, known = drawn(loading_s_per_gb=loading)
    found = causal_programme(Site.of(instance), known, seen)
    losses, G = found.losses, len(known.order)
    member = losses.sets.member
    new = member[None] & ~member[:, None]

    def best(weights, later):
        """Return the cost from each cache, under weights of states and costs of later slots."""
        total = weights @ (losses.loss + later)
        return (total[None] + new @ (weights @ losses.load)).min(axis=1)

    later = np.zeros((G, len(member)))
    for t in range(instance.slot_count - 1, -1, -1):
        rows = known.transition if t else known.first[None]
        if seen:
            told = np.array([best(np.eye(G)[g], later) for g in range(G)])
            later = rows @ told
        else:
            later = np.array([best(row, later) for row in rows])
    assert found.value == pytest.approx(later[0, 0], rel=1e-10)


@pytest.mark.parametrize("loading", [0.0, 6.0])
def test_policies_reach_their_values(loading):
    """Over 600 simulated chains, the told policies cost what their programmes say, hidden ones no less."""
    instance, known = drawn(loading_s_per_gb=loading)
    rng, T = np.random.default_rng(2), 5
    before, seen = (causal_programme(Site.of(instance), known, told) for told in (False, True))
    place = {row.tobytes(): s for s, row in enumerate(seen.losses.sets.member)}
    spent = {"before": [], "seen": [], "hidden": []}
    for _ in range(600):
        state, belief, held = rng.choice(4), known.first, {k: np.zeros(4, bool) for k in spent}
        row, cost = known.first, dict.fromkeys(spent, 0.0)
        for t in range(T):
            beliefs = {"before": row, "seen": np.eye(4)[state], "hidden": belief}
            for k in spent:
                cache = (seen if k == "seen" else before).place(t, beliefs[k], held[k])
                cost[k] += seen.losses.loss[state, place[cache.tobytes()]]
                cost[k] += (cache & ~held[k]) @ seen.losses.load[state]
                held[k] = cache
            asked = rng.multinomial(3, known.probability[state])
            belief, row = known.next_belief(belief, asked), known.transition[state]
            state = rng.choice(4, p=row)
        for k in spent:
            spent[k].append(cost[k])
    for k, programme in (("before", before), ("seen", seen)):
        error = np.std(spent[k]) / np.sqrt(600)
        assert abs(np.mean(spent[k]) - programme.value) < 4 * error
    assert np.mean(spent["hidden"]) > before.value - 4 * np.std(spent["hidden"]) / np.sqrt(600)
    assert seen.value <= before.value


def test_hidden_states_cannot_be_served_better():
    """Trying every policy of two slots on every history, none beats greedy placement under the belief."""
    instance, known = drawn(users=1, slots=2)
    programme = causal_programme(Site.of(instance), known)
    losses = programme.losses
    best = (known.first @ losses.loss).min()
    greedy = known.first @ losses.loss[:, _index(losses, programme.place(0, known.first, np.zeros(4, bool)))]
    for m in range(4):
        asked = np.eye(4)[m]
        joint = (known.first * known.probability[:, m]) @ known.transition  # of the state and this history
        best += (joint @ losses.loss).min()
        cache = programme.place(1, known.next_belief(known.first, asked), np.zeros(4, bool))
        greedy += joint @ losses.loss[:, _index(losses, cache)]
    assert greedy == pytest.approx(best, rel=1e-12)


def _index(losses, cache):
    return int((losses.sets.member == cache).all(axis=1).argmax())
