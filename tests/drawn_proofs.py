"""Proofs that no solver would write, for the checkers to be tried with: drawn trees, prices and cuts."""

from __future__ import annotations

import json
import math
import random
from fractions import Fraction
from typing import Any

import numpy as np

from mincache import Instance
from mincache.certificate import certify_with_solution, check_certificate
from mincache.certificate.check_certificate import (
    CLOSED,
    FIXED,
    FULL,
    LEAF,
    SPLIT,
    TOO_LARGE,
    NotProvenError,
    RationalFrame,
    RationalProblem,
)
from mincache.files.documents import instance_bytes
from mincache.problem.instance import ModelLibrary, Radio, Rules, Server, Trace

_ONE = check_certificate._ONE
_HALVINGS = 40


def scarce_instance(chance: random.Random) -> Instance:
    """Return an instance in which steps suffice for some of the hits alone, perhaps with rules."""
    T, N, M = chance.choice([1, 1, 2, 3]), chance.randint(2, 7), chance.randint(2, 4)

    def each(*choices: float) -> Any:
        return np.array([chance.choice([*choices, chance.random(), chance.random()]) for _ in range(M)])

    full, worst = 1.0 + 11.0 * each(), 12.0 * each()
    requested = np.array([[chance.randrange(M) for _ in range(N)] for _ in range(T)])
    steps = full[requested].sum(axis=1).max() * chance.uniform(0.2, 1.0)
    rules = Rules(chance.randint(1, 2), chance.choice([0.0, 1.0, 20.0]), chance.choice([0.0, 0.3, 1.0]))
    return Instance(
        name="drawn",
        preference_weight=chance.choice([0.0, 0.5, 0.5, 1.0]),
        server=Server(chance.choice([10.0, chance.uniform(0.5, 5)]), steps),
        radio=Radio(4.0, 8.0, 1.0, 24.0, np.full(N, 12.0), *chance.choices([0.01, 0.01, 1.0, 1e3], k=2)),
        models=ModelLibrary(
            size_gb=0.1 + each(0.9),
            output_bits=np.ones(M),
            steps_onset=full * 0.99 * each(0, 0, 1, 1),
            tv_worst=worst,
            steps_saturation=full,
            tv_best=worst * each(0, 0, 0),
            seconds_per_step=0.5 * each(0, 0, 0),
            seconds_base=np.zeros(M),
        ),
        trace=Trace(np.zeros(T), np.ones((T, N)), requested, np.ones((T, N))),
        rules=chance.choice([Rules(), rules]),
    )


def drawn_certificate(instance: Instance, chance: random.Random) -> dict[str, Any]:
    """Return a certificate with a drawn proof and the bound that it shows, in place of a solver's."""
    data = instance_bytes(instance)
    problem, certificate = RationalProblem(json.loads(data)), json.loads(certify_with_solution(data)[0])
    load = [problem.loading(k) for k in range(problem.frames)]
    none = [Fraction(0) for _ in problem.models]
    keeping = [[float(w) * chance.choice([0, 1, 2, chance.random()]) for w in row] for row in load[1:]]
    price = [load[0]] + [list(map(min, row, costs)) for row, costs in zip(keeping, load[1:], strict=True)]
    frames = []
    for k, (now, then, later) in enumerate(zip(price, [*price[1:], none], [*load[1:], none], strict=True)):
        held = [
            check_certificate._down(a) - check_certificate._down(b) for a, b in zip(now, then, strict=True)
        ]
        frames.append(_drawn_frame(RationalFrame(problem, k, held, [cost > 0 for cost in later]), k, chance))
    certificate |= {"keeping": keeping, "frames": frames}
    bound = float(check_certificate.proven(problem, certificate))
    return certificate | {"bound": math.nextafter(bound, -math.inf)}


def _drawn_frame(frame: RationalFrame, k: int, chance: random.Random) -> dict[str, Any]:
    """Return a drawn proof of a frame, with the largest cut that holds or a smaller one."""
    scale = sum(frame.out) / _ONE + 1.0
    proof = _drawn_tree(frame, scale, chance)

    def holds(cut: float) -> bool:
        try:
            check_certificate.listed(frame, k, proof | {"cut": cut})
        except NotProvenError:
            return False
        return True

    low, high = -1e3 * scale, 2.0 * scale
    for _ in range(0 if holds(high) else _HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return proof | {"cut": high * chance.choice([1.0, chance.random()]) if holds(high) else low}


def _drawn_tree(frame: RationalFrame, scale: float, chance: random.Random) -> dict[str, Any]:
    moves: list[int] = []
    prices: list[int] = []
    grid, bounding = chance.choice([1, 3, 2**20]), chance.choice([0.0, 0.3])

    def at_prices() -> None:
        drawn = (
            chance.choice([0, chance.random() ** 3, chance.random()]) for _ in range(len(frame.count) + 1)
        )
        prices.extend(int(part * scale * grid) for part in drawn)

    def node(inside: set[int], outside: set[int]) -> None:
        still = [m for m in frame.items if m not in inside | outside]
        room = _ONE - sum(frame.size[m] for m in inside)
        large = [m for m in still if frame.size[m] > room]
        if still and chance.random() < bounding:
            if large and chance.random() < 0.5:
                moves.extend([TOO_LARGE, len(large), *(~m for m in large)])
                return node(inside, outside | set(large))
            codes = [chance.choice([m, ~m]) for m in still if chance.random() < 0.5]
            moves.extend([FIXED, len(codes), *codes])
            at_prices()
            inside, outside = inside | {c for c in codes if c >= 0}, outside | {~c for c in codes if c < 0}
            still = [m for m in frame.items if m not in inside | outside]
            room = _ONE - sum(frame.size[m] for m in inside)
        if room < 0 and chance.random() < 0.8:
            moves.append(FULL)
        elif chance.random() < bounding / 2:
            moves.append(CLOSED)
            at_prices()
        elif not still:
            moves.append(LEAF)
        else:
            m, first = chance.choice(still), chance.random() < 0.5
            moves.extend([SPLIT, m if first else ~m])
            halves = [(inside | {m}, outside), (inside, outside | {m})]
            for half in halves if first else halves[::-1]:
                node(*half)
        return None

    node(set(), set())
    return {"grid": grid, "moves": moves, "prices": prices}
