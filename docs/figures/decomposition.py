"""Draw the figures of docs/decomposition.md: `python docs/figures/decomposition.py`; the last measures."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import altair as alt
import numpy as np

from mincache import Instance
from mincache.exact import improvements, load_compiled, optimal_bandwidth, regrets
from mincache.instance import Server
from mincache.scenario import Scenario
from mincache.suites import find_instance

FOLDER = Path(__file__).parent
SIZE = {"width": 300, "height": 190}


def save(chart: alt.TopLevelMixin, name: str) -> None:
    """Write a chart as an SVG beside this file."""
    chart.save(FOLDER / f"{name}.svg")


def regret_of_one_user() -> alt.LayerChart:
    """One user's regret over the steps it gets, and the chord that a fractional filling takes it for."""
    instance = find_instance("paper-v1.l0.n10.t0")
    found, models = regrets(instance, optimal_bandwidth(instance)), instance.models
    m = int(found.unserved.argmax())
    A1, A3 = models.steps_onset[m], models.steps_saturation[m]
    bends = [(0.0, found.unserved[m]), (A1, found.onset[m]), (A3, 0.0)]
    rows = [{"steps": s, "regret": r, "line": "regret"} for s, r in bends]
    rows += [{"steps": s, "regret": r, "line": "bound"} for s, r in (bends[0], bends[2])]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("steps:Q", title="denoising steps given to the user"),
        y=alt.Y("regret:Q", title="regret"),
    )
    names = alt.Scale(domain=["regret", "bound"], range=[[1, 0], [4, 3]])
    line = base.mark_line().encode(
        color=alt.Color("line:N", title=None, sort=["regret", "bound"]),
        strokeDash=alt.StrokeDash("line:N", legend=None, scale=names),
    )
    return (line + base.mark_point(filled=True, size=40)).properties(**SIZE)


def bound_over_price() -> alt.LayerChart:
    """The bound on one slot's loss over the price of a step, with the storage filled by fractions."""
    instance = find_instance("paper-v1.l0.n18.t0").slot(6)
    instance = replace(instance, server=Server(storage_gb=20.0, steps=200.0))
    found, models = regrets(instance, optimal_bandwidth(instance)), instance.models
    requested = instance.trace.requested_model[0]
    cloud = np.bincount(requested, found.cloud[0], instance.model_count)
    users = np.bincount(requested, minlength=instance.model_count)
    rows = []
    for price in np.linspace(0.0, 0.015, 151):
        paid = users * np.minimum(found.unserved, price * models.steps_saturation)
        room, loss = instance.server.storage_gb, cloud.sum() - price * instance.server.steps
        for m in np.argsort(-(cloud - paid) / models.size_gb):
            part = min(1.0, room / models.size_gb[m]) if cloud[m] > paid[m] else 0.0
            room, loss = room - part * models.size_gb[m], loss - part * (cloud[m] - paid[m])
        rows.append({"price": float(price), "loss": float(loss)})
    *_, answer = improvements(instance)
    least = (answer.bound * instance.user_count) - float(found.ideal_cost[0])
    base = (
        alt.Chart(alt.Data(values=rows))
        .mark_line()
        .encode(x=alt.X("price:Q", title="price of a step"), y=alt.Y("loss:Q", title="loss of the slot"))
    )
    rule = alt.Chart(alt.Data(values=[{"loss": least, "name": "least loss"}])).mark_rule(strokeDash=[4, 3])
    return (base + rule.encode(y="loss:Q")).properties(**SIZE)


def seconds(instance: Instance) -> float:
    """Return the least processor seconds that solving takes in nine tries."""
    taken = []
    for _ in range(9):
        start = time.process_time()
        list(improvements(instance, compiled=True))
        taken.append(time.process_time() - start)
    return min(taken)


def time_over_size() -> alt.HConcatChart:
    """Time of a slot over N with 100 models, and of an instance over T with 10 users and 10 models."""

    def drawn(users: int, models: int, slots: int) -> Instance:
        scenario = Scenario(
            slots=slots, users=users, models=models, storage_gb=2.0 * models, steps=100.0 * users
        )
        return scenario.instance("drawn", scenario.library(0), scenario.trace(0))

    load_compiled()
    panels = []
    for axis, sizes in (
        ("users N", [300, 1_000, 3_000, 10_000, 30_000, 100_000]),
        ("slots T", [15, 50, 150, 500, 1_500, 5_000]),
    ):
        cases = [drawn(size, 100, 1) if axis == "users N" else drawn(10, 10, size) for size in sizes]
        rows = [{"size": size, "ms": 1e3 * seconds(case)} for size, case in zip(sizes, cases, strict=True)]
        panel = alt.Chart(alt.Data(values=rows)).mark_line(point=True)
        x = alt.X("size:Q", title=axis, scale=alt.Scale(type="log"))
        y = alt.Y("ms:Q", title="milliseconds", scale=alt.Scale(type="log"))
        panels.append(panel.encode(x=x, y=y).properties(**SIZE))
    return alt.hconcat(*panels)


if __name__ == "__main__":
    save(regret_of_one_user(), "regret")
    save(bound_over_price(), "price")
    save(time_over_size(), "times")
