"""When solvers reach target gaps, over time and over evaluations, and what they log on the way."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas

from mincache.board.table import Row
from mincache.generation.recipes import RELATIVE_TOLERANCE
from mincache.problem.quantity import Array
from mincache.site import drawing
from mincache.site.drawing import ChartRows

_ROUNDING = 1e-9
_MOST_LOGGING, _MOST_PANELS = 10, 6
TARGETS = 10.0 ** (-np.arange(51) / 10.0)
"""Gaps that count as reached, over evaluations: 51 on a logarithmic scale, as COCO has them.

Source: Hansen and others 2022, doi:10.1145/3505639.
"""


def reached(row: Row, trace: str, targets: Array) -> Array:
    """Return when each run's trace (a column of the frame) was within each target gap; inf if never."""
    limits = 1.0 + targets + RELATIVE_TOLERANCE
    run, when, cost = trace_points(row.frame, trace)
    reached = cost[:, None] <= row.runs.reference[row.frame["instance"]][run, None] * limits
    found = np.full((len(row.frame), len(limits)), math.inf)
    np.minimum.at(found, run, np.where(reached, when[:, None], math.inf))
    return found.ravel()


def trace_points(runs: pandas.DataFrame, trace: str = "trace") -> tuple[Array, Array, Array]:
    """Return the points of the traces of verified runs: which run, seconds (or evaluations), and cost."""
    kept = enumerate(zip(runs[trace], runs["verified"], strict=True))
    found = [(n, *one[:2]) for n, (points, good) in kept if good for one in points if one[1] is not None]
    run, when, cost = np.array(found, dtype=float).reshape(-1, 3).T
    return run.astype(int), when, cost


def by_evaluations(rows: Sequence[Row]) -> ChartRows:
    """Share of (run, target gap) pairs that each row which counts evaluations has reached by each count."""
    counting = [row for row in rows if any(map(len, row.frame["counted"]))]
    found = {row.solver: reached(row, "counted", TARGETS) for row in counting}
    ends = (points[-1][0] for row in counting for points in row.frame["counted"] if points)
    last = max(ends, default=1.0)
    return [
        {"solver": name, "evaluations": count, "share": rounded(share)}
        for name, values in found.items()
        for count, share in steps(coarse(values), min(1.0, last), last)
    ]


def logged(rows: Sequence[Row]) -> ChartRows:
    """What each row logged, a line a run: over its evaluations where it counts them, else over time."""
    return [
        {"solver": row.solver, "name": name, "run": number, "x": rounded(point[axis]), "value": point[2]}
        for row in rows
        for number, kept in enumerate(itertools.islice(filter(None, row.frame["logged"]), _MOST_LOGGING))
        for name, points in kept.items()
        for axis in [1 if points and points[-1][1] > 0.0 else 0]
        for point in points
    ]


def draw_logged(rows: ChartRows) -> Any:
    """A panel a name, each with axes of its own."""
    alt = drawing.altair()
    x = alt.X("x:Q", title="evaluations; s since solve began where none are counted")
    told = drawing.told_apart(rows, "solver", "StrokeDash")
    panels = [
        drawing.marks([row for row in rows if row["name"] == name])
        .mark_line(strokeWidth=1.2, opacity=0.7, interpolate="step-after")
        .encode(
            x, alt.Y("value:Q", title=name).scale(zero=False), *told, detail="run:N", tooltip=["solver:N"]
        )
        .properties(width=drawing.WIDTH, height=drawing.HEIGHT // 2)
        for name in dict.fromkeys(row["name"] for row in rows)
    ]
    return alt.vconcat(*panels[:_MOST_PANELS])


def steps(values: Array, first: float, last: float) -> Iterator[tuple[float, float]]:
    """Yield every step of the share of values that is at or below x, from `first` to `last`."""
    places, number = np.unique(values[np.isfinite(values)], return_counts=True)
    shares = np.append(0.0, np.cumsum(number) / len(values))
    at = np.searchsorted(places, [first, last], side="right")
    yield first, float(shares[at[0]])
    inside = slice(at[0], np.searchsorted(places, last, side="left"))
    yield from zip(places[inside].tolist(), shares[1:][inside].tolist(), strict=True)
    yield last, float(shares[at[1]])


def coarse(values: Array) -> Array:
    """Round times up to three digits, a twentieth of a pixel: steps that nobody could see apart are one."""
    finite = np.isfinite(values) & (values > 0)
    scale = 10.0 ** (2 - np.floor(np.log10(np.where(finite, values, 1.0))))
    return np.where(finite, np.ceil(np.where(finite, values, 1.0) * scale) / scale, values)


def rounded(value: float) -> float:
    """Six digits are more than a chart shows, and keep pages small; what rounding left of zero is zero."""
    if not math.isfinite(value):
        return value
    return 0.0 if abs(value) < _ROUNDING else float(f"{value:.6g}")
