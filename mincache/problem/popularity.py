"""What a policy may know of the requests before any comes: a Markov chain whose states are popularities."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from mincache.errors import InputError
from mincache.problem.instance import Trace
from mincache.problem.quantity import Array, Quantity, Typed, check_axes, not_negative, positive


@dataclass(frozen=True, eq=False, repr=False)
class Popularity(Typed, section="popularity."):
    """A chain over G hidden states, each an order with a skewness: uniform at first, one move a slot."""

    probability: Annotated[
        Array, not_negative("p_g", "1", "probability that a request is for each model", "GM")
    ]
    transition: Annotated[
        Array, not_negative("P", "1", "row g: probabilities of the moves from state g", "GG")
    ]
    order: Annotated[Array, not_negative("o", "1", "popularity order of the state", "G", whole=True)]
    skewness: Annotated[Array, Quantity("gamma", "1", "skewness of the state", "G")]
    mean_input_bits: Annotated[float, positive("E[d^in]", "bit", "mean data of a request")]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_axes([self], {})
        for name in ("probability", "transition"):
            if np.abs(getattr(self, name).sum(axis=1) - 1.0).max() > 1e-9:
                raise InputError(f"popularity.{name}", "must have rows that sum to 1", "other sums")

    @property
    def first(self) -> Array:
        """The belief before the first slot, [G]: every state is as likely."""
        return np.full(len(self.order), 1.0 / len(self.order))

    def next_belief(self, belief: Array, requests: Array) -> Array:
        """Return the belief [G] over the next slot's state after `requests` [M] by Bayes' rule and a move."""
        with np.errstate(divide="ignore"):
            logarithm = np.log(belief) + np.log(np.maximum(self.probability, 1e-300)) @ requests
        seen = np.exp(logarithm - logarithm.max())
        return np.asarray(seen / seen.sum() @ self.transition)

    def beliefs(self, requests: Array) -> Array:
        """Return the belief over each slot's state from the requests [T, M] of the slots before, [T, G]."""
        belief, found = self.first, []
        for counts in requests:
            found.append(belief)
            belief = self.next_belief(belief, counts)
        return np.array(found)

    def states(self, trace: Trace) -> Array:
        """Return the state of each slot of a trace, [T]."""
        order = np.broadcast_to(trace.popularity_order, trace.skewness.shape)
        same = (order[:, None] == self.order) & (trace.skewness[:, None] == self.skewness)
        if not same.any(axis=1).all():
            t = int(same.any(axis=1).argmin())
            received = f"order {order[t]} with skewness {trace.skewness[t]:g} in slot {t}"
            raise InputError("trace", "must have states of its popularity", received)
        return np.asarray(same.argmax(axis=1))
