"""Sites and slots: what a policy is given of an instance."""

import numpy as np

import mincache
from mincache.problem.instance import Instance
from mincache.problem.revealed import Site, slot_of


def test_slots_are_those_of_the_instance():
    """Caching the same and serving exactly, a slot of a site costs what it costs in its instance."""
    instance = mincache.load("smoke-v1.l0.n10.t0")
    cache = np.zeros((instance.slot_count, instance.model_count))
    cache[:, 1:3] = 1
    whole = mincache.evaluate(instance, mincache.serve(instance, cache)).slot_cost
    for t in range(3):
        alone = Site.of(instance).instance(slot_of(instance, t))
        assert mincache.evaluate(alone, mincache.serve(alone, cache[:1])).slot_cost[0] == whole[t]


def test_site_holds_no_trace():
    """Nothing of the trace, the name or the origin is reachable from a site."""
    site = Site.of(mincache.load("paper-v1.l0.n10.t0"))
    assert not any(isinstance(value, Instance | str) for value in vars(site).values())
    assert not hasattr(site, "trace")


def test_blank_instance_has_the_rules():
    """Solvers are asked about the rules of a site by an instance that has them."""
    instance = mincache.load("loading-v1.l0.n10.t0")
    assert Site.of(instance).blank.used_rules == ("loading_s_per_gb",)


def test_orders_of_popularity_are_no_rule():
    """An instance that tells each slot's popularity order is still the paper's problem, for every solver."""
    scenario = mincache.Scenario(requests={"process": "regimes", "stay": 0.0}, slots=5)
    instance = scenario.instance("x", scenario.library(1), scenario.trace(1, "trace"))
    assert len(set(instance.trace.popularity_order.tolist())) > 1
    assert instance.used_rules == ()
