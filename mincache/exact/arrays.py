"""What the search works on, as named tuples of arrays: numba passes these on as they are.

A field says its axes: M models, F slots of a frame, m one more than M, g two more than F, or a number.
"""

from collections.abc import Hashable
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, TypeVar, cast, get_type_hints

import numpy as np

from mincache.problem.quantity import Array

_WHOLE, _TRUTH = np.int64, np.bool_
_Arrays = TypeVar("_Arrays", bound="Tree | Dual | Work")


class Library(NamedTuple):
    """The models, as the search needs them; each array is [M] but for the last."""

    size_gb: Array
    least_steps: Array  # steps that every cached request gets; all others count from there
    onset_steps: Array
    full_steps: Array
    onset: Array  # regret of a cached request with `onset_steps`
    unserved: Array  # regret of a cached request with the least steps alone
    by_worth: Array  # the models worth serving, by `unserved` per step, highest first


class Plan(NamedTuple):
    """The best decisions known for each of K frames, which the search improves in place."""

    cache: Array  # bool [T, M]
    steps: Array  # [T, N], steps given to each user
    loss: Array  # [K], the frame's regrets under these decisions
    lower: Array  # [K], a lower bound on the frame's loss
    unfinished: Array  # bool [K], whether the search ran out of nodes


class Tree(NamedTuple):
    """Items to be put into limited room, and the path of the search through the amounts of them."""

    models: Annotated[Array, "M", _WHOLE]
    size: Annotated[Array, "M"]  # room that one unit takes
    gain: Annotated[Array, "M"]  # loss that one unit saves
    units: Annotated[Array, "M", _WHOLE]  # how many there are
    twin: Annotated[Array, "M", _TRUTH]  # whether the item may change places with the one before
    reduced: Annotated[Array, "M"]  # what one unit less (more, if it gains nothing) adds to the root's bound
    tail: Annotated[Array, "m"]  # loss of this item and all after it if there is room for none
    amount: Annotated[Array, "M", _WHOLE]  # units put in
    room: Annotated[Array, "m"]  # room left before this item
    loss: Annotated[Array, "m"]  # loss of the items before this one
    overshoot: Annotated[Array, "1", _WHOLE]  # units that may be put in beyond the room, 0 or 1
    level: Annotated[Array, "1", _WHOLE]  # items decided; -1 before the start
    bound: Annotated[Array, "1"]  # lower bound at the root


class Dual(NamedTuple):
    """A frame's n models that may be cached, prices of its limits, and the path through them."""

    model: Annotated[Array, "M", _WHOLE]
    out: Annotated[Array, "M"]  # regret if it is not cached
    size: Annotated[Array, "M"]  # part of the storage that it takes
    idle: Annotated[Array, "FM"]  # regret of its users in a slot without steps, if it is cached
    full: Annotated[Array, "FM"]  # part of the slot's steps that they take at most, above the least
    least: Annotated[Array, "FM"]  # part of the slot's steps that they take at least
    state: Annotated[Array, "M", _WHOLE]  # 1 cached, 0 left out, -1 undecided
    trail: Annotated[Array, "M", _WHOLE]  # the decided ones in the order in which they were
    worth: Annotated[Array, "M"]  # what caching it saves at the prices
    held: Annotated[Array, "M"]  # 1.0 if it is cached at the prices, else 0.0
    torn: Annotated[Array, "M", _WHOLE]  # how often its choice changed
    point: Annotated[Array, "g"]  # prices of the slots' steps, of storage, and of the further limit
    slope: Annotated[Array, "g"]  # of the bound there
    price: Annotated[Array, "mg"]  # the best prices by depth
    weights: Annotated[Array, "M"]  # what each model counts for in a further limit
    weight: Annotated[Array, "M"]  # the same of the n models
    most: Annotated[Array, "1"]  # that limit
    mean: Annotated[Array, "1"]  # mean part of the storage of the models cached at the root
    bound: Annotated[Array, "m"]  # the bound by depth
    mark: Annotated[Array, "m", _WHOLE]  # how many were decided there
    item: Annotated[Array, "m", _WHOLE]  # what was branched on
    open: Annotated[Array, "m", _TRUTH]  # whether the other branch is left
    wanted: Annotated[Array, "M", _TRUTH]  # models that may be cached even if nothing is saved by it
    moves: Annotated[Array, "0", _WHOLE]  # what the search did (see `frame_tree`); [0] to note nothing
    prices: Annotated[Array, "0"]  # the prices that moves name, in multiples of a grid
    noted: Annotated[Array, "2", _WHOLE]  # how many of both were noted, also where there was no room for them
    grid: Annotated[Array, "1"]  # steps of a price in one; 0.0 for none
    base: Annotated[Array, "1"]  # loss of the models that may not be cached
    room: Annotated[Array, "1"]  # part of the storage that is left


class Work(NamedTuple):
    """Arrays to work in, made once for all frames, of F slots each: the loops themselves make none."""

    demand: Annotated[Array, "FM", _WHOLE]  # users who ask for the model
    cloud: Annotated[Array, "M"]  # regret over the frame if the model is not cached
    net: Annotated[Array, "M"]  # `cloud` less what the model pays in the frame's other slots
    price: Annotated[Array, "F"]  # price of a step
    items: Annotated[Array, "M", _WHOLE]  # what may be cached at all
    worth: Annotated[Array, "M"]  # what caching a model saves at the prices of steps
    cached: Annotated[Array, "M", _TRUTH]
    spare: Annotated[Array, "F"]  # steps left when every hit has the least it gets
    served: Annotated[Array, "FM", _WHOLE]  # users who get A3 steps
    part_model: Annotated[Array, "F", _WHOLE]  # whose user is served in part; -1 for none
    part_steps: Annotated[Array, "F"]  # what that user gets
    ones: Annotated[Array, "M", _WHOLE]
    nodes_left: Annotated[Array, "1", _WHOLE]
    storage: Tree
    service: Tree


def zeros(kind: type[_Arrays], model_count: int, frame_slots: int = 1) -> _Arrays:
    """Return a `Tree`, `Dual` or `Work` for so many models and frames of `frame_slots`."""
    shapes = _shapes(cast(Hashable, kind), model_count, frame_slots)
    arrays: list[Any] = [
        np.zeros(shape, number) if shape else zeros(field, model_count) for field, shape, number in shapes
    ]
    return kind(*arrays)


@lru_cache
def _shapes(kind: Any, M: int, F: int) -> list[tuple[Any, tuple[int, ...], Any]]:
    """Return type, shape and type of numbers of each field; no shape for one that holds arrays itself."""
    sizes = {"M": M, "m": M + 1, "F": F, "g": F + 2, "0": 0, "1": 1, "2": 2}
    hints = get_type_hints(kind, include_extras=True).values()
    fields = [(hint, *getattr(hint, "__metadata__", ("",)), np.float64)[:3] for hint in hints]
    return [(hint, tuple(sizes[axis] for axis in axes), np.dtype(number)) for hint, axes, number in fields]
