"""Hypothesis strategies: random small instances, solutions of any quality, hostile parameters and texts."""

from __future__ import annotations

import copy
import json
import os
import re
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from mincache import Decisions, Instance, Solution
from mincache.problem.instance import ModelLibrary, Radio, Rules, Server, Trace
from mincache.problem.quantity import Array

WHOLE = "MINCACHE_WHOLE" in os.environ
"""Whether tests are asked for all that they can try; `make properties` asks."""


def examples(daily: int, whole: int) -> settings:
    """Return settings for so many examples of a property: every day, and where all are asked for."""
    return settings(max_examples=whole if WHOLE else daily)


LARGEST = float(np.finfo(np.float64).max)
SMALLEST = 5e-324

positive_extremes = st.sampled_from([SMALLEST, 1e-310, 1e-300, 1e-9, 1.0, 1e9, 1e300, LARGEST])
"""Positive numbers at the edges of float64."""

hostile_shares = st.sampled_from(
    [0.0, -0.0, SMALLEST, 1e-310, 1e-300, 1e-9, 0.5, 1.0, 1 + 1e-10, -1e-12, -3.0, 7.0, 1e300]
)
"""Shares on and beyond every edge of their range."""


def between(low: float, high: float) -> st.SearchStrategy[float]:
    """Return ordinary floats of [low, high]."""
    return st.floats(low, high, allow_subnormal=False)


def arrays(elements: st.SearchStrategy[Any], *shape: int) -> st.SearchStrategy[Array]:
    """Return arrays of `shape` of these elements."""
    count = int(np.prod(shape))
    return st.lists(elements, min_size=count, max_size=count).map(lambda v: np.array(v).reshape(shape))


@st.composite
def libraries(draw: st.DrawFn, models: int, positive: st.SearchStrategy[float] | None = None) -> ModelLibrary:
    """Draw a library of `models` models, sizes and rates from `positive` where it is given."""
    spans = [between(0.1, 10), between(1e5, 1e8)] if positive is None else [positive, positive]
    size, bits = (draw(arrays(span, models)) for span in spans)
    onset = draw(arrays(st.just(0.0) | between(0.01, 100), models))
    best = draw(arrays(st.just(0.0) | between(0, 50), models))
    return ModelLibrary(
        size_gb=size,
        output_bits=bits,
        steps_onset=onset,
        tv_worst=best + draw(arrays(st.just(0.0) | between(0, 100), models)),
        steps_saturation=onset + draw(arrays(between(0.5, 100), models)),
        tv_best=best,
        seconds_per_step=draw(arrays(st.just(0.0) | between(0, 0.5), models)),
        seconds_base=draw(arrays(st.just(0.0) | between(0, 10), models)),
    )


@st.composite
def instances(
    draw: st.DrawFn,
    max_slots: int = 3,
    max_users: int = 4,
    max_models: int = 4,
    positive: st.SearchStrategy[float] | None = None,
    with_rules: bool = False,
) -> Instance:
    """Draw a small instance; with `positive`, every quantity that must be > 0 comes from it."""
    T, N, M = (draw(st.integers(1, most)) for most in (max_slots, max_users, max_models))

    def number(low: float, high: float, *shape: int) -> Any:
        elements = between(low, high) if positive is None else positive
        return draw(arrays(elements, *shape)) if shape else draw(elements)

    return Instance(
        name="drawn",
        preference_weight=draw(st.sampled_from([0.0, 1.0, 0.7]) | between(0, 1)),
        server=Server(storage_gb=number(0.1, 30), steps=number(1, 2000)),
        radio=Radio(
            uplink_hz=number(1e5, 1e8),
            downlink_hz=number(1e5, 1e8),
            noise_w_per_hz=number(1e-21, 1e-18),
            bs_power_w=number(1, 100),
            user_power_w=number(0.01, 1, N),
            backhaul_up_bps=number(1e6, 1e9),
            backhaul_down_bps=number(1e6, 1e9),
        ),
        models=draw(libraries(M, positive)),
        trace=Trace(
            skewness=draw(arrays(between(-1, 2), T)),
            channel_gain=number(1e-13, 1e-8, T, N),
            requested_model=draw(arrays(st.integers(0, M - 1), T, N)),
            input_bits=number(1e5, 1e8, T, N),
        ),
        rules=draw(rules) if with_rules else Rules(),
    )


rules = st.builds(
    Rules,
    frame_slots=st.integers(1, 4),
    loading_s_per_gb=st.just(0.0) | between(0, 5),
    steps_floor=st.sampled_from([0.0, 1.0]) | between(0, 1),
)
"""Rules, of which some, all or none differ from the paper's problem."""


@st.composite
def decisions(
    draw: st.DrawFn, instance: Instance, *batch: int, shares: st.SearchStrategy[float] | None = None
) -> Decisions:
    """Draw decisions with leading axes `batch`; many break a limit, some sit on one."""
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    cache = draw(arrays(st.booleans(), *batch, T, M)).reshape(*batch, T, M)
    kept = st.just(0.0) | between(0, 1.2) | st.just(1 / N)
    bandwidth, steps = (draw(arrays(kept if shares is None else shares, *batch, T, N)) for _ in range(2))
    return Decisions(cache, bandwidth.astype(float), steps.astype(float))


@st.composite
def solved(
    draw: st.DrawFn, shares: st.SearchStrategy[float] | None = None, with_rules: bool = False
) -> tuple[Instance, Solution]:
    """Draw an instance and a solution of it."""
    instance = draw(instances(with_rules=with_rules))
    return instance, Solution.of(instance, draw(decisions(instance, shares=shares)))


@st.composite
def feasible(draw: st.DrawFn, instance: Instance) -> Solution:
    """Draw a solution of `instance` that keeps every limit."""
    T, N, M = instance.slot_count, instance.user_count, instance.model_count
    bandwidth = draw(arrays(between(1e-3, 1), T, N))
    steps = draw(arrays(between(0, 1), T, N))
    order = [draw(st.permutations(range(M))) for _ in range(T)]
    cache = np.zeros((T, M), dtype=bool)
    for t, models in enumerate(order):
        stored = np.cumsum(instance.models.size_gb[models])
        cache[t, np.array(models)[stored <= instance.server.storage_gb]] = True
    # A hair below 1, so that rounding cannot pass it.
    bandwidth /= bandwidth.sum(axis=1, keepdims=True) * (1 + 1e-12)
    steps /= np.maximum(steps.sum(axis=1, keepdims=True), 1) * (1 + 1e-12)
    return Solution.of(instance, Decisions(cache, bandwidth, steps))


@st.composite
def served(draw: st.DrawFn) -> tuple[Instance, Solution]:
    """Draw an instance with rules, and a solution that gives every user bandwidth: its cost is finite."""
    instance = draw(instances(with_rules=True))
    if draw(st.booleans()):
        return instance, draw(feasible(instance))
    return instance, Solution.of(instance, draw(decisions(instance, shares=between(1e-3, 1.2))))


RAW = "\ue000raw:"
"""Marks text that stands in a document as it is, since no JSON value would be written so."""


def to_text(document: Any) -> str:
    """Return `document` as JSON, with every marked text standing bare."""
    marked = re.compile(re.escape(json.dumps(RAW)[:-1]) + r'((?:[^"\\]|\\.)*)"')
    return marked.sub(lambda match: json.loads(f'"{match[1]}"'), json.dumps(document))


hostile_json = st.sampled_from(
    [
        None, True, False, "", "1", "NaN", "\ud800", "\n\x1b[31m", "x" * 10_000,
        [], {}, [[]], [None], {"": {}},
        -1, 0, -0.0, 0.5, 1e308, -1e308, SMALLEST, 2**53 + 1, 2**63, 2**64, 10**400, -(10**4000),
        [1], [1, 2, 3], [[1]], [[1], [1, 2]], [["1"]], [[True]], [[[1]]], ["a", 1], {"a": 1}, [{}],
        *(RAW + text for text in (
            "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "[1e999]", "[NaN]", "9" * 5000, "01", "+1",
            ".5",
            "1.", "0x10", "nul", "'a'", '{"a":1,"a":2}', "[" * 2000, "[" * 40 + "]" * 40, "", "//", "[1,]",
        )),
    ]
).map(copy.deepcopy)  # fmt: skip
"""Values that have no business in a document, or only in some of its places."""


def places(document: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a document, the first few entries of each array alone."""
    if isinstance(document, dict):
        steps = list(document.items())
    elif isinstance(document, list):
        steps = list(enumerate(document))[:2]
    else:
        return []
    return [place for key, inner in steps for place in ((*prefix, key), *places(inner, (*prefix, key)))]


@st.composite
def mutated(draw: st.DrawFn, document: dict[str, Any]) -> bytes:
    """Draw the bytes of `document` with one to three values replaced, dropped, added or doubled."""
    twin = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(places(twin)))
        inner = twin
        for step in path:
            inner = inner[step]
        match draw(st.sampled_from(["replace", "replace", "drop", "add", "double"])):
            case "replace":
                inner[last] = draw(hostile_json)
            case "drop":
                del inner[last]
            case "double":
                inner[last] = [inner[last], inner[last]]
            case "add" if isinstance(inner, dict):
                inner[draw(st.sampled_from(["", "x", "é", "a b", "\n", "\ud800", "y" * 5000]))] = draw(
                    hostile_json
                )
            case "add":
                inner.append(draw(hostile_json))
        if not places(twin):
            break
    return to_text(twin).encode()
