"""Best causal policies, against enumeration and simulation."""

import itertools

import numpy as np
import pytest
from chains import drawn

from mincache.errors import InputError
from mincache.exact.cache_sets import CacheSets
from mincache.exact.causal import causal_programme, cheapest_onward, expected_losses, realised_losses
from mincache.problem.revealed import ShownSlot, Site


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


@pytest.mark.parametrize("steps", [120.0, 420.0, 2000.0])
def test_expected_losses_are_the_sums_over_all_requests(steps):
    """Weighing the exact loss of every possible slot of 3 users by its probability gives the same."""
    instance, known = drawn(steps=steps)
    site, total = Site.of(instance), 0.0
    found = expected_losses(site, known)
    mean = np.full(3, known.mean_input_bits)
    for requested in itertools.product(range(4), repeat=3):
        slot = ShownSlot(0, np.array(requested), mean, np.full(3, 1e-9))
        chance = known.probability[:, list(requested)].prod(axis=1)
        total = total + chance[:, None] * realised_losses(site.instance(slot), found.sets.member)
    assert found.loss == pytest.approx(total, rel=1e-7)  # a limit is forgiven 1e-9


def test_sampled_slots_agree():
    """Against 1,500 sampled slots of 18 users, no mean differs by five standard errors."""
    instance, known = drawn(models=8, users=18, steps=700, slots=1500)
    found = expected_losses(Site.of(instance), known)
    picked = np.arange(0, len(found.sets.member), 4)
    lost, state = realised_losses(instance, found.sets.member[picked]), known.states(instance.trace)
    for g in range(4):
        differs = lost[state == g] - lost[state == g][:, :1]
        error = differs.std(axis=0) / np.sqrt(len(differs))
        expected = found.loss[g, picked] - found.loss[g, 0]
        assert (abs(differs.mean(axis=0) - expected) <= 5 * error + 1e-9).all()


def test_loading_costs_those_who_wait():
    """Loading a model costs its size times the seconds a GB, for each user who is likely to ask."""
    instance, known = drawn(loading_s_per_gb=2.0)
    wait = 0.7 * 2.0 * instance.models.size_gb
    assert expected_losses(Site.of(instance), known).load == pytest.approx(3 * known.probability * wait)


@pytest.mark.parametrize(
    ("fields", "rule"), [({"steps_floor": 0.5}, "steps_floor"), ({"models": 20, "storage_gb": 400}, "caches")]
)
def test_floors_and_too_many_caches_are_refused(fields, rule):
    """What the sum does not cover is refused in a line."""
    instance, known = drawn(**fields)
    with pytest.raises(InputError, match=rule):
        expected_losses(Site.of(instance), known)
