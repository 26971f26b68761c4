"""HCRAS with other decoders: ways to make decisions of a chromosome, which the paper leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mincache import Decisions, Instance, Run, Solution, Solver
from mincache.problem.quantity import Array
from mincache.solving import registry
from mincache.solving.spec import spell
from mincache.views import actions, vector


def sum_to_one(instance: Instance, points: Array) -> Decisions:
    """As `threshold_priority`, but both shares always sum to one."""
    decisions = vector.threshold_priority(instance, points)
    steps = decisions.step_share
    total = steps.sum(axis=-1, keepdims=True)
    return decisions._replace(
        bandwidth_share=decisions.bandwidth_share / decisions.bandwidth_share.sum(axis=-1, keepdims=True),
        step_share=np.divide(steps, total, out=np.zeros_like(steps), where=total > 0.0),
    )


def hits_alone(instance: Instance, points: Array) -> Decisions:
    """As `threshold_priority`, but misses get no steps, and what is left is shared by the hits."""
    M, N = instance.model_count, instance.user_count
    decisions = vector.threshold_priority(instance, points)
    slots = np.arange(instance.slot_count)[:, None]
    hit = decisions.cache[..., slots, instance.trace.requested_model].astype(bool)
    wanted = np.where(hit, points[..., M + N :], 0.0)
    return decisions._replace(step_share=wanted / np.maximum(wanted.sum(axis=-1, keepdims=True), 1.0))


DECODERS = {
    "sum-to-one": sum_to_one,
    "hits-alone": hits_alone,
    "softmax": actions.softmax,
    "scaled-sigmoid": actions.scaled_sigmoid,
    "serve-in-order": actions.serve_in_order,
}
"""Decoders beyond the repairs of `mincache.views.vector`, by name."""


@dataclass(frozen=True)
class Hcras(Solver):
    """`genetic` with any decoder.

    Attributes:
        decoder: one of `DECODERS`, or a repair that `genetic` knows.
        population: candidates a slot.
        generations: how often a population is priced.
    """

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
