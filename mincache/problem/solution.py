"""The decisions: what is cached, and how bandwidth and steps are shared, in every slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np

from mincache.errors import InputError, of_kind
from mincache.problem import display
from mincache.problem.instance import LOAD, Instance, check_name
from mincache.problem.quantity import Array, Quantity, Typed, check_axes, not_negative

if TYPE_CHECKING:
    import altair
    import xarray


class Decisions(NamedTuple):
    """Raw decision arrays, unchecked, with any leading batch axes: what a search works on.

    The cache is [..., T, M], bool or 0/1; the shares are [..., T, N], float64.
    """

    cache: Array
    bandwidth_share: Array
    step_share: Array

    def __repr__(self) -> str:
        shapes = (f"{name}={list(np.shape(array))}" for name, array in zip(self._fields, self, strict=True))
        return f"Decisions({', '.join(shapes)})"

    def compact(self, digits: int = 6) -> Decisions:
        """Return the same cache with shares rounded down to `digits` digits: a third of the document."""
        return Decisions(self.cache, *(_rounded_down(share, digits) for share in self[1:]))


_SMALLEST = 1e-15  # shares below it are rounded to 5 decimals, so to 0


def _rounded_down(share: Array, digits: int) -> Array:
    magnitude = np.floor(np.log10(np.where(share > _SMALLEST, share, 1.0)))
    scale = 10.0 ** (digits - 1 - magnitude)
    return np.asarray(np.floor(share * scale) / scale)


@dataclass(frozen=True, eq=False, repr=False)
class Solution(Typed):
    """One answer to one instance, frozen; shares are finite, and may break the limits."""

    instance: str
    cache: Annotated[
        Array, not_negative("rho_m", "1", "1 where a model is cached", "TM", at_most=1, whole=True)
    ]
    bandwidth_share: Annotated[Array, Quantity("b_n", "1", "share of the uplink bandwidth", "TN")]
    step_share: Annotated[Array, Quantity("x_n", "1", "share of the denoising steps", "TN")]

    def __post_init__(self) -> None:
        check_name(self.instance, "instance")
        super().__post_init__()
        check_axes([self], {})

    def __repr__(self) -> str:
        return f"Solution(of {self.instance!r}: {self._sizes})"

    def _repr_html_(self) -> str:
        facts = {
            "size": self._sizes,
            "models cached in a slot": f"{(self.cache != 0).sum(axis=1).mean():.2f} on average",
            "bandwidth shared out": f"{self.bandwidth_share.sum(axis=1).mean():.1%}",
            "denoising steps shared out": f"{self.step_share.sum(axis=1).mean():.1%}",
        }
        return display.html_table(f"solution of {self.instance}", facts.items())

    @property
    def _sizes(self) -> str:
        return display.sizes(*self.step_share.shape, self.cache.shape[1])

    def plot(self, instance: Instance, first: int = 0, stop: int | None = None) -> altair.VConcatChart:
        """Return a chart of caches, answers and shares in the slots from `first` up to `stop`.

        Example:
            >>> import mincache
            >>> instance = mincache.load("smoke-v1.l0.n10.t0")
            >>> chart = mincache.solve(instance, "popular-first").solution.plot(instance)
            >>> chart.save("solution.html")
        """
        self.check_answers(instance)
        models, requested = instance.models, instance.trace.requested_model
        return display.solution_chart(
            self.decisions, requested, instance.server.steps, models.steps_onset, models.steps_saturation,
            first, stop,
        )  # fmt: skip

    def to_xarray(self) -> xarray.Dataset:
        """Return the decisions as arrays with the axes slot, user and model, each with its unit.

        Example:
            >>> import mincache
            >>> instance = mincache.load("smoke-v1.l0.n10.t0")
            >>> data = mincache.Solution.nothing_cached(instance).to_xarray()
            >>> data.cache.sum("model").dims
            ('slot',)
        """
        return display.dataset((self,), self.instance)

    @classmethod
    def of(cls, instance: Instance, decisions: Decisions) -> Solution:
        """Return the solution of `instance` with these decisions (no batch axis)."""
        return cls(instance.name, *decisions)

    @classmethod
    def unchecked(cls, instance: Instance, decisions: Decisions) -> Solution:
        """Return the same as `of` without its checks, for decisions that are valid by construction."""
        cache, bandwidth_share, step_share = decisions
        arrays = (cache.astype(np.int64), bandwidth_share.astype(np.float64), step_share.astype(np.float64))
        solution = object.__new__(cls)
        solution.__dict__.update(zip(decisions._fields, arrays, strict=True), instance=instance.name)
        for array in arrays:
            array.setflags(write=False)
        return solution

    @classmethod
    def nothing_cached(cls, instance: Instance) -> Solution:
        """Return the solution that sends every request to the cloud and splits the uplink equally."""
        of_kind("instance", instance, Instance, LOAD)
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        return cls(instance.name, np.zeros((T, M)), np.full((T, N), 1 / N), np.zeros((T, N)))

    @property
    def decisions(self) -> Decisions:
        """The three arrays without the name."""
        return Decisions(self.cache, self.bandwidth_share, self.step_share)

    def check_answers(self, instance: Instance) -> None:
        """Check that this is an answer to `instance`: its name and its shapes."""
        of_kind("instance", instance, Instance, LOAD)
        if self.instance != instance.name:
            rule, advice = f"must be {instance.name!r}", "is it another's answer?"
            raise InputError("instance", rule, repr(self.instance), advice)
        T, N, M = instance.slot_count, instance.user_count, instance.model_count
        if (self.cache.shape, self.step_share.shape) != ((T, M), (T, N)):
            check_axes([self], {"T": T, "N": N, "M": M})
