"""What policies could have reached on an instance whose popularity's chain is known: exact references.

A policy may be better than the best one on a single trace, never on average.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from mincache.errors import InputError
from mincache.exact import causal
from mincache.exact.bandwidth import optimal_bandwidth
from mincache.exact.best_service import serve
from mincache.exact.regrets import loading_losses, regrets
from mincache.files.tables import StrictTable, read_toml
from mincache.generation.suites import Suite
from mincache.problem.evaluation import EVALUATOR_VERSION, evaluate
from mincache.problem.instance import Instance
from mincache.problem.popularity import Popularity
from mincache.problem.quantity import Array
from mincache.problem.requests import demand
from mincache.problem.revealed import Site

LEVELS = {
    "static": "best cache that never changes, by expected cost",
    "static_hindsight": "best cache that never changes, for this trace",
    "hidden": "best causal policy, states hidden; with loading within a small bound",
    "before": "best causal policy that is told the state of the slot before",
    "seen": "best causal policy that is told the state of the slot",
}

CAUSAL_FILE = "causal.toml"


class OnlineCost(NamedTuple):
    """A reference's cost (11) on the trace, and its mean over the requests its states could have brought."""

    realised: float
    expected: float


def online_references(instance: Instance, popularity: Popularity) -> dict[str, OnlineCost]:
    """Return the cost of each of `LEVELS` on an instance of this chain, without frames and floors.

    Raises:
        InputError: if the trace has other states, or as `expected_losses` does.
    """
    site, T, states = Site.of(instance, popularity), instance.slot_count, popularity.states(instance.trace)
    before, seen = (causal.causal_programme(site, popularity, told) for told in (False, True))
    one_hot = np.eye(len(popularity.order))[states]
    lagged = np.vstack([popularity.first, one_hot[:-1] @ popularity.transition])
    caches = {
        "static": np.tile(causal.best_static(before.losses, popularity, T), (T, 1)),
        "static_hindsight": np.tile(_best_in_hindsight(instance, before.losses), (T, 1)),
        "hidden": _placed(before, popularity.beliefs(demand(instance))),
        "before": _placed(before, lagged),
        "seen": _placed(seen, one_hot),
    }
    ideal = float(regrets(instance, optimal_bandwidth(instance)).ideal_cost.sum())
    return {
        level: OnlineCost(
            evaluate(instance, serve(instance, cache)).cost,
            (ideal + _expected_loss(before.losses, cache, states)) / instance.trace.requested_model.size,
        )
        for level, cache in caches.items()
    }


class CausalCosts(StrictTable):
    """Realised costs of the best policy that sees the past alone, `hidden`, by instance of a suite."""

    format: Literal["mincache-causal/1"] = "mincache-causal/1"
    evaluator: str
    hidden: dict[str, float]


def causal_costs(suite: Suite) -> CausalCosts:
    """Return what `CAUSAL_FILE` holds of a suite whose instances follow known chains; a second each."""
    found = {}
    for name, entry in suite.entries.items():
        source, place = suite.content.source_of(entry), suite.place(name)
        chain = None if source is None else place.scenario.popularity()
        if chain is None:
            raise InputError("suite", "must draw requests from a known chain", name)
        found[name] = online_references(suite.read(name), chain)["hidden"].realised
    return CausalCosts(evaluator=EVALUATOR_VERSION, hidden=found)


def read_causal(folder: Path) -> Mapping[str, float]:
    """Return the costs in the `CAUSAL_FILE` of a suite's folder; none where there is no such file."""
    path = folder / CAUSAL_FILE
    return read_toml(path, CausalCosts).hidden if path.is_file() else {}


def _best_in_hindsight(instance: Instance, losses: causal.ExpectedLosses) -> Array:
    member, first = losses.sets.member, loading_losses(instance, 1)[0]
    loss = causal.realised_losses(instance, member).sum(axis=0) + member @ first
    return np.asarray(member[loss.argmin()])


def _placed(programme: causal.CausalProgramme, beliefs: Array) -> Array:
    """Return the caches that a programme places under each slot's belief, bool [T, M]."""
    held, caches = np.zeros(programme.losses.load.shape[1], bool), []
    for t, belief in enumerate(beliefs):
        held = programme.place(t, belief, held)
        caches.append(held)
    return np.array(caches)


def _expected_loss(losses: causal.ExpectedLosses, caches: Array, states: Array) -> float:
    """Return the expected loss of caches [T, M] in slots with these states, loading included."""
    place = {row.tobytes(): s for s, row in enumerate(losses.sets.member)}
    chosen = [place[row.tobytes()] for row in caches]
    loaded = caches & ~np.vstack([np.zeros_like(caches[:1]), caches[:-1]])
    return float(losses.loss[states, chosen].sum() + (loaded * losses.load[states]).sum())
