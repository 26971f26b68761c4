"""What an online policy is given: a site, known before any request, and slots, shown one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from mincache.problem.instance import Instance, ModelLibrary, Radio, Rules, Server, Trace
from mincache.problem.popularity import Popularity
from mincache.problem.quantity import Array


class ShownSlot(NamedTuple):
    """What slot `number` shows: its requests and channels, [N]; its popularity stays hidden."""

    number: int
    requested_model: Array
    input_bits: Array
    channel_gain: Array

    def requests(self, models: int) -> Array:
        """Return how many users ask for each model, [M]."""
        return np.bincount(self.requested_model, minlength=models)


class Shares(NamedTuple):
    """How a slot's bandwidth and denoising steps are split: [N] each, between 0 and 1."""

    bandwidth_share: Array
    step_share: Array


@dataclass(frozen=True, eq=False)
class Site:
    """An instance without its trace: all that is known before the first slot.

    `popularity` is the chain that the requests follow; None where nobody knows it beforehand.
    """

    slot_count: int
    preference_weight: float
    server: Server
    radio: Radio
    models: ModelLibrary
    rules: Rules
    popularity: Popularity | None = None

    @classmethod
    def of(cls, instance: Instance, popularity: Popularity | None = None) -> Site:
        """Return the site of an instance."""
        return cls(
            instance.slot_count, instance.preference_weight, instance.server, instance.radio,
            instance.models, instance.rules, popularity,
        )  # fmt: skip

    @property
    def model_count(self) -> int:
        """M, the number of models."""
        return len(self.models.size_gb)

    @property
    def user_count(self) -> int:
        """N, the number of users."""
        return len(self.radio.user_power_w)

    def instance(self, slot: ShownSlot) -> Instance:
        """Return a slot alone as an instance, without rules that link it to others."""
        return self._instance(slot, replace(self.rules, frame_slots=1, loading_s_per_gb=0.0))

    @property
    def blank(self) -> Instance:
        """An instance of one slot that stands for those at this site, to ask what it demands of a solver."""
        ones = np.ones(self.user_count)
        return self._instance(ShownSlot(0, np.zeros(self.user_count), ones, ones), self.rules)

    def _instance(self, slot: ShownSlot, rules: Rules) -> Instance:
        requested, bits, gain = (np.asarray(values)[None] for values in slot[1:])
        return Instance(
            f"slot-{slot.number}", self.preference_weight, self.server, self.radio, self.models,
            Trace(np.zeros(1), gain, requested, bits), rules=rules,
        )  # fmt: skip


def slot_of(instance: Instance, t: int) -> ShownSlot:
    """Return what slot `t` of an instance shows."""
    trace = instance.trace
    return ShownSlot(t, trace.requested_model[t], trace.input_bits[t], trace.channel_gain[t])
