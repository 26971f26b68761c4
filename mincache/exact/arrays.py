"""What the search works on, as named tuples of arrays: numba passes these on as they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mincache.problem.quantity import Array


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

    models: Array
    size: Array  # room that one unit takes
    gain: Array  # loss that one unit saves
    units: Array  # how many there are
    twin: Array  # whether the item may change places with the one before
    reduced: Array  # what one unit less (one more, if the gain is negative) adds to the root's bound
    tail: Array  # loss of this item and all after it if there is room for none
    amount: Array  # units put in
    room: Array  # room left before this item
    loss: Array  # loss of the items before this one
    overshoot: Array  # [1], units that may be put in beyond the room, 0 or 1
    level: Array  # [1], items decided; -1 before the start
    bound: Array  # [1], lower bound at the root


class Dual(NamedTuple):
    """A frame's n models that may be cached, prices of its limits, and the path through them."""

    model: Array  # [n]
    out: Array  # [n], regret if it is not cached
    size: Array  # [n], part of the storage that it takes
    idle: Array  # [F, n], regret of its users in a slot without steps, if it is cached
    full: Array  # [F, n], part of the slot's steps that they take at most, above the least
    least: Array  # [F, n], part of the slot's steps that they take at least
    state: Array  # [n], 1 cached, 0 left out, -1 undecided
    trail: Array  # [n], the decided ones in the order in which they were
    worth: Array  # [n], what caching it saves at the prices
    held: Array  # [n], 1.0 if it is cached at the prices, else 0.0
    torn: Array  # [n], how often its choice changed
    point: Array  # [F + 1], prices of the slots' steps and of storage
    slope: Array  # [F + 1], of the bound there
    price: Array  # [n + 1, F + 1], the best prices by depth
    bound: Array  # [n + 1], the bound by depth
    mark: Array  # [n + 1], how many were decided there
    item: Array  # [n + 1], what was branched on
    open: Array  # bool [n + 1], whether the other branch is left
    wanted: Array  # bool [M], models that may be cached even if nothing is saved by it
    moves: Array  # [Q], what the search did, for a proof (see `frame_tree`); [0] to note nothing
    prices: Array  # [P], the prices that moves name, in multiples of a grid
    noted: Array  # [2], how many of both were noted, also where there was no room for them
    grid: Array  # [1], steps of a price in one; 0.0 for none
    base: Array  # [1], loss of the models that may not be cached
    room: Array  # [1], part of the storage that is left


class Work(NamedTuple):
    """Arrays to work in, made once for all frames, of F slots each: the loops themselves make none."""

    demand: Array  # [F, M], users who ask for the model
    cloud: Array  # [M], regret over the frame if the model is not cached
    net: Array  # [M], `cloud` less what the model pays in the frame's other slots
    price: Array  # [F], price of a step
    items: Array  # [M], what may be cached at all
    worth: Array  # [M], what caching a model saves at the prices of steps
    cached: Array  # bool [M]
    spare: Array  # [F], steps left when every hit has the least it gets
    served: Array  # [F, M], users who get A3 steps
    part_model: Array  # [F], whose user is served in part; -1 for none
    part_steps: Array  # [F], what that user gets
    ones: Array  # [M]
    nodes_left: Array  # [1]
    storage: Tree
    service: Tree


def workspace(model_count: int, frame_slots: int = 1) -> Work:
    """Return the arrays to work in for `model_count` models and frames of `frame_slots`."""
    whole = np.int64
    return Work(
        demand=np.zeros((frame_slots, model_count), whole),
        cloud=np.zeros(model_count),
        net=np.zeros(model_count),
        price=np.zeros(frame_slots),
        items=np.zeros(model_count, whole),
        worth=np.zeros(model_count),
        cached=np.zeros(model_count, np.bool_),
        spare=np.zeros(frame_slots),
        served=np.zeros((frame_slots, model_count), whole),
        part_model=np.zeros(frame_slots, whole),
        part_steps=np.zeros(frame_slots),
        ones=np.ones(model_count, whole),
        nodes_left=np.zeros(1, whole),
        storage=_tree(model_count),
        service=_tree(model_count),
    )


def dual_workspace(model_count: int, frame_slots: int = 1) -> Dual:
    """Return the arrays of `frame_tree` for `model_count` models and frames of `frame_slots`."""
    n, F, whole = model_count, frame_slots, np.int64
    return Dual(
        model=np.zeros(n, whole), out=np.zeros(n), size=np.zeros(n), idle=np.zeros((F, n)),
        full=np.zeros((F, n)), least=np.zeros((F, n)), state=np.zeros(n, whole), trail=np.zeros(n, whole),
        worth=np.zeros(n), held=np.zeros(n), torn=np.zeros(n, whole), point=np.zeros(F + 1),
        slope=np.zeros(F + 1), price=np.zeros((n + 1, F + 1)), bound=np.zeros(n + 1),
        mark=np.zeros(n + 1, whole), item=np.zeros(n + 1, whole), open=np.zeros(n + 1, np.bool_),
        wanted=np.zeros(n, np.bool_), moves=np.zeros(0, whole), prices=np.zeros(0), noted=np.zeros(2, whole),
        grid=np.zeros(1), base=np.zeros(1), room=np.zeros(1),
    )  # fmt: skip


def _tree(most: int) -> Tree:
    whole = np.int64
    return Tree(
        models=np.zeros(most, whole),
        size=np.zeros(most),
        gain=np.zeros(most),
        units=np.zeros(most, whole),
        twin=np.zeros(most, np.bool_),
        reduced=np.zeros(most),
        tail=np.zeros(most + 1),
        amount=np.zeros(most, whole),
        room=np.zeros(most + 1),
        loss=np.zeros(most + 1),
        overshoot=np.zeros(1, whole),
        level=np.zeros(1, whole),
        bound=np.zeros(1),
    )
