"""Solvers that the paper's methods are compared with: two bounds, and HCRAS with other decoders."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mincache import Decisions, Instance, Run, Solution, Solver
from mincache.problem.quantity import Array
from mincache.problem.requests import demand
from mincache.solving import registry
from mincache.solving.feasible import hits
from mincache.solving.spec import spell
from mincache.views import vector

_MOST_MODELS = 16  # of which there are 2^16 sets


@dataclass(frozen=True)
class EqualBandwidth(Solver):
    """The optimal caches and steps, which the bandwidth does not touch, and 1/N of it to every user."""

    kind: ClassVar[str] = "exact"

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the optimum among solutions with equal bandwidth."""
        T, N = instance.slot_count, instance.user_count
        best = registry.make("decomposition").solve(instance, Run(run.rng, run.budget))
        return Solution.of(instance, best.decisions._replace(bandwidth_share=np.full((T, N), 1.0 / N)))


@dataclass(frozen=True)
class MostHits(Solver):
    """In every slot the set of models that fits with the most hits: a bound on Fig. 4, without steps."""

    kind: ClassVar[str] = "baseline"

    def supports(self, instance: Instance) -> str | None:
        """Return None, or that there are too many models to try every set."""
        few = instance.model_count <= _MOST_MODELS
        return None if few else f"it tries every set of models, at most {_MOST_MODELS}"

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the caches with the most hits."""
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        sets = (np.arange(2**M)[:, None] >> np.arange(M)) & 1
        sets = sets[sets @ instance.models.size_gb <= instance.server.storage_gb]
        cache = sets[(demand(instance) @ sets.T).argmax(axis=1)].astype(bool)
        return Solution.of(instance, Decisions(cache, np.full((T, N), 1.0 / N), np.zeros((T, N))))


def sum_to_one(instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
    """As `threshold-priority`, but both shares always sum to one."""
    decisions = vector.REPAIRS["threshold-priority"](instance, points, cache)
    steps = decisions.step_share
    total = steps.sum(axis=-1, keepdims=True)
    return decisions._replace(
        bandwidth_share=decisions.bandwidth_share / decisions.bandwidth_share.sum(axis=-1, keepdims=True),
        step_share=np.divide(steps, total, out=np.zeros_like(steps), where=total > 0.0),
    )


def hits_alone(instance: Instance, points: Array, cache: Array | None = None) -> Decisions:
    """As `threshold-priority`, but misses get no steps, and what is left is shared by the hits."""
    M, N = instance.model_count, instance.user_count
    decisions = vector.REPAIRS["threshold-priority"](instance, points, cache)
    wanted = np.where(hits(instance, decisions.cache), points[..., M + N :], 0.0)
    return decisions._replace(step_share=wanted / np.maximum(wanted.sum(axis=-1, keepdims=True), 1.0))


DECODERS: dict[str, vector.Repair] = {"sum-to-one": sum_to_one, "hits-alone": hits_alone}
"""Ways to make decisions of a chromosome, beyond the repairs of `mincache.views.vector`, by name."""


@dataclass(frozen=True)
class Hcras(Solver):
    """`genetic` with any decoder, which the paper leaves open."""

    stochastic: ClassVar[bool] = True

    decoder: str = "sum-to-one"
    population: int = 50
    generations: int = 100

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return the best candidate that each slot's population ever held."""
        # This runs in a process of its own, so that making the decoders known changes nothing elsewhere.
        vector.REPAIRS.update(DECODERS)
        sizes = {"population": self.population, "generations": self.generations}
        return registry.make(spell("genetic", {**sizes, "repair": self.decoder})).solve(instance, run)
